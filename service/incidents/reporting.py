"""Use cases of reporting: one report, or up to 500 from a phone that was offline. Each stands alone."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from service.incidents.acting import People
from service.incidents.intake import Intake, NewReport, RepeatedReport
from service.incidents.placing import Place, place
from service.incidents.schemas import BatchBody, BatchItem, ReportBody
from service.rules import access
from service.rules.errors import NotFound, NotYours, Pointer, SihuError, SourceTaken, ValidationFailed
from service.rules.model import Actor, Draft
from service.rules.sight import Viewer
from service.rules.words import Role
from service.shown import incident as views
from service.shown.incident import IncidentWithCalls
from service.store.incidents.incident_rows import incident_columns
from service.store.incidents.reports import Report
from service.web import faults, problems


@dataclass(frozen=True, slots=True)
class Reported:
    """The answer to one report: its HTTP status, the incident as it stands now, and whether it came before."""

    status: int
    incident: IncidentWithCalls
    replayed: bool = False


async def report(people: People, intake: Intake, body: ReportBody, actor: Actor, key: str | None) -> Reported:
    """Store one report, durably: this returns after the commit.

    Raises:
        ValidationFailed, NotYours, SourceTaken, IdempotencyMismatch, UnknownCell, UnknownCategory, Unavailable.
    """
    where = place(body.grid_code, body.location, people.worlds.shapes)
    draft = draft_of(body, actor, where)
    outcome = await intake.submit(draft, said_of(body, actor, key, where), actor)
    if isinstance(outcome, NewReport):
        return Reported(201, view_of(outcome, Viewer(actor, outcome.world, people.clock.now())))
    return await _as_known(people, outcome, actor)


async def report_batch(
    people: People, intake: Intake, body: BatchBody, actor: Actor, instance: str
) -> list[dict[str, Any]]:
    """Each item as a single POST would have it, in the order they came; they share one group commit."""
    work = (_item(people, intake, index, item, actor, instance) for index, item in enumerate(body.items))
    return list(await asyncio.gather(*work))


async def _item(
    people: People, intake: Intake, index: int, item: BatchItem | Any, actor: Actor, instance: str
) -> dict[str, Any]:
    at = f"/items/{index}"
    try:
        if not isinstance(item, BatchItem):
            item = _checked(item)
        done = await report(people, intake, item, actor, item.idempotency_key)
    except SihuError as error:
        told = problems.problem(_within(error, at), instance)
        return {"index": index, "status": told["status"], "problem": told}
    shown = {name: value for name, value in done.incident.items() if name not in ("calls", "requests")}
    return {"index": index, "status": done.status, "incident": shown}


def _checked(item: Any) -> BatchItem:
    try:
        return BatchItem.model_validate(item)
    except ValidationError as error:
        raise faults.validation_failed(error, BatchItem) from None


def _within(error: SihuError, at: str) -> SihuError:
    """The same refusal, its pointers those of the batch."""
    error.errors = tuple(Pointer(at + each.pointer, each.detail) for each in error.errors)
    return error


def draft_of(body: ReportBody, actor: Actor, where: Place) -> Draft:
    """What the rules look at. Raises `ValidationFailed` or `NotYours`."""
    if body.grid_code is None and body.location is None:
        raise _wrong("/grid_code", "Name the grid_code, or send the location: one of them says where it is.")
    if actor.role is Role.OPS and body.on_behalf_of is None:
        raise _wrong("/on_behalf_of", "Ops report for somebody: name the reporter's subject.")
    if actor.role is not Role.OPS and body.on_behalf_of is not None:
        raise NotYours("Only ops report on behalf of somebody else: leave out on_behalf_of.")
    if where.grid_code is not None:
        access.may_report_in(actor, where.grid_code)
    return Draft(where.grid_code, body.category, body.on_behalf_of or actor.subject, body.kind, body.urgency)


def _wrong(pointer: str, detail: str) -> ValidationFailed:
    return ValidationFailed(detail, errors=(Pointer(pointer, detail),))


def said_of(body: ReportBody, actor: Actor, key: str | None, where: Place) -> Report:
    """What they do not look at."""
    return Report(
        subject=actor.subject,
        body_hash=body_hash(body.model_dump(exclude_unset=True, exclude={"idempotency_key"})),
        description=body.description,
        idempotency_key=key,
        source=(body.source.system, body.source.ref) if body.source else None,
        location=body.location.model_dump() if body.location else None,
        lat=where.lat,
        lon=where.lon,
        location_mismatch=where.mismatch,
        attachments=body.attachments,
        occurred_at=body.occurred_at,
    )


def body_hash(content: Mapping[str, Any]) -> bytes:
    """SHA-256 of what a body says, whatever the order of its fields."""
    return hashlib.sha256(to_json({name: content[name] for name in sorted(content)})).digest()


def view_of(new: NewReport, viewer: Viewer) -> IncidentWithCalls:
    """The view of what was just committed, without reading it again."""
    incident, said = new.decision.after, new.said
    system, ref = said.source or (None, None)
    row = {
        **incident_columns(incident),
        "line": new.line,
        "description": said.description,
        "location": said.location,
        "location_mismatch": said.location_mismatch,
        "attachments": said.attachments,
        "source_system": system,
        "source_ref": ref,
        "occurred_at": said.occurred_at,
    }
    return views.incident(viewer, row, (incident.call,), incident.requests)


async def _as_known(people: People, repeated: RepeatedReport, actor: Actor) -> Reported:
    try:
        loaded = await people.see(repeated.known.id, actor)
    except NotFound:
        if not repeated.by_source:
            raise
        raise SourceTaken(
            "This source reference already stands for an incident you may not see: check source.system and source.ref."
        ) from None
    view = views.loaded(Viewer(actor, people.worlds.world, people.clock.now()), loaded)
    return Reported(200 if repeated.by_source else 201, view, replayed=not repeated.by_source)
