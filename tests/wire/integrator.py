"""The program of an integrator, written against the client that is generated from the document (`sihu_client`).

tests/wire/test_generated_client.py type-checks it strictly and lets it talk to a running service:
`python integrator.py URL WORKER_KEY COMMUNITY_KEY CELL CATEGORY COMMUNITY`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar, assert_type
from uuid import UUID

from sihu_client import AuthenticatedClient
from sihu_client.api.actions import answer_incident
from sihu_client.api.events import read_events
from sihu_client.api.incidents import list_incidents, read_incident, report_incident
from sihu_client.api.queues import read_queue
from sihu_client.models.answer_body import AnswerBody
from sihu_client.models.cloud_event_page import CloudEventPage
from sihu_client.models.due_kind import DueKind
from sihu_client.models.event_type import EventType
from sihu_client.models.incident import Incident
from sihu_client.models.incident_event import IncidentEvent
from sihu_client.models.incident_row_page import IncidentRowPage
from sihu_client.models.problem import Problem
from sihu_client.models.queue_row_page import QueueRowPage
from sihu_client.models.report_body import ReportBody
from sihu_client.models.state import State

_Shape = TypeVar("_Shape")


def main(url: str, worker: str, community: str, cell: str, category: str, unit: str) -> None:
    """One incident: reported by the phone of a worker, answered by the system of a community."""
    phone = AuthenticatedClient(base_url=url, token=worker, raise_on_unexpected_status=True)
    system = AuthenticatedClient(base_url=url, token=community, raise_on_unexpected_status=True)
    incident = report(phone, ReportBody(grid_code=cell, category=category, description="巷口垃圾堆积"))
    etag = poll(system, unit, incident.id)
    version = answer(system, incident)
    show_change(system, unit, etag)
    listed = expect(IncidentRowPage, list_incidents.sync(client=phone, state=[State.ANSWERED]))
    print("listed", [row.number == incident.number for row in listed.items], listed.next_cursor)
    for event in read_feed(system, version):
        print("event", assert_type(event.type_, EventType).value, assert_type(event.data.incident.state, State).value)


def report(phone: AuthenticatedClient, body: ReportBody) -> Incident:
    """The incident as it stands after the report, which is sent twice, as on a bad network."""
    first = expect(Incident, report_incident.sync(client=phone, body=body, idempotency_key="phone-1"))
    again = report_incident.sync_detailed(client=phone, body=body, idempotency_key="phone-1")
    print("replayed", again.headers["Idempotency-Replayed"], expect(Incident, again.parsed).id == first.id)
    read = expect(Incident, read_incident.sync(assert_type(first.id, UUID), client=phone))
    call = read.calls[-1]
    print("reported", read.state.value, call.unit, assert_type(call.answer_by, datetime) == read.due_at)
    assert_type(read.due_kind, DueKind | None)
    return read


def poll(system: AuthenticatedClient, unit: str, incident: UUID) -> str:
    """The ETag of the queue, after a second look that found nothing new."""
    first = read_queue.sync_detailed(unit, client=system)
    queue = expect(QueueRowPage, first.parsed)
    print("queue", [row.id == incident for row in queue.items], [row.assisting for row in queue.items])
    etag = first.headers["ETag"]
    second = read_queue.sync_detailed(unit, client=system, if_none_match=etag)
    print("unchanged", second.status_code is HTTPStatus.NOT_MODIFIED, second.parsed)
    return etag


def answer(system: AuthenticatedClient, incident: Incident) -> int:
    """The version of the incident whose call is taken on; to answer it again is refused."""
    body, fence = AnswerBody(measure="今天下午清运"), f'"{incident.version}"'
    answered = expect(Incident, answer_incident.sync(incident.id, client=system, body=body, if_match=fence))
    given = answered.calls[-1].answer
    print("answered", answered.state.value, given.measure if given else None)
    refused = expect(Problem, answer_incident.sync(incident.id, client=system, body=body))
    print("refused", assert_type(refused.status, int), refused.code.value, assert_type(refused.retryable, bool))
    return answered.version


def show_change(system: AuthenticatedClient, unit: str, etag: str) -> None:
    """The queue has changed: with the old ETag it comes at once."""
    changed = read_queue.sync_detailed(unit, client=system, if_none_match=etag, wait=5)
    print("changed", [row.state.value for row in expect(QueueRowPage, changed.parsed).items])


def read_feed(system: AuthenticatedClient, version: int) -> Iterator[IncidentEvent]:
    """The events of the one incident up to this version, from the oldest on, two a page. The feed is waited for: what
    has just been done comes a moment later."""
    page = expect(CloudEventPage, read_events.sync(client=system, limit=2))
    while page.items:
        for event in page.items:
            if isinstance(event, IncidentEvent):
                yield event
                if event.data.incident.version == version:
                    return
        page = expect(CloudEventPage, read_events.sync(client=system, limit=2, after=page.next_cursor, wait=20))


def expect(shape: type[_Shape], answered: object) -> _Shape:
    """What was answered, when it has this shape."""
    if isinstance(answered, shape):
        return answered
    raise SystemExit(f"not a {shape.__name__}: {answered}")


if __name__ == "__main__":
    main(*sys.argv[1:])
