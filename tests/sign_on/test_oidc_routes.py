"""Signing on at a real issuer in a browser: the code flow, bound to the browser that began it."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import text

from service.access.sessions import OpenSessions
from service.sign_on import oidc_routes
from service.web import request_log
from tests.docs import pages
from tests.house import COMMUNITY, House
from tests.sign_on.browser import COOKIE, OWN, SITE, Browser
from tests.sign_on.issuer import CLIENT, TestIssuer

pytestmark = pytest.mark.anyio
STATE_COOKIE = f"{COOKIE}-oidc"


async def sent_back(browser: Browser, **query: str) -> str:
    """The address to which the issuer sends the browser back."""
    away = await browser.client.get("/sign-in/oidc", params=query)
    assert away.status_code == 303, away.text
    async with httpx.AsyncClient() as elsewhere:
        answer = await elsewhere.get(away.headers["location"])
    return answer.headers["location"].removeprefix(SITE)


async def signed_on_in(house: House) -> Browser:
    browser = Browser(house)
    answer = await browser.client.get(await sent_back(browser))
    assert answer.status_code == 303, answer.text
    return browser


@pytest.mark.clause("ASVS 7.6.1", "ASVS 10.5.2")
async def test_a_person_signs_on_at_the_issuer(signed_on: House, issuer: TestIssuer) -> None:
    browser = Browser(signed_on)
    page = await browser.client.get("/sign-in", params={"next": "/board"})
    assert "用统一认证账号登录" in page.text
    answer = await browser.client.get(await sent_back(browser, next="/board"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/board")
    assert STATE_COOKIE not in browser.client.cookies
    me = (await browser.get("/v1/me")).json()
    assert (me["role"], me["unit"], me["expires_at"]) == ("unit", COMMUNITY, "2026-11-23T13:00:00Z")
    assert re.fullmatch("p-[0-9a-f]{20}", me["subject"])
    again = (await signed_on.send("ops", "GET", "/v1/me", headers={"Authorization": f"Bearer {issuer.token()}"})).json()
    assert again["subject"] == me["subject"], "the same person in a program"
    assert (await browser.get("/v1/me", headers={"Origin": "https://evil.example"})).status_code == 403


@pytest.mark.clause("ASVS 3.7.2", "ASVS 10.2.1", "ASVS 11.5.1")
async def test_the_browser_is_sent_with_all_that_protects_the_code(signed_on: House, issuer: TestIssuer) -> None:
    answer = await Browser(signed_on).client.get("/sign-in/oidc")
    address = urlsplit(answer.headers["location"])
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{issuer.url}/authorize"
    assert (query["response_type"], query["client_id"], query["scope"]) == ("code", CLIENT, "openid")
    assert (query["redirect_uri"], query["code_challenge_method"]) == (f"{SITE}/sign-in/oidc", "S256")
    assert min(map(len, (query["state"], query["nonce"], query["code_challenge"]))) == 43
    line = answer.headers["set-cookie"]
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= {each.strip() for each in line.split(";")}


@pytest.mark.clause("ASVS 16.3.1", "GB/T 22239 8.1.4.3 a")
async def test_a_sign_on_is_a_line_of_the_log(
    signed_on: House, issuer: TestIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    """Although a browser only reads when it comes back from the issuer."""
    caplog.set_level(logging.INFO, logger=request_log.__name__)
    subject = (await (await signed_on_in(signed_on)).get("/v1/me")).json()["subject"]
    found = [vars(each)["fields"] for each in caplog.records if each.name == request_log.__name__]
    assert [(each["subject"], each["route"], each["status"]) for each in found] == [(subject, "/sign-in/oidc", 303)]


@pytest.mark.clause("ASVS 10.1.1")
async def test_a_browser_gets_no_token_of_the_issuer(signed_on: House, issuer: TestIssuer) -> None:
    """It has its session alone; the token that the issuer gave for the code was for this service."""
    browser = await signed_on_in(signed_on)
    assert set(browser.client.cookies) == {COOKIE}
    assert re.fullmatch(r"[\w-]{43}\.[0-9a-f]{22}", browser.cookie)


@pytest.mark.clause("ASVS 7.6.2", "ASVS 10.1.2", "ASVS 10.2.1")
@pytest.mark.parametrize("change", ["other_browser", "state", "issuer", "altered", "late"])
async def test_a_sign_on_of_another_browser_ends_nowhere(
    signed_on: House, issuer: TestIssuer, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, other = Browser(signed_on), Browser(signed_on)
    if change == "late":
        monkeypatch.setattr(oidc_routes, "_LASTS_S", -1)
    back = await sent_back(browser)
    if change == "altered":
        browser.client.cookies.set(STATE_COOKIE, "A" + browser.client.cookies[STATE_COOKIE][1:])
    if change == "state":
        back = re.sub("state=[^&]+", "state=x", back)
    if change == "issuer":
        back += "&iss=https%3A%2F%2Fevil.example"
    if change == "other_browser":
        await other.client.get("/sign-in/oidc")
    answer = await (other if change == "other_browser" else browser).client.get(back)
    assert (answer.status_code, COOKIE in answer.headers.get("set-cookie", "")) == (403, False)
    assert "重新登录" in answer.text and issuer.requests["/token"] == 0


@pytest.mark.clause("ASVS 10.5.1", "ASVS 10.5.4")
@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"nonce": "another"}, 403),
        ({"nonce": None}, 403),
        ({"aud": "another"}, 401),
        ({"aud": [CLIENT, "another"], "azp": "another"}, 403),
        ({"iss": "https://evil.example"}, 401),
        ({"exp": 1}, 401),
        ({"role": "mayor"}, 403),
        ({"unit": "440105999"}, 403),
    ],
)
async def test_a_wrong_token_begins_no_session(
    signed_on: House, issuer: TestIssuer, claims: dict[str, Any], status: int
) -> None:
    issuer.id_claims = claims
    browser = Browser(signed_on)
    answer = await browser.client.get(await sent_back(browser))
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert COOKIE not in browser.client.cookies


async def test_a_code_is_good_once(signed_on: House, issuer: TestIssuer) -> None:
    browser = Browser(signed_on)
    back = await sent_back(browser)
    cookie = browser.client.cookies[STATE_COOKIE]
    assert (await browser.client.get(back)).status_code == 303
    browser.client.cookies.set(STATE_COOKIE, cookie)
    assert (await browser.client.get(back)).status_code == 401


async def test_what_the_issuer_refuses_is_told(signed_on: House, issuer: TestIssuer) -> None:
    browser = Browser(signed_on)
    state = parse_qs(urlsplit((await browser.client.get("/sign-in/oidc")).headers["location"]).query)["state"][0]
    answer = await browser.client.get("/sign-in/oidc", params={"error": "access_denied", "state": state})
    assert (answer.status_code, "没有通过" in answer.text) == (401, True)
    issuer.secret = "another"
    answer = await browser.client.get(await sent_back(browser))
    assert answer.status_code == 401


@pytest.mark.clause("ASVS 7.4.1", "ASVS 7.6.1")
async def test_a_session_of_a_person_is_signed_out(signed_on: House, issuer: TestIssuer) -> None:
    browser = await signed_on_in(signed_on)
    cookie = browser.cookie
    assert (await browser.client.post("/sign-out", data=await browser.form(), headers=OWN)).status_code == 303
    lines = {**OWN, "Cookie": f"{COOKIE}={cookie}"}
    assert (await browser.get("/v1/me", headers=lines)).status_code == 401


@pytest.mark.clause("ASVS 7.4.5", "GB/T 22239 8.1.4.2 c")
async def test_a_statement_of_the_page_ends_a_persons_sessions(signed_on: House, issuer: TestIssuer) -> None:
    one = await signed_on_in(signed_on)
    issuer.person = {**issuer.person, "sub": "li.si"}
    other = await signed_on_in(signed_on)
    subject = (await one.get("/v1/me")).json()["subject"]
    _, statement = pages.blocks(pages.DOCS / "operations.md", "sql")
    async with signed_on.process.database.begin() as tx:
        await tx.execute(text(statement.replace("p-0123456789abcdef0123", subject)))
    async with asyncio.timeout(5):
        while (await one.get("/v1/me")).status_code == 200:
            await asyncio.sleep(0.02)
    assert (await other.get("/v1/me")).status_code == 200


async def test_a_session_of_a_person_is_known_elsewhere(signed_on: House, issuer: TestIssuer) -> None:
    """A process that has not begun it reads it from the database."""
    browser = await signed_on_in(signed_on)
    before = (await browser.get("/v1/me")).json()["subject"]
    signed_on.process.context.part(OpenSessions)._known.clear()
    assert (await browser.get("/v1/me")).json()["subject"] == before


async def test_a_service_without_an_issuer_has_no_such_page(house: House) -> None:
    browser = Browser(house)
    assert (await browser.client.get("/sign-in/oidc")).status_code == 404
    assert "统一认证" not in (await browser.client.get("/sign-in")).text


async def test_an_issuer_that_is_away_is_said_on_the_page(signed_on: House, issuer: TestIssuer) -> None:
    issuer.broken = b"nonsense"
    answer = await Browser(signed_on).client.get("/sign-in/oidc")
    assert (answer.status_code, "统一认证现在无法访问" in answer.text) == (503, True)


@pytest.mark.clause("ASVS 16.2.5")
async def test_no_secret_is_in_any_line_of_the_log(
    signed_on: House, issuer: TestIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither cookies, tokens, codes, states nor keys, whatever goes right or wrong, on the most talkative level."""
    caplog.set_level(logging.DEBUG)
    browser, key = Browser(signed_on), await signed_on.key("community")
    back = await sent_back(browser)
    secrets = [key, browser.client.cookies[STATE_COOKIE], *(v[0] for v in parse_qs(urlsplit(back).query).values())]
    assert (await browser.client.get(back)).status_code == 303
    secrets.append(browser.cookie)
    form = await browser.form()
    foreign = {"Origin": "https://evil.example"}
    token, bad = issuer.token(), issuer.token(exp=1)
    for lines in ({"Authorization": f"Bearer {token}"}, {"Authorization": f"Bearer {bad}"}, foreign):
        await browser.get("/v1/me", headers=lines)
        await browser.client.post("/v1/incidents", json={}, headers=lines)
    await browser.client.post("/sign-in", data={**form, "key": key}, headers=foreign)
    await browser.client.post("/sign-in", data={"key": f"{key}x"}, headers=OWN)
    await browser.client.get(back)
    await browser.client.post("/sign-out", data=await browser.form(), headers=OWN)
    await browser.sign_in("community")
    secrets += [browser.cookie, token, bad, form["form"]]
    # what this test's own client and the driver say at this level is not the service's log
    ours = [each for each in caplog.records if not each.name.startswith(("httpx", "httpcore", "asyncio"))]
    printed = "\n".join(f"{each.getMessage()} {vars(each)}" for each in ours)
    assert len(ours) > 5 and "/sign-in" in printed
    assert [each for each in secrets if each in printed] == []
