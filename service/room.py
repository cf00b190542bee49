"""What a room gives to `main` so that it is served. `main` lists the rooms and knows nothing else about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter

from service.context import Context, Part
from service.web.doors import BodyLimits, Door


@dataclass(frozen=True, slots=True)
class Room:
    """One capability of the service. All its routers belong to one door.

    `parts` are functions that make the parts of the room, in the order in which they start. `limits` are the limits of
    a POST by its path, where they differ from those of the door. `event_shapes` gives the shape of each type of event
    that the room shows, for the OpenAPI document.
    """

    door: Door
    routers: tuple[APIRouter, ...]
    parts: tuple[Callable[[Context], Part], ...] = ()
    limits: Mapping[str, BodyLimits] = field(default_factory=dict)
    event_shapes: Callable[[], Mapping[str, Any]] = dict
