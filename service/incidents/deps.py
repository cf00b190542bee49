"""What the incident routes are given: the people's use cases, the intake, the fences of a request."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request

from service.incidents.acting import People
from service.incidents.intake import Intake
from service.web import headers, text


# async, though nothing is awaited: a plain function would be run in a thread, at ten times the cost
async def _people(request: Request) -> People:
    state = request.app.state
    return People(state.database, state.worlds, state.clock, state.tail.tell)


async def _intake(request: Request) -> Intake:
    intake: Intake = request.app.state.intake
    return intake


async def _if_match(value: Annotated[str | None, Header(alias="If-Match")] = None) -> frozenset[str] | None:
    return headers.parse_if_match(value)


ThePeople = Annotated[People, Depends(_people)]
Intakes = Annotated[Intake, Depends(_intake)]
Path = UUID
Key = Annotated[text.IdempotencyKey | None, Header(alias="Idempotency-Key")]
IfMatch = Annotated[frozenset[str] | None, Depends(_if_match)]
