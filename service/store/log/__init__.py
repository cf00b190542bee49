"""The log: events are written with their transaction, numbered after the commit, and read as the feed."""
