"""The pages of signing in, as HTML: Chinese first, English where the browser or `?lang=en` asks for it.

They run no script, ask no other host, and need none: a form, a sentence, a link.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from service.rules.errors import SihuError, TooMany, Unauthorized
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.web import html_page, problems
from service.web.languages import Language, language_of, text

_STYLE = """
body { margin: 0 auto; max-width: 30rem; padding: 1rem; font: 1rem/1.6 system-ui, "PingFang SC", "Microsoft YaHei",
  sans-serif; color: #1c2733; }
h1 { margin: 2rem 0 1rem; font-size: 1.5rem; }
label, input, button { display: block; box-sizing: border-box; width: 100%; font: inherit; }
input, button { margin: .3rem 0 1rem; padding: .6rem; border: 1px solid #8a97a5; border-radius: .4rem; }
button { background: #0b5cad; color: #fff; border-color: #0b5cad; }
[role=alert] { padding: .6rem; border-left: .3rem solid #b3261e; background: #fbeceb; }
a { color: #0b5cad; } nav { margin-top: 2rem; }
@media (prefers-color-scheme: dark) {
  body { background: #14191f; color: #dde4ea; } input { background: #1e262f; color: inherit; }
  [role=alert] { background: #3a1f1e; } a { color: #7ab8f5; }
}
"""
_HEADERS = {
    "Content-Security-Policy": html_page.policy_of(_STYLE, "'self'"),
    # with no-referrer a browser would not even say to the service itself that its own page sends the form
    "Referrer-Policy": "same-origin",
}


class PageWish(NamedTuple):
    """What a page needs of the request for it: its language, and where to go on afterwards."""

    language: Language
    goes_on_at: str


def language_for(request: Request) -> Language:
    """The language of `?lang=`, else the one that the browser prefers, else Chinese."""
    named = request.query_params.get("lang")
    if named in (Language.ZH, Language.EN):
        return Language(named)
    return language_of(request.scope) if "accept-language" in request.headers else Language.ZH


def sign_in(wish: PageWish, token: str, error: SihuError | None = None, *, has_issuer: bool = False) -> Response:
    """The form for a key, with what was wrong about the last one, and the way to the issuer if there is one."""
    language = wish.language
    account = _words(Sentence("Sign in with the account of your organisation"), language)
    others = f'<p><a href="{_link("sign-in/oidc", wish)}">{account}</a></p>' if has_issuer else ""
    body = (
        f"{_alert(error, language)}{others}"
        f'<form method="post" action="{_link("sign-in", wish)}">{_hidden(form=token, next=wish.goes_on_at)}'
        f'<label for="key">{_words(Sentence("Your key, which begins with sihu_"), language)}</label>'
        '<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>'
        f"<button>{_words(Sentence('Sign in'), language)}</button></form>"
        f"<p>{_words(Sentence('Whoever looks after keys here gives you one.'), language)}</p>"
    )
    status = 200 if error is None else problems.status_of(type(error))
    return _page(Sentence("Sign in"), body, wish, status, _lines(error))


def signed_in(wish: PageWish, token: str, actor: Actor) -> Response:
    """Who is signed in, with the way on and the way out."""
    language = wish.language
    who = Sentence("You are signed in as {subject}, {role}.", subject=actor.subject, role=actor.role)
    body = (
        f"<p>{_words(who, language)}</p>"
        f'<p><a href="{escape(wish.goes_on_at)}">{_words(Sentence("Go on"), language)}</a></p>'
        f'<form method="post" action="/sign-out">{_hidden(form=token)}'
        f"<button>{_words(Sentence('Sign out'), language)}</button></form>"
    )
    return _page(Sentence("You are signed in"), body, wish)


def needs_https(wish: PageWish) -> Response:
    """Why nobody can sign in over plain http from another machine."""
    detail = Sentence(
        "Others can read what is sent over http, your key too. Open this page with https:// in front of the address; "
        "if that does not answer, ask ops for it."
    )
    body = f'<p role="alert">{_words(detail, wish.language)}</p>'
    return _page(Sentence("This page needs https"), body, wish, 403)


def refusal(error: SihuError, request: Request, headers: Mapping[str, str]) -> Response:
    """Any refusal of these pages, in words for a person."""
    wish = PageWish(language_for(request), "")
    body = (
        f"{_alert(error, wish.language)}"
        f'<p><a href="{_link("sign-in", wish)}">{_words(Sentence("Sign in"), wish.language)}</a></p>'
    )
    status = problems.status_of(type(error))
    return _page(error.title, body, wish, status, {**headers, **_lines(error)})


def _page(
    title: Sentence, body: str, wish: PageWish, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    language, name = wish.language, text(title, wish.language)
    other, shown = ("en", "English") if language is Language.ZH else ("zh", "中文")
    link = _link("sign-in", wish._replace(language=Language(other)))
    whole = f'<h1>{escape(name)}</h1>\n{body}\n<nav><a href="{link}">{shown}</a></nav>'
    content = html_page.document(language, f"{name} · 四呼 sihu", _STYLE, whole, root="/")
    return HTMLResponse(content, status, {**_HEADERS, "Content-Language": language.value, **(headers or {})})


def _link(path: str, wish: PageWish) -> str:
    named = {"lang": wish.language.value} | ({"next": wish.goes_on_at} if wish.goes_on_at else {})
    return escape(f"/{path}?{urlencode(named)}")


def _hidden(**fields: str) -> str:
    return "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items())


def _alert(error: SihuError | None, language: Language) -> str:
    return "" if error is None else f'<p role="alert">{_words(error.detail, language)}</p>'


def _words(sentence: Sentence, language: Language) -> str:
    return escape(text(sentence, language))


def _lines(error: SihuError | None) -> dict[str, str]:
    if isinstance(error, TooMany):
        return {"Retry-After": str(error.retry_after_s)}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthorized) else {}
