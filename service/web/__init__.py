"""The HTTP parts that all rooms share: doors, problems, limits, cursors, documents. This package knows no room."""
