"""Duties over time (权责事项准入): proposed → approved → in force from an instant, until the next one of the same code;
or proposed → refused, by ops, or by whoever proposed it, which is a withdrawal. Then the code is free for the next.

A proposal is checked when it is made and once more when it is approved, since the registry may have changed. Approving
closes the row in force and opens the next, so what held on any past day stays answerable; what was only planned for a
later day gives way to the later decision. An import by ops is an admission by itself, and leaves proposals alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.registry import views
from service.registry.bundle import duty_conflicts
from service.registry.bundle.checks import duty_faults
from service.registry.bundle.rows import DutyRow
from service.rules.errors import Conflict, NotFound, NotYours, Pointer, ValidationFailed
from service.rules.model import By
from service.rules.words import EventType, Role, UnitKind
from service.rules.world import Duty, World
from service.store.database import Database, Transaction
from service.store.log import writing
from service.store.log.writing import Committed, Entry
from service.store.registry import duty_proposals
from service.store.registry import rows as rows_
from service.store.registry import world as world_
from service.store.registry.duty_proposals import Proposal

_NAME = "duties"


@dataclass(frozen=True, slots=True)
class Done:
    """A proposal as it stands. `new`: False when this was asked before, and nothing was written now."""

    proposal: Proposal
    new: bool
    committed: Committed | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """From when: now unless given. `proposed_at` of the proposal that was read: a fence, as If-Match is."""

    valid_from: datetime | None = None
    proposed_at: datetime | None = None


async def propose(database: Database, wanted: DutyRow, now: datetime, by: By) -> Done:
    """Ask for a duty; nothing is anybody's before it is approved. Asked again: nothing is done twice. Whoever proposed
    it may correct it until it is decided.

    Raises:
        NotYours: a partner asks.
        Conflict: its code has an open proposal of somebody else's that says something else.
        ValidationFailed: every fault of it.
    """
    async with database.begin() as tx:
        await world_.lock(tx)
        world = await world_.load(tx)
        _may_propose(by, world)
        last = await duty_proposals.last(tx, wanted.code)
        if last is not None and _content(last) == _wanted(wanted) and (last.open or _stands(last, world)):
            return Done(last, new=False)
        corrects = last is not None and last.open and last.proposed_by.get("subject") == by.subject
        if last is not None and last.open and not corrects:
            raise Conflict(_told_of(last))
        _must_fit([*_ends_too_soon(wanted, now), *_faults(wanted, world, now), *_in_its_way(wanted, world)])
        if last is not None and corrects:
            made = await duty_proposals.correct(tx, last.id, _wanted(wanted), now, by)
        else:
            made = await duty_proposals.add(tx, _wanted(wanted), now, by)
        data = {"duty": _content(made), "by": by.as_dict()}
        committed = await writing.append(tx, [Entry(EventType.DUTY_PROPOSED, now, world.district, (), data)])
    return Done(made, new=True, committed=committed)


async def approve(database: Database, code: str, wish: Approval, now: datetime, by: By) -> Done:
    """Admit the open proposal of a code. Asked again: nothing is done twice.

    Raises:
        NotFound: nobody ever heard of this code.
        Conflict: nothing is open, or another proposal than the one that was read.
        ValidationFailed: `valid_from` lies in the past or past the duty's end, it no longer fits the registry, or
            another code's stands in its way by then.
    """
    async with database.begin() as tx:
        await world_.lock(tx)
        world = await world_.load(tx)
        last = await duty_proposals.last(tx, code)
        if last is not None and wish.proposed_at not in (None, last.proposed_at):
            raise Conflict(f"Duty {code} was proposed anew at {last.proposed_at.isoformat()}: read it again first.")
        if last is None or not last.open:
            return Done(_approved(last, code, wish.valid_from, world), new=False)
        starts = _start(last, wish.valid_from, now)
        duty = {**_content(last), "valid_from": starts}
        row = DutyRow.model_validate(duty)
        wrong = [*_faults(row, world, starts), *_in_its_way(row, world, starts)]
        _must_fit([Pointer("", each.detail) for each in wrong])
        held = world.duties.get(code, ())
        await _admit(tx, duty, held)
        done = await duty_proposals.approve(tx, last.id, starts, now, by)
        await world_.rise(tx)
        planned = [views.duty(each) for each in held if each.validity.valid_from > starts]
        data = {"duty": duty, "proposed_by": last.proposed_by, "taken_back": planned, "by": by.as_dict()}
        told = [Entry(EventType.DUTY_APPROVED, now, world.district, (), data)]
        committed = await writing.append(tx, told, reload=("world",))
    return Done(done, new=True, committed=committed)


async def refuse(database: Database, code: str, reason: str, now: datetime, by: By) -> Done:
    """End the open proposal of a code without admitting it. Asked again for the same reason: nothing is done twice.

    Raises:
        NotFound: nobody ever heard of this code.
        NotYours: neither ops nor the subject that proposed it.
        Conflict: nothing is open.
    """
    async with database.begin() as tx:
        await world_.lock(tx)
        world = await world_.load(tx)
        last = await duty_proposals.last(tx, code)
        if last is None:
            raise _never_proposed(code, world)
        if by.kind != Role.OPS and last.proposed_by.get("subject") != by.subject:
            raise NotYours(
                f"Duty {code} was proposed by {_who(last.proposed_by)}: they may withdraw it, and ops refuse it."
            )
        if not last.open:
            return Done(_refused(last, reason), new=False)
        done = await duty_proposals.refuse(tx, last.id, reason, now, by)
        data = {"duty": _content(done), "proposed_by": done.proposed_by, "reason": reason, "by": by.as_dict()}
        committed = await writing.append(tx, [Entry(EventType.DUTY_REFUSED, now, world.district, (), data)])
    return Done(done, new=True, committed=committed)


async def _admit(tx: Transaction, duty: Mapping[str, Any], held: Sequence[Duty]) -> None:
    """Open the row of a duty where those held of its code end. First the ends: only one row of a code has none."""
    code, starts = duty["code"], duty["valid_from"]
    spans = [each.validity for each in held]
    before = [each.valid_from for each in spans if each.valid_from < starts and _reaches(each.valid_to, starts)]
    await rows_.take_back(tx, _NAME, code, after=starts)
    ends = [{"code": code, "valid_from": began, "valid_to": starts} for began in before]
    await rows_.change_rows(tx, _NAME, ends)
    if any(each.valid_from == starts for each in spans):  # corrected where it stands, as an import does
        await rows_.change_rows(tx, _NAME, [duty])
    else:
        await rows_.add_rows(tx, _NAME, [duty])


def _reaches(end: datetime | None, moment: datetime) -> bool:
    return end is None or end > moment


def _approved(last: Proposal | None, code: str, valid_from: datetime | None, world: World) -> Proposal:
    """The proposal that was approved already, when just that is asked for again."""
    if last is None:
        raise _never_proposed(code, world)
    if last.refused_at is not None:
        raise Conflict(_told_of_refused(last))
    if valid_from is not None and valid_from != last.valid_from:
        since = last.valid_from.isoformat() if last.valid_from else ""
        raise Conflict(f"The last proposal of duty {code} was approved from {since} on: POST /v1/duties for the next.")
    return last


def _refused(last: Proposal, reason: str) -> Proposal:
    """The proposal that was refused already, when just that is asked for again."""
    if last.approved_at is not None:
        since = last.valid_from.isoformat() if last.valid_from else ""
        raise Conflict(
            f"Duty {last.code} was approved at {last.approved_at.isoformat()}, from {since} on, and can no longer be "
            "refused: POST /v1/duties with what should hold instead, and ops approve that."
        )
    if reason != last.refused_reason:
        raise Conflict(_told_of_refused(last))
    return last


def _never_proposed(code: str, world: World) -> NotFound | Conflict:
    if code in world.duties:
        return Conflict(f"Nothing is proposed for duty {code}: POST /v1/duties first, with what should change.")
    return NotFound(f"There is no duty {code}, nor a proposal of it: POST /v1/duties proposes one.")


def _may_propose(by: By, world: World) -> None:
    rows = world.units.get(by.unit or "", ())
    if rows and rows[-1].kind is UnitKind.PARTNER:
        parent = rows[-1].parent or world.district
        raise NotYours(
            f"A partner assists, or answers as a member of its parent, and proposes no duties: ask {parent} "
            f"({world.unit_name(parent)}) or ops to propose this one."
        )


def _start(last: Proposal, valid_from: datetime | None, now: datetime) -> datetime:
    starts = valid_from or now
    if starts < now:
        detail = f"It is {now.isoformat()} already: nothing is admitted in the past. Leave valid_from out for now."
    elif last.valid_to is not None and last.valid_to <= starts:
        detail = f"As proposed, this duty ends at {last.valid_to.isoformat()}: admit it from an earlier moment."
    else:
        return starts
    raise ValidationFailed(detail, errors=[Pointer("/valid_from", detail)])


def _wanted(row: DutyRow) -> dict[str, Any]:
    return row.model_dump(exclude={"valid_from"})


def _content(proposal: Proposal) -> dict[str, Any]:
    """What is proposed, by column."""
    return {name: getattr(proposal, name) for name in DutyRow.model_fields if name != "valid_from"}


def _stands(last: Proposal, world: World) -> bool:
    """Whether the newest row of the code is the one this approved proposal opened."""
    rows = world.duties.get(last.code, ())
    return bool(rows) and views.duty(rows[-1]) == {**_content(last), "valid_from": last.valid_from}


def _ends_too_soon(row: DutyRow, now: datetime) -> list[Pointer]:
    if _reaches(row.valid_to, now):
        return []
    detail = f"it is {now.isoformat()} already: give a later valid_to, or leave it out"
    return [Pointer("/valid_to", detail)]


def _faults(row: DutyRow, world: World, at: datetime) -> list[Pointer]:
    """What does not fit the registry in force at a moment: the bundle's own check."""
    kinds = {code: unit.kind for code in world.units if (unit := world.unit(code, at)) is not None}
    categories = frozenset(code for code in world.categories if world.category(code, at) is not None)
    return [Pointer(f"/{column}", detail) for column, detail in duty_faults(row, kinds, categories)]


