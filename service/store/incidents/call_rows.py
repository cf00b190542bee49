"""The rows of `call` become the calls of the rules, and the calls become rows. No rule is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from service.rules.decisions import AnyDecision
from service.rules.model import AnyIncident, Appeal, AssistingPart, By, Call, Rating
from service.rules.words import DISTRICT_DIGITS, Cause, ClockKind, Credit, Ground, Level, Outcome, Urgency, Verdict
from service.store.bulk import ColumnPage, page_of
from service.store.incidents.tables import call as call_table

# a look-up in a dictionary is four times as fast as calling the enum class
_LEVEL = {each.value: each for each in Level}
_CAUSE = {each.value: each for each in Cause}
_CLOCK = {each.value: each for each in ClockKind}
_GROUND: Mapping[str | None, Ground | None] = {None: None, **{each.value: each for each in Ground}}
_URGENCY: Mapping[str | None, Urgency | None] = {None: None, **{each.value: each for each in Urgency}}
_CREDIT: Mapping[str | None, Credit | None] = {None: None, **{each.value: each for each in Credit}}
_OUTCOME: Mapping[str | None, Outcome | None] = {None: None, **{each.value: each for each in Outcome}}

_OPENING = ("seq", "level", "round", "unit", "from_unit", "cause", "opened_at", "answer_by", "clock")
_LATER = tuple(name for name in Call._fields if name not in _OPENING)
_BOXED = ("answered_at", "resolve_by", "urgency", "answer_cap", "resolve_cap", "category")
_BOX = slice(len(_OPENING), len(_OPENING) + len(_BOXED))
_ENDED = ("outcome", "ended_at", "ended_by", "box_used", "held_s")
_OPENING_COLUMNS = tuple(call_table.c[name].label(f"call_{name}") for name in _OPENING)
DUE_COLUMNS = (*_OPENING_COLUMNS, *(call_table.c[name].label(f"call_{name}") for name in (*_BOXED, *_ENDED)))
"""The columns that are written when a call opens, when it is answered, at a merge and when it ends. Deadlines are
computed from these, and the clock changes no others that can have a value: a page is written back with a column for all
its calls, those of resolved incidents among them."""
CALL_COLUMNS = (*_OPENING_COLUMNS, *(call_table.c[name].label(f"call_{name}") for name in _LATER))
"""All columns of `call` that people see, labelled so that one row can hold them beside the columns of `incident`."""


def due_call_of(values: Sequence[Any]) -> Call:
    """Return a last call from the values of `DUE_COLUMNS`. What people wrote is neither loaded nor saved again."""
    answered_at, resolve_by, urgency, answer_cap, resolve_cap, category = values[_BOX]
    call = _opening_of(values[: len(_OPENING)])._replace(
        answered_at=answered_at, resolve_by=resolve_by, urgency=_URGENCY[urgency], category=category
    )
    if answer_cap is not None or resolve_cap is not None:
        call = call._replace(answer_cap=answer_cap, resolve_cap=resolve_cap)
    outcome, ended_at, ended_by, box_used, held_s = values[_BOX.stop :]
    if outcome is None:
        return call
    end = {"outcome": _OUTCOME[outcome], "ended_at": ended_at, "ended_by": By(**ended_by) if ended_by else None}
    return call._replace(**end, box_used=box_used, held_s=held_s)


def _opening_of(values: Sequence[Any]) -> Call:
    seq, level, round_, unit, from_unit, cause, opened_at, answer_by, clock = values
    return Call(seq, _LEVEL[level], round_, unit, from_unit, _CAUSE[cause], opened_at, answer_by, _CLOCK[clock])


def call_of(values: Sequence[Any]) -> Call:
    """Return a call from the values of `CALL_COLUMNS`."""
    later = dict(zip(_LATER, values[len(_OPENING) :], strict=True))
    later["ground"] = _GROUND[later["ground"]]
    later["outcome"] = _OUTCOME[later["outcome"]]
    later["urgency"], later["credit"] = _URGENCY[later["urgency"]], _CREDIT[later["credit"]]
    later["ended_by"] = By(**later["ended_by"]) if later["ended_by"] else None
    later["assisting"], later["attachments"] = tuple(later["assisting"]), tuple(later["attachments"])
    later["declined"] = tuple(later["declined"] or ())
    later["parts_done"] = tuple(_part_of(each) for each in later["parts_done"] or ())
    later["appeal"] = _appeal_of(later["appeal"]) if later["appeal"] else None
    later["outcome_ratings"] = tuple(Rating(**each) for each in later["outcome_ratings"] or ())
    return _opening_of(values[: len(_OPENING)])._replace(**later)


def _part_of(stored: Mapping[str, Any]) -> AssistingPart:
    return AssistingPart(stored["unit"], datetime.fromisoformat(stored["at"]), stored["comment"])


def _appeal_of(stored: Mapping[str, Any]) -> Appeal:
    decided_at, outcome = stored["decided_at"], stored["outcome"]
    return Appeal(
        stored["reason"],
        By(**stored["by"]),
        datetime.fromisoformat(stored["at"]),
        By(**stored["decided_by"]) if stored["decided_by"] else None,
        datetime.fromisoformat(decided_at) if decided_at else None,
        stored["decided_reason"],
        Verdict(outcome) if outcome else None,
    )


def appeal_as_json(appeal: Appeal) -> dict[str, Any]:
    """Return an appeal in the form in which it is stored and shown to people."""
    by = {"by": appeal.by.as_dict(), "decided_by": appeal.decided_by.as_dict() if appeal.decided_by else None}
    return {**appeal._asdict(), **by}


_OPENED = (
    *("seq", "level", "round", "unit", "from_unit", "cause", "ground", "reason", "opened_at", "answer_by", "clock"),
    *("urgency", "accountable", "accountable_seq", "answer_cap", "resolve_cap"),
)
_SELDOM_OPENED = ("binding", "self_reported", "own_report")
_CHANGED = (
    "answer_by",
    "resolve_by",
    "answered_at",
    "answer",
    "ended_at",
    "outcome",
    "result",
    "end_code",
    "end_reason",
    "late_s",
    "attachments",
    "assisting",
    "rating",
    "end_duty",
    "parts_done",
    "outcome_rating",
    "appeal",
    "exempt",
    "answer_us",
    "resolve_us",
    "credit",
    "box_used",
    "late_exit",
    "held_s",
    "declined",
    "answered_by_member",
    "extended",
    "withdrawn_late",
    "urgency",
    "answer_cap",
    "resolve_cap",
    "outcome_mean",
    "outcome_ratings",
)


def opened_calls(calls: Sequence[tuple[AnyIncident, Call]]) -> ColumnPage:
    """Return the new rows of `call` for calls that have just been opened. A mark that no call of the page has is left
    to the table's default."""
    marks = page_of({name: name for name in _SELDOM_OPENED}, [call for _, call in calls])
    return {
        **{name: values for name, values in marks.items() if any(values)},
        "incident_id": [incident.id for incident, _ in calls],
        "district": [incident.grid_code[:DISTRICT_DIGITS] for incident, _ in calls],
        "grid_code": [incident.grid_code for incident, _ in calls],
        "category": [incident.category for incident, _ in calls],
        "assisting": [call.assisting for _, call in calls],
        **page_of({name: name for name in _OPENED}, [call for _, call in calls]),
    }


