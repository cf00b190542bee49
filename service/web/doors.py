"""Doors: below which paths people come in, how they sign in there, what they may send, and how a refusal reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fastapi.openapi.models import SecurityBase
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from service.rules.errors import SihuError
from service.rules.model import Actor

JSON, ZIP = "application/json", "application/zip"
BODY_BYTES = 64 * 1024
BULK_BYTES = 16 * 1024 * 1024
"""For a body that carries many rows (contract §3: 16 MiB)."""


class Scheme(Protocol):
    """One way to sign in, such as a key, a token or a session."""

    @property
    def name(self) -> str:
        """The scheme's name in the OpenAPI document."""
        ...

    @property
    def model(self) -> SecurityBase:
        """The scheme as the OpenAPI document describes it."""
        ...

    @property
    def challenge(self) -> str:
        """The scheme in the `WWW-Authenticate` header of a 401."""
        ...

    async def identify(self, scope: Scope) -> Actor | None:
        """Who sent this request; None when it carries nothing of this scheme.

        Raises:
            Unauthorized: what it carries is wrong; the detail says how.
            Unavailable: nobody can be identified now.
        """
        ...

    def invitation(self, scope: Scope) -> str:
        """One sentence for a request that no scheme has found anything in: what to send."""
        ...


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may be: at most `max_bytes` of one of the media types (none listed: of any). `hint` says what to send
    instead of another type."""

    max_bytes: int = BODY_BYTES
    media: tuple[str, ...] = (JSON,)
    hint: str = "Send the body as JSON, with Content-Type: application/json."


Refusal = Callable[[SihuError, Request, Mapping[str, str]], Response]
"""How a door words a refusal; the headers are those that its status asks for."""


@dataclass(frozen=True, slots=True)
class Door:
    """Everything below `prefix`. Without `schemes` everybody is let in, as nobody. Without a `refusal` of its own the
    door answers RFC 9457 problems."""

    prefix: str
    schemes: tuple[Scheme, ...] = ()
    bodies: BodyLimits = BodyLimits()
    refusal: Refusal | None = None

    @property
    def challenge(self) -> str:
        """The `WWW-Authenticate` header of a 401; empty without schemes."""
        return ", ".join(scheme.challenge for scheme in self.schemes)


def door_of(doors: Sequence[Door], path: str) -> Door | None:
    """The door that a path lies behind; None: behind none, as `/healthz` and `/docs`."""
    for door in doors:
        if path.startswith(door.prefix):
            return door
    return None
