"""How a command refuses: one line that says what to do, and exit code 1."""

from __future__ import annotations


class CommandRefusal(Exception):
    """The command cannot do what it should, and has changed nothing. The message is one line that says what to do."""
