"""`pytest tests/rules --hypothesis-profile thorough` drives the rules for minutes instead of seconds."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("thorough", max_examples=3000, stateful_step_count=100, deadline=None, print_blob=True)
