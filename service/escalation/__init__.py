"""What the passing of time does to incidents: the sweep of those that are due, and the virtual clock."""
