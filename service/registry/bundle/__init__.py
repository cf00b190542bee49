"""The bundle: the whole registry as CSV files, read, checked, compared with what is stored, and imported at once."""
