"""The log alone tells every call again: identical facts, identical figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import select, text

from service.appraisal import checking
from service.commands import appraisal as admin_appraisal
from service.commands import parser
from service.rules import lifecycle
from service.rules.figures import ledger
from service.rules.figures.definition import CallFacts, Grouping, Measure, Period
from service.rules.figures.ledger import LoggedEvent
from service.rules.sight import EVERYTHING
from service.rules.words import Outcome
from service.settings import Settings
from service.store.database import Database
from service.store.figures import tallies
from service.store.incidents.tables import call
from service.store.log.tables import event
from tests.appraisal.random_life import WORLDS, Life, store_categories

pytestmark = pytest.mark.anyio

STEPS, INCIDENTS, PAGE = 100_000, 4_000, 2_000
MONTHS = [Period(2026, 11), Period(2026, 12)]


async def _live(database: Database, steps: int, incidents: int, page: int) -> Life:
    await store_categories(database)
    life = Life(2021, incidents)
    while life.steps < steps:
        await life.page(database, page)
    return life


async def _told(database: Database) -> AsyncIterator[list[LoggedEvent]]:
    columns = event.c.incident_id, event.c.sequence, event.c.type, event.c.at, event.c.data
    async with database.read() as connection:
        rows = await connection.execute(select(*columns).order_by(event.c.incident_id, event.c.sequence))
    history: list[LoggedEvent] = []
    for row in rows:
        told = LoggedEvent._make(row)
        if history and told.incident_id != history[-1].incident_id:
            yield history
            history = []
        history.append(told)
    yield history


async def _happened(database: Database) -> set[str]:
    """The types of events in the log."""
    async with database.read() as connection:
        return set(await connection.scalars(select(event.c.type).distinct()))


async def _stored(database: Database) -> dict[tuple[UUID, int], CallFacts]:
    async with database.read() as connection:
        rows = await connection.execute(select(*(call.c[name] for name in CallFacts._fields)))
    facts = (CallFacts(*row) for row in rows)
    facts = (each if each.outcome == Outcome.CLOSED else each._replace(end_code=None) for each in facts)
    return {(each.incident_id, each.seq): each for each in facts}


async def _differing(database: Database) -> Counter[str]:
    """Which facts of how many calls the log tells otherwise than the rows."""
    stored, wrong = await _stored(database), Counter[str]()
    async for history in _told(database):
        for told in ledger.calls_of(history):
            row = stored.pop((told.incident_id, told.seq))
            wrong.update(name for name in CallFacts._fields if getattr(told, name) != getattr(row, name))
    wrong["missing"] = len(stored)
    return +wrong


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_identical_figures_after_a_random_run(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    # what a refusal offers instead takes a third of the time, and nobody reads it here
    monkeypatch.setattr(lifecycle, "allowed", lambda *_: ())
    life = await _live(database, STEPS, INCIDENTS, PAGE)
    assert life.time < MONTHS[-1].end

    assert await _differing(database) == Counter()

    seen: Counter[Measure] = Counter()
    for month in MONTHS:
        assert await checking.differences(database, month, WORLDS[0]) == []
        async with database.read() as connection:
            seen.update((await tallies.tallies(connection, month, Grouping.UNIT, EVERYTHING)).total.counts)
    assert {measure for measure in Measure if not seen[measure]} == set(), "a figure nobody ever had proves nothing"
    heard = {str(kind) for kind in ledger._ENTRIES}
    assert heard - await _happened(database) == set(), "what never happened proves nothing either"


async def test_a_figure_that_was_tampered_with_is_told(database: Database) -> None:
    await _live(database, 600, 60, 60)
    month = MONTHS[0]
    assert await checking.differences(database, month, WORLDS[0]) == []
    async with database.begin() as tx:
        late = "UPDATE call SET answered_at = answer_by + interval '1 s' WHERE (incident_id, seq) IN "
        one = "SELECT incident_id, seq FROM call WHERE answered_at <= answer_by AND opened_at < :end LIMIT 1"
        await tx.execute(text(f"{late} ({one})"), {"end": month.end})

    found = await checking.differences(database, month, WORLDS[0])

    assert any(line.startswith("by unit, total: answered_late is ") for line in found)
    assert {line.split(",")[0] for line in found} >= {"by unit", "by street", "by line", "by level"}


def test_the_command_says_so(haizhu_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = parser._parser().parse_args(["appraisal", "check", "2026-11"])
    assert asked.command is admin_appraisal.check
    assert admin_appraisal.check(Settings(database_url=haizhu_url), asked) == 0
    assert "2026-11: the calls and the log tell the same figures." in capsys.readouterr().out


def test_the_command_wants_a_month(haizhu_url: str) -> None:
    with pytest.raises(SystemExit) as left:
        parser.main(["appraisal", "check", "2026-13"])
    assert left.value.code == 1
