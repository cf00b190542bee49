"""What people do to incidents: report, look, act."""
