"""HTTP plumbing the rooms share. Imports `service.rules` and libraries only."""
