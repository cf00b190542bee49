"""Two units that lead one category in one area at one time: `World.duty_for` would go by the code, and the other duty
do nothing, silently. So the second is refused, whether it is proposed, admitted or imported. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from service.registry.bundle.changes import Columns, Plan
from service.registry.bundle.parse import Bundle, Fault
from service.registry.bundle.rows import DutyRow
from service.rules.worktime import ZONE
from service.rules.world import Duty, Validity, World

_NEVER = datetime.max.replace(tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)


def of_proposed(row: DutyRow, world: World, starts: datetime | None = None) -> str | None:
    """What stands in the way of a duty from `starts` on. None: whenever it may be admitted; what stands in its way just
    before its end, or for ever, always does."""
    latest = _NEVER if row.valid_to is None else row.valid_to - _MOMENT
    wanted = _duty({**row.model_dump(), "valid_from": starts or latest})
    return _first(wanted, world.duties_by_category.get(row.category, ()))


def in_bundle(bundle: Bundle, plan: Plan, world: World) -> Iterator[Fault]:
    """Rows of duties.csv in whose way another of the bundle stands, or one held as the bundle leaves it. What it leaves
    as it was is not judged: that would keep everything else out."""
    lines = {row.code: number for number, row in bundle.duties}
    after = {_key(duty): duty for rows in world.duties.values() for duty in rows}
    claims = []
    for ended in plan.ended:
        old = after[ended["code"], ended["valid_from"]]
        after[_key(old)] = replace(old, validity=Validity(old.validity.valid_from, ended["valid_to"]))
        if old.validity.valid_to is not None and _after(ended["valid_to"], old.validity.valid_to):
            claims.append(replace(old, validity=Validity(old.validity.valid_to, ended["valid_to"])))
    for columns in (*plan.corrected, *plan.added):
        duty = _duty(columns)
        after[_key(duty)] = duty
        claims.append(duty)
    held = defaultdict(list)
    for duty in after.values():
        held[duty.category, duty.area].append(duty)
    for claim in claims:
        wrong = _first(claim, held[claim.category, claim.area])
        if wrong:
            yield Fault("duties.csv", lines[claim.code], wrong)


def _first(wanted: Duty, held: Iterable[Duty]) -> str | None:
    found = (each for each in held if _rivals(wanted, each))
    other = min(found, key=lambda each: (each.validity.valid_from, each.code), default=None)
    if other is None:
        return None
    code, begins, ends = other.code, other.validity.valid_from, other.validity.valid_to
    span = f"from {_told(begins)} " + (f"until {_told(ends)}" if ends else "on")
    return (
        f"{other.category} in {other.area} is {other.lead_unit}'s by duty {code} {span}: "
        f"make the change under code {code}, or end {code} first, or name a more specific category or area"
    )


def _told(moment: datetime) -> str:
    return moment.astimezone(ZONE).isoformat()


def _rivals(one: Duty, other: Duty) -> bool:
    same_place = (one.category, one.area) == (other.category, other.area)
    return same_place and one.code != other.code and one.lead_unit != other.lead_unit and _overlap(one, other)


def _overlap(one: Duty, other: Duty) -> bool:
    first, second = one.validity, other.validity
    return _after(first.valid_to, second.valid_from) and _after(second.valid_to, first.valid_from)


def _after(end: datetime | None, moment: datetime) -> bool:
    return end is None or end > moment


def _key(duty: Duty) -> tuple[str, datetime]:
    return duty.code, duty.validity.valid_from


def _duty(row: Columns) -> Duty:
    validity = Validity(row["valid_from"], row["valid_to"])
    return Duty(row["code"], row["title"], row["category"], row["area"], row["lead_unit"], validity)
