"""The forms of these pages: their fields, and whether a page of this site sends them."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, quote

from starlette.requests import Request

from service import context as contexts
from service.access import session_cookie
from service.rules.errors import BadRequest, ForeignOrigin
from service.rules.sentences import Sentence
from service.web import origins
from service.web.doors import BodyLimits
from service.web.origins import Sender

FORM: Final = "application/x-www-form-urlencoded"
BODIES = BodyLimits(8 * 1024, (FORM,), Sentence("Send the form as a browser does: application/x-www-form-urlencoded."))
HOME: Final = "/sign-in"
"""Where a browser goes on that names no page."""
SUFFIX: Final = "-form"
"""The end of the name of the cookie to which the form of a stranger is bound."""
_MAX_FIELDS = 20
_COOKIE_TEXT = re.compile(r"[\w-]{43}", re.ASCII)
_LOCAL = re.compile(r"/(?![/\\])[^\x00-\x1f\x7f\\]{0,1023}")
"""A path of this site. Browsers take `//host` and `/\\host` for another site."""


async def fields_of(request: Request) -> Mapping[str, str]:
    """The fields of a form; of one that comes twice, the last. Raises `BadRequest` for what no browser sends."""
    content = await request.body()
    try:
        pairs = parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise BadRequest(Sentence("This form cannot be read: load the page again, and send it once more.")) from None
    return dict(pairs)


def local_path(named: str | None) -> str:
    """The page of this site on which to go on; where no such page is named, `HOME`."""
    return quote(named, safe="/?&=#%:@!$'()*+,;~-._") if named and _LOCAL.fullmatch(named) else HOME


def token_of(request: Request, bound_to: str) -> str:
    """The token of a form, which is good in the browser with this cookie only."""
    secret = contexts.of(request.scope).cursors.secret_for("form")
    return hmac.digest(secret, bound_to.encode(), "sha256").hex()[:32]


def form_cookie_of(request: Request) -> str | None:
    """The cookie to which the form of somebody who is not signed in is bound."""
    found = request.cookies.get(session_cookie.name_for(request.scope, SUFFIX), "")
    return found if _COOKIE_TEXT.fullmatch(found) else None


def new_form_cookie() -> str:
    """A cookie for a browser that has none."""
    return secrets.token_urlsafe(32)


def demand_own_form(request: Request, fields: Mapping[str, str]) -> None:
    """Raises `ForeignOrigin` unless a page of this site sends the form. Browsers say so themselves; for one that does
    not, the token of the form has to fit its cookie. A program that has no session yet needs neither: its key is all
    that counts."""
    session, token = session_cookie.cookie_of(request.scope), fields.get("form")
    is_own = any(_fits(request, token, each) for each in (session, form_cookie_of(request)))
    sender = _sender_of(request)
    is_foreign = sender is Sender.FOREIGN or (token is not None and not is_own)
    if is_foreign or (sender is Sender.UNKNOWN and session is not None and not is_own):
        raise ForeignOrigin(
            Sentence(
                "This form was not sent by the page that you see here: load the page again, and send it once more."
            )
        )


def _sender_of(request: Request) -> Sender:
    """The site that sends a form. Old browsers name the page alone (`Referer`)."""
    sender, page = origins.sender_of(request.scope), request.headers.get("referer")
    if sender is Sender.UNKNOWN and page is not None:
        return Sender.OWN if page.startswith(f"{origins.own_origin(request.scope)}/") else Sender.FOREIGN
    return sender


def _fits(request: Request, token: str | None, cookie: str | None) -> bool:
    if token is None or cookie is None:
        return False
    return hmac.compare_digest(token.encode(), token_of(request, cookie).encode())
