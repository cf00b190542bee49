from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from service.rules.errors import Rule
from service.web import problems
from tests.web import apps

pytestmark = pytest.mark.anyio

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=20000",
    "--dump-dom",
]


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and os.environ.get("SIHU_REQUIRE_BROWSER") == "1":
        pytest.fail("SIHU_REQUIRE_BROWSER=1, and there is no chromium on this machine")
    if found is None:
        pytest.skip("no chromium on this machine (SIHU_REQUIRE_BROWSER=1 makes this a failure)")
    return found


async def dump(browser: str, url: str, profile: Path) -> tuple[str, str]:
    """What the browser shows once the page's scripts have run, and what it wrote to its console."""
    # a proxy that does not exist: whatever the page asked of the internet would fail, and loopback is exempt
    offline = ("--proxy-server=127.0.0.1:9", f"--user-data-dir={profile}")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(browser, *FLAGS, *offline, url, stdout=pipe, stderr=pipe)
    try:
        shown, said = await asyncio.wait_for(process.communicate(), 60)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return shown.decode(), said.decode(errors="replace")


async def test_a_browser_without_internet_shows_the_operations(tmp_path: Path) -> None:
    browser = chromium()
    async with apps.served(apps.make()) as port:
        shown, said = await dump(browser, f"http://127.0.0.1:{port}/docs", tmp_path)
    assert "Unable to render" not in shown
    assert 'class="opblock' in shown
    assert 'data-path="/v1/incidents/batch"' in shown
    assert "<title>四呼 sihu" in shown
    assert "Content Security Policy" not in said


@pytest.mark.clause("ASVS 3.4.3", "ASVS 3.7.1", "ASVS 14.2.3")
async def test_the_page_names_no_other_host_and_allows_none() -> None:
    async with apps.client(apps.make(), known=False) as client:
        for path in ("/docs", "/docs/static/start.js", "/docs/static/problems.css", "/docs/problems"):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert not re.search(r"(https?:)?//[a-z]", answer.text)
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
            assert "http" not in policy and "unsafe" not in policy


async def test_only_the_files_the_page_needs_are_served() -> None:
    async with apps.client(apps.make(), known=False) as client:
        for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "start.js"):
            assert (await client.get(f"/docs/static/{name}")).status_code == 200
        for name in ("index.html", "__init__.py", "..%2Fmain.py"):
            assert (await client.get(f"/docs/static/{name}")).status_code == 404


@pytest.mark.parametrize(
    ("accepted", "tag", "words"),
    [
        ("zh-CN", "zh-CN", ("问题代码", "部分字段有误", "此项必填，请补上。")),
        ("en", "en", ("Problem codes", "Some fields are wrong")),
    ],
)
async def test_every_problem_type_leads_to_its_place(accepted: str, tag: str, words: tuple[str, ...]) -> None:
    async with apps.client(apps.make(), known=False) as client:
        answer = await client.get("/docs/problems", headers={"Accept-Language": accepted})
        assert (await client.get("/docs/static/problems.css")).headers["content-type"].startswith("text/css")
    for code in problems.CODES:
        assert f'<section id="{code}">' in answer.text
    for rule in Rule:
        assert f'<tr id="rule-{rule}">' in answer.text
    assert f'<html lang="{tag}">' in answer.text
    assert answer.headers["content-language"] == tag[:2]
    assert all(each in answer.text for each in words)
    assert bool(re.search("[\u4e00-\u9fff]{3}", answer.text)) is (tag == "zh-CN")
