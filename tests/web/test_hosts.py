"""Which address a client has, and which addresses are one host."""

from __future__ import annotations

import pytest

from service.web import hosts


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", "None"),
        ("10.0.0.1:443", "None"),
        ("", "None"),
    ],
)
def test_a_client_has_the_address_that_is_named(text: str, address: str) -> None:
    assert str(hosts.client_of({"type": "http", "client": (text, 1)})) == address


def test_a_request_without_a_peer_has_no_address() -> None:
    assert hosts.client_of({"type": "http", "client": None}) is hosts.client_of({"type": "http"}) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
    ],
)
def test_one_machine_has_64_bits_of_ipv6(one: str, other: str, same: bool) -> None:
    first, second = hosts.address_of(one), hosts.address_of(other)
    assert first is not None and second is not None
    assert (hosts.host_of(first) == hosts.host_of(second)) is same
