"""From which addresses a key may be used: networks as people write them, and the address of a client."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from starlette.types import Scope

from service.rules.errors import AddressNotAllowed, Rule
from service.rules.sentences import Sentence
from service.web import hosts, patterns
from service.web.breaches import WrongValue
from service.web.hosts import Network

_NETWORK = re.compile(patterns.NETWORK.removesuffix("$") + r"\Z")
_MAPPED_BITS = 96
"""An IPv4 address in IPv6 is `::ffff:0:0/96` and the 32 bits of the address."""


def network(text: str) -> Network:
    """The network that a text names; a single address is the network of itself. IPv4 written as IPv6 is IPv4. Raises
    ValueError."""
    found = ipaddress.ip_network(text)
    if isinstance(found, IPv6Network) and found.prefixlen >= _MAPPED_BITS:
        mapped = found.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, found.prefixlen - _MAPPED_BITS))
    return found


def normal(text: str) -> str:
    """A network in its normal form, for a validator. A zone such as `%eth0` has a meaning on one host alone."""
    if _NETWORK.search(text) is None:
        detail = Sentence("Send an address, or a network such as 10.20.0.0/16 or 2001:db8::/32.")
        raise WrongValue(detail, Rule.PATTERN)
    try:
        return str(network(text))
    except ValueError:
        meant = str(ipaddress.ip_network(text, strict=False))
        detail = Sentence(
            "Send a network with zeros at its end, such as {network}, or a single address.", network=meant
        )
        raise WrongValue(detail, Rule.OUT_OF_RANGE) from None


def demand(scope: Scope, allow: Sequence[Network]) -> None:
    """Raises `AddressNotAllowed` unless the client's address lies in one of the networks. The server has put it into
    the scope: that of the peer, or what a trusted proxy says it is."""
    address = hosts.client_of(scope)
    if address is None or not any(address in each for each in allow):
        raise AddressNotAllowed(
            Sentence(
                "This key is not for use from {address}. Send it from where it belongs, or ask ops.",
                address="?" if address is None else str(address),
            )
        )
