"""Access tokens of a real issuer: whom they let in, and why every other one is refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any, NamedTuple

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from service.access.issuer import Issuer
from service.access.tokens import MAX_CHARACTERS
from tests.house import COMMUNITY, STREET, House
from tests.sign_on.issuer import CLIENT, TestIssuer, running

pytestmark = pytest.mark.anyio


class FromNow(NamedTuple):
    """A time of a token, in seconds from when the token is made."""

    seconds: int


def in_seconds(seconds: int) -> int:
    """A time so many seconds from now, as tokens have it."""
    return int(time.time()) + seconds


async def asks(house: House, token: str, path: str = "/v1/me", method: str = "GET", body: Any = None) -> httpx.Response:
    return await house.send("ops", method, path, body, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.clause("ASVS 10.3.3")
async def test_a_token_stands_for_a_person(signed_on: House, issuer: TestIssuer) -> None:
    ends_at = in_seconds(900)
    answer = await asks(signed_on, issuer.token(exp=ends_at))
    me = answer.json()
    assert (answer.status_code, me["role"], me["unit"], me["area"]) == (200, "unit", COMMUNITY, None)
    secret = signed_on.process.context.cursors.secret_for("subject")
    assert me["subject"] == "p-" + hmac.digest(secret, b"zhang.san", "sha256").hex()[:20]
    assert me["may"] == ["report", "act", "figures", "propose_duties"]
    assert me["expires_at"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends_at))
    assert (await asks(signed_on, await signed_on.key("ops"))).json()["subject"] == "ops", "keys work on"


async def test_what_a_person_does_has_person_and_unit(signed_on: House, issuer: TestIssuer) -> None:
    incident = await signed_on.report()
    path = f"/v1/incidents/{incident['id']}"
    token = issuer.token()
    answer = await asks(signed_on, token, f"{path}/answer", "POST", {"measure": "今天清运"})
    assert answer.status_code == 200
    subject = (await asks(signed_on, token)).json()["subject"]
    timeline = (await signed_on.get("ops", f"{path}/timeline"))["items"]
    assert timeline[-1]["data"]["by"] == {"kind": "unit", "subject": subject, "unit": COMMUNITY}
    assert "zhang" not in json.dumps(timeline)


@pytest.mark.clause("ASVS 9.1.1")
@pytest.mark.parametrize("header", ["[]", "null", "1", '"x"', "[" * 9000, '{"alg": ["RS256"]}', "{", ""])
async def test_a_header_that_says_nothing_is_refused(signed_on: House, issuer: TestIssuer, header: str) -> None:
    _, claims, signature = issuer.token().split(".")
    sent = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")
    answer = await asks(signed_on, f"{sent}.{claims}.{signature}")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.clause("ASVS 9.1.2")
@pytest.mark.parametrize("kind", ["RS256", "PS256", "ES256"])
async def test_each_algorithm_that_is_accepted_works(signed_on: House, issuer: TestIssuer, kind: str) -> None:
    if kind == "ES256":
        issuer.keys = [ECKey.generate_key("P-256", {"kid": "ec-1"}, private=True)]
    assert (await asks(signed_on, issuer.token(algorithm=kind))).status_code == 200


def unsigned(claims: dict[str, Any]) -> str:
    parts = [json.dumps(each).encode() for each in ({"alg": "none", "kid": "rsa-1"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts), ""])


def confused(issuer: TestIssuer) -> str:
    """A token whose secret is the public key, for a service that takes whatever algorithm a token names."""
    pem = issuer.keys[0].as_pem(private=False)
    claims = json.dumps({"iss": issuer.url, "aud": "sihu-api", "exp": in_seconds(300), **issuer.person}).encode()
    head = json.dumps({"alg": "HS256", "kid": "rsa-1"}).encode()
    said = b".".join(base64.urlsafe_b64encode(each).rstrip(b"=") for each in (head, claims))
    mac = hmac.new(pem, said, hashlib.sha256).digest()
    return f"{said.decode()}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


@pytest.mark.clause("API2:2023", "ASVS 6.8.1", "ASVS 9.2.1", "ASVS 9.2.2", "ASVS 9.2.3", "ASVS 9.2.4", "ASVS 10.3.1")
@pytest.mark.parametrize(
    ("claims", "detail"),
    [
        ({"exp": FromNow(-1)}, "This token has ended"),
        ({"exp": None}, "This token has no end"),
        ({"exp": "2030"}, "This token has no end"),
        ({"exp": float(10**30)}, "This token has no end"),
        ({"nbf": FromNow(600)}, "from the future"),
        ({"iat": FromNow(600)}, "from the future"),
        ({"iss": "https://evil.example"}, "from another issuer"),
        ({"iss": None}, "from another issuer"),
        ({"aud": "another"}, "for another audience"),
        ({"aud": CLIENT}, "for another audience"),
        ({"aud": ["a", "b"]}, "for another audience"),
        ({"aud": None}, "for another audience"),
        ({"sub": None}, "names nobody"),
        ({"sub": ""}, "names nobody"),
        ({"sub": 7}, "names nobody"),
    ],
)
async def test_a_token_that_is_not_good_is_refused(
    signed_on: House, issuer: TestIssuer, claims: dict[str, Any], detail: str
) -> None:
    made: dict[str, Any] = {
        name: in_seconds(each.seconds) if isinstance(each, FromNow) else each for name, each in claims.items()
    }
    answer = await asks(signed_on, issuer.token(**made))
    assert (answer.status_code, answer.json()["code"], answer.headers["www-authenticate"]) == (
        401,
        "unauthorized",
        "Bearer",
    )
    assert detail in answer.json()["detail"]


@pytest.mark.clause("API2:2023", "ASVS 6.8.2", "ASVS 9.1.1", "ASVS 9.1.2", "GB/T 39786 8.4 a")
async def test_a_signature_is_never_believed_blindly(signed_on: House, issuer: TestIssuer) -> None:
    good, claims = issuer.token(), {"iss": issuer.url, "aud": "sihu-api", "exp": in_seconds(300), **issuer.person}
    other = RSAKey.generate_key(2048, {"kid": "rsa-1"}, private=True)
    head, body, signature = good.split(".")
    altered = base64.urlsafe_b64encode(json.dumps({**claims, "role": "ops"}).encode()).decode().rstrip("=")
    for token, detail in (
        (unsigned(claims), "not signed as is demanded here: RS256, PS256 or ES256"),
        (confused(issuer), "not signed as is demanded here"),
        (issuer.token(OctKey.import_key("k" * 32, {"kid": "rsa-1"}), "HS256"), "not signed as is demanded here"),
        (issuer.token(other), "signature of this token is wrong"),
        (f"{head}.{altered}.{signature}", "signature of this token is wrong"),
        (f"{head}.{body}.", "signature of this token is wrong"),
        (f"{head}.{body}", "cannot be read"),
        ("a.b.c", "cannot be read"),
        ("..", "cannot be read"),
        ("a.b.c.d.e", "cannot be read"),
        ("x" * 1_000_000 + ".", "longer than"),
    ):
        answer = await asks(signed_on, token)
        assert answer.status_code == 401, detail
        assert detail in answer.json()["detail"]
    assert (await asks(signed_on, good)).status_code == 200


async def test_half_a_surrogate_pair_names_nobody(signed_on: House, issuer: TestIssuer) -> None:
    claims = {
        "iss": issuer.url,
        "aud": "sihu-api",
        "exp": in_seconds(300),
        **issuer.person,
        "sub": "half \ud800 a pair",
    }
    head = {"alg": "RS256", "kid": "rsa-1"}
    token = jws.serialize_compact(head, json.dumps(claims), issuer.keys[0])
    answer = await asks(signed_on, token)
    assert (answer.status_code, "names nobody" in answer.json()["detail"]) == (401, True)


async def test_a_long_token_is_refused_unread(signed_on: House, issuer: TestIssuer) -> None:
    assert "longer" in (await asks(signed_on, "." * (MAX_CHARACTERS + 1))).json()["detail"]
    assert issuer.requests.total() == 0


@pytest.mark.clause("ASVS 8.3.1", "ASVS 10.3.2")
@pytest.mark.parametrize(
    ("claims", "detail"),
    [
        ({"role": None}, "gives you no role here (claim role)"),
        ({"role": "mayor"}, "gives you no role here"),
        ({"role": ["mayor", 7, None]}, "gives you no role here"),
        ({"role": ["unit", "ops"]}, "gives you unit, ops at once"),
        ({"unit": None}, "names no unit that is in force"),
        ({"unit": "440105999"}, "names no unit that is in force"),
        ({"unit": ["440105003", "440105001"]}, "names no unit that is in force"),
        ({"role": "reporter"}, "names no area of this district"),
        ({"role": "reporter", "area": "440106"}, "names no area of this district"),
        ({"role": "reporter", "area": "４４０１０５"}, "names no area of this district"),
    ],
)
async def test_a_sign_on_without_a_place_here_is_forbidden(
    signed_on: House, issuer: TestIssuer, claims: dict[str, Any], detail: str
) -> None:
    answer = await asks(signed_on, issuer.token(**claims))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    assert detail in answer.json()["detail"]


@pytest.mark.clause("ASVS 10.3.2")
@pytest.mark.parametrize(
    ("claims", "role", "place"),
    [
        ({"role": "reporter", "area": STREET}, "reporter", STREET),
        ({"role": ["offline_access", "reporter"], "area": [STREET]}, "reporter", STREET),
        ({"role": "auditor", "unit": None}, "auditor", None),
        ({"role": "security"}, "security", None),
    ],
)
async def test_each_role_may_sign_on(
    signed_on: House, issuer: TestIssuer, claims: dict[str, Any], role: str, place: str | None
) -> None:
    me = (await asks(signed_on, issuer.token(**claims))).json()
    assert (me["role"], me["area"], me["unit"]) == (role, place, None)


async def test_keys_are_read_once_for_all_who_wait(signed_on: House, issuer: TestIssuer) -> None:
    issuer.delay_s = 0.1
    tokens = [issuer.token(jti=str(n)) for n in range(20)]
    answers = await asyncio.gather(*(asks(signed_on, token) for token in tokens))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert issuer.requests == {"/.well-known/openid-configuration": 1, "/keys": 1}


async def test_an_unknown_key_has_the_keys_read_rarely(
    signed_on: House, issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await asks(signed_on, issuer.token())).status_code == 200
    issuer.keys.append(RSAKey.generate_key(2048, {"kid": "rsa-2"}, private=True))
    fresh = issuer.token(issuer.keys[1])
    for _ in range(3):
        answer = await asks(signed_on, fresh)
        assert (answer.status_code, "does not know the key" in answer.json()["detail"]) == (401, True)
    assert issuer.requests["/keys"] == 1
    monkeypatch.setattr(Issuer, "AGAIN_S", 0.0)
    assert (await asks(signed_on, fresh)).status_code == 200
    assert issuer.requests["/keys"] == 2


@pytest.mark.clause("ASVS 9.1.3")
async def test_a_key_that_the_issuer_withdrew_is_believed_no_more(
    signed_on: House, issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = issuer.token()
    assert (await asks(signed_on, old)).status_code == 200
    issuer.keys = [RSAKey.generate_key(2048, {"kid": "rsa-2"}, private=True)]
    monkeypatch.setattr(Issuer, "AGAIN_S", 0.0)
    assert (await asks(signed_on, issuer.token())).status_code == 200
    assert (await asks(signed_on, old)).status_code == 401


@pytest.mark.clause("API10:2023", "ASVS 16.5.2", "ASVS 16.5.3")
@pytest.mark.parametrize("broken", [b"", b"[]", b"{}", b"x" * 300_000, b'{"issuer": "https://evil.example"}'])
async def test_an_issuer_that_answers_nonsense_is_unavailable(
    signed_on: House, issuer: TestIssuer, broken: bytes
) -> None:
    issuer.broken = broken
    answer = await asks(signed_on, issuer.token())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert (await signed_on.get("ops", "/v1/me"))["role"] == "ops", "keys work on"


@pytest.mark.clause("API10:2023", "ASVS 10.5.3")
async def test_an_issuer_of_another_name_is_not_believed(signed_on: House, issuer: TestIssuer) -> None:
    """Whatever else it says is right, its keys too."""
    issuer.calls_itself = "https://evil.example"
    assert (await asks(signed_on, issuer.token())).status_code == 503
    assert (await asks(signed_on, issuer.token(iss="https://evil.example"))).status_code in (401, 503)
    assert issuer.requests["/keys"] == 0


@pytest.mark.clause("API10:2023", "ASVS 15.3.2")
async def test_no_redirect_of_the_issuer_is_followed(signed_on: House, issuer: TestIssuer) -> None:
    with running() as elsewhere:
        elsewhere.keys, elsewhere.calls_itself = issuer.keys, issuer.url
        issuer.moved_to = elsewhere.url
        assert (await asks(signed_on, issuer.token())).status_code == 503
        assert elsewhere.requests.total() == 0


@pytest.mark.clause("ASVS 9.1.3")
@pytest.mark.parametrize("name", ["jwk", "jku", "x5u"])
async def test_a_key_that_a_token_brings_along_counts_nothing(signed_on: House, issuer: TestIssuer, name: str) -> None:
    own = RSAKey.generate_key(2048, {"kid": "rsa-1"}, private=True)
    with running() as elsewhere:
        elsewhere.keys = [own]
        brought = own.as_dict(private=False) if name == "jwk" else f"{elsewhere.url}/keys"
        answer = await asks(signed_on, issuer.token(own, header={name: brought}))
        assert (answer.status_code, elsewhere.requests.total()) == (401, 0)


async def test_a_service_without_an_audience_takes_no_tokens(house: House, issuer: TestIssuer) -> None:
    answer = await asks(house, issuer.token())
    assert (answer.status_code, issuer.requests.total()) == (401, 0)
    assert "This key is unknown here" in answer.json()["detail"]


@pytest.mark.clause("GB/T 22239 8.1.4.1 a")
async def test_nobody_gets_a_key_in_the_name_of_a_person(signed_on: House, issuer: TestIssuer) -> None:
    subject = (await asks(signed_on, issuer.token())).json()["subject"]
    for name in (subject, subject.upper()):
        answer = await signed_on.send("ops", "POST", "/v1/keys", {"role": "auditor", "subject": name})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/subject")
    answer = await signed_on.send("ops", "POST", "/v1/keys", {"role": "auditor", "subject": f"{subject}0"})
    assert answer.status_code == 201
