"""Admission of duties (权责事项准入): a duty is proposed, then approved or refused.

An approved duty is in force from an instant until the next duty with the same code is. A proposal is refused by ops, or
withdrawn by the subject that proposed it; then the code is free for the next proposal.

A proposal is checked when it is made and again when it is approved, since the registry may have changed. An approval
ends the row in force and starts the next, so that the answer for any past day stays the same; rows planned for a later
day are removed. An import by ops needs no proposal, and leaves open proposals alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from service.registry import duty_refusals, views
from service.registry.bundle import duty_conflicts
from service.registry.bundle.checks import duty_faults
from service.registry.bundle.rows import DutyRow
from service.registry.views import DutyApprovedData, DutyProposedData, DutyRefusedData, ProposedDuty
from service.rules.errors import Conflict, NotYours, Pointer, Rule, ValidationFailed, wrong_field
from service.rules.model import By
from service.rules.sentences import Sentence
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
class ProposalOutcome:
    """A proposal after a request. `new` is False for a repeated request, which wrote nothing."""

    proposal: Proposal
    new: bool
    committed: Committed | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """The terms of an approval.

    `valid_from` is the start of the duty, None for now. `proposed_at` is that of the proposal which ops read; it is a
    fence, as If-Match is, and None leaves it out.
    """

    valid_from: datetime | None = None
    proposed_at: datetime | None = None


async def propose(database: Database, duty: DutyRow, now: datetime, by: By) -> ProposalOutcome:
    """Propose a duty, which changes nobody's responsibility before it is approved.

    A repeated request writes nothing. The subject that proposed a duty may correct it until it is decided.

    Raises:
        NotYours: the subject is a partner.
        Conflict: the code has an open proposal by another subject and with other content.
        ValidationFailed: the duty has faults; the errors name every one.
    """
    async with database.begin() as tx:
        await world_.lock(tx)
        world = await world_.load(tx)
        _require_proposer(by, world)
        content = _content_of_row(duty)
        last = await duty_proposals.last(tx, duty.code)
        if last is not None and _content_of(last) == content and (last.open or _is_stored(last, world)):
            return ProposalOutcome(last, new=False)
        corrects = last is not None and last.open and last.proposed_by.get("subject") == by.subject
        if last is not None and last.open and not corrects:
            raise duty_refusals.conflict_with_open(last)
        _require_none([*_faults_of_end(duty, now), *_faults(duty, world, now), *_conflicts(duty, world)])
        if last is not None and corrects:
            proposal = await duty_proposals.correct(tx, last.id, content, now, by)
        else:
            proposal = await duty_proposals.add(tx, content, now, by)
        data: DutyProposedData = {"duty": _logged(proposal), "by": by.as_dict()}
        committed = await writing.append(tx, [Entry(EventType.DUTY_PROPOSED, now, world.district, (), data)])
    return ProposalOutcome(proposal, new=True, committed=committed)


async def approve(database: Database, code: str, approval: Approval, now: datetime, by: By) -> ProposalOutcome:
    """Approve the open proposal of a code. A repeated request writes nothing.

    Raises:
        NotFound: the code has neither a proposal nor a duty.
        Conflict: no proposal is open, or the open one is not the one that was read.
        ValidationFailed: `valid_from` lies in the past or after the end of the duty, the duty no longer fits the
            registry, or it conflicts with another duty by then.
    """
    async with database.begin() as tx:
        await world_.lock(tx)
        world = await world_.load(tx)
        last = await duty_proposals.last(tx, code)
        if last is not None and approval.proposed_at not in (None, last.proposed_at):
            raise Conflict(
                Sentence("Duty {duty} was proposed anew at {at}: read it again first.", duty=code, at=last.proposed_at)
            )
        if last is None or not last.open:
            return ProposalOutcome(_approved_before(last, code, approval.valid_from, world), new=False)
        starts = _start(last, approval.valid_from, now)
        duty = {**_content_of(last), "valid_from": starts}
        _require_fit(duty, world)
        stored = world.duties.get(code, ())
        await _admit(tx, duty, stored)
        proposal = await duty_proposals.approve(tx, last.id, starts, now, by)
        await world_.rise(tx)
        data: DutyApprovedData = {
            "duty": {**_logged(proposal), "valid_from": starts},
            "proposed_by": last.proposed_by,
            "taken_back": [views.duty(each) for each in stored if each.validity.valid_from > starts],
            "by": by.as_dict(),
        }
        entry = Entry(EventType.DUTY_APPROVED, now, world.district, (), data)
        committed = await writing.append(tx, [entry], reload=("world",))
    return ProposalOutcome(proposal, new=True, committed=committed)


async def refuse(database: Database, code: str, reason: str, now: datetime, by: By) -> ProposalOutcome:
    """Refuse or withdraw the open proposal of a code. A repeated request with the same reason writes nothing.

    Raises:
        NotFound: the code has neither a proposal nor a duty.
        NotYours: the subject is neither ops nor the one that proposed the duty.
        Conflict: no proposal is open.
    """
    async with database.begin() as tx:
        await world_.lock(tx)
        world = await world_.load(tx)
        last = await duty_proposals.last(tx, code)
        if last is None:
            raise duty_refusals.never_proposed(code, world)
        if by.kind != Role.OPS and last.proposed_by.get("subject") != by.subject:
            raise NotYours(
                Sentence(
                    "Duty {duty} was proposed by {author}: they may withdraw it, and ops refuse it.",
                    duty=code,
                    author=duty_refusals.author_of(last.proposed_by),
                )
            )
        if not last.open:
            return ProposalOutcome(_refused_before(last, reason), new=False)
        proposal = await duty_proposals.refuse(tx, last.id, reason, now, by)
        content, author = _logged(proposal), proposal.proposed_by
        data: DutyRefusedData = {"duty": content, "proposed_by": author, "reason": reason, "by": by.as_dict()}
        committed = await writing.append(tx, [Entry(EventType.DUTY_REFUSED, now, world.district, (), data)])
    return ProposalOutcome(proposal, new=True, committed=committed)


async def _admit(tx: Transaction, duty: Mapping[str, Any], stored: Sequence[Duty]) -> None:
    """Store the row of an approved duty, and end the stored rows of its code where the new one starts.

    The ends are written first, since only one row of a code may be without an end. A row that starts at this very
    moment was never in force, so it is corrected in place, as an import does.
    """
    code, starts = duty["code"], duty["valid_from"]
    spans = [each.validity for each in stored]
    earlier = [each.valid_from for each in spans if each.valid_from < starts and _lasts_beyond(each.valid_to, starts)]
    await rows_.take_back(tx, _NAME, code, after=starts)
    ends = [{"code": code, "valid_from": start, "valid_to": starts} for start in earlier]
    await rows_.change_rows(tx, _NAME, ends)
    if any(each.valid_from == starts for each in spans):
        await rows_.change_rows(tx, _NAME, [duty])
    else:
        await rows_.add_rows(tx, _NAME, [duty])


def _lasts_beyond(end: datetime | None, moment: datetime) -> bool:
    return end is None or end > moment


def _approved_before(last: Proposal | None, code: str, valid_from: datetime | None, world: World) -> Proposal:
    """Return the approved proposal that a repeated approval asks for; refuse any other approval."""
    if last is None:
        raise duty_refusals.never_proposed(code, world)
    if last.refused_at is not None:
        raise duty_refusals.conflict_with_refusal(last)
    if valid_from is not None and valid_from != last.valid_from:
        raise Conflict(
            Sentence(
                "The last proposal of duty {duty} was approved from {since} on: POST /v1/duties for the next.",
                duty=code,
                since=last.valid_from or "",
            )
        )
    return last


def _refused_before(last: Proposal, reason: str) -> Proposal:
    """Return the refused proposal that a repeated refusal asks for; refuse any other refusal."""
    if last.approved_at is not None:
        raise Conflict(
            Sentence(
                "Duty {duty} was approved at {at}, from {since} on, and can no longer be refused: POST /v1/duties with "
                "what should hold instead, and ops approve that.",
                duty=last.code,
                at=last.approved_at,
                since=last.valid_from or "",
            )
        )
    if reason != last.refused_reason:
        raise duty_refusals.conflict_with_refusal(last)
    return last


def _require_proposer(by: By, world: World) -> None:
    """Refuse a proposal by a partner."""
    rows = world.units.get(by.unit or "", ())
    if rows and rows[-1].kind is UnitKind.PARTNER:
        parent = rows[-1].parent or world.district
        raise NotYours(
            Sentence(
                "A partner assists, or answers as a member of its parent, and proposes no duties: ask {parent} "
                "({name}) or ops to propose this one.",
                parent=parent,
                name=world.unit_name(parent),
            )
        )


def _require_fit(duty: Mapping[str, Any], world: World) -> None:
    """Check a duty against the registry and the other duties at its start."""
    row, starts = DutyRow.model_validate(duty), duty["valid_from"]
    faults = [*_faults(row, world, starts), *_conflicts(row, world, starts)]
    _require_none([replace(each, pointer="") for each in faults])  # the body of an approval has none of these fields


def _start(last: Proposal, valid_from: datetime | None, now: datetime) -> datetime:
    """Return the start of an approved duty; refuse a start in the past or after the end of the duty."""
    starts = valid_from or now
    if starts < now:
        detail = Sentence(
            "It is {now} already: nothing is admitted in the past. Leave valid_from out for now.", now=now
        )
        raise wrong_field("/valid_from", detail, Rule.NOT_IN_FUTURE, min=now)
    if last.valid_to is not None and last.valid_to <= starts:
        detail = Sentence("As proposed, this duty ends at {end}: admit it from an earlier moment.", end=last.valid_to)
        raise wrong_field("/valid_from", detail, Rule.OUT_OF_RANGE, max=last.valid_to)
    return starts


def _content_of_row(row: DutyRow) -> dict[str, Any]:
    return row.model_dump(exclude={"valid_from"})


def _content_of(proposal: Proposal) -> dict[str, Any]:
    """Return the proposed duty by column; its start is not known before it is approved."""
    return {name: getattr(proposal, name) for name in DutyRow.model_fields if name != "valid_from"}


def _logged(proposal: Proposal) -> ProposedDuty:
    return cast("ProposedDuty", _content_of(proposal))


def _is_stored(last: Proposal, world: World) -> bool:
    """Whether the newest row of the code is the one that this approved proposal started."""
    rows = world.duties.get(last.code, ())
    return bool(rows) and views.duty(rows[-1]) == {**_content_of(last), "valid_from": last.valid_from}


def _faults_of_end(row: DutyRow, now: datetime) -> list[Pointer]:
    if _lasts_beyond(row.valid_to, now):
        return []
    detail = Sentence("It is {now} already: give a later valid_to, or leave it out.", now=now)
    return [Pointer("/valid_to", detail, Rule.NOT_IN_FUTURE, {"min": now})]


def _faults(row: DutyRow, world: World, at: datetime) -> list[Pointer]:
    """Return the faults of a duty against the registry at a moment, by the check that bundles go through."""
    kinds = {code: unit.kind for code in world.units if (unit := world.unit(code, at)) is not None}
    categories = frozenset(code for code in world.categories if world.category(code, at) is not None)
    return [Pointer(f"/{column}", detail, Rule.UNKNOWN) for column, detail in duty_faults(row, kinds, categories)]


def _conflicts(row: DutyRow, world: World, starts: datetime | None = None) -> list[Pointer]:
    detail = duty_conflicts.of_proposal(row, world, starts)
    return [Pointer("/category", detail, Rule.TAKEN)] if detail else []


def _require_none(faults: Sequence[Pointer]) -> None:
    if faults:
        detail = Sentence(
            "It does not fit the registry, nothing was written: {faults}", faults=[each.detail for each in faults]
        )
        raise ValidationFailed(detail, errors=faults)
