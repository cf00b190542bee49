"""One incident as one viewer sees it: what an aspect lets through and what it hides."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from service.rules.looks import IncidentLook
from service.rules.model import Actor, By
from service.rules.sight import Viewer
from service.rules.words import Role
from service.shown.aspect import Aspect
from tests.rules.builders import COMMUNITY, NOW, PEOPLE, STREET, WORLD

SECRET = b"the secret of a deployment"
TEXT = "回电 13800138000"


def an_aspect(who: str, look: IncidentLook, *, confidential: bool = False) -> Aspect:
    return Aspect(Viewer(PEOPLE[who], WORLD, NOW, SECRET), look, UUID(int=1), "worker", confidential)


@pytest.mark.parametrize(
    ("look", "words", "has_point"),
    [
        (IncidentLook.FULL, TEXT, True),
        (IncidentLook.SHARED, "回电 138****8000", True),
        (IncidentLook.MASKED, "回电 138****8000", False),
    ],
)
def test_a_look_decides_about_words_and_the_point(look: IncidentLook, words: str, has_point: bool) -> None:
    aspect = an_aspect("street", look)
    assert (aspect.words(TEXT), aspect.words(None), aspect.has_point) == (words, None, has_point)


@pytest.mark.parametrize(
    ("who", "look", "confidential", "named"),
    [
        ("street", IncidentLook.FULL, False, True),
        ("street", IncidentLook.FULL, True, False),
        ("ops", IncidentLook.FULL, True, True),
        ("reporter", IncidentLook.FULL, True, True),
        ("auditor", IncidentLook.MASKED, False, False),
        ("colleague", IncidentLook.FULL, False, False),  # a reporter never learns who else reported
    ],
)
def test_who_learns_the_name_of_a_reporter(who: str, look: IncidentLook, confidential: bool, named: bool) -> None:
    name = an_aspect(who, look, confidential=confidential).name_of("worker")
    assert (name == "worker") == named
    assert named or (name is not None and name.startswith("reporter-"))


def test_a_partner_or_a_viewer_without_secret_learns_no_name() -> None:
    partner = an_aspect("firm", IncidentLook.SHARED)
    bare = an_aspect("auditor", IncidentLook.MASKED)
    for aspect in (partner, replace(bare, viewer=replace(bare.viewer, secret=None))):
        assert aspect.name_of("worker") is None
        assert aspect.by(By("reporter", "worker")) == {"kind": "reporter"}


def test_others_than_reporters_are_named_to_all() -> None:
    masked = an_aspect("auditor", IncidentLook.MASKED)
    for by in (By("unit", "s", STREET), By("ops", "ops"), By("clock")):
        assert masked.by(by) == by.as_dict()


def test_a_unit_that_reported_is_a_reporter() -> None:
    by = By("unit", "worker", COMMUNITY)
    masked = an_aspect("auditor", IncidentLook.MASKED)
    name = masked.name_of("worker")
    assert masked.by(by) == {"kind": "unit", "subject": name, "unit": COMMUNITY}
    in_confidence = replace(masked, confidential=True)
    assert in_confidence.by(by, as_reporter=True) == {"kind": "unit", "subject": name}
    assert in_confidence.by(by) == in_confidence.seen_by(by.as_dict()) == by.as_dict()
    assert in_confidence.seen_by({"kind": "unit", "subject": "worker"}) == {"kind": "unit", "subject": name}


def test_everybody_sees_the_own_subject() -> None:
    own = Viewer(Actor(Role.REPORTER, "follower"), WORLD, NOW, SECRET)
    aspect = replace(an_aspect("auditor", IncidentLook.MASKED, confidential=True), viewer=own)
    assert aspect.by(By("reporter", "follower")) == {"kind": "reporter", "subject": "follower"}
