"""`sihu personal erase`: what was named, and nothing before somebody says yes."""

from __future__ import annotations

import asyncio
import sys

import pytest
from sqlalchemy import text

from service.bench.seeding import seed
from service.commands.database import on_database
from service.store.database import Database
from tests.commands.running import Run
from tests.house import START

UNKNOWN = "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11"


@pytest.fixture
def url(haizhu_url: str) -> str:
    """A database with three incidents: n-1, n-2 and n-3."""

    async def work(database: Database) -> None:
        await seed(database, 3, reported_at=START, due_at=START, name="n")

    asyncio.run(on_database(haizhu_url, work))
    return haizhu_url


def asked(url: str, question: str) -> list[tuple[object, ...]]:
    async def work(database: Database) -> list[tuple[object, ...]]:
        async with database.read() as connection:
            return [tuple(row) for row in await connection.execute(text(question))]

    return asyncio.run(on_database(url, work))


def left(url: str) -> list[object]:
    return [row[0] for row in asked(url, "SELECT number FROM incident WHERE has_texts ORDER BY number")]


@pytest.mark.clause("PIPL 47")
def test_incidents_are_named_by_number_or_id(run: Run, url: str) -> None:
    [[name], [incident_id]] = (
        asked(url, "SELECT number FROM incident WHERE number = 'n-1'"),
        asked(url, "SELECT id::text FROM incident WHERE number = 'n-2'"),
    )
    code, lines, faults = run(url, "personal", "erase", str(name[0]), str(incident_id[0]), "--yes")
    assert (code, faults) == (0, [])
    assert lines == ["n-1: texts and contact erased", "n-2: texts and contact erased"]
    assert left(url) == ["n-3"]
    assert run(url, "personal", "erase", "n-1", "--yes") == (0, ["n-1: nothing is left to erase"], [])


@pytest.mark.parametrize("unknown", ["2026-999999", UNKNOWN])
def test_an_unknown_incident_erases_nothing(run: Run, url: str, unknown: str) -> None:
    code, lines, faults = run(url, "personal", "erase", "n-1", unknown, "--yes")
    assert (code, lines) == (1, [])
    assert faults == [f"sihu: There is no incident {unknown}; nothing was erased."]
    assert len(left(url)) == 3


def test_nobody_there_erases_nothing(run: Run, url: str) -> None:
    code, lines, faults = run(url, "personal", "erase", "n-1")
    assert (code, lines) == (1, [])
    assert faults == ["sihu: nothing was erased: say --yes to erase the texts and the contact of 1 incident for good"]
    assert len(left(url)) == 3


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("YES", 0), ("", 1), ("n", 1), ("maybe", 1)])
def test_a_person_is_asked(run: Run, url: str, monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    class Person:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return f"{answer}\n"

    monkeypatch.setattr(sys, "stdin", Person())
    assert run(url, "personal", "erase", "n-1", "n-2")[0] == code
    assert len(left(url)) == (1 if code == 0 else 3)
