"""The keys of the service as rows."""
