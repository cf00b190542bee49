"""Keys as rows."""
