"""Conflicts of duties: two units that lead the same category in the same area at the same time. Pure.

`World.duty_for` would pick one of the two duties by code, and the other would silently have no effect. So the second
one is refused, whether it is proposed, approved or imported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from service.registry.bundle.changes import Columns, Plan
from service.registry.bundle.parse import Bundle, Fault
from service.registry.bundle.rows import DutyRow
from service.rules.sentences import Sentence
from service.rules.world import Duty, Validity, World

_NEVER = datetime.max.replace(tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)


def of_proposal(row: DutyRow, world: World, starts: datetime | None = None) -> Sentence | None:
    """Return in words the conflict of a proposed duty with a stored one; None when there is no conflict.

    `starts` is the moment from which the duty is in force; None for a proposal, which has no start yet. A proposal is
    refused only for a conflict that no start can avoid: one with a duty that is in force when the proposed duty ends,
    or for ever if neither has an end.
    """
    start = starts or (_NEVER if row.valid_to is None else row.valid_to - _MOMENT)
    proposed = _duty({**row.model_dump(), "valid_from": start})
    return _first_conflict(proposed, world.duties_by_category.get(row.category, ()))


def in_bundle(bundle: Bundle, plan: Plan, world: World) -> Iterator[Fault]:
    """Yield a fault for each row of duties.csv that conflicts with another row or with a stored duty.

    Stored duties count as they will be after the import. A conflict between duties that the bundle does not change is
    no fault, since it would block everything else.
    """
    lines = {row.code: number for number, row in bundle.duties}
    duties, changed = _after_import(plan, world)
    by_place = defaultdict(list)
    for duty in duties:
        by_place[duty.category, duty.area].append(duty)
    for duty in changed:
        detail = _first_conflict(duty, by_place[duty.category, duty.area])
        if detail:
            yield Fault("duties.csv", lines[duty.code], detail)


def _after_import(plan: Plan, world: World) -> tuple[Iterable[Duty], list[Duty]]:
    """Return all duties as an import leaves them, and those that it starts or prolongs.

    Of a prolonged duty, only the added time counts as changed.
    """
    duties = {_key(duty): duty for rows in world.duties.values() for duty in rows}
    changed = []
    for ended in plan.ended:
        old = duties[ended["code"], ended["valid_from"]]
        old_end, new_end = old.validity.valid_to, ended["valid_to"]
        duties[_key(old)] = replace(old, validity=Validity(old.validity.valid_from, new_end))
        if old_end is not None and _is_after(new_end, old_end):
            changed.append(replace(old, validity=Validity(old_end, new_end)))
    for columns in (*plan.corrected, *plan.added):
        duty = _duty(columns)
        duties[_key(duty)] = duty
        changed.append(duty)
    return duties.values(), changed


def _first_conflict(duty: Duty, others: Iterable[Duty]) -> Sentence | None:
    """Return in words the earliest duty among `others` that conflicts with a duty; None when there is none."""
    conflicts = (other for other in others if _conflict(duty, other))
    first = min(conflicts, key=lambda each: (each.validity.valid_from, each.code), default=None)
    if first is None:
        return None
    return Sentence(
        "{category} in {area} is {unit}'s by duty {code} {span}: make the change under code {code}, or end {code} "
        "first, or name a more specific category or area",
        category=first.category,
        area=first.area,
        unit=first.lead_unit,
        code=first.code,
        span=_span(first.validity),
    )


def _span(validity: Validity) -> Sentence:
    if validity.valid_to is None:
        return Sentence("from {start} on", start=validity.valid_from)
    return Sentence("from {start} until {end}", start=validity.valid_from, end=validity.valid_to)


def _conflict(one: Duty, other: Duty) -> bool:
    same_place = (one.category, one.area) == (other.category, other.area)
    return same_place and one.code != other.code and one.lead_unit != other.lead_unit and _overlap(one, other)


def _overlap(one: Duty, other: Duty) -> bool:
    first, second = one.validity, other.validity
    return _is_after(first.valid_to, second.valid_from) and _is_after(second.valid_to, first.valid_from)


def _is_after(end: datetime | None, moment: datetime) -> bool:
    """Whether an end lies after a moment; None is no end at all."""
    return end is None or end > moment


def _key(duty: Duty) -> tuple[str, datetime]:
    return duty.code, duty.validity.valid_from


def _duty(row: Columns) -> Duty:
    validity = Validity(row["valid_from"], row["valid_to"])
    return Duty(row["code"], row["title"], row["category"], row["area"], row["lead_unit"], validity)
