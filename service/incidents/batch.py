"""A batch of reports: each item is validated by itself and answered like a single POST."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, cast

from pydantic import ValidationError
from starlette.requests import Request
from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.context import Context
from service.incidents import reporting
from service.incidents.reporting import Reported
from service.incidents.schemas import BatchBody, BatchItem
from service.rules.errors import SihuError
from service.rules.model import Actor
from service.shown.row import IncidentRow
from service.web import faults, problems
from service.web.problem_shape import Problem

_NOT_IN_LISTS = ("calls", "requests", "contact")


class StoredItem(TypedDict):
    """The result of an item that stands for an incident, as a single POST would answer it."""

    index: int
    status: Literal[200, 201]
    replayed: bool
    incident: IncidentRow


class RefusedItem(TypedDict):
    """The result of an item that was refused, as a single POST would answer it."""

    index: int
    status: int
    replayed: Literal[False]
    problem: Problem


class BatchView(TypedDict):
    """One result for each item, in the order of the items."""

    results: list[StoredItem | RefusedItem]


def status_of(done: Reported) -> Literal[200, 201]:
    """201 for a new incident and for a replay of its own request; 200 when the source had reported the incident
    before."""
    return 200 if done.known_source else 201


async def report(context: Context, body: BatchBody, actor: Actor, key: str | None, request: Request) -> BatchView:
    """The results of a batch, with problems in the language that the request prefers. `key` is the Idempotency-Key of
    the batch."""
    checked = [_checked(item) for item in body.items]
    good = [(item, _key_of(item, n, key)) for n, item in enumerate(checked) if isinstance(item, BatchItem)]
    done = iter(await reporting.report_batch(context, good, actor))
    outcomes = [next(done) if isinstance(item, BatchItem) else item for item in checked]
    return {"results": [_result(index, outcome, request) for index, outcome in enumerate(outcomes)]}


def _checked(item: BatchItem | Any) -> BatchItem | SihuError:
    """The item, or the refusal that says what is wrong with it. An item without a fault was already validated together
    with the body."""
    if isinstance(item, BatchItem):
        return item
    try:
        return BatchItem.model_validate(item)
    except ValidationError as error:
        return faults.validation_failed(error, BatchItem)


def _key_of(item: BatchItem, index: int, key: str | None) -> str | None:
    """The item's own key, else one made of the batch's key and the item's place, which nobody can send, since a key has
    no blanks."""
    return item.idempotency_key or (f"{key} {index}" if key else None)


def _result(index: int, outcome: Reported | SihuError, request: Request) -> StoredItem | RefusedItem:
    if isinstance(outcome, SihuError):
        problem = problems.answered(_within(outcome, f"/items/{index}"), request)
        return {"index": index, "status": problem["status"], "replayed": False, "problem": problem}
    row: dict[str, Any] = {**outcome.incident}
    for name in _NOT_IN_LISTS:
        del row[name]
    shown = cast("IncidentRow", row)
    return {"index": index, "status": status_of(outcome), "replayed": outcome.replayed, "incident": shown}


def _within(error: SihuError, at: str) -> SihuError:
    """The refusal of an item, with pointers from the start of the batch."""
    error.errors = tuple(replace(each, pointer=at + each.pointer) for each in error.errors)
    return error
