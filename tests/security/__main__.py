"""Write docs/security.md anew: `python -m tests.security`, or `make security`."""

from __future__ import annotations

from tests.security import clauses, markers
from tests.security.page import PAGE, made

PAGE.write_text(made(PAGE.read_text(encoding="utf-8"), clauses.standards(), markers.by_clause()), encoding="utf-8")
