"""A house whose people may sign on at an issuer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from service.clock import VirtualClock
from service.main import create_app
from service.settings import Settings
from tests.house import START, House
from tests.sign_on.issuer import AUDIENCE, CLIENT, SECRET, TestIssuer, running


@pytest.fixture
def issuer() -> Iterator[TestIssuer]:
    with running() as each:
        yield each


@pytest.fixture
async def signed_on(haizhu_url: str, issuer: TestIssuer, tmp_path: Path) -> AsyncIterator[House]:
    """The service on the Haizhu sample, beside the issuer."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    settings = Settings(
        database_url=haizhu_url,
        virtual_clock=START,
        oidc_issuer=issuer.url,
        oidc_client_id=CLIENT,
        oidc_client_secret_file=tmp_path / "secret",
        oidc_audience=AUDIENCE,
    )
    app = create_app(settings, VirtualClock(START))
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        house = House(app)
        yield house
        await house.close()
