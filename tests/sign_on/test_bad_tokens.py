"""Further tokens of each bad kind: whole ones, well signed or nearly, that only a strict reader refuses."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import OctKey
from sqlalchemy import text

from service import clock
from tests.house import COMMUNITY, START, House
from tests.sign_on.issuer import AUDIENCE, TestIssuer
from tests.sign_on.test_tokens import FromNow, asks, in_seconds

pytestmark = pytest.mark.anyio
YEAR_S = 365 * 86_400


def with_header(token: str, **header: Any) -> str:
    """The token with another header and the signature that it had."""
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    return ".".join([head, *token.split(".")[1:]])


@pytest.mark.clause("ASVS 9.1.2")
@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS384", "PS512"])
async def test_a_good_signature_of_another_kind_is_refused(
    signed_on: House, issuer: TestIssuer, algorithm: str
) -> None:
    answer = await asks(signed_on, issuer.token(algorithm=algorithm))
    assert (answer.status_code, "not signed as is demanded" in answer.json()["detail"]) == (401, True)


@pytest.mark.clause("ASVS 9.1.2")
@pytest.mark.parametrize(
    "algorithm", ["none", "None", "nOnE", "NONE", "", "rs256", "RS256 ", "HS512", None, 7, ["RS256"]]
)
async def test_an_odd_name_of_an_algorithm_is_refused(signed_on: House, issuer: TestIssuer, algorithm: Any) -> None:
    token = with_header(issuer.token(), alg=algorithm, kid="rsa-1")
    for each in (token, token.rpartition(".")[0] + "."):
        answer = await asks(signed_on, each)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.clause("ASVS 9.1.1")
@pytest.mark.parametrize(
    "header", [{"crit": ["exp"], "exp": 1}, {"b64": False, "crit": ["b64"]}, {"kid": 7}, {"kid": ""}]
)
async def test_an_odd_header_is_refused(signed_on: House, issuer: TestIssuer, header: dict[str, Any]) -> None:
    answer = await asks(signed_on, with_header(issuer.token(), **{"alg": "RS256", "kid": "rsa-1", **header}))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.clause("API2:2023", "ASVS 9.2.1", "ASVS 9.2.3")
@pytest.mark.parametrize(
    ("claims", "detail"),
    [
        ({"exp": FromNow(-YEAR_S)}, "This token has ended"),
        ({"exp": 0}, "This token has ended"),
        ({"exp": True}, "This token has no end"),
        ({"exp": -1}, "This token has no end"),
        ({"nbf": FromNow(YEAR_S)}, "from the future"),
        ({"nbf": FromNow(90), "iat": FromNow(0)}, "from the future"),
        ({"nbf": "0"}, "from the future"),
        ({"iss": ["https://evil.example"]}, "from another issuer"),
        ({"iss": ""}, "from another issuer"),
        ({"aud": AUDIENCE.upper()}, "for another audience"),
        ({"aud": f"{AUDIENCE} "}, "for another audience"),
        ({"aud": f"{AUDIENCE} other"}, "for another audience"),
        ({"aud": []}, "for another audience"),
        ({"aud": {AUDIENCE: True}}, "for another audience"),
        ({"sub": ["zhang.san"]}, "names nobody"),
    ],
)
async def test_a_claim_that_is_nearly_good_is_refused(
    signed_on: House, issuer: TestIssuer, claims: dict[str, Any], detail: str
) -> None:
    made: dict[str, Any] = {
        name: in_seconds(each.seconds) if isinstance(each, FromNow) else each for name, each in claims.items()
    }
    answer = await asks(signed_on, issuer.token(**made))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert detail in answer.json()["detail"]


async def test_an_issuer_is_compared_to_the_letter(signed_on: House, issuer: TestIssuer) -> None:
    for near in (f"{issuer.url}/", issuer.url.upper(), f"{issuer.url}?", [issuer.url], f" {issuer.url}"):
        answer = await asks(signed_on, issuer.token(iss=near))
        assert (answer.status_code, "from another issuer" in answer.json()["detail"]) == (401, True), near


async def test_one_audience_of_several_is_enough(signed_on: House, issuer: TestIssuer) -> None:
    assert (await asks(signed_on, issuer.token(aud=["other", AUDIENCE]))).status_code == 200


@pytest.mark.clause("API4:2023")
async def test_a_well_signed_token_of_a_megabyte_is_refused(signed_on: House, issuer: TestIssuer) -> None:
    for token in (issuer.token(more="x" * 750_000), issuer.token(header={"cty": "x" * 750_000})):
        assert len(token) > 1_000_000
        answer = await asks(signed_on, token)
        assert (answer.status_code, "longer than" in answer.json()["detail"]) == (401, True)
        assert len(answer.content) < 1_000, "nothing of it is repeated"
    assert issuer.requests.total() == 0


@pytest.mark.clause("ASVS 9.2.1")
async def test_a_token_that_was_used_ends_all_the_same(
    signed_on: House, issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its signature is remembered; its end is looked at each time."""
    token, later = issuer.token(), clock.host_time() + timedelta(seconds=301)
    assert [(await asks(signed_on, token)).status_code for _ in range(2)] == [200, 200]
    monkeypatch.setattr(clock, "host_time", lambda: later)
    answer = await asks(signed_on, token)
    assert (answer.status_code, "has ended" in answer.json()["detail"]) == (401, True)


