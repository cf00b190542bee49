"""The addresses of clients: what a text names, from which one a request comes, and which of them are one host."""

from __future__ import annotations

import ipaddress

from starlette.types import Scope

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_HOST_BITS = 64
"""One machine may have every IPv6 address that begins with the same 64 bits."""


def address_of(text: str) -> Address | None:
    """The address that a text names, without its zone; IPv4 written as IPv6 is IPv4. None: it names none."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


def client_of(scope: Scope) -> Address | None:
    """The address from which a request comes: that of the peer, or what a trusted proxy says it is. None: nobody
    names one."""
    client = scope.get("client")
    return None if client is None else address_of(client[0])


def host_of(address: Address) -> str:
    """The host that has an address, for whoever counts something by hosts."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(int(address) >> (address.max_prefixlen - _HOST_BITS))
    return str(address)
