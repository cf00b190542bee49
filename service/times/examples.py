"""The examples of policies and working days in the OpenAPI document, shown by the code that answers."""

from __future__ import annotations

from datetime import UTC, date, datetime

from service.rules import world as worlds
from service.rules.policy import Activation, Box, Hours, Policy
from service.rules.words import ClockKind, Level, Urgency
from service.store.registry.calendars import Day
from service.times import coverage, views

_WARNING = coverage.Gap("cn", date(2026, 10, 8), date(2026, 10, 8), whole_year=False).warning
_HOURS = Hours("cn", ((8 * 60, 12 * 60), (14 * 60, 18 * 60)))
_BOXES = {
    (level, urgency): (box,)
    for level in Level
    for urgency, box in (
        (Urgency.URGENT, Box(1_800, 7_200, ClockKind.CONTINUOUS)),
        (Urgency.NORMAL, Box(14_400, 28_800, ClockKind.WORKING)),
    )
}
_POLICY = Policy("example", 1, _BOXES, verify_s=259_200, reopen_s=604_800, hours=_HOURS, title="示例时限 (example)")
_SINCE = datetime(2026, 10, 31, 16, tzinfo=UTC)
_WORLD = worlds.build(1, policies=[_POLICY], activations=[Activation(_SINCE, "example", 1)])

POLICY: views.PolicyView = views.policy(_POLICY, active=True)
POLICY_VERSION: views.PolicyVersionView = views.policy_version(_POLICY, _WORLD, _SINCE)
DAY: views.DayView = views.day(Day(date(2026, 2, 14), True, "chinesecalendar 1.11.0", "Spring Festival"))
DAYS_CHANGED: views.DaysChangedView = {
    "calendar": "cn",
    "days_changed": 365,
    "deadlines_looked_at": 3,
    "warnings": [_WARNING],
}
COVERAGE: views.CoverageView = views.coverage("cn", [(2026, 365, 365)])
