"""The log: writing events with their transaction, numbering them after commit, reading the feed."""
