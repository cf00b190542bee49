"""The request log: one line for each write, each sign-on, each refusal and each fault, and none for any other read that
succeeds.

A line names the route, not the address: no query, no body and no key is ever logged, and of a person only the subject.
Refusals of one kind from one address are written out a few times a second, and then counted in one line, so that who
floods the service with them does not fill the log as well.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from starlette.types import Scope

from service.web import every_answer, hosts, routing
from service.web.routing import UNMATCHED

_log = logging.getLogger(__name__)

READS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_CODE = "sihu.problem_code"
_ANSWERED = "sihu.answered"
_SIGN_ON = "sihu.sign_on"
_WINDOW_S = 1.0
MAX_EACH = 10
"""Lines for one kind of refusal from one address in a window; further ones are counted."""
MAX_ADDRESSES = 50
"""Kinds and addresses that are counted apart in a window; further addresses are counted together."""
_OTHERS = "others"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WORD = re.compile(r"v1|(?!sihu_)[A-Za-z][A-Za-z_.-]{0,31}")
_MAX_SEGMENTS = 8
_INCIDENTS = b"/v1/incidents/"


def mark(scope: Scope, code: str) -> None:
    """Note the code of the problem with which a request is refused."""
    scope[_CODE] = code


def mark_answered(scope: Scope, status: int, code: str) -> None:
    """Note how the connection itself has answered a request: whatever the application answers goes nowhere."""
    scope[_ANSWERED] = status
    mark(scope, code)


def mark_sign_on(scope: Scope) -> None:
    """Note that somebody has signed on by a request, which is a line of the log although it reads."""
    scope[_SIGN_ON] = True


def has_line(scope: Scope, status: int) -> bool:
    """Whether a request with this answer is a line of the log."""
    return status >= 400 or scope["method"] not in READS or _SIGN_ON in scope


def answered(scope: Scope, status: int) -> int:
    """The status that the client has received, where the application answered `status`."""
    found: int = scope.get(_ANSWERED, status)
    return found


def code_of(scope: Scope) -> str | None:
    """The code of the problem with which a request was refused; None: it was not."""
    code: str | None = scope.get(_CODE)
    return code


class RefusalSource(NamedTuple):
    """One kind of refusal, and the address from which the request came."""

    status: int
    code: str
    address: str


class RequestLog:
    """Writes the lines. `template` finds the template of the route at a path, for requests that no route has seen."""

    def __init__(self, timer: Callable[[], float], template: Callable[[str], str] = lambda _: UNMATCHED) -> None:
        self._template = template
        self._cap = _Cap(timer)

    def note(self, scope: Scope, status: int, headers: Iterable[tuple[bytes, bytes]], seconds: float) -> None:
        """Log one request that `has_line`. `status` 0: the client hung up before its answer."""
        level = _level(status)
        if not _log.isEnabledFor(level):
            return
        code = scope.get(_CODE, "internal_error" if status == 500 else None)
        address = address_of(scope)
        if status >= 400 and not self._cap.admits(RefusalSource(status, code or "", address)):
            return
        actor = scope.get("actor")
        method = method_of(scope)
        route = self.route_of(scope)
        fields = {
            "request_id": every_answer.request_id_of(scope),
            "subject": None if actor is None else actor.subject,
            "address": address if actor is None else None,
            "method": method,
            "route": route,
            "path": _outline(scope["path"]) if route == UNMATCHED else None,
            "incident": _incident(scope, headers),
            "status": status,
            "code": code,
            "ms": round(seconds * 1000, 1),
        }
        _log.log(level, "%s %s %d", method, route, status, extra={"event": "request", "fields": fields})

    def route_of(self, scope: Scope) -> str:
        """The template of the route of a request."""
        route = routing.template(scope)
        if route == UNMATCHED:  # refused before any route was looked for, or there is none
            route = self._template(scope["path"])
        return route

    def finish(self) -> None:
        """Write the counts that are not written yet, since the process ends."""
        self._cap.close()

    def note_unreadable(self, address: str, request_id: str, status: int, code: str) -> None:
        """Log what could not be read as a request of HTTP, or did not arrive as one."""
        if self._cap.admits(RefusalSource(status, code, address)):
            fields = {"request_id": request_id, "address": address, "status": status, "code": code}
            _log.warning("unreadable request", extra={"event": "request", "fields": fields})


def _level(status: int) -> int:
    """A fault of the service is an error. A 503 is none: what stands behind it is logged by whoever meets it."""
    if status >= 500 and status != 503:
        return logging.ERROR
    return logging.WARNING if status >= 400 else logging.INFO


class _Cap:
    """How many refusals of a kind are written out in a second."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._began = timer()
        self._counts: Counter[RefusalSource] = Counter()

    def admits(self, refusal: RefusalSource) -> bool:
        """Whether this refusal is to be written out. Otherwise it is counted, and the count is written a second
        later."""
        if self._timer() - self._began >= _WINDOW_S:
            self.close()
        if refusal not in self._counts and len(self._counts) >= MAX_ADDRESSES:
            refusal = refusal._replace(address=_OTHERS)
        self._counts[refusal] += 1
        if self._counts[refusal] == MAX_EACH + 1:
            asyncio.get_running_loop().call_later(_WINDOW_S, self.close, self._began)
        return self._counts[refusal] <= MAX_EACH

    def close(self, began: float | None = None) -> None:
        """End the window that began then, unless another one has begun since; None: whichever runs."""
        if began is not None and began != self._began:
            return
        now = self._timer()
        for refusal, count in self._counts.items():
            if count > MAX_EACH:
                fields = {**refusal._asdict(), "count": count - MAX_EACH, "seconds": round(now - self._began, 1)}
                sentence = "%d more refused with %d"
                values = (fields["count"], refusal.status)
                _log.warning(sentence, *values, extra={"event": "refusals", "fields": fields})
        self._counts.clear()
        self._began = now


def method_of(scope: Scope) -> str:
    """The method of a request, where it is one that is known."""
    return scope["method"] if scope["method"] in READS | _WRITES else "other"


def address_of(scope: Scope) -> str:
    """The address from which a request came, in its normal form; `?` where a proxy says something else of its client:
    nobody writes a text of his own into the log, or into a table."""
    found = hosts.client_of(scope)
    if found is None:
        return "?" if scope.get("client") else ""
    return str(found)


def _outline(path: str) -> str:
    """The words of a path that no route has. Anything else in it may be a number, a name or a key: `/v1/incident/*`."""
    segments = path.split("/")[: _MAX_SEGMENTS + 1]
    return "/".join(each if not each or _WORD.fullmatch(each) else "*" for each in segments)


def _incident(scope: Scope, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The id of the incident that a request is about, or that it has made."""
    params: dict[str, Any] = scope.get("path_params") or {}
    found = str(params.get("incident_id", ""))
    for name, value in () if found else headers:
        if name.lower() == b"location" and value.startswith(_INCIDENTS):
            found = value.removeprefix(_INCIDENTS).decode("latin-1")
    return found if _ID.fullmatch(found) else None