def _in_its_way(row: DutyRow, world: World, starts: datetime | None = None) -> list[Pointer]:
    wrong = duty_conflicts.of_proposed(row, world, starts)
    return [Pointer("/category", wrong)] if wrong else []


def _must_fit(wrong: Sequence[Pointer]) -> None:
    if wrong:
        detail = f"It does not fit the registry, nothing was written: {'; '.join(each.detail for each in wrong)}."
        raise ValidationFailed(detail, errors=wrong)


def _told_of(last: Proposal) -> str:
    return (
        f"Duty {last.code} has an open proposal that says something else, by {_who(last.proposed_by)} at "
        f"{last.proposed_at.isoformat()}: they may correct or withdraw it, or ops approve or refuse it first "
        f"(POST /v1/duties/{last.code}/approve or /v1/duties/{last.code}/refuse)."
    )


def _told_of_refused(last: Proposal) -> str:
    when = last.refused_at.isoformat() if last.refused_at else ""
    return (
        f"The last proposal of duty {last.code} was refused at {when} by {_who(last.refused_by or {})}: "
        "read why in GET /v1/duties/proposals; POST /v1/duties proposes it anew."
    )


def _who(by: Mapping[str, str]) -> str:
    return by.get("unit") or by.get("subject") or by.get("kind", "")
