"""Signing in and out on a page: what a browser gets, and what no browser gets in by."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from service.access.keyring import digest_of
from service.sign_on.attempts import FailedSignIns
from service.store.access.tables import access_session
from tests.house import COMMUNITY, START, House
from tests.sign_on.browser import COOKIE, OWN, SITE, Browser, signed_in

pytestmark = pytest.mark.anyio
FOREIGN = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


@pytest.mark.clause("ASVS 7.2.1")
async def test_a_key_begins_a_session(house: House) -> None:
    browser = Browser(house)
    answer = await browser.sign_in("community")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    line = next(each for each in answer.headers.get_list("set-cookie") if each.startswith(COOKIE))
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} == {each.strip() for each in line.split(";")[1:]}
    assert (await browser.get(f"/v1/queues/{COMMUNITY}")).status_code == 200
    page = (await browser.client.get("/sign-in", headers={"Accept-Language": "en"})).text
    assert f"You are signed in as {COMMUNITY}, unit." in page


@pytest.mark.clause("ASVS 3.3.1", "ASVS 3.3.2", "ASVS 3.3.3", "ASVS 3.3.4")
async def test_each_cookie_is_for_this_host_and_no_script(house: House) -> None:
    """A browser takes a cookie whose name begins with `__Host-` over https, for the whole host and no other one."""
    browser = Browser(house)
    answers = [await browser.client.get("/sign-in"), await browser.sign_in("community")]
    lines = [line for answer in answers for line in answer.headers.get_list("set-cookie")]
    assert {line.partition("=")[0] for line in lines} == {COOKIE, f"{COOKIE}-form"}
    for line in lines:
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} == {each.strip() for each in line.split(";")[1:]}


@pytest.mark.clause("ASVS 7.2.2", "ASVS 7.2.3", "ASVS 11.5.1")
async def test_each_session_has_256_random_bits(house: House) -> None:
    cookies = [(await signed_in(house, "community")).cookie for _ in range(3)]
    texts = {cookie.partition(".")[0] for cookie in cookies}
    assert [len(base64.urlsafe_b64decode(f"{each}=")) for each in texts] == [32] * 3


@pytest.mark.clause("ASVS 7.4.4")
async def test_whoever_is_signed_in_finds_the_way_out(house: House) -> None:
    browser = await signed_in(house, "community")
    page = (await browser.client.get("/sign-in", headers={"Accept-Language": "en"})).text
    assert re.search(r'<form method="post" action="/sign-out">.*<button>Sign out</button></form>', page)


@pytest.mark.clause("ASVS 1.1.2", "ASVS 1.2.1", "ASVS 3.2.2")
async def test_a_name_is_text_on_the_page(house: House) -> None:
    name = "<img src=x onerror=alert(1)>&amp;"
    answer = await house.send("ops", "POST", "/v1/keys", {"role": "auditor", "subject": name})
    assert answer.status_code == 201, answer.text
    browser = Browser(house)
    await browser.client.post("/sign-in", data={"key": answer.json()["key"]}, headers=OWN)
    page = (await browser.client.get("/sign-in")).text
    assert "<img" not in page and name in unescape(page)


@pytest.mark.clause("GB/T 22239 8.1.4.8 b")
async def test_only_a_hash_of_the_cookie_is_stored(house: House) -> None:
    browser = await signed_in(house, "community")
    async with house.process.database.read() as connection:
        rows = (await connection.execute(select(access_session))).all()
    assert [row.digest for row in rows] == [digest_of(browser.cookie)]
    assert browser.cookie not in repr(rows) and (await house.key("community")) not in repr(rows)
    assert (rows[0].created_at, rows[0].expires_at) == (START, START + timedelta(hours=12))


@pytest.mark.parametrize(
    ("scheme", "site", "address", "status"),
    [
        ("https", "https://sihu.test", "203.0.113.9", 200),
        ("http", "http://localhost:8000", "127.0.0.1", 200),
        ("http", "http://127.0.0.1", "127.0.0.1", 200),
        ("http", "http://[::1]:8000", "::1", 200),
        ("http", "http://sihu.test", "127.0.0.1", 403),
        ("http", "http://localhost", "203.0.113.9", 403),
        ("http", "http://127.0.0.1.sihu.test", "127.0.0.1", 403),
    ],
)
async def test_pages_need_https_but_on_this_machine(
    house: House, scheme: str, site: str, address: str, status: int
) -> None:
    browser = Browser(house, site, address)
    answer = await browser.client.get("/sign-in", headers={"Accept-Language": "en"})
    assert answer.status_code == status
    assert ("https://" in answer.text) is (status == 403)
    if status == 403:
        refused = await browser.client.post("/sign-in", data={"key": await house.key("community")})
        assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
        return
    answer = await browser.sign_in("community")
    lines = answer.headers.get_list("set-cookie")
    assert (any("Secure" in line for line in lines), answer.status_code) == (scheme == "https", 303)
    assert (await browser.get(f"/v1/queues/{COMMUNITY}")).status_code == 200


@pytest.mark.clause("ASVS 3.5.1", "ASVS 3.5.2")
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": SITE}, ""),
        ({"Origin": SITE, "Sec-Fetch-Site": "same-origin"}, ""),
        (OWN, ""),
        ({}, "foreign_origin"),
        (FOREIGN, "foreign_origin"),
        ({"Origin": "null"}, "foreign_origin"),
        ({"Origin": "http://sihu.test"}, "foreign_origin"),
        ({"Origin": f"{SITE}.evil.example"}, "foreign_origin"),
        ({"Origin": SITE, "Sec-Fetch-Site": "cross-site"}, "foreign_origin"),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, "foreign_origin"),
        ({"Sec-Fetch-Site": "same-site"}, "foreign_origin"),
        ({"Sec-Fetch-Site": "none"}, "foreign_origin"),
    ],
)
async def test_a_cookie_counts_only_from_the_own_origin(house: House, headers: dict[str, str], code: str) -> None:
    browser = await signed_in(house, "community")
    answer = await browser.get(f"/v1/queues/{COMMUNITY}", headers=headers)
    assert (answer.status_code, answer.json().get("code", "")) == (403 if code else 200, code)
    with_key = {"Authorization": f"Bearer {await house.key('community')}", **headers}
    assert (await browser.get(f"/v1/queues/{COMMUNITY}", headers=with_key)).status_code == 200


async def test_a_session_acts_as_its_key(house: House) -> None:
    incident = await house.report()
    browser = await signed_in(house, "community")
    path = f"/v1/incidents/{incident['id']}/answer"
    body = {"measure": "今天清运"}
    foreign = await browser.client.post(path, json=body, headers=FOREIGN)
    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")
    answer = await browser.client.post(path, json=body, headers=OWN)
    assert answer.status_code == 200
    by = {"kind": "unit", "subject": COMMUNITY, "unit": COMMUNITY}
    timeline = (await house.get("ops", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    assert timeline[-1]["data"]["by"] == by


@pytest.mark.clause("ASVS 8.2.3", "ASVS 14.3.2")
async def test_no_cache_mixes_up_two_sessions(house: House) -> None:
    """The version of an incident is the same for all, and what is shown of it is not: what a browser keeps from one
    session is never what a 304 stands for in the next one."""
    incident = await house.report()
    browser = await signed_in(house, "street")
    seen = await browser.get(f"/v1/incidents/{incident['id']}")
    assert (seen.status_code, seen.headers["Cache-Control"]) == (200, "no-cache")
    assert "Cookie" in seen.headers["Vary"].split(", ")


@pytest.mark.clause("ASVS 7.4.1", "ASVS 14.3.1")
async def test_a_session_that_was_signed_out_is_over(house: House) -> None:
    browser = await signed_in(house, "community")
    cookie, form = browser.cookie, await browser.form()
    answer = await browser.client.post("/sign-out", data=form, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert COOKIE not in browser.client.cookies
    replayed = await browser.get(f"/v1/queues/{COMMUNITY}", headers={**OWN, "Cookie": f"{COOKIE}={cookie}"})
    assert (replayed.status_code, replayed.json()["code"]) == (401, "unauthorized")
    assert replayed.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.clause("ASVS 7.4.1")
async def test_a_cookie_that_was_signed_out_opens_nothing(house: House) -> None:
    """Neither an act nor a page nor the way out, from the own page and by the token of its form; and who signs in anew
    brings it to life no more."""
    incident, browser = await house.report(), await signed_in(house, "community")
    cookie, form = browser.cookie, await browser.form()
    assert (await browser.client.post("/sign-out", data=form, headers=OWN)).status_code == 303
    assert (await browser.sign_in("community")).status_code == 303
    assert browser.cookie != cookie
    client, replayed = Browser(house).client, {**OWN, "Origin": SITE, "Cookie": f"{COOKIE}={cookie}"}
    act = f"/v1/incidents/{incident['id']}/answer"
    for method, path in (("GET", "/v1/me"), ("GET", f"/v1/queues/{COMMUNITY}?wait=0"), ("POST", act)):
        body = {"measure": "今天清运"} if method == "POST" else None
        answer = await client.request(method, path, json=body, headers=replayed)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), path
    page = await client.get("/sign-in", headers={**replayed, "Accept-Language": "en"})
    assert "You are signed in" not in page.text
    await client.post("/sign-out", data=form, headers=replayed)
    assert (await browser.get("/v1/me")).status_code == 200, "the new session goes on"
    assert (await house.get("ops", f"/v1/incidents/{incident['id']}"))["state"] == "calling"


@pytest.mark.clause("ASVS 3.5.1", "ASVS 7.6.2")
@pytest.mark.parametrize("headers", [FOREIGN, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}])
async def test_another_site_signs_nobody_in_or_out(house: House, headers: dict[str, str]) -> None:
    browser = await signed_in(house, "community")
    key = await house.key("street")
    for path, data in (("/sign-in", {"key": key}), ("/sign-out", {}), ("/sign-out", {"form": "0" * 32})):
        answer = await browser.client.post(path, data=data, headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert (await browser.get(f"/v1/queues/{COMMUNITY}")).status_code == 200


@pytest.mark.clause("ASVS 3.5.1")
async def test_the_token_of_a_form_is_bound_to_the_browser(house: House) -> None:
    one, other = Browser(house), Browser(house)
    stolen, own = await one.form(), await other.form()
    assert stolen["form"] != own["form"]
    key = await house.key("community")
    for token, status in ((stolen["form"], 403), ("", 403), (own["form"], 303)):
        answer = await other.client.post("/sign-in", data={"form": token, "key": key})
        assert answer.status_code == status
    for form, status in (({}, 403), (await other.form(), 303)):
        assert (await other.client.post("/sign-out", data=form)).status_code == status


@pytest.mark.parametrize(("page", "status"), [(f"{SITE}/sign-in", 303), (f"{SITE}.evil.example/", 403), ("", 403)])
async def test_an_old_browser_names_the_page_alone(house: House, page: str, status: int) -> None:
    data = {"key": await house.key("community")}
    answer = await Browser(house).client.post("/sign-in", data=data, headers={"Referer": page})
    assert answer.status_code == status


async def test_a_program_signs_in_with_its_key_alone(house: House) -> None:
    answer = await Browser(house).client.post("/sign-in", data={"key": await house.key("community")})
    assert answer.status_code == 303


@pytest.mark.clause("API2:2023", "ASVS 7.2.4")
async def test_no_cookie_that_somebody_planted_becomes_a_session(house: House) -> None:
    """Session fixation: whoever signs in gets a new cookie, and a session of before ends."""
    browser = await signed_in(house, "community")
    planted = browser.cookie
    victim = Browser(house)
    victim.client.cookies.set(COOKIE, planted)
    answer = await victim.client.post("/sign-in", data={"key": await house.key("street")}, headers=OWN)
    assert answer.status_code == 303
    fresh = re.search(f"{COOKIE}=([^;]+)", str(answer.headers.get_list("set-cookie")))
    assert fresh is not None and fresh[1] != planted
    assert (await browser.get(f"/v1/queues/{COMMUNITY}")).status_code == 401


@pytest.mark.clause("API2:2023", "ASVS 7.2.1")
@pytest.mark.parametrize("cookie", ["x", "", "a" * 5_000, f"{'a' * 43}.{'0' * 22}", "é.é", "a.b.c"])
async def test_a_cookie_that_nobody_made_is_refused(house: House, cookie: str) -> None:
    lines = [(b"sec-fetch-site", b"same-origin"), (b"cookie", f"{COOKIE}={cookie}".encode())]
    answer = await Browser(house).client.get("/v1/incidents", headers=lines)
    assert answer.status_code == 401


@pytest.mark.clause("ASVS 1.2.2", "ASVS 3.7.2")
@pytest.mark.parametrize(
    ("named", "path"),
    [
        ("/board?area=440105003", "/board?area=440105003"),
        ("/board/units/a%20b", "/board/units/a%20b"),
        ("//evil.example", "/sign-in"),
        ("/\\evil.example", "/sign-in"),
        ("https://evil.example", "/sign-in"),
        ("javascript:alert(1)", "/sign-in"),
        ("/board\r\nSet-Cookie: a=b", "/sign-in"),
        ("board", "/sign-in"),
        ("/" + "a" * 2_000, "/sign-in"),
        ("", "/sign-in"),
    ],
)
async def test_a_session_goes_on_at_a_page_of_this_site(house: House, named: str, path: str) -> None:
    answer = await Browser(house).sign_in("community", next=named)
    assert (answer.status_code, answer.headers["location"]) == (303, path)


async def test_a_wrong_key_is_refused_on_the_page(house: House) -> None:
    browser = Browser(house)
    for key in ("", "sihu_wrong", "<script>"):
        answer = await browser.client.post("/sign-in", data={**await browser.form(), "key": key}, headers=OWN)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "这个密钥" in answer.text or "密钥" in answer.text
        assert COOKIE not in browser.client.cookies and "<script>" not in answer.text


@pytest.mark.clause("API2:2023", "ASVS 6.3.1", "GB/T 22239 8.1.4.1 b")
async def test_many_wrong_keys_hinder_no_good_one(house: House) -> None:
    browser, elsewhere = Browser(house), Browser(house, address="203.0.113.9")
    statuses = [(await browser.client.post("/sign-in", data={"key": "x"})).status_code for _ in range(12)]
    assert statuses == [401] * FailedSignIns.MAX + [429] * 2
    answer = await browser.client.post("/sign-in", data={"key": "x"})
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert (await elsewhere.client.post("/sign-in", data={"key": "x"})).status_code == 401
    assert (await browser.sign_in("community")).status_code == 303


@pytest.mark.parametrize(
    ("headers", "query", "language"),
    [
        ({}, "", "zh"),
        ({"Accept-Language": "zh-CN,zh;q=0.9"}, "", "zh"),
        ({"Accept-Language": "en-GB"}, "", "en"),
        ({"Accept-Language": "zh"}, "?lang=en", "en"),
        ({"Accept-Language": "en"}, "?lang=zh", "zh"),
        ({"Accept-Language": "en"}, "?lang=xx", "en"),
    ],
)
async def test_pages_are_in_chinese_first(house: House, headers: Any, query: str, language: str) -> None:
    transport = httpx.ASGITransport(house.app)
    async with httpx.AsyncClient(transport=transport, base_url=SITE) as client:
        answer = await client.get(f"/sign-in{query}", headers=headers)
    assert (answer.status_code, answer.headers["content-language"]) == (200, language)
    assert ("登录" in answer.text) is (language == "zh")


@pytest.mark.clause("ASVS 3.4.3", "ASVS 3.7.1", "ASVS 14.2.3", "ASVS 14.3.2", "ASVS 14.3.3")
async def test_pages_run_no_script_and_ask_no_other_host(house: House) -> None:
    for path in ("/sign-in", "/sign-nowhere"):
        answer = await Browser(house).client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "<script" not in answer.text and " style=" not in answer.text and "//" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b"key=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a=1" for _ in range(30)), "application/x-www-form-urlencoded", 400),
        (b"key=" + b"x" * 9_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
    ],
)
async def test_what_no_browser_sends_is_refused(house: House, content: bytes, media: str, status: int) -> None:
    answer = await Browser(house).client.post("/sign-in", content=content, headers={"Content-Type": media})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.clause("GB/T 22239 8.1.4.4 c")
async def test_a_session_is_bound_to_the_networks_of_its_key(house: House) -> None:
    body = {"role": "auditor", "allow": ["203.0.113.0/24"]}
    key = (await house.send("security", "POST", "/v1/keys", body)).json()["key"]
    inside, outside = Browser(house, address="203.0.113.9"), Browser(house, address="198.51.100.7")
    refused = await outside.client.post("/sign-in", data={"key": key}, headers=OWN)
    assert (refused.status_code, COOKIE in outside.client.cookies) == (403, False)
    assert (await inside.client.post("/sign-in", data={"key": key}, headers=OWN)).status_code == 303
    assert (await inside.get("/v1/me")).status_code == 200
    outside.client.cookies = inside.client.cookies
    answer = await outside.get("/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (403, "address_not_allowed")
