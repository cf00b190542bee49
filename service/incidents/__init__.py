"""What people do with incidents: report them, read them, and act on them."""
