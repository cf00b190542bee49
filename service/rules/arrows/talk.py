"""Comment and urge: words on the timeline. Neither arrow has a letter, because no state changes (留言 · 催办)."""

from __future__ import annotations

from service.rules.acts import Act
from service.rules.story import Story
from service.rules.words import EventType


def comment(story: Story, act: Act) -> None:
    """A comment adds words to the timeline. The version of the incident stays as it is."""
    story.record(EventType.INCIDENT_COMMENTED, act.words)


def urge(story: Story, act: Act) -> None:
    """An urge is a push that changes no state. The version of the incident stays as it is."""
    story.record(EventType.INCIDENT_URGED, act.words)
