"""The keys that people and systems sign in with, as rows."""
