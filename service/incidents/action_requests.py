"""The request and the answer that all actions on an incident have in common (contract §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends

from service.access.deps import Caller
from service.context import Context, CurrentContext
from service.incidents import acting, examples, reporting
from service.incidents.acting import Command
from service.incidents.deps import IfMatch, IncidentId, KeyHeader
from service.incidents.schemas import OfWorkerBody, example
from service.rules import errors, workers
from service.rules.acts import Act
from service.rules.errors import NotYours
from service.rules.model import Actor
from service.shown import incident
from service.shown.incident import IncidentWithCalls
from service.store.incidents.saving import Stamp
from service.web import problems
from service.web.answers import Answer, answer
from service.web.examples import ok
from service.web.text import Body, LongText

_PROBLEMS = (
    errors.Unauthorized,
    *problems.OF_A_BODY,
    errors.NotFound,
    errors.NotYours,
    errors.IdempotencyMismatch,
    errors.VersionMoved,
    errors.IllegalTransition,
    errors.Unavailable,
)


def responses(*more: type[errors.SihuError]) -> dict[int | str, dict[str, Any]]:
    """The responses of an action: those that every action has, and `more` problems that this action alone has."""
    shown = ok("The incident as it now stands", examples.INCIDENT_LATER, "ETag", "Idempotency-Replayed")
    return {200: shown, **problems.documented(*_PROBLEMS, *more)}


RESPONSES = responses()


class DecideBody(Body):
    """The reason for the decision; it may be left out."""

    model_config = example(reason="同意,情况属实")

    reason: LongText | None = None


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """Everything that an action comes with besides its body."""

    context: Context
    incident_id: UUID
    caller: Actor
    key: str | None
    if_match: frozenset[str] | None

    async def carry_out(self, act: Act, body: Body, **path: int) -> Answer[IncidentWithCalls]:
        """Carry out `act` and answer with the incident, after the commit. When the same key and body come again, the
        answer is the incident as it now stands, and nothing is done a second time. `path`: the numbers in the path."""
        actor = await self._actor(body)
        command = Command(act, actor, self.if_match, self._stamp(actor, act.arrow.value, body, **path))
        done = await acting.act(self.context, self.incident_id, command)
        viewer = self.context.viewer(actor, done.world)
        view = incident.incident(viewer, done.row, done.calls, done.requests)
        headers = {"ETag": f'"{done.version}"'}
        if done.replayed:
            headers["Idempotency-Replayed"] = "true"
        return answer(view, headers=headers)

    def stamp(self, verb: str, body: Body, **path: int) -> Stamp:
        """Who sends the action, with its key and the hash of what it says."""
        return self._stamp(self.caller, verb, body, **path)

    def _stamp(self, actor: Actor, verb: str, body: Body, **path: int) -> Stamp:
        if not self.key:
            return Stamp(actor.subject)
        content = {"arrow": verb, **path, **body.model_dump(exclude_unset=True)}
        return Stamp(actor.subject, self.key, reporting.body_hash(content))

    async def _actor(self, body: Body) -> Actor:
        """Who acts: the caller, or the worker whom its body names. Raises `NotYours` when the caller acts for nobody
        else, and `NotFound` before that when it may not see the incident."""
        try:
            return workers.named(self.caller, body.on_behalf_of if isinstance(body, OfWorkerBody) else None)
        except NotYours:
            await acting.see(self.context, self.incident_id, self.caller)
            raise


async def _action_request(
    context: CurrentContext,
    incident_id: IncidentId,
    caller: Caller,
    key: KeyHeader = None,
    if_match: IfMatch = None,
) -> ActionRequest:
    return ActionRequest(context, incident_id, caller, key, if_match)


Action = Annotated[ActionRequest, Depends(_action_request)]
"""The dependency of a route that carries out one verb."""
