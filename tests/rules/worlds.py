"""Registries, policies and calendars between which the state machine's world changes under way."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from service.rules.world import Duty
from tests.rules.builders import (
    ALWAYS,
    CATEGORY,
    COMMITTEE,
    COMMUNITY,
    DEPARTMENT,
    DUTIES,
    LEADER,
    NEVER,
    STREET,
    STREET_LEADER,
    a_world,
    plain_days,
)

_LED_BY = {"1": NEVER, "3": STREET}
_MOVED = tuple(replace(each, lead_unit=_LED_BY.get(each.code, each.lead_unit)) for each in DUTIES)
"""All of u is led by another department now, and u-02 in street 1 by the street itself."""
_ADMITTED = (*DUTIES, Duty("6", "u-0101 in street 1", CATEGORY, STREET, DEPARTMENT, ALWAYS, (COMMITTEE,)))
"""The category of most incidents, admitted for street 1, whose committee assists in it."""

WORLDS = {
    "whole": a_world(),
    "a new policy": a_world(version=2, policy=2),
    "no community": a_world(version=3, without=(COMMUNITY,)),
    "no street": a_world(version=4, without=(STREET,)),
    "no department": a_world(version=5, without=(DEPARTMENT,)),
    "no leader": a_world(version=6, without=(LEADER,)),
    "nobody above": a_world(version=7, without=(DEPARTMENT, LEADER, STREET_LEADER), policy=2),
    "working time": a_world(version=9, policy=3),
    "a week off": a_world(version=10, policy=3, days=plain_days(*(date(2026, 11, n) for n in range(23, 28)))),
    "another week off": a_world(version=11, policy=3, days=plain_days(*(date(2026, 12, n) for n in range(1, 8)))),
    "nobody": a_world(version=8, without=(COMMUNITY, STREET, DEPARTMENT, LEADER, STREET_LEADER)),
    "duties moved": a_world(version=12, duties=_MOVED),
    "a duty admitted": a_world(version=13, duties=_ADMITTED),
}
