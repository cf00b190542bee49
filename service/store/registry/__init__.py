"""The registry, policies and calendars as rows, and the world that is built from them."""
