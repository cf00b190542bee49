"""A batch of reports: each item is validated by itself and answered like a single POST."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from service.context import Context
from service.incidents import reporting
from service.incidents.reporting import Reported
from service.incidents.schemas import BatchBody, BatchItem
from service.rules.errors import SihuError
from service.rules.model import Actor
from service.web import faults, problems

_NOT_IN_LISTS = ("calls", "requests")


def status_of(done: Reported) -> int:
    """201 for a new incident and for a replay of its own request; 200 when the source had reported the incident
    before."""
    return 200 if done.known_source else 201


async def results(context: Context, body: BatchBody, actor: Actor, instance: str) -> list[dict[str, Any]]:
    """One result for each item, in the order of the items. `instance` is the path of the request."""
    checked = [_checked(item) for item in body.items]
    good = [item for item in checked if isinstance(item, BatchItem)]
    done = iter(await reporting.report_batch(context, good, actor))
    outcomes = [next(done) if isinstance(item, BatchItem) else item for item in checked]
    return [_result(index, outcome, instance) for index, outcome in enumerate(outcomes)]


def _checked(item: BatchItem | Any) -> BatchItem | SihuError:
    """The item, or the refusal that says what is wrong with it. An item without a fault was already validated together
    with the body."""
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
    """The refusal of an item, with pointers from the start of the batch."""
    error.errors = tuple(replace(each, pointer=at + each.pointer) for each in error.errors)
    return error