@pytest.mark.clause("ASVS 8.3.1", "ASVS 10.3.2")
@pytest.mark.parametrize(
    ("claims", "detail"),
    [
        ({"role": ["reporter", "auditor", "unit"]}, "at once"),
        ({"role": ["security", "ops"]}, "at once"),
        ({"role": "unit,ops"}, "gives you no role here"),
        ({"role": "unit ops"}, "gives you no role here"),
        ({"role": {"unit": True}}, "gives you no role here"),
        ({"role": "OPS"}, "gives you no role here"),
        ({"role": "clock"}, "gives you no role here"),
        ({"role": []}, "gives you no role here"),
        ({"unit": ""}, "names no unit"),
        ({"unit": int(COMMUNITY)}, "names no unit"),
        ({"unit": f"{COMMUNITY} "}, "names no unit"),
        ({"unit": "４４０１０５００３００１"}, "names no unit"),
        ({"unit": [COMMUNITY, COMMUNITY]}, "names no unit"),
        ({"role": "reporter", "area": ""}, "names no area"),
        ({"role": "reporter", "area": "4401050030010011"}, "names no area"),
    ],
)
async def test_a_place_that_is_nearly_one_is_none(
    signed_on: House, issuer: TestIssuer, claims: dict[str, Any], detail: str
) -> None:
    answer = await asks(signed_on, issuer.token(**claims))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    assert detail in answer.json()["detail"]


async def test_a_unit_that_has_ended_is_no_place(signed_on: House, issuer: TestIssuer) -> None:
    token, process = issuer.token(), signed_on.process
    assert (await asks(signed_on, token)).status_code == 200
    async with process.database.begin() as tx:
        await tx.execute(text("UPDATE unit SET valid_to = :at WHERE code = :code"), {"at": START, "code": COMMUNITY})
    await process.worlds.reload(process.database)
    answer = await asks(signed_on, token)
    assert (answer.status_code, "no unit that is in force" in answer.json()["detail"]) == (403, True)


async def test_a_token_by_a_secret_is_refused(signed_on: House, issuer: TestIssuer) -> None:
    """Even by the public key as the issuer publishes it."""
    published = json.dumps(issuer.keys[0].as_dict(private=False))
    for algorithm in ("HS384", "HS512"):
        token = issuer.token(OctKey.import_key(published, {"kid": "rsa-1"}), algorithm)
        answer = await asks(signed_on, token)
        assert (answer.status_code, "not signed as is demanded" in answer.json()["detail"]) == (401, True)
