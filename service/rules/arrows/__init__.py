"""The arrows of the state diagram: each guard beside its effect."""
