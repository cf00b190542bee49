"""The page at `/`: what it shows of a process, in two languages, and in a real browser without internet."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from service import clock as clocks
from service import front
from service.main import create_app
from service.settings import EngineMode, Settings
from service.store.database import Database
from service.web import story
from tests.house import House
from tests.web.apps import served
from tests.web.test_docs import chromium, dump

pytestmark = pytest.mark.anyio

NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"


async def page(app: FastAPI, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sihu.local:8000") as client:
        return await client.get("/", headers=headers)


def rows(answer: httpx.Response) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r"<th>(.*?)</th><td>(.*?)</td>", answer.text)}


async def test_it_shows_what_runs_and_the_story(house: House) -> None:
    answer = await page(house.app)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    found = rows(answer)
    assert found.pop("version").startswith("sihu ")
    assert found == {
        "state": "ready",
        "engine": "on",
        "clock": "virtual: time stands still until POST /v1/clock/advance",
        "database": "PostgreSQL, reached",
        "registry": "imported",
    }
    shown = unescape(answer.text)
    assert "export SIHU=http://sihu.local:8000\n" in shown
    assert all(line in shown for line in story.lines())


@pytest.mark.parametrize(("wish", "language"), [("zh-CN,en;q=0.9", "zh"), ("en-US,zh;q=0.9", "en"), ("", "en")])
async def test_it_speaks_the_readers_language(house: House, wish: str, language: str) -> None:
    answer = await page(house.app, **{"Accept-Language": wish})
    assert answer.headers["content-language"] == language
    assert "Accept-Language" in answer.headers["vary"]
    assert f'<html lang="{language}' in answer.text
    assert ("现在运行" in answer.text) is (language == "zh")


def test_both_languages_say_the_same_things() -> None:
    assert front._ENGLISH.keys() == front._CHINESE.keys()


async def test_every_link_leads_somewhere(house: House) -> None:
    answer = await page(house.app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url="http://sihu") as client:
        links = re.findall(r'href="([^"]+)"', answer.text)
        assert set(links) >= {"docs", "docs/problems", "openapi.json", "readyz", "metrics"}
        for link in links:
            assert (await client.get(f"/{link}")).status_code == 200


async def test_an_empty_registry_and_old_tables_are_said(database: Database, bare_url: str) -> None:
    for url, row, part in (
        (database.url, "registry", "empty: sihu registry import DIR"),
        (bare_url, "to look at", "migrations: this database has no tables yet: run `sihu migrate`"),
        (NOWHERE, "database", "the database is away"),
    ):
        app = create_app(Settings(database_url=url), clocks.of(None))
        async with app.router.lifespan_context(app):
            if url == database.url:
                async with asyncio.timeout(20):
                    await app.state.process.ready.wait()
            async with asyncio.timeout(60):  # a busy machine may take longer than the page waits for its database
                while part not in rows(await page(app)).get(row, ""):
                    await asyncio.sleep(0.05)


async def test_an_engine_alone_has_no_page(haizhu: Database) -> None:
    app = create_app(Settings(database_url=haizhu.url, engine=EngineMode.ONLY), clocks.of(None))
    assert (await page(app)).status_code == 404


@pytest.mark.clause("ASVS 1.1.2", "ASVS 1.2.1")
@pytest.mark.parametrize("host", ['"><script>alert(1)</script>', "a b", "evil.example/path"])
async def test_an_odd_host_is_not_repeated(house: House, host: str) -> None:
    answer = await page(house.app, Host=host)
    assert "<script" not in answer.text
    assert "export SIHU=http://127.0.0.1:8000" in unescape(answer.text)


@pytest.mark.clause("ASVS 3.7.1", "ASVS 14.2.3")
async def test_it_runs_nothing_and_asks_no_other_host(house: House) -> None:
    answer = await page(house.app)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy and "script" not in policy and "http" not in policy
    assert "<script" not in answer.text
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)


async def test_a_browser_shows_it_styled_and_without_complaint(haizhu: Database, tmp_path: Path) -> None:
    browser = chromium()
    app = create_app(Settings(database_url=haizhu.url), clocks.of(None))
    async with served(app) as port:
        shown, errors = await dump(browser, f"http://127.0.0.1:{port}/", tmp_path)
    await app.state.process.stop()
    assert "<h1>四呼 sihu</h1>" in shown
    assert f"export SIHU=http://127.0.0.1:{port}" in shown
    assert "Content Security Policy" not in errors
    assert "violates" not in errors
