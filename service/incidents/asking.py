"""What every action comes with and how it is answered: one shape for all verbs of contract §3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Response

from service.access.deps import Caller
from service.incidents import examples, reporting
from service.incidents.acting import People, Wish
from service.incidents.deps import IfMatch, Key, Path, ThePeople
from service.rules import errors
from service.rules.model import Act, Actor
from service.rules.sight import Viewer
from service.shown import incident
from service.store.incidents.saving import Stamp
from service.web import problems
from service.web.answers import answer
from service.web.examples import ok
from service.web.text import Body

_PROBLEMS = (
    errors.Unauthorized,
    errors.BadJson,
    errors.TooLarge,
    errors.UnsupportedMedia,
    errors.ValidationFailed,
    errors.NotFound,
    errors.NotYours,
    errors.IdempotencyMismatch,
    errors.VersionMoved,
    errors.IllegalTransition,
    errors.Unavailable,
)


def responses(*more: type[errors.SihuError]) -> dict[int | str, dict[str, Any]]:
    """What every action answers, and the problems that one alone has."""
    shown = ok("The incident as it now stands", examples.INCIDENT_LATER)
    return {200: shown, **problems.documented(*_PROBLEMS, *more)}


RESPONSES = responses()


@dataclass(frozen=True, slots=True)
class Asking:
    """Everything an action comes with besides its body."""

    incident_id: UUID
    caller: Actor
    people: People
    key: str | None
    if_match: frozenset[str] | None

    async def carry_out(self, act: Act, body: Body, **path: int) -> Response:
        """Answered only after the commit. The same key and body again: the incident as it stands, not a second act."""
        said = {"arrow": act.arrow.value, **path, **body.model_dump(exclude_unset=True)}
        stamp = Stamp(self.caller.subject, self.key, reporting.body_hash(said)) if self.key else None
        done = await self.people.act(self.incident_id, Wish(act, self.caller, self.if_match, stamp))
        viewer = Viewer(self.caller, done.world, self.people.clock.now())
        view = incident.incident(viewer, done.row, done.calls, done.requests)
        headers = {"ETag": f'"{done.version}"'}
        if done.replayed:
            headers["Idempotency-Replayed"] = "true"
        return answer(view, headers=headers)


async def _request(
    incident_id: Path, caller: Caller, people: ThePeople, key: Key = None, if_match: IfMatch = None
) -> Asking:
    return Asking(incident_id, caller, people, key, if_match)


Asked = Annotated[Asking, Depends(_request)]
