"""Arrow s: ops close what one reporter has flooded a district with, and no unit is judged by it (刷报)."""

from __future__ import annotations

from service.rules.acts import Act
from service.rules.arrows.judgements import is_missed_or_left_late
from service.rules.model import Call, Incident
from service.rules.story import Story
from service.rules.words import CALL_OPEN_STATES, ClosedAs, Credit, EventType, Outcome, State

FLOOD = "flood"
"""The end code of a call that ended in a flood, and the reason code of its incident."""
UNHANDLED = (ClosedAs.VOID, ClosedAs.WITHDRAWN, ClosedAs.MERGED)
"""The ends of an incident of which nobody has said that it was handled."""
TURNED_DOWN = (Credit.REJECTED, Credit.REOPENED)
"""The credits of what was resolved in the eyes of its unit alone."""


def is_of_flood(incident: Incident) -> bool:
    """Whether a flood changes anything of an incident that its reporter has sent."""
    if incident.state is State.CLOSED:
        return is_closed_unhandled(incident) and bool(_unfair_calls(incident))
    return incident.state in CALL_OPEN_STATES


def is_closed_unhandled(incident: Incident) -> bool:
    """Whether an incident is closed, and nobody has said that it was handled."""
    return incident.closed_as in UNHANDLED


def _unfair_calls(incident: Incident) -> list[Call]:
    """The calls that count against their units and are not exempt yet."""
    calls = (*incident.earlier, incident.call)
    return [call for call in calls if not call.exempt and _counts_against(call)]


def _counts_against(call: Call) -> bool:
    """Whether a call was missed, left late, answered or resolved late, or resolved in the eyes of its unit alone."""
    answered_late = call.answered_at is not None and call.answered_at > call.answer_by
    if is_missed_or_left_late(call) or answered_late or call.credit in TURNED_DOWN:
        return True
    if call.credit is None or call.ended_at is None or call.resolve_by is None:
        return False
    return call.ended_at > call.resolve_by


def flood(story: Story, act: Act) -> None:
    """Arrow s: the incident is closed as void, which its reporter may reopen, and its calls that count against their
    units are exempt from the score."""
    left = story.leave_call(Outcome.CLOSED, end_code=FLOOD, end_reason=act.words)
    story.close(ClosedAs.VOID, act.words, reason_code=FLOOD, **left)
    exempt(story, act)


def exempt(story: Story, act: Act) -> None:
    """The calls that count against their units are exempt from the score; that they were missed or late stays."""
    for call in _unfair_calls(story.incident):
        story.change_call_numbered(call.seq, exempt=True)
        story.record(EventType.CALL_EXEMPTED, act.words, call=call.seq)
