"""Doors. A door is all paths below one prefix, with the schemes by which people sign in there, the bodies that they may
send, and the form of a refusal."""

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
from service.rules.sentences import Sentence

JSON, ZIP = "application/json", "application/zip"
BODY_BYTES = 64 * 1024
BULK_BYTES = 16 * 1024 * 1024
"""The limit of a body that carries many rows (contract §3: 16 MiB)."""
AS_JSON = Sentence("Send the body as JSON, with Content-Type: application/json.")


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
        """The scheme in the `WWW-Authenticate` header of a 401; empty for one that is no scheme of HTTP."""
        ...

    async def identify(self, scope: Scope) -> Actor | None:
        """The actor that sent this request; None when the request carries no credential of this scheme.

        Raises:
            Unauthorized: the credential is wrong; the detail says how.
            Unavailable: nobody can be identified now.
        """
        ...

    def invitation(self, scope: Scope) -> Sentence:
        """One sentence that says what to send, for a request in which no scheme has found a credential."""
        ...


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The limits of a body: at most `max_bytes`, of one of the media types `media` (empty: of any type). `hint` is the
    sentence for a body of another type."""

    max_bytes: int = BODY_BYTES
    media: tuple[str, ...] = (JSON,)
    hint: Sentence = AS_JSON


Refusal = Callable[[SihuError, Request, Mapping[str, str]], Response]
"""A function that writes a refusal in the form of a door, with the headers that belong to its status."""


@dataclass(frozen=True, slots=True)
class Door:
    """All paths below `prefix`. A door without `schemes` lets every request in, without an actor. A door without a
    `refusal` of its own refuses with RFC 9457 problems. At a door with an `open_query`, a query may have names that the
    route does not know, and a name twice."""

    prefix: str
    schemes: tuple[Scheme, ...] = ()
    bodies: BodyLimits = BodyLimits()
    refusal: Refusal | None = None
    open_query: bool = False

    @property
    def challenge(self) -> str:
        """The `WWW-Authenticate` header of a 401; empty for a door without schemes."""
        return ", ".join(scheme.challenge for scheme in self.schemes if scheme.challenge)


def door_of(doors: Sequence[Door], path: str) -> Door | None:
    """The door to which a path belongs; None for a path outside all doors, such as `/healthz` and `/docs`."""
    for door in doors:
        if path.startswith(door.prefix):
            return door
    return None
