"""`/v1/keys`: making, listing and revoking keys. Ops alone may do so."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from service.access import deps, keys, schemas
from service.access.deps import Caller
from service.access.keyring import Keyring, digest_of
from service.context import CurrentContext
from service.rules import access, errors
from service.rules.words import Role
from service.web import problems
from service.web.answers import answer

router = APIRouter(prefix="/v1/keys", tags=["keys · 密钥"])

_CURSOR = "keys"
_ANYWHERE = (errors.Unauthorized, errors.NotYours, errors.Unavailable)
_WITH_BODY = (errors.BadJson, errors.TooLarge, errors.UnsupportedMedia, errors.ValidationFailed)
_CREATED: dict[str, Any] = {
    "description": "The key itself, shown only in this answer",
    "content": {"application/json": {"example": schemas.CREATED_KEY_EXAMPLE}},
}
_LISTED: dict[str, Any] = {
    "description": "A page of keys",
    "content": {"application/json": {"example": {"items": [schemas.KEY_EXAMPLE], "next_cursor": None}}},
}
KeyId = Annotated[str, Path(json_schema_extra={"format": "uuid"})]
"""A string and no UUID, so that a malformed id answers 404 as every unknown id does (contract §3)."""


@router.post(
    "",
    status_code=201,
    response_model=schemas.CreatedKey,
    responses={201: _CREATED, **problems.documented(*_ANYWHERE, *_WITH_BODY, errors.Conflict, errors.UnknownUnit)},
    summary="Make a key · 发放",
)
async def create_key(context: CurrentContext, caller: Caller, body: schemas.NewKeyBody) -> Response:
    """Ops make a key for a reporter, a unit, an auditor or ops. The key is shown in this answer only, since the service
    stores nothing but its SHA-256. The process that answers accepts the key at once, every other process within
    250 ms. Refused (409): a `subject` that already has another role or unit."""
    deps.must_be(caller, Role.OPS)
    world, now = context.worlds.world, context.clock.now()
    made = await keys.create(context.database, world, now, body.new_key(), access.by_of(caller))
    context.tell(made.committed)
    await context.part(Keyring).admit(digest_of(made.text), made.key)
    location = {"Location": f"/v1/keys/{made.key.id}", "Cache-Control": "no-store"}
    return answer({**schemas.key_out(made.key), "key": made.text}, 201, headers=location)


@router.get(
    "",
    response_model=schemas.KeyList,
    responses={200: _LISTED, **problems.documented(*_ANYWHERE, errors.BadCursor, errors.ValidationFailed)},
    summary="List the keys, newest first · 列表",
)
async def list_keys(
    context: CurrentContext,
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: str | None = None,
) -> Response:
    """Ops list all keys, newest first, expired and revoked keys included. A key itself and its digest are never
    shown."""
    deps.must_be(caller, Role.OPS)
    before = None if cursor is None else _position(context.cursors.read(_CURSOR, cursor))
    found = await keys.page(context.database, limit + 1, before)
    shown, last = found[:limit], found[limit - 1] if len(found) > limit else None
    following = None if last is None else context.cursors.sign(_CURSOR, [last.created_at.isoformat(), str(last.id)])
    return answer({"items": [schemas.key_out(key) for key in shown], "next_cursor": following})


@router.delete(
    "/{id}",
    status_code=204,
    response_class=Response,
    responses=problems.documented(*_ANYWHERE, errors.NotFound),
    summary="Revoke a key · 吊销",
)
async def revoke_key(context: CurrentContext, caller: Caller, id: KeyId) -> Response:
    """Ops revoke a key. The process that answers refuses the key from now on, every other process within 250 ms.

    Revoking a revoked key answers 204 again (RFC 9110 §9.2.2, idempotent), so a client that lost the answer can send
    the request again. An id that no key has answers 404.
    """
    deps.must_be(caller, Role.OPS)
    world, now = context.worlds.world, context.clock.now()
    revoked = await keys.revoke(context.database, world, now, _uuid(id), access.by_of(caller))
    if revoked.committed is not None:
        context.tell(revoked.committed)
    await context.part(Keyring).forget(revoked.key.id)
    return Response(status_code=204)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise errors.NotFound(keys.no_such_key(text)) from None


def _position(values: Any) -> tuple[datetime, UUID]:
    """The position that a cursor carries. The cursor is signed, so `list_keys` wrote it and its shape is known."""
    created_at, key_id = values
    return datetime.fromisoformat(created_at), UUID(key_id)
