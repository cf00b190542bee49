"""People who write: they report, one by one or in batches, then comment, answer and resolve, and never give up."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

import httpx

from tests.drills.ledger import Entry, Ledger, Reply
from tests.drills.site import CATEGORY, Keys, cells

PATIENCE_S = 10.0
"""A request that is not answered by then is sent again, to another process."""
_MAX_WAIT_S = 10
"""A 429 that asks for a longer wait is a refusal."""
_BATCH = 25


class Writers:
    """A crowd at one or more processes of the service."""

    def __init__(self, urls: Sequence[str], keys: Keys, ledger: Ledger, *, people: int, batchers: int) -> None:
        self.ledger = ledger
        self._keys = keys
        self._clients = [_client(url) for url in urls]
        self._cells = cells()
        self._stopping = asyncio.Event()
        self._tasks = [asyncio.create_task(self._person(number)) for number in range(people)]
        self._tasks += [asyncio.create_task(self._phone(number)) for number in range(batchers)]

    async def stop(self, seconds: float = 60) -> bool:
        """Begin nothing new, and wait until everything is answered for good. Returns whether it was in time."""
        self._stopping.set()
        _done, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients:
            await client.aclose()
        for each in results:
            if isinstance(each, Exception):
                raise each
        return not late

    # --- lives ---

    async def _person(self, number: int) -> None:
        chance = random.Random(number)
        reporters = self._keys.reporters
        while not self._stopping.is_set():
            reporter, cell = chance.choice(reporters), chance.choice(self._cells)
            report = self.ledger.write("report", reporter, _report(cell))
            await self.settle(report)
            if report.is_done:
                await self._follow(report, cell[:12], chance)
            await asyncio.sleep(chance.uniform(0.02, 0.2))

    async def _follow(self, report: Entry, unit: str, chance: random.Random) -> None:
        """A third is left to the clock; the others are commented on, answered, resolved."""
        acts: list[tuple[str, str, dict[str, Any]]] = [
            ("comment", report.subject, {"text": "请尽快处理"}),
            ("answer", unit, {"measure": "今天处理"}),
            ("resolve", unit, {"result": "已处理"}),
        ]
        for verb, subject, body in acts[: chance.choice((0, 1, 2, 3))]:
            await self.settle(self.ledger.write(verb, subject, body, report.incident))

    async def _phone(self, number: int) -> None:
        """A phone that was offline: its reports come in batches."""
        chance = random.Random(-1 - number)
        while not self._stopping.is_set():
            reporter = chance.choice(self._keys.reporters)
            batch = [self.ledger.write("report", reporter, _report(chance.choice(self._cells))) for _ in range(_BATCH)]
            await self._settle_batch(reporter, batch)
            await asyncio.sleep(chance.uniform(0.2, 0.6))

    # --- sending ---

    async def settle(self, entry: Entry) -> None:
        """Send a write until it is answered for good."""
        while True:
            answer = await self._send(entry.path, entry.subject, entry.body, [entry], {"Idempotency-Key": entry.key})
            if answer is not None and (wait_s := _retry_after(answer.status_code, answer.headers)) is None:
                replayed = answer.headers.get("Idempotency-Replayed") == "true"
                entry.settle(answer.status_code, _id(answer), replayed=replayed)
                return
            await asyncio.sleep(0.2 if answer is None else wait_s or 0.2)

    async def _settle_batch(self, subject: str, entries: Sequence[Entry]) -> None:
        open_entries = list(entries)
        while open_entries:
            items = [{**each.body, "idempotency_key": each.key} for each in open_entries]
            answer = await self._send("/v1/incidents/batch", subject, {"items": items}, open_entries, {})
            if answer is not None and answer.status_code == 200:
                open_entries = _settle_items(open_entries, answer.json()["results"])
            elif answer is not None and _retry_after(answer.status_code, answer.headers) is None:
                for entry in open_entries:
                    entry.settle(answer.status_code, None, replayed=False)
                return
            if open_entries:
                await asyncio.sleep(0.3)

    async def _send(
        self, path: str, subject: str, body: dict[str, Any], entries: Sequence[Entry], headers: dict[str, str]
    ) -> httpx.Response | None:
        """The answer of one process, chosen by chance; None when there is none."""
        number = random.randrange(len(self._clients))
        sent = time.monotonic()
        self.ledger.in_flight[number] += 1
        try:
            answer = await self._clients[number].post(path, json=body, headers=self._keys.of(subject) | headers)
        except httpx.ConnectError:
            return None
        except httpx.TransportError as error:
            if isinstance(error, httpx.TimeoutException):
                self.ledger.replies.append(Reply(sent, time.monotonic() - sent, 0, "", False, number))
            for entry in entries:
                entry.unknown += 1
            return None
        finally:
            self.ledger.in_flight[number] -= 1
        self.ledger.replies.append(_reply(answer, sent, number))
        return answer


def _client(url: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    return httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, limits=limits)


def _report(cell: str) -> dict[str, Any]:
    return {"grid_code": cell, "category": CATEGORY, "description": "路灯不亮"}


def _id(answer: httpx.Response) -> str | None:
    return str(answer.json()["id"]) if answer.status_code in (200, 201) else None


def _reply(answer: httpx.Response, sent: float, server: int) -> Reply:
    is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    code = str(answer.json().get("code")) if is_problem else ""
    return Reply(sent, time.monotonic() - sent, answer.status_code, code, is_problem, server)


def _retry_after(status: int, headers: httpx.Headers) -> float | None:
    """The seconds after which to ask again; None when the answer counts."""
    wait_s = float(headers.get("Retry-After", 0.2))
    if status == 429:
        return wait_s if wait_s <= _MAX_WAIT_S else None
    return min(wait_s, 1.0) if status >= 500 else None


def _settle_items(entries: Sequence[Entry], results: Sequence[dict[str, Any]]) -> list[Entry]:
    """Note the answers that count. Returns the entries that have to be sent again."""
    again = []
    for entry, result in zip(entries, results, strict=True):
        is_full = (result.get("problem") or {}).get("code") == "quota"  # until the next day: that is an answer for good
        if result["status"] in (429, 500, 503) and not is_full:
            again.append(entry)
        else:
            incident = (result.get("incident") or {}).get("id")
            entry.settle(result["status"], incident, replayed=bool(result["replayed"]))
    return again
