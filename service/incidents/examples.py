"""The examples of answers about incidents in the OpenAPI document, made by the code that makes the answers."""

from __future__ import annotations

from service.incidents.batch import BatchView
from service.incidents.similar import Candidate
from service.rules import plan as plans
from service.rules.errors import UnknownCell
from service.shown.deadline import DeadlineView, deadline
from service.shown.event import TimelineEvent
from service.shown.examples import ANSWERED, EXTENDED, REPORTED, REVEALED, ROW, TIMELINE, VIEWER, WORLD
from service.shown.plan import PlanView, plan
from service.shown.row import IncidentRow
from service.web import problem_examples, problems
from service.web.paging import ItemPage
from service.web.problem_shape import Problem

INCIDENT = REPORTED
INCIDENT_LATER = ANSWERED
INCIDENT_REVEALED = REVEALED
INCIDENT_LIST: ItemPage[IncidentRow] = {"items": [ROW], "next_cursor": None}
INCIDENT_TIMELINE: ItemPage[TimelineEvent] = {"items": TIMELINE, "next_cursor": None}
CANDIDATE: Candidate = {**ROW, "same_cell": True, "same_category": True, "distance_m": 12.4, "hours_apart": 1.5}
SIMILAR: ItemPage[Candidate] = {"items": [CANDIDATE], "next_cursor": None}
DEADLINE: DeadlineView = deadline(VIEWER, EXTENDED)
PLAN: PlanView = plan(VIEWER, plans.plan(EXTENDED, WORLD, VIEWER.now))


def _refused() -> Problem:
    """The problem of the second item of a batch, whose cell is not in the registry."""
    error = UnknownCell(problem_examples.of(UnknownCell).detail, "/items/1/grid_code")
    return problems.problem(error, "/v1/incidents/batch")


BATCH: BatchView = {
    "results": [
        {"index": 0, "status": 201, "replayed": False, "incident": ROW},
        {"index": 1, "status": 422, "replayed": False, "problem": _refused()},
    ]
}
