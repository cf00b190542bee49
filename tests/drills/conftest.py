"""One prepared database for all drills of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drills import site
from tests.drills.site import Template


@pytest.fixture(scope="session")
def prepared() -> Iterator[Template]:
    with site.template() as template:
        yield template
