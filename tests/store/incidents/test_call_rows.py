"""Rows of `call` and the rules' calls: every field there and back, and only the columns that change are written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from service.rules.decisions import AnyDecision
from service.rules.model import Appeal, AssistingPart, By, Call
from service.rules.words import Arrow, Cause, ClockKind, Ground, Level, Outcome, Urgency, Verdict
from service.store.database import Database
from service.store.incidents import call_rows
from service.store.incidents.call_rows import CALL_COLUMNS, DUE_COLUMNS
from service.store.incidents.tables import call as call_table
from tests.rules.builders import CELL, act, half, later, reported
from tests.store.incidents.rows import ask, done, fired, raised, save

pytestmark = pytest.mark.anyio

UNIT, OPS = By("unit", "s", "u"), By("ops", "o")
_MARKS = ("self_reported", "accountable", "accountable_seq")
DISTINCT = Call(
    seq=2,
    level=Level.DEPARTMENT,
    round=3,
    unit="dept-x",
    from_unit="dept-y",
    cause=Cause.REJECTED,
    opened_at=later(minutes=1),
    answer_by=later(minutes=2),
    clock=ClockKind.WORKING,
    ground=Ground.EMERGENCY,
    reason="a",
    resolve_by=later(minutes=3),
    answered_at=later(minutes=4),
    answer={"measure": "b"},
    ended_at=later(minutes=5),
    ended_by=By("clock"),
    outcome=Outcome.NOT_RESOLVED,
    result="c",
    end_code="d",
    end_reason="e",
    late_s=0.125,
    binding=True,
    assisting=("f", "g"),
    rating=1,
    attachments=("h",),
    end_duty="i",
    parts_done=(AssistingPart("j", later(minutes=6), "k"), AssistingPart("l", later(minutes=7))),
    outcome_rating=2,
    appeal=Appeal("m", UNIT, later(minutes=8), OPS, later(minutes=9), "n", Verdict.APPROVED),
    exempt=True,
    answer_us=11,
    resolve_us=None,
    urgency=Urgency.URGENT,
    credit=None,
    box_used=101,
    late_exit=True,
    self_reported=True,
    accountable="dept-z",
    accountable_seq=12,
    held_s=13,
    category="u-0102",
    declined=("g",),
    answered_by_member=True,
)
"""No two fields of one type have the same value."""


def _changing(before: Call, after: Call) -> AnyDecision:
    """A decision that changes one call of an incident in this way."""
    incident = reported().after._replace(call=before)
    return reported()._replace(
        before=incident, after=incident._replace(call=after), changed=(after,), opened=None, events=()
    )


async def _one(database: Database, columns: tuple[Any, ...]) -> Any:
    async with database.read() as connection:
        return (await connection.execute(select(*columns))).one()


async def test_every_field_of_a_call_comes_back(database: Database) -> None:
    """The call is opened as the rules open one, and everything else is changed by one decision."""
    opening = ("ground", "reason", "binding", "assisting", "urgency", "category", *_MARKS)
    defaults = {name: value for name, value in Call._field_defaults.items() if name not in opening}
    opened = DISTINCT._replace(**defaults)
    incident = reported(category=DISTINCT.category or "").after
    async with database.begin() as tx:
        page = call_rows.opened_calls([(incident, opened)])
        row = {name: values[0] for name, values in page.items()}
        await tx.execute(insert(call_table), [{**row, "assisting": list(opened.assisting)}])
    assert call_rows.call_of(await _one(database, CALL_COLUMNS)) == opened
    await save(database, _changing(opened, DISTINCT))
    assert call_rows.call_of(await _one(database, CALL_COLUMNS)) == DISTINCT
    copied = await ask(database, "SELECT district, grid_code, category FROM call")
    assert copied == [(CELL[:6], CELL, DISTINCT.category)]


async def test_an_appeal_that_waits_comes_back(database: Database) -> None:
    await save(database, reported())
    before = reported().after.call
    waiting = before._replace(appeal=Appeal("m", UNIT, later(minutes=8)))
    await save(database, _changing(before, waiting))
    assert call_rows.call_of(await _one(database, CALL_COLUMNS)) == waiting


async def test_the_clock_loads_what_a_deadline_needs(database: Database) -> None:
    incident = await raised(database, 1)
    assert incident.call.reason is not None
    async with database.read() as connection:
        row = (await connection.execute(select(*DUE_COLUMNS).where(call_table.c.outcome.is_(None)))).one()
    assert call_rows.due_call_of(row) == incident.call._replace(ground=None, reason=None)
    answered = (await done(database, incident, "street", Arrow.ANSWER, at=later(minutes=1))).after.call
    async with database.read() as connection:
        row = (await connection.execute(select(*DUE_COLUMNS).where(call_table.c.outcome.is_(None)))).one()
    expected = answered._replace(ground=None, reason=None, answer=None, answer_us=None)
    assert call_rows.due_call_of(row) == expected


def test_only_the_columns_that_change_are_written() -> None:
    incident = reported().after
    page = call_rows.changed_calls([fired(half(incident))])
    assert set(page) == {"incident_id", "seq", "outcome", "ended_at", "ended_by", "late_s", "box_used"}
    page = call_rows.changed_calls([act(incident, "community", Arrow.ANSWER)])
    assert set(page) == {"incident_id", "seq", "answered_at", "resolve_by", "answer", "answer_us"}


def test_a_decision_that_changes_no_call_adds_no_row() -> None:
    incident = reported().after
    decisions = [act(incident, "reporter", Arrow.COMMENT), fired(half(incident)), reported()]
    assert call_rows.changed_calls(decisions)["seq"] == (1,)


def test_a_call_that_was_never_loaded_cannot_be_written() -> None:
    """The sweep's incident knows its last call alone: a rule that changed another would overwrite what it never saw."""
    decision = fired(half(reported().after._replace(call=reported().after.call._replace(seq=2))))
    stray = decision._replace(changed=(DISTINCT._replace(seq=1),))
    with pytest.raises(LookupError):
        call_rows.changed_calls([stray])
    with pytest.raises(LookupError, match="a report changes no call"):
        call_rows.changed_calls([reported()._replace(changed=(DISTINCT,))])


def test_an_appeal_is_shown_as_it_is_stored() -> None:
    assert call_rows.appeal_as_json(Appeal("m", UNIT, later(minutes=8))) == {
        "reason": "m",
        "by": {"kind": "unit", "subject": "s", "unit": "u"},
        "at": later(minutes=8),
        "decided_by": None,
        "decided_at": None,
        "decided_reason": None,
        "outcome": None,
    }


def test_a_call_late_by_parts_of_a_second_keeps_them() -> None:
    decision = fired(half(reported().after), late_s=0.25)
    assert call_rows.changed_calls([decision])["late_s"] == (0.25,)
    assert timedelta(seconds=decision.changed[0].late_s or 0) == timedelta(milliseconds=250)
