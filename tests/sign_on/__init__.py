"""Signing in on a page."""
