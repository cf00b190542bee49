"""`POST /v1/incidents/{id}/reveal`: the contact of an incident in full, for a reason that is written down."""

from __future__ import annotations

from service.incidents import examples, revealing
from service.incidents.action_requests import Action
from service.incidents.schemas import example
from service.rules import errors
from service.shown import incident
from service.shown.incident import IncidentWithCalls
from service.web import problems
from service.web.answers import Answer, answer
from service.web.examples import ok
from service.web.router import Router
from service.web.text import Body, LongText

router = Router(prefix="/v1/incidents/{incident_id}", tags=["actions"])


class RevealBody(Body):
    """Why the contact is needed. Whoever sees the timeline reads it, the reporter too."""

    model_config = example(reason="现场找不到位置,需联系反映人")

    reason: LongText


@router.post(
    "/reveal",
    summary="Reveal the contact of an incident · 查看联系方式",
    responses={
        200: ok("The incident, with its contact in full", examples.INCIDENT_REVEALED, "Idempotency-Replayed"),
        **problems.documented(
            errors.Unauthorized,
            *problems.OF_A_BODY,
            errors.NotFound,
            errors.NotYours,
            errors.IdempotencyMismatch,
            errors.VersionMoved,
            errors.Conflict,
            errors.Unavailable,
        ),
    },
)
async def reveal_contact(body: RevealBody, action: Action) -> Answer[IncidentWithCalls]:
    """The contact as it was sent, for the units that are or were called, the community and the street of the cell,
    whoever decides a request, auditors and ops; everybody else sees it masked (403). That it was revealed, by whom and
    why, is on the timeline before the answer leaves, and the reporter sees it there. The version of the incident does
    not change. Without a contact, or once it was erased: 409."""
    stamp = action.stamp("reveal", body)
    context, caller = action.context, action.caller
    done = await revealing.reveal(context, action.incident_id, caller, body.reason, stamp, action.if_match)
    view = incident.revealed(context.viewer(caller, done.world), done.loaded, done.contact)
    return answer(view, headers={"Idempotency-Replayed": "true"} if done.replayed else {})
