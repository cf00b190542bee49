"""From which site a browser sends a request: its own pages, another site, or nobody says.

A browser says so by `Sec-Fetch-Site` (Fetch Metadata) and `Origin` (RFC 6454), which no page can set itself. Whoever is
behind a proxy: the proxy has to pass on `Host`, and to say in `X-Forwarded-Proto` that it speaks https.
"""

from __future__ import annotations

from enum import Enum, auto

from starlette.datastructures import Headers
from starlette.types import Scope

from service.rules.errors import ForeignOrigin
from service.web import hosts
from service.web.hosts import Address
from service.web.problem_examples import FOREIGN


class Sender(Enum):
    """The site that sends a request, as its browser says."""

    OWN = auto()
    FOREIGN = auto()
    UNKNOWN = auto()


def sender_of(scope: Scope) -> Sender:
    """The site that sends this request. Where both headers are there, both have to name this site."""
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        return Sender.UNKNOWN
    is_own = site in (None, "same-origin") and origin in (None, own_origin(scope))
    return Sender.OWN if is_own else Sender.FOREIGN


def own_origin(scope: Scope) -> str:
    """The origin under which the browser reached this service, such as `https://sihu.example`."""
    return f"{scope['scheme']}://{Headers(scope=scope).get('host', '').lower()}"


def demand_own(scope: Scope) -> None:
    """Raises `ForeignOrigin` unless a page of this service sends the request, and its browser says so."""
    if sender_of(scope) is not Sender.OWN:
        raise ForeignOrigin(FOREIGN)


def is_secure(scope: Scope) -> bool:
    """Whether nobody can listen on the way to the browser: https, or a browser on this machine."""
    return scope["scheme"] == "https" or is_on_this_machine(scope)


def is_on_this_machine(scope: Scope) -> bool:
    """Whether the browser runs on this machine and reached the service by a name that stands for it."""
    host = Headers(scope=scope).get("host", "").lower()
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    is_near = name == "localhost" or _is_loopback(hosts.address_of(name))
    return is_near and _is_loopback(hosts.client_of(scope))


def _is_loopback(address: Address | None) -> bool:
    return address is not None and address.is_loopback