def changed_calls(decisions: Sequence[AnyDecision]) -> ColumnPage:
    """Return the keys of the calls that these decisions change, and the columns that change in at least one of them.
    The other columns are left out, since they may not even be loaded."""
    changed = [(each, call) for each in decisions for call in each.changed]
    calls = [call for _, call in changed]
    before, after = _columns_of([_before(*each) for each in changed]), _columns_of(calls)
    page = {
        "incident_id": [decision.after.id for decision, _ in changed],
        "seq": after["seq"],
        **{name: after[name] for name in _CHANGED if before[name] != after[name]},
    }
    if "declined" in page:
        page["declined"] = [call.declined or None for call in calls]
    if "parts_done" in page:
        page["parts_done"] = [[part._asdict() for part in call.parts_done] or None for call in calls]
    if "outcome_ratings" in page:
        page["outcome_ratings"] = [[each._asdict() for each in call.outcome_ratings] or None for call in calls]
    if "appeal" in page:
        page["appeal"] = [appeal_as_json(call.appeal) if call.appeal else None for call in calls]
    if any(call.ended_by for call in calls):
        page["ended_by"] = [call.ended_by.as_dict() if call.ended_by else None for call in calls]
    return page


def _columns_of(calls: Sequence[Call]) -> ColumnPage:
    """Return calls by columns: two columns are compared at once, and not value by value in Python."""
    return dict(zip(Call._fields, zip(*calls, strict=True), strict=True))


def _before(decision: AnyDecision, changed: Call) -> Call:
    """Return a changed call as it was before the decision. The clock changes the last call alone; only an act of a
    person, for which all calls are loaded, may change an earlier one.

    Raises:
        LookupError: the call is not among the loaded calls of the incident.
    """
    before = decision.before
    if before is None:
        raise LookupError(f"a report changes no call, and this one changes call {changed.seq}")
    return before.call if changed.seq == before.call.seq else (before.earlier or ())[changed.seq - 1]
