"""What time does to incidents: the sweep of what is due."""
