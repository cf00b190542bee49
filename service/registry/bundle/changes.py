"""The plan of an import for rows with validity dates. Pure: rows of a file and the newest stored rows in, a plan out.

A row is in force from its `valid_from` on. A row that differs from the stored one ends it and starts a new one. If the
stored row was never in force, because it starts later or at this very moment, it is corrected in place: nobody was ever
called by it. A row that differs only in `valid_to` moves the end of the stored one. So a second import of one bundle
changes nothing.

No change starts in the past, and no duty ends there; other rows may end on a past day. Files repeat a row's original
`valid_from`. One that is not later than the stored row's is ignored, and the change takes effect now; a later one that
has already passed is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from service.registry.bundle.parse import Fault
from service.rules.sentences import Sentence
from service.rules.worktime import ZONE
from service.shown.changes import ChangedRow, between

ALWAYS = datetime(2000, 1, 1, tzinfo=ZONE)
"""The start of a code's first row when the bundle names none."""

Columns = Mapping[str, Any]
"""One row by column name, as in its table."""
_DATES = ("valid_from", "valid_to")


@dataclass(slots=True)
class RowSummary:
    """The codes of one kind of row by what happens to them, in the order of the file. `closed`: only the end is new."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    unchanged: int = 0

    @property
    def touched(self) -> int:
        """How many rows an import touches."""
        return len(self.added) + len(self.changed) + len(self.closed)

    @property
    def codes(self) -> list[str]:
        """All codes that an import touches."""
        return [*self.added, *self.changed, *self.closed]


@dataclass(slots=True)
class Plan:
    """What an import writes for one kind of row.

    `ended` rows have the code, the `valid_from` and the new `valid_to` of a stored row. `corrected` rows replace all
    columns of the stored row with their code and `valid_from`. `added` rows are new. `differences` say for the log what
    becomes of each row.
    """

    summary: RowSummary = field(default_factory=RowSummary)
    ended: list[Columns] = field(default_factory=list)
    corrected: list[Columns] = field(default_factory=list)
    added: list[Columns] = field(default_factory=list)
    differences: list[ChangedRow] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def plan_of(
    file: str,
    rows: Sequence[tuple[int, Columns]],
    stored: Mapping[str, Columns],
    now: datetime,
    *,
    past_is_settled: bool = False,
) -> Plan:
    """Return the plan for `rows`, each with its line in `file`; `stored` holds the newest stored row of each code.

    With `past_is_settled`, new codes may not start, and ends may not be moved, in the past: that would change who was
    responsible on past days. Duties are imported so as soon as any duty is stored.
    """
    plan = Plan()
    earliest = now if past_is_settled else None
    for number, row in rows:
        old = stored.get(row["code"])
        begun, touched = len(plan.added), plan.summary.touched
        detail = _add(plan, row, earliest) if old is None else _update(plan, row, old, now, past_is_settled)
        if detail:
            plan.faults.append(Fault(file, number, detail))
        elif plan.summary.touched > touched:
            start = plan.added[-1] if len(plan.added) > begun else old or row
            after = {**row, "valid_from": start["valid_from"]}
            plan.differences.append({"of": file, "row": row["code"], "changes": between(old, after)})
    return plan


def _add(plan: Plan, row: Columns, earliest: datetime | None) -> Sentence | None:
    """Plan the first row of a code, or return a fault. The row may not start before `earliest`, unless that is None."""
    valid_from = row["valid_from"]
    if earliest is not None and valid_from is not None and valid_from < earliest:
        return _past_start(valid_from)
    start = valid_from or earliest or ALWAYS
    if _has_ended(row, start):
        return _ends_first(row, start)
    plan.summary.added.append(row["code"])
    plan.added.append({**row, "valid_from": start})
    return None


def _update(plan: Plan, row: Columns, old: Columns, now: datetime, past_is_settled: bool) -> Sentence | None:
    """Plan what happens to the row of a code that is stored already, or return a fault."""
    if any(old[column] != value for column, value in row.items() if column not in _DATES):
        return _replace(plan, row, old, now)
    if old["valid_to"] == row["valid_to"]:
        plan.summary.unchanged += 1
        return None
    if past_is_settled and _rewrites_end(row, old, now):
        return _past_end(row["valid_to"])
    if _has_ended(row, old["valid_from"]):
        return _ends_first(row, old["valid_from"])
    if _has_ended(old, now) and not _has_ended(row, now):
        return _resume(plan, row, old, now)
    plan.ended.append(_ending(old, row["valid_to"]))
    summary = plan.summary
    (summary.changed if row["valid_to"] is None else summary.closed).append(row["code"])
    return None


def _replace(plan: Plan, row: Columns, old: Columns, now: datetime) -> Sentence | None:
    """Plan a row whose columns differ from the stored row, or return a fault."""
    valid_from, old_start = row["valid_from"], old["valid_from"]
    if _starts_in_past(row, old, now):
        return _past_start(valid_from)
    start = valid_from if valid_from is not None and valid_from > old_start else max(now, old_start)
    if _has_ended(row, start):
        return Sentence(
            "valid_to {end} lies before this change begins, {start}: either end the row as it stands, or change it and "
            "let it end later",
            end=_day(row["valid_to"]),
            start=_day(start),
        )
    plan.summary.changed.append(row["code"])
    if start == old_start:
        plan.corrected.append({**row, "valid_from": old_start})
        return None
    if not _has_ended(old, start):  # a row that ended earlier keeps its end: it was not in force in between
        plan.ended.append(_ending(old, start))
    plan.added.append({**row, "valid_from": start})
    return None


def _resume(plan: Plan, row: Columns, old: Columns, now: datetime) -> Sentence | None:
    """Plan a new row for a code whose stored row has ended, or return a fault."""
    if _starts_in_past(row, old, now):
        return _past_start(row["valid_from"])
    start = max(now, row["valid_from"] or now)
    if _has_ended(row, start):
        return Sentence(
            "valid_to {end} lies before the row begins again, {start}", end=_day(row["valid_to"]), start=_day(start)
        )
    plan.summary.changed.append(row["code"])
    plan.added.append({**row, "valid_from": start})
    return None


def _starts_in_past(row: Columns, old: Columns, now: datetime) -> bool:
    """Whether a changed row asks to start after the stored row did, but before now."""
    return row["valid_from"] is not None and old["valid_from"] < row["valid_from"] < now


def _rewrites_end(row: Columns, old: Columns, now: datetime) -> bool:
    """Whether a new end, different from the stored one, would change who was responsible before now.

    A row that was in force would end before now, or a row that has ended would have continued until now.
    """
    was_in_force, end = old["valid_from"] < now, row["valid_to"]
    return was_in_force and end is not None and (end < now or (end == now and _has_ended(old, now)))


def _ends_first(row: Columns, start: datetime) -> Sentence:
    return Sentence("valid_to {end} lies before the row begins, {start}", end=_day(row["valid_to"]), start=_day(start))


def _past_start(moment: datetime) -> Sentence:
    return Sentence(
        "valid_from {day} is past by now, and nothing is changed in the past: leave valid_from out for now, or give a "
        "later one",
        day=_day(moment),
    )


def _past_end(moment: datetime) -> Sentence:
    return Sentence(
        "valid_to {day} is past by now, and nothing is changed in the past: leave valid_to out, or give a later one",
        day=_day(moment),
    )


def _has_ended(row: Columns, moment: datetime) -> bool:
    """Whether the end of a row is not later than a moment."""
    return row["valid_to"] is not None and row["valid_to"] <= moment


def _ending(old: Columns, end: datetime | None) -> Columns:
    return {"code": old["code"], "valid_from": old["valid_from"], "valid_to": end}


def _day(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()
