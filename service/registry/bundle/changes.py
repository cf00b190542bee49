"""What an import does to rows with validity dates. Pure: the bundle's rows and the newest held rows in, a plan out.

A row says what holds from its `valid_from` on. What differs closes the row held and opens its own; what was never in
force (it starts later, or this very moment) is corrected where it stands, for nobody was ever called by it; a row
that only ends is closed. So the same bundle again finds nothing to do.

No change begins in the past, and no duty ends there; another row may be ended as of a day that has passed. A file goes
on naming the `valid_from` a row had at first, so one no later than that of the row held asks for nothing, and the
change begins now; a later one that has passed is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.registry.bundle.parse import Fault
from service.rules.worktime import ZONE

ALWAYS = datetime(2000, 1, 1, tzinfo=ZONE)
"""From when a code's first row is in force unless the bundle says otherwise."""

Columns = Mapping[str, Any]
"""One row by column name, as in its table."""
_DATES = ("valid_from", "valid_to")


@dataclass(slots=True)
class Change:
    """What happens to one kind of row: codes, in the order of the file. `closed`: nothing but its end is new."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    unchanged: int = 0

    @property
    def codes(self) -> list[str]:
        return [*self.added, *self.changed, *self.closed]


@dataclass(slots=True)
class Plan:
    """`ended`: code, valid_from and the new valid_to · `corrected`: whole rows by code and valid_from · `added`."""

    change: Change = field(default_factory=Change)
    ended: list[Columns] = field(default_factory=list)
    corrected: list[Columns] = field(default_factory=list)
    added: list[Columns] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def plan(
    file: str,
    rows: Sequence[tuple[int, Columns]],
    held: Mapping[str, Columns],
    now: datetime,
    *,
    past_is_settled: bool = False,
) -> Plan:
    """What to do about `rows` (with their line in `file`), given the newest row held of each code.

    `past_is_settled`: nor does a new code begin in the past, or an end move there. So it is for duties once any is
    held: each would say anew whose a category was on days that are over.
    """
    made = Plan()
    for number, row in rows:
        old = held.get(row["code"])
        if old is None:
            wrong = _add(made, row, now if past_is_settled else None)
        elif any(old[column] != value for column, value in row.items() if column not in _DATES):
            wrong = _change(made, row, old, now)
        elif old["valid_to"] == row["valid_to"]:
            made.change.unchanged += 1
            wrong = None
        elif past_is_settled and _rewrites_end(row, old, now):
            wrong = _past("valid_to", row["valid_to"], "leave valid_to out, or give a later one")
        else:
            wrong = _move_end(made, row, old, now)
        if wrong:
            made.faults.append(Fault(file, number, wrong))
    return made


def _add(made: Plan, row: Columns, earliest: datetime | None) -> str | None:
    """A code that is new. `earliest`: when it may begin at the soonest, and does unless it says; None: whenever."""
    asked = row["valid_from"]
    if earliest is not None and asked is not None and asked < earliest:
        return _past("valid_from", asked)
    start = asked or earliest or ALWAYS
    if _over(row, start):
        return f"valid_to {_day(row['valid_to'])} lies before the row begins, {_day(start)}"
    made.change.added.append(row["code"])
    made.added.append({**row, "valid_from": start})
    return None


def _change(made: Plan, row: Columns, old: Columns, now: datetime) -> str | None:
    asked, began = row["valid_from"], old["valid_from"]
    if _backdates(row, old, now):
        return _past("valid_from", asked)
    start = asked if asked is not None and asked > began else max(now, began)
    if _over(row, start):
        return (
            f"valid_to {_day(row['valid_to'])} lies before this change begins, {_day(start)}: "
            "either end the row as it stands, or change it and let it end later"
        )
    made.change.changed.append(row["code"])
    if start == began:
        made.corrected.append({**row, "valid_from": began})
        return None
    if not _over(old, start):  # one that ended earlier keeps its end: it was not in force in between
        made.ended.append(_ending(old, start))
    made.added.append({**row, "valid_from": start})
    return None


def _move_end(made: Plan, row: Columns, old: Columns, now: datetime) -> str | None:
    if _over(row, old["valid_from"]):
        return f"valid_to {_day(row['valid_to'])} lies before the row begins, {_day(old['valid_from'])}"
    if _over(old, now) and not _over(row, now):  # it was over, and comes back
        if _backdates(row, old, now):
            return _past("valid_from", row["valid_from"])
        start = max(now, row["valid_from"] or now)
        if _over(row, start):
            return f"valid_to {_day(row['valid_to'])} lies before the row begins again, {_day(start)}"
        made.change.changed.append(row["code"])
        made.added.append({**row, "valid_from": start})
        return None
    made.ended.append(_ending(old, row["valid_to"]))
    (made.change.changed if row["valid_to"] is None else made.change.closed).append(row["code"])
    return None


def _backdates(row: Columns, old: Columns, now: datetime) -> bool:
    """Whether a changed row asks to begin after the row held did, and before now."""
    return row["valid_from"] is not None and old["valid_from"] < row["valid_from"] < now


def _rewrites_end(row: Columns, old: Columns, now: datetime) -> bool:
    """Whether a row that was in force would end before now, or one that is over would have gone on until now; the end
    it has already was told apart before."""
    begun, end = old["valid_from"] < now, row["valid_to"]
    return begun and end is not None and (end < now or (end == now and _over(old, now)))


def _past(column: str, moment: datetime, instead: str = "leave valid_from out for now, or give a later one") -> str:
    return f"{column} {_day(moment)} is past by now, and nothing is changed in the past: {instead}"


def _over(row: Columns, moment: datetime) -> bool:
    """Whether a row is no longer in force at a moment, however early it began."""
    return row["valid_to"] is not None and row["valid_to"] <= moment


def _ending(old: Columns, end: datetime | None) -> Columns:
    return {"code": old["code"], "valid_from": old["valid_from"], "valid_to": end}


def _day(moment: datetime) -> str:
    return moment.astimezone(ZONE).date().isoformat()
