"""Moving the deadline of a running box, and the moment at which the clock looks next."""

from __future__ import annotations

from datetime import datetime

from service.rules import deadlines, pinning
from service.rules.model import Earlier
from service.rules.story import StoryOf
from service.rules.words import DueKind


def set_due(story: StoryOf[Earlier], due_at: datetime) -> None:
    """Move the deadline of the incident, and with it the `answer_by` or `resolve_by` of the open call."""
    incident = story.incident
    if incident.call.answered_at is None:
        kind = DueKind.ANSWER
        story.change_call(answer_by=due_at)
    else:
        kind = DueKind.RESOLVE
        story.change_call(resolve_by=due_at)
    timer = pinning.timer_of(story.world, incident, incident.call.clock)
    start, _ = deadlines.box_of(incident.call, incident, story.world)
    story.change(due_at=due_at, due_kind=kind, provisional=timer.is_provisional(start, due_at))


def wake(story: StoryOf[Earlier], warned: int) -> None:
    """Let the clock look next at the next warning mark, or at the deadline when no mark is left."""
    incident, due_at = story.incident, story.incident.due_at or story.now
    timer, seconds = deadlines.marked_box(incident, story.world)
    mark = deadlines.next_mark(due_at, seconds, pinning.policy_of(story.world, incident).warn, warned, timer)
    story.change_quietly(warned=warned, wake_at=mark or due_at)


def marks_passed(story: StoryOf[Earlier]) -> int:
    """The number of warning marks before the running deadline that lie in the past."""
    incident, due_at = story.incident, story.incident.due_at or story.now
    timer, seconds = deadlines.marked_box(incident, story.world)
    return deadlines.marks_passed(due_at, seconds, pinning.policy_of(story.world, incident).warn, story.now, timer)


def wake_afresh(story: StoryOf[Earlier]) -> None:
    """Let the clock look next at the first warning mark that lies ahead: of a box that has just become another one, no
    mark in the past gives a warning."""
    wake(story, marks_passed(story))
