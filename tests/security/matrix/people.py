"""Everybody in the matrix, and the doors by which somebody may come in other than by a key."""

from __future__ import annotations

from service.access.new_keys import NewKey
from service.rules.words import Role
from tests.house import COMMUNITY, DEPARTMENT, LEADER, STREET, SYSTEMS

ELSEWHERE = "440105001"
"""Another street."""
TEAM, STATION = f"{STREET}-team-1", f"{STREET}-market"
FIRM, OTHER_FIRM = f"{COMMUNITY}-property", f"{ELSEWHERE}001-property"
POLICE = "dept-police"
EMPLOYEE = "张三"
"""A worker of the vendor: it has no key of its own, and goes under `vendor/张三`."""


def _reporter(subject: str, area: str = STREET, *, may_report_for: bool = False) -> NewKey:
    return NewKey(Role.REPORTER, area=area, subject=subject, systems=SYSTEMS, may_report_for=may_report_for)


def _unit(code: str) -> NewKey:
    return NewKey(Role.UNIT, unit=code)


PEOPLE = {
    "worker": _reporter("worker"),
    "colleague": _reporter("colleague"),
    "stranger": _reporter("stranger", ELSEWHERE),
    "follower": _reporter("follower"),
    "vendor": _reporter("vendor", may_report_for=True),
    "other_vendor": _reporter("other-vendor", ELSEWHERE, may_report_for=True),
    "community": NewKey(Role.UNIT, unit=COMMUNITY, systems=SYSTEMS),
    "other_community": _unit(f"{STREET}002"),
    "street": _unit(STREET),
    "other_street": _unit(ELSEWHERE),
    "department": _unit(DEPARTMENT),
    "other_department": _unit("dept-water"),
    "police": _unit(POLICE),
    "team": _unit(TEAM),
    "station": _unit(STATION),
    "leader": _unit(LEADER),
    "other_leader": _unit("leader-safety"),
    "firm": _unit(FIRM),
    "other_firm": _unit(OTHER_FIRM),
    "auditor": NewKey(Role.AUDITOR, subject="auditor"),
    "ops": NewKey(Role.OPS, subject="ops", systems=SYSTEMS),
    "security": NewKey(Role.SECURITY, subject="security"),
    "wall": NewKey(Role.UNIT, unit=COMMUNITY, subject="wall", wall=True),
    "wall_auditor": NewKey(Role.AUDITOR, subject="wall-auditor", wall=True),
}
WORKER_OF_VENDOR = "vendor_worker"
"""Sends by the key of the vendor, and names the worker in every body that takes one."""
REPORTERS = ("worker", "colleague", "stranger", "follower", "vendor", WORKER_OF_VENDOR, "other_vendor")
PARTNERS = ("firm", "other_firm")
WALLS = {"wall": "community", "wall_auditor": "auditor"}
"""Each wall, and who sees the same."""
DOORS = {
    "key": tuple(PEOPLE),
    "session": ("worker", "community", "auditor", "ops", "security"),
    "token": ("community",),
}
"""Each way to sign in of the document, with those who try it."""


def key_of(who: str) -> str:
    """The name under which the house keeps somebody's key."""
    return "vendor" if who == WORKER_OF_VENDOR else who
