"""`/sign-in` and `/sign-out`: pages on which a person begins and ends the session of a browser."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from service import context as contexts
from service.access import session_cookie, standing
from service.access.issuer import Issuer
from service.access.keyring import KnownKey
from service.access.sessions import IDLE, LIFE, Begun, OpenSessions
from service.context import Context, CurrentContext
from service.rules.errors import SihuError, Unauthorized, Unavailable
from service.rules.model import Actor
from service.sign_on import forms, page
from service.sign_on.attempts import FailedSignIns
from service.sign_on.page import PageWish
from service.web import origins, request_log

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
async def sign_in_page(request: Request) -> Response:
    """The form for a key; for who is signed in already, the way on and the way out."""
    wish = _wish(request, request.query_params.get("next"))
    if not origins.is_secure(request.scope):
        return page.needs_https(wish)
    actor = await _present(request)
    if actor is not None:
        cookie = session_cookie.cookie_of(request.scope) or ""
        return page.signed_in(wish, forms.token_of(request, cookie), actor)
    return _form(request, wish)


@router.post("/sign-in")
async def sign_in(request: Request, context: CurrentContext) -> Response:
    """Begin a session with a key, and go on to the page that was named. A session that this browser had before ends."""
    fields = await forms.fields_of(request)
    wish = _wish(request, fields.get("next") or request.query_params.get("next"))
    if not origins.is_secure(request.scope):
        return page.needs_https(wish)
    forms.demand_own_form(request, fields)
    now = context.clock.now()
    try:
        known = _key_of(request, context, fields.get("key", "").strip(), now)
        actor = standing.actor_behind(known, request.scope, now)
    except Unavailable:
        raise
    except SihuError as error:
        request_log.mark(request.scope, error.code)
        return _form(request, wish, error)
    await end_former(request, context, now)
    begun = await _begin(context, known, now)
    request.scope["actor"] = actor  # so that the log says who came, and the connection is a stranger's no more
    response = RedirectResponse(wish.goes_on_at, 303)
    life = begun.session.expires_at - now if actor.reads_only else None  # a screen on a wall is started anew at times
    session_cookie.hand_out(response, request.scope, begun.cookie, life)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, context: CurrentContext) -> Response:
    """End the session of this browser for good, and forget its cookie."""
    forms.demand_own_form(request, await forms.fields_of(request))
    await end_former(request, context, context.clock.now())
    response = RedirectResponse(forms.HOME, 303)
    session_cookie.take_back(response, request.scope)
    return response


def _wish(request: Request, goes_on_at: str | None) -> PageWish:
    return PageWish(page.language_for(request), forms.local_path(goes_on_at))


async def _present(request: Request) -> Actor | None:
    """Who is signed in in this browser; None: nobody, or not any more."""
    cookie = session_cookie.cookie_of(request.scope)
    if cookie is None:
        return None
    try:
        return await session_cookie.signed_in(request.scope, cookie)
    except Unavailable:
        raise
    except SihuError:
        return None


def _form(request: Request, wish: PageWish, error: SihuError | None = None) -> Response:
    cookie = forms.form_cookie_of(request) or forms.new_form_cookie()
    issuer = contexts.of(request.scope).part(Issuer).settings
    has_issuer = issuer is not None and issuer.client_id is not None
    response = page.sign_in(wish, forms.token_of(request, cookie), error, has_issuer=has_issuer)
    session_cookie.hand_out(response, request.scope, cookie, suffix=forms.SUFFIX)
    return response


def _key_of(request: Request, context: Context, text: str, now: datetime) -> KnownKey:
    """The usable key with this text.

    Raises:
        Unauthorized: there is none.
        TooMany: there is none, and so it was with too many others from the same address.
    """
    try:
        return standing.key_of(standing.loaded_keyring(context), text, now)
    except Unauthorized:
        context.part(FailedSignIns).note(request.scope)
        raise


async def _begin(context: Context, known: KnownKey, now: datetime) -> Begun:
    key_ends = known.expires_at or now + LIFE
    if known.actor.reads_only:
        return await context.part(OpenSessions).begin(context.database, known, now, key_ends, None)
    return await context.part(OpenSessions).begin(context.database, known, now, min(now + LIFE, key_ends), IDLE)


async def end_former(request: Request, context: Context, now: datetime) -> None:
    """End the session that this browser has had so far, if it has one. Raises `Unavailable`."""
    cookie = session_cookie.cookie_of(request.scope)
    if cookie is not None:
        await context.part(OpenSessions).end(context.database, cookie, now)
