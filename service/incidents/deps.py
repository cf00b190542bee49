"""What a request about an incident carries in its path and headers."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header

from service.web import headers, patterns, text
from service.web.patterns import Shown

_Tags = Annotated[str, Shown(patterns.IF_MATCH)]


# async although it awaits nothing: FastAPI runs a plain function in a thread, which costs ten times as much
async def _if_match(value: Annotated[_Tags | None, Header(alias="If-Match")] = None) -> frozenset[str] | None:
    return headers.parse_if_match(value)


IncidentId = UUID
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]
KeyHeader = Annotated[text.IdempotencyKey | None, Header(alias="Idempotency-Key")]
IfMatch = Annotated[frozenset[str] | None, Depends(_if_match)]
