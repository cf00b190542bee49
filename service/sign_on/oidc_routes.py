"""`/sign-in/oidc`: a person signs on at the issuer (OpenID Connect: a code, PKCE), and gets a session as with a key.

What the browser has to bring back (state, nonce, the verifier of PKCE) lies in a signed cookie of that browser, so a
sign-on that was begun elsewhere ends nowhere, and no process has to remember it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from service import clock
from service.access import session_cookie, tokens
from service.access.issuer import Issuer, IssuerSettings
from service.access.sessions import IDLE, LIFE, OpenSessions
from service.context import Context, CurrentContext
from service.rules.errors import BadCursor, ForeignOrigin, NotFound, Unauthorized
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.sign_on import forms, page
from service.sign_on.page import PageWish
from service.sign_on.routes import end_former
from service.web import origins, request_log

router = APIRouter(include_in_schema=False)

PATH: Final = "/sign-in/oidc"
_KIND: Final = "sign-on"
_SUFFIX: Final = "-oidc"
"""The end of the name of the cookie of a sign-on that was begun."""
_LASTS_S: Final = 600
"""How long a person may take at the issuer."""
_MAX_PATH: Final = 500


class BegunSignOn(NamedTuple):
    """A sign-on that this browser has begun, as its cookie has it. `until_s`: in seconds since 1970, by this host."""

    state: str
    nonce: str
    verifier: str
    goes_on_at: str
    until_s: int


@router.get(PATH)
async def sign_on(request: Request, context: CurrentContext) -> Response:
    """Send the browser to the issuer; when it comes back with a code, begin a session and go on."""
    issuer = context.part(Issuer)
    if issuer.settings is None or issuer.settings.client_id is None:
        raise NotFound(Sentence("There is no {path} here. /docs lists what there is.", path=PATH))
    if not origins.is_secure(request.scope):
        return page.needs_https(PageWish(page.language_for(request), forms.HOME))
    if {"code", "error"} & set(request.query_params):
        return await _come_back(request, context, issuer, issuer.settings.client_id)
    return await _send_away(request, context, issuer, issuer.settings.client_id)


async def _send_away(request: Request, context: Context, issuer: Issuer, client_id: str) -> Response:
    path = forms.local_path(request.query_params.get("next"))
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    until_s = int(clock.host_time().timestamp()) + _LASTS_S
    begun = BegunSignOn(state, nonce, verifier, path if len(path) <= _MAX_PATH else forms.HOME, until_s)
    address = await issuer.address("authorization_endpoint")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": _return_address(request),
        "scope": "openid",
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    response = RedirectResponse(f"{address}{'&' if '?' in address else '?'}{urlencode(query)}", 303)
    cookie = context.cursors.sign(_KIND, list(begun))
    session_cookie.hand_out(response, request.scope, cookie, timedelta(seconds=_LASTS_S), suffix=_SUFFIX)
    return response


async def _come_back(request: Request, context: Context, issuer: Issuer, client_id: str) -> Response:
    begun, settings = _begun(request, context), issuer.settings
    assert settings is not None
    if request.query_params.get("iss", settings.url) != settings.url:
        raise _not_begun_here()
    person = await _person(request, context, issuer, client_id, begun)
    now = context.clock.now()
    await end_former(request, context, now)
    session = await context.part(OpenSessions).begin(context.database, person, now, now + LIFE, IDLE)
    request.scope["actor"] = person  # so that the log says who came, and the connection is a stranger's no more
    request_log.mark_sign_on(request.scope)
    response = RedirectResponse(begun.goes_on_at, 303)
    session_cookie.hand_out(response, request.scope, session.cookie)
    session_cookie.take_back(response, request.scope, suffix=_SUFFIX)
    return response


async def _person(request: Request, context: Context, issuer: Issuer, client_id: str, begun: BegunSignOn) -> Actor:
    """Whom the issuer names for the code that the browser brings back."""
    form = {
        "grant_type": "authorization_code",
        "code": request.query_params.get("code", ""),
        "redirect_uri": _return_address(request),
        "client_id": client_id,
        "code_verifier": begun.verifier,
    }
    token = await issuer.exchange(form) if form["code"] else None
    if token is None:
        raise Unauthorized(Sentence("The issuer has not signed you on: begin again, or sign in with a key."))
    claims = await tokens.claims_of(issuer, token, client_id, clock.host_time())
    is_ours = hmac.compare_digest(str(claims.get("nonce")).encode(), begun.nonce.encode())
    if not is_ours or claims.get("azp", client_id) != client_id:
        raise _not_begun_here()
    settings: IssuerSettings | None = issuer.settings
    assert settings is not None
    secret = context.cursors.secret_for("subject")
    return tokens.person_of(claims, settings.claims, context.worlds.world, context.clock.now(), secret)


def _begun(request: Request, context: Context) -> BegunSignOn:
    """The sign-on that this browser has begun. Raises `ForeignOrigin` when it has not, or too long ago."""
    try:
        values: list[Any] = context.cursors.read(
            _KIND, request.cookies.get(session_cookie.name_for(request.scope, _SUFFIX), "")
        )
    except BadCursor:
        raise _not_begun_here() from None
    begun = BegunSignOn(*values)
    state = request.query_params.get("state", "")
    is_ours = hmac.compare_digest(state.encode(), begun.state.encode())
    if not is_ours or begun.until_s <= clock.host_time().timestamp():
        raise _not_begun_here()
    return begun


def _not_begun_here() -> ForeignOrigin:
    return ForeignOrigin(Sentence("This sign-on was not begun in this browser, or too long ago: begin again."))


def _return_address(request: Request) -> str:
    return f"{origins.own_origin(request.scope)}{PATH}"
