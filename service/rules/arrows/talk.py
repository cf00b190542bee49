"""Comment and urge: words on the timeline. They have no letter, because they lead nowhere (留言 · 催办)."""

from __future__ import annotations

from service.rules.model import Act
from service.rules.story import Story
from service.rules.words import EventType


def comment(story: Story, act: Act) -> None:
    """A comment changes nothing but the timeline: the version stays."""
    story.record(EventType.INCIDENT_COMMENTED, act.words)


def urge(story: Story, act: Act) -> None:
    """A push changes no state: the version stays."""
    story.record(EventType.INCIDENT_URGED, act.words)
