"""A hold or an extension as a viewer sees it, before and after the decision."""

from __future__ import annotations

from datetime import timedelta

from service.rules.words import Arrow, State
from service.shown.request import RequestView, request
from tests.rules.builders import COMMUNITY, STREET, act, an_incident
from tests.shapes import check
from tests.shown.test_row import ASPECT


def test_a_request_waits_without_a_decision() -> None:
    [waiting] = act(an_incident(State.CALLING), "community", Arrow.HOLD).after.requests
    shown = check(RequestView, request(ASPECT, waiting))
    assert (shown["n"], shown["kind"], shown["call"], shown["asked_by"]["unit"]) == (1, "hold", 1, COMMUNITY)
    assert shown["approver"] == STREET
    assert {shown["decided_by"], shown["decided_at"], shown["outcome"], shown["granted_s"]} == {None}


def test_a_decided_request_names_its_judge() -> None:
    [approved] = an_incident(State.ON_HOLD).requests
    shown = check(RequestView, request(ASPECT, approved))
    assert (shown["outcome"], shown["decided_by"]["unit"]) == ("approved", STREET)


def test_an_extension_shows_the_seconds_it_granted() -> None:
    [approved] = an_incident(State.ON_HOLD).requests
    granted = approved._replace(granted=timedelta(minutes=90))
    assert check(RequestView, request(ASPECT, granted))["granted_s"] == 5400.0
