"""Arrow s: ops close what one reporter has flooded a district with, and no unit is judged by it (刷报)."""

from __future__ import annotations

from service.rules.acts import Act
from service.rules.arrows.judgements import MISSED
from service.rules.model import Call, Incident
from service.rules.story import Story
from service.rules.words import CALL_OPEN_STATES, ClosedAs, EventType, Outcome, State

FLOOD = "flood"
"""The end code of a call that ended in a flood, and the reason code of its incident."""
UNHANDLED = (ClosedAs.VOID, ClosedAs.WITHDRAWN, ClosedAs.MERGED)
"""The ends of an incident of which nobody has said that it was handled."""


def is_of_flood(incident: Incident) -> bool:
    """Whether a flood changes anything of an incident that its reporter has sent."""
    if incident.state is State.CLOSED:
        return is_closed_unhandled(incident) and bool(_unfair_calls(incident))
    return incident.state in CALL_OPEN_STATES


def is_closed_unhandled(incident: Incident) -> bool:
    """Whether an incident is closed, and nobody has said that it was handled."""
    return incident.closed_as in UNHANDLED


def _unfair_calls(incident: Incident) -> list[Call]:
    """The calls that count against their units: missed, or left late."""
    calls = (*incident.earlier, incident.call)
    return [call for call in calls if not call.exempt and (call.outcome in MISSED or call.late_exit)]


def flood(story: Story, act: Act) -> None:
    """Arrow s: the incident is closed as void, which its reporter may reopen, and its missed calls, and those that were
    left late, are exempt from the score."""
    left = story.leave_call(Outcome.CLOSED, end_code=FLOOD, end_reason=act.words)
    story.close(ClosedAs.VOID, act.words, reason_code=FLOOD, **left)
    exempt(story, act)


def exempt(story: Story, act: Act) -> None:
    """The calls that count against their units are exempt from the score; that they were missed stays."""
    for call in _unfair_calls(story.incident):
        story.change_call_numbered(call.seq, exempt=True)
        story.record(EventType.CALL_EXEMPTED, act.words, call=call.seq)
