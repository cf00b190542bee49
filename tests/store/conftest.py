"""Databases that no migration has touched yet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import URL

from tests.conftest import clone


@pytest.fixture
def blank_url(server: URL) -> Iterator[str]:
    """A database without any table."""
    yield from clone(server, "template1")
