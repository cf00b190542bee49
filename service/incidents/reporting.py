"""Reporting: one report, or a batch of up to 500 from a phone that was offline. Each report is decided by itself."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from service.access.secret_keys import Secrets
from service.context import Context
from service.incidents import acting
from service.incidents.intake import Intake
from service.incidents.placing import Place, place
from service.incidents.schemas import BatchItem, ReportBody
from service.incidents.waiting import IntakeOutcome, NewReport, RepeatedReport
from service.rules import access, workers
from service.rules.acts import Draft
from service.rules.contact import Contact
from service.rules.errors import (
    IdempotencyMismatch,
    NotFound,
    Pointer,
    Rule,
    SihuError,
    SourceTaken,
    Unavailable,
    wrong_field,
)
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.sight import Viewer
from service.rules.words import Role
from service.shown import incident as views
from service.shown.incident import IncidentWithCalls
from service.store.incidents.incident_rows import incident_columns
from service.store.incidents.loading import Loaded
from service.store.incidents.reports import Report
from service.web import shares


@dataclass(frozen=True, slots=True)
class Reported:
    """The incident of a report, as it now stands. `replayed`: the same request was carried out before. `known_source`:
    the source had reported the incident before."""

    incident: IncidentWithCalls
    replayed: bool = False
    known_source: bool = False


async def report(context: Context, body: ReportBody, actor: Actor, key: str | None) -> Reported:
    """Store one report, and return after its commit.

    Raises:
        ValidationFailed, NotYours, SourceTaken, IdempotencyMismatch, UnknownCell, UnknownCategory, Unavailable.
        QuotaReached: the actor's subject has reported as much today as it may.
        TooMany: as many requests of the actor's subject wait already.
    """
    with shares.waiting():
        outcome = await _submitted(context, body, actor, key)
    return _reported(context, outcome, actor, await _earlier(context, [outcome], actor))


async def report_batch(
    context: Context, items: Sequence[tuple[BatchItem, str | None]], actor: Actor
) -> list[Reported | SihuError]:
    """The result of each item, in the order of the items, as if they were reported one after the other. Each item comes
    with the key that it is stored under. The items share commits, and the incidents of replays are read at once."""
    # all are submitted before the first is waited for, and in this order: of two under one key the first item wins
    with shares.waiting():
        submitted = [_submitted(context, item, actor, key) for item, key in items]
        found = await asyncio.gather(*submitted, return_exceptions=True)
    outcomes = [_outcome(each, item) for each, (item, _) in zip(found, items, strict=True)]
    earlier: Mapping[UUID, Loaded] | Unavailable
    try:
        earlier = await _earlier(context, outcomes, actor)
    except Unavailable as error:  # the new reports are stored all the same, and their results say so
        earlier = error
    return [_result(context, outcome, actor, earlier) for outcome in outcomes]


def _submitted(context: Context, body: ReportBody, actor: Actor, key: str | None) -> asyncio.Future[IntakeOutcome]:
    """What will have become of a report. It is a future and no task, since a batch has five hundred of them."""
    try:
        where = place(body.grid_code, body.location, context.worlds.shapes)
        _demand_place(body)
        sender = sender_of(body, actor)
        draft = draft_of(body, sender, where)
        return context.part(Intake).submit(draft, report_of(body, sender, key, where, context.part(Secrets)), sender)
    except SihuError as error:
        refused: asyncio.Future[IntakeOutcome] = asyncio.get_running_loop().create_future()
        refused.set_exception(error)
        return refused


def _outcome(found: IntakeOutcome | BaseException, item: BatchItem) -> IntakeOutcome | SihuError:
    """What became of an item. Raises what is no refusal but a fault."""
    if isinstance(found, IdempotencyMismatch):
        found.errors = (Pointer("/idempotency_key" if item.idempotency_key else "", found.detail),)
    if isinstance(found, BaseException) and not isinstance(found, SihuError):
        raise found
    return found


def _result(
    context: Context,
    outcome: IntakeOutcome | SihuError,
    actor: Actor,
    earlier: Mapping[UUID, Loaded] | Unavailable,
) -> Reported | SihuError:
    if isinstance(outcome, SihuError):
        return outcome
    if isinstance(earlier, Unavailable):
        if isinstance(outcome, RepeatedReport):
            return earlier
        earlier = {}
    try:
        return _reported(context, outcome, actor, earlier)
    except SihuError as error:
        return error


async def _earlier(
    context: Context, outcomes: Sequence[IntakeOutcome | SihuError], actor: Actor
) -> Mapping[UUID, Loaded]:
    """The incidents of repeated reports, as far as the actor may see them."""
    ids = {each.known.id for each in outcomes if isinstance(each, RepeatedReport)}
    return await acting.see_all(context, sorted(ids), actor) if ids else {}


def _reported(context: Context, outcome: IntakeOutcome, actor: Actor, earlier: Mapping[UUID, Loaded]) -> Reported:
    if isinstance(outcome, NewReport):
        return Reported(view_of(outcome, context.viewer(actor, outcome.world)))
    known = earlier.get(outcome.known.id)
    if known is not None:
        view = views.loaded(context.viewer(actor), known)
        return Reported(view, replayed=not outcome.by_source, known_source=outcome.by_source)
    if not outcome.by_source:
        raise NotFound(Sentence("There is no incident {id} that you may see.", id=str(outcome.known.id)))
    detail = Sentence(
        "This source reference already stands for an incident you may not see: check source.system and source.ref."
    )
    raise SourceTaken(detail, errors=(Pointer("/source", detail),))


def _demand_place(body: ReportBody) -> None:
    if body.grid_code is None and body.location is None:
        detail = Sentence("Name the grid_code, or send the location: one of them says where it is.")
        raise wrong_field("/grid_code", detail, Rule.MISSING)


def sender_of(body: ReportBody, actor: Actor) -> Actor:
    """Whose rights, quotas and Idempotency-Keys a report has: those of the worker for whom a vendor's key reports.

    Raises `ValidationFailed` for a name that no worker can have, `NotYours` for a key that reports for nobody else.
    """
    return actor if actor.role is Role.OPS else workers.named(actor, body.on_behalf_of)


def draft_of(body: ReportBody, actor: Actor, where: Place) -> Draft:
    """The part of a report of its sender (`sender_of`) that the rules look at. Raises `ValidationFailed` or `NotYours`.

    The area is checked here, and by the rules once more, so that a report outside the area is refused before its
    Idempotency-Key is looked at.
    """
    if actor.role is Role.OPS and body.on_behalf_of is None:
        detail = Sentence("Ops report for somebody: name the reporter's subject.")
        raise wrong_field("/on_behalf_of", detail, Rule.MISSING)
    if where.grid_code is not None:
        access.may_report_in(actor, where.grid_code, located=body.grid_code is None)
    reporter = (actor.role is Role.OPS and body.on_behalf_of) or actor.subject
    return Draft(where.grid_code, body.category, reporter, body.kind, body.urgency, body.confidential)


def report_of(body: ReportBody, actor: Actor, key: str | None, where: Place, secrets: Secrets) -> Report:
    """The part of a report that the rules never read: text, location, source, contact."""
    newest, *older = _hashes(body, secrets)
    return Report(
        subject=actor.subject,
        body_hash=newest,
        older_hashes=tuple(older),
        description=body.description,
        idempotency_key=key,
        source=(body.source.system, body.source.ref) if body.source else None,
        location=body.location.model_dump() if body.location else None,
        lat=where.lat,
        lon=where.lon,
        location_mismatch=where.mismatch,
        attachments=body.attachments,
        occurred_at=body.occurred_at,
        kind=body.kind,
        urgency=body.urgency,
        contact=Contact(**body.contact.model_dump()) if body.contact else None,
    )


def _hashes(body: ReportBody, secrets: Secrets) -> list[bytes]:
    """The hash of a report; with a contact, one by each secret key. A plain hash would give the contact away: all else
    in the body lies beside it, and the few digits that are masked are soon tried."""
    content = body.model_dump(exclude_unset=True, exclude={"idempotency_key"})
    if body.contact is None:
        return [body_hash(content)]
    return [body_hash({**content, "contact": mark.hex()}) for mark in secrets.box.marks(to_json(content["contact"]))]


def body_hash(content: Mapping[str, Any]) -> bytes:
    """SHA-256 of the content of a body. The order of the fields makes no difference."""
    return hashlib.sha256(to_json({name: content[name] for name in sorted(content)})).digest()


def view_of(new: NewReport, viewer: Viewer) -> IncidentWithCalls:
    """The incident of a new report, as `viewer` may see it, put together without another read."""
    incident, content = new.decision.after, new.content
    shown = content.contact.masked if content.contact else Contact()
    system, ref = content.source or (None, None)
    row = {
        **incident_columns(incident),
        "line": new.line,
        "description": content.description,
        "location": content.location,
        "location_mismatch": content.location_mismatch,
        "attachments": content.attachments,
        "source_system": system,
        "source_ref": ref,
        "occurred_at": content.occurred_at,
        "urgency_asked": content.urgency_asked(incident),
        "erased_at": None,
        "has_contact": content.contact is not None,
        "contact_name": shown.name,
        "contact_phone": shown.phone,
    }
    return views.incident(viewer, row, (incident.call,), incident.requests)
