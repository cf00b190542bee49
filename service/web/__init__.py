"""HTTP plumbing that the rooms share: doors, problems, limits, cursors, documents. It knows no room."""
