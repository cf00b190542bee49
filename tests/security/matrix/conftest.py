"""A house with everybody in the matrix, the stories of the matrix, and an issuer of tokens beside it."""

from __future__ import annotations

import pytest

from tests import house as houses
from tests.house import House
from tests.security.matrix import stories
from tests.security.matrix.people import PEOPLE
from tests.security.matrix.stories import Told
from tests.sign_on.conftest import issuer, signed_on

__all__ = ["issuer", "people", "signed_on", "told"]


@pytest.fixture(autouse=True)
def people(monkeypatch: pytest.MonkeyPatch) -> None:
    for who, key in PEOPLE.items():
        monkeypatch.setitem(houses.PEOPLE, who, key)


@pytest.fixture
async def told(signed_on: House) -> list[Told]:
    """Every story of the matrix, as it stands when the matrix is read."""
    await signed_on.key("security")  # from now on ops look after keys no more
    return await stories.told(signed_on)
