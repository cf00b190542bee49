"""What `sihu doctor` says of an issuer: a real one, one that is away, one that is none."""

from __future__ import annotations

import pytest

from service.commands import sign_on_findings
from service.commands.finding import Finding
from service.settings import Settings
from tests.sign_on.issuer import AUDIENCE, running

pytestmark = pytest.mark.anyio


async def found(issuer: str, claims: str = "role=role,unit=unit,area=area") -> list[Finding]:
    settings = Settings(oidc_issuer=issuer, oidc_audience=AUDIENCE, oidc_claims=claims)
    return [finding async for finding in sign_on_findings.examine(settings)]


async def test_an_issuer_that_answers_is_good() -> None:
    with running() as issuer:
        (one,) = await found(issuer.url)
        assert (one.good, "has 1 keys to sign by" in str(one)) == (True, True)
        issuer.claims_supported = ["sub", "role", "realm_access"]
        (_, unit) = await found(issuer.url, "role=realm_access.roles,unit=unit")
        assert "the claim unit: see SIHU_OIDC_CLAIMS" in str(unit)


async def test_an_issuer_that_is_none_is_bad() -> None:
    with running() as issuer:
        address = issuer.url
        issuer.broken = b"{}"
        (one,) = await found(address)
        assert not one.good and "calls itself None" in str(one)
    (one,) = await found(address)
    assert not one.good and "cannot be reached (ConnectError)" in str(one)
    assert f"curl {address}/.well-known/openid-configuration" in str(one)


async def test_without_an_issuer_there_is_nothing_to_say() -> None:
    assert [finding async for finding in sign_on_findings.examine(Settings())] == []
