"""The room of incidents: reporting, reading and acting, and the intake of reports."""

from __future__ import annotations

from service.access.identify import API
from service.incidents import action_routes, chain_routes, correction_routes, reveal_routes, routes
from service.incidents.intake import Intake
from service.room import Room
from service.web.doors import BULK_BYTES, BodyLimits

ROOM = Room(
    door=API,
    routers=(
        routes.router,
        action_routes.router,
        chain_routes.router,
        correction_routes.router,
        reveal_routes.router,
    ),
    parts=(Intake,),
    limits={"/v1/incidents/batch": BodyLimits(BULK_BYTES)},
)
