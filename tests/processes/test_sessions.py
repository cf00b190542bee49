"""Sessions of browsers across two real processes on one database."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.house import COMMUNITY
from tests.processes.running import Running, command, serving

pytestmark = pytest.mark.slow


def made(url: str, *arguments: str) -> str:
    return command("keys", "create", *arguments, url=url).stdout.strip()


def get(running: Running, cookie: str, path: str, **query: Any) -> httpx.Response:
    headers = {"Cookie": f"sihu={cookie}", "Sec-Fetch-Site": "same-origin", "If-None-Match": "*"}
    return httpx.get(running.url + path, headers=headers, params=query, timeout=20)


def signed_in(running: Running, key: str) -> str:
    answer = httpx.post(f"{running.url}/sign-in", data={"key": key}, timeout=20)
    assert answer.status_code == 303
    return str(answer.cookies["sihu"])


@pytest.mark.clause("ASVS 7.4.1", "ASVS 7.4.2", "ASVS 16.2.5")
def test_a_session_lives_and_dies_in_every_process(haizhu_url: str, tmp_path: Path) -> None:
    """It is begun in one process, and its requests that the other one holds end within 250 ms of its key. No cookie is
    in any line of either log."""
    ops, key = made(haizhu_url, "--role", "ops"), made(haizhu_url, "--role", "unit", "--unit", COMMUNITY)
    with (
        serving(haizhu_url, tmp_path / "a.log", SIHU_LOG_LEVEL="debug") as one,
        serving(haizhu_url, tmp_path / "b.log", SIHU_LOG_LEVEL="debug") as other,
    ):
        for each in (one, other):
            each.wait_until("/readyz", 200)
        cookies = [signed_in(one, key), signed_in(one, key)]
        assert [get(other, cookie, "/v1/me").json()["subject"] for cookie in cookies] == [COMMUNITY] * 2
        signed_out = {"Cookie": f"sihu={cookies[0]}", "Origin": one.url}
        assert httpx.post(f"{one.url}/sign-out", headers=signed_out).status_code == 303
        end = time.monotonic() + 0.25
        while get(other, cookies[0], "/v1/me").status_code == 200:
            assert time.monotonic() < end, "not signed out elsewhere within 250 ms"
        assert get(other, cookies[1], "/v1/me").status_code == 200

        ends: list[tuple[int, float]] = []

        def poll() -> None:
            answer = get(other, cookies[1], f"/v1/queues/{COMMUNITY}", wait=15)
            ends.append((answer.status_code, time.monotonic()))

        waiting = threading.Thread(target=poll)
        waiting.start()
        while "sihu_held_requests 1.0" not in httpx.get(f"{other.url}/metrics").text:
            time.sleep(0.02)
        listed = httpx.get(f"{one.url}/v1/keys?unit={COMMUNITY}", headers={"Authorization": f"Bearer {ops}"}).json()
        path = f"{one.url}/v1/keys/{listed['items'][0]['id']}"
        began = time.monotonic()
        assert httpx.delete(path, headers={"Authorization": f"Bearer {ops}"}).status_code == 204
        waiting.join()
        assert ends[0][0] == 401 and ends[0][1] - began < 0.35, "250 ms, and the way there and back"
        assert get(one, cookies[1], "/v1/me").status_code == 401
    printed = (tmp_path / "a.log").read_text() + (tmp_path / "b.log").read_text()
    assert "POST /sign-in" in printed
    assert [secret for secret in (*cookies, key, ops) if secret in printed] == []
