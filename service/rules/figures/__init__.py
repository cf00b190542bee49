"""The figures of a month: what is counted of a call, told once more by the log, scored."""
