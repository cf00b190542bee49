"""What a room hands in to be served: `main` lists the rooms and knows nothing else of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter

from service.context import Context, Part
from service.web.doors import BodyLimits, Door


@dataclass(frozen=True, slots=True)
class Room:
    """One capability. Its routers all lie behind its door.

    `parts` make what the room runs beside requests, in the order in which they start. `limits` are those of a POST to a
    path, where they differ from the door's.
    """

    door: Door
    routers: tuple[APIRouter, ...]
    parts: tuple[Callable[[Context], Part], ...] = ()
    limits: Mapping[str, BodyLimits] = field(default_factory=dict)
