"""`/v1/keys`: making, replacing, listing and revoking keys. Security alone may do so; until a key
of security is made, the subject that has been ops for longest."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Response

from service.access import deps, examples, keys, schemas, views
from service.access.deps import Caller
from service.access.keyring import Keyring, digest_of
from service.access.keys import Created
from service.access.views import KeyView, NewKeyView
from service.context import CurrentContext
from service.rules import access, errors
from service.rules.words import Role
from service.web import paging, problems
from service.web.answers import Answer, answer
from service.web.examples import ok
from service.web.paging import ItemPage
from service.web.router import Router

router = Router(prefix="/v1/keys", tags=["keys"])

_CURSOR = "keys"
_ANYWHERE = (errors.Unauthorized, errors.NotYours, errors.Unavailable)
KeyId = Annotated[str, Path(json_schema_extra={"format": "uuid"})]
"""A string and no UUID, so that a malformed id answers 404 as every unknown id does (contract §3)."""


@router.post(
    "",
    status_code=201,
    responses={
        201: ok("The key itself, shown only in this answer", examples.NEW_KEY, "Location"),
        **problems.documented(*_ANYWHERE, *problems.OF_A_BODY, errors.Conflict, errors.UnknownUnit),
    },
    summary="Make a key · 发放",
)
async def create_key(context: CurrentContext, caller: Caller, body: schemas.NewKeyBody) -> Answer[NewKeyView]:
    """Security makes a key for a reporter, a unit, an auditor, ops or security. Until a first key of security is made,
    the subject that has been ops for longest does so. The key is shown in this answer only, since the service
    stores nothing but its SHA-256 and its first characters. The process that answers accepts the key at once, every
    other process within 250 ms. Refused (409): a `subject` that already has another role or unit."""
    deps.must_be(caller, Role.SECURITY)
    world, now = context.worlds.world, context.clock.now()
    made = await keys.create(context.database, world, now, body.new_key(), access.by_of(caller))
    context.tell(made.committed)
    await context.part(Keyring).admit(digest_of(made.text), made.key)
    return _shown_once(made)


@router.post(
    "/{id}/rotate",
    status_code=201,
    responses={
        201: ok("The new key itself, shown only in this answer", examples.NEW_KEY, "Location"),
        **problems.documented(*_ANYWHERE, *problems.OF_A_BODY, errors.NotFound, errors.Conflict),
    },
    summary="Replace a key · 轮换",
)
async def rotate_key(
    context: CurrentContext,
    caller: Caller,
    id: KeyId,
    body: schemas.RotateBody = schemas.RotateBody(),  # noqa: B008
) -> Answer[NewKeyView]:
    """Security makes a new key in the place of this one, with the same role, subject, scope and rights, for 365 days.
    The old key works on for `overlap_s` seconds, or to its own end if that is sooner, so that its holder can change
    over without a pause. Sent again, it makes one more new key: revoke the one whose text was lost. Refused (409): a
    key that is revoked or has ended, or whose unit is no longer in force."""
    deps.must_be(caller, Role.SECURITY)
    world, now = context.worlds.world, context.clock.now()
    rotated = await keys.rotate(context.database, world, now, _uuid(id), body.overlap_s, access.by_of(caller))
    made, keyring = rotated.created, context.part(Keyring)
    context.tell(made.committed)
    await keyring.admit(digest_of(made.text), made.key)
    await keyring.shorten(_uuid(id), rotated.replaced_until)
    return _shown_once(made)


@router.get(
    "",
    responses={
        200: ok("One page", examples.KEYS),
        **problems.documented(*_ANYWHERE, errors.BadCursor, errors.ValidationFailed),
    },
    summary="List the keys, newest first · 列表",
)
async def list_keys(
    context: CurrentContext, caller: Caller, query: Annotated[schemas.KeysQuery, Query()]
) -> Answer[ItemPage[KeyView]]:
    """Security lists all keys, or those of a unit, role or subject, newest first, expired and revoked keys included. A
    key itself and its digest are never shown. `last_used_at` is written within seconds of the first use on a day."""
    deps.must_be(caller, Role.SECURITY)
    kind = paging.list_kind(_CURSOR, query, caller.subject)
    before = None if query.cursor is None else _position(context.cursors.read(kind, query.cursor))
    found = await keys.page(context.database, query.limit + 1, before, query.only())
    shown = found[: query.limit]
    last = shown[-1] if len(found) > query.limit else None
    following = None if last is None else context.cursors.sign(kind, [last.created_at.isoformat(), str(last.id)])
    return answer({"items": [views.key(key) for key in shown], "next_cursor": following})


@router.delete(
    "/{id}",
    status_code=204,
    response_class=Response,
    responses=problems.documented(*_ANYWHERE, errors.NotFound),
    summary="Revoke a key · 吊销",
)
async def revoke_key(context: CurrentContext, caller: Caller, id: KeyId) -> Response:
    """Security revokes a key. The process that answers refuses the key from now on, every other process within 250 ms.

    Revoking a revoked key answers 204 again (RFC 9110 §9.2.2, idempotent), so a client that lost the answer can send
    the request again. An id that no key has answers 404.
    """
    deps.must_be(caller, Role.SECURITY)
    world, now = context.worlds.world, context.clock.now()
    revoked = await keys.revoke(context.database, world, now, _uuid(id), access.by_of(caller))
    if revoked.committed is not None:
        context.tell(revoked.committed)
    await context.part(Keyring).forget(revoked.key.id)
    return Response(status_code=204)


def _shown_once(made: Created) -> Answer[NewKeyView]:
    location = {"Location": f"/v1/keys/{made.key.id}", "Cache-Control": "no-store"}
    return answer(views.new_key(made.key, made.text), 201, headers=location)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise errors.NotFound(keys.no_such_key(text)) from None


def _position(values: Any) -> tuple[datetime, UUID]:
    """The position that a cursor carries. The cursor is signed, so `list_keys` wrote it and its shape is known."""
    created_at, key_id = values
    return datetime.fromisoformat(created_at), UUID(key_id)
