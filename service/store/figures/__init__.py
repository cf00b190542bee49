"""The figures of a month, counted in SQL."""
