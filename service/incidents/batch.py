"""A batch of reports on the wire: each item is checked by itself, and answered as a single POST would be."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from service.context import Context
from service.incidents import reporting
from service.incidents.reporting import Reported
from service.incidents.schemas import BatchBody, BatchItem
from service.rules.errors import Pointer, SihuError
from service.rules.model import Actor
from service.web import faults, problems

_NOT_IN_LISTS = ("calls", "requests")


def status_of(done: Reported) -> int:
    """201 for a new incident and for a replay of the request that made it; 200 where the source had one."""
    return 200 if done.known_source else 201


async def results(context: Context, body: BatchBody, actor: Actor, instance: str) -> list[dict[str, Any]]:
    """One result an item, in order. `instance` is the path that was asked for."""
    checked = [_checked(item) for item in body.items]
    good = [item for item in checked if isinstance(item, BatchItem)]
    done = iter(await reporting.report_batch(context, good, actor))
    outcomes = [next(done) if isinstance(item, BatchItem) else item for item in checked]
    return [_result(index, outcome, instance) for index, outcome in enumerate(outcomes)]


def _checked(item: BatchItem | Any) -> BatchItem | SihuError:
    """The item, or why it is none. What reads as an item was made one with the body."""
    if isinstance(item, BatchItem):
        return item
    try:
        return BatchItem.model_validate(item)
    except ValidationError as error:
        return faults.validation_failed(error, BatchItem)


def _result(index: int, outcome: Reported | SihuError, instance: str) -> dict[str, Any]:
    if isinstance(outcome, SihuError):
        problem = problems.problem(_within(outcome, f"/items/{index}"), instance)
        return {"index": index, "status": problem["status"], "problem": problem}
    shown = {name: value for name, value in outcome.incident.items() if name not in _NOT_IN_LISTS}
    return {"index": index, "status": status_of(outcome), "incident": shown}


def _within(error: SihuError, at: str) -> SihuError:
    """An item's refusal with pointers into the batch."""
    error.errors = tuple(Pointer(at + each.pointer, each.detail) for each in error.errors)
    return error
