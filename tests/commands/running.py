"""One command in this process: what it prints, and its exit code."""

from __future__ import annotations

from collections.abc import Callable

Run = Callable[..., tuple[int, list[str], list[str]]]
"""`run(url, *arguments)`: exit code, lines of stdout, lines of stderr."""

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
"""A database that cannot be reached: no server listens on port 1."""
