"""The room of the registry behind the door of the API: look-ups, the admission of duties, the import of bundles."""

from __future__ import annotations

from service.access.identify import API
from service.registry import duty_routes, routes
from service.registry.bundle import routes as bundle_routes
from service.room import Room
from service.rules.sentences import Sentence
from service.web.doors import BULK_BYTES, JSON, ZIP, BodyLimits

_BUNDLE = BodyLimits(
    BULK_BYTES, (JSON, ZIP), Sentence("Send the bundle with Content-Type: application/json, or application/zip.")
)

ROOM = Room(
    door=API,
    routers=(routes.router, duty_routes.router, bundle_routes.router),
    limits={"/v1/registry/import": _BUNDLE},
)
