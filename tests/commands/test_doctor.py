"""`sihu doctor`: one line for each finding, and what to do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from service.bench.seeding import seed
from service.commands.database import on_database
from service.store.database import Database
from tests.commands.running import NOWHERE, Run


def test_a_sound_installation_has_only_good_findings(run: Run, haizhu_url: str) -> None:
    code, lines, faults = run(haizhu_url, "doctor")
    assert (code, faults) == (0, [])
    assert [line[:4] for line in lines] == ["ok  "] * 4
    assert "ok   278 units in the registry" in lines


@pytest.mark.parametrize("late_s", [10, 7200])
def test_a_deadline_not_fired_needs_an_engine(run: Run, haizhu_url: str, late_s: int) -> None:
    due = datetime.now(UTC) - timedelta(seconds=late_s)
    asyncio.run(
        on_database(haizhu_url, lambda database: seed(database, 1, reported_at=due - timedelta(hours=4), due_at=due))
    )
    code, lines, _ = run(haizhu_url, "doctor")
    assert code == (1 if late_s >= 60 else 0)
    assert lines[-1].startswith(("BAD " if code else "ok  ") + " the oldest deadline not fired is ")
    assert int(lines[-1].split(" s late")[0].split()[-1]) >= late_s


def test_days_to_come_that_are_not_known_are_a_warning(run: Run, office_url: str) -> None:
    code, lines, _ = run(office_url, "doctor")
    assert code == 0, "no deadline needs them yet"
    (line,) = [line for line in lines if line.startswith("warn")]
    assert line.startswith("warn calendar cn ")
    assert line.endswith("`sihu calendar load FILE --calendar cn`")


def test_a_deadline_in_days_not_known_is_bad(run: Run, office_url: str) -> None:
    due = datetime.now(UTC) + timedelta(hours=4)

    async def seed_provisional(database: Database) -> None:
        await seed(database, 1, reported_at=due - timedelta(hours=4), due_at=due)
        async with database.begin() as tx:
            await tx.execute(text("UPDATE incident SET provisional = true"))

    asyncio.run(on_database(office_url, seed_provisional))
    code, lines, _ = run(office_url, "doctor")
    bad = [line for line in lines if line.startswith("BAD ")]
    assert (code, len(bad)) == (1, 2)
    assert bad[0].startswith("BAD  calendar cn ")
    assert bad[1] == "BAD  1 open incident has a deadline that may move once those days are known"


def test_a_calendar_that_knows_the_year_ahead_is_good(run: Run, office_url: str) -> None:
    years = [str(datetime.now(UTC).year + n) for n in (0, 1, 2)]
    Path("none.csv").write_text("day,workday\n2027-01-01,false\n")
    arguments = [part for year in years for part in ("--fill-year", year)]
    _, lines, _ = run(office_url, "calendar", "load", "none.csv", *arguments)
    assert not [line for line in lines if line.startswith("warning")]
    assert "ok   the calendars know every working day of the next year" in run(office_url, "doctor")[1]


def test_an_empty_registry_is_to_be_imported(run: Run, database_url: str) -> None:
    code, lines, _ = run(database_url, "doctor")
    assert code == 1
    assert "BAD  no registry: run `sihu registry import DIR`" in lines


def test_missing_tables_are_to_be_made(run: Run, bare_url: str) -> None:
    code, lines, _ = run(bare_url, "doctor")
    assert (code, len(lines)) == (1, 2)
    assert lines[1] == "BAD  this database has no tables yet: run `sihu migrate`"


def test_a_database_out_of_reach_is_a_finding(run: Run) -> None:
    code, lines, faults = run(NOWHERE, "doctor")
    assert (code, len(lines), faults) == (1, 1, [])
    assert lines[0].startswith("BAD  the database cannot be reached (")
    assert lines[0].endswith("check DATABASE_URL and that PostgreSQL runs")
