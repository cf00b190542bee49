"""Networks as people write them, and whose word about the address of a client is taken."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from service.access import addresses
from service.commands.serving import believed
from service.rules.errors import AddressNotAllowed
from service.web.breaches import WrongValue

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("10.0.0.1", "10.0.0.1/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8/128"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0/128"),
        ("2001:DB8:0::/32", "2001:db8::/32"),
        ("::ffff:10.0.0.1", "10.0.0.1/32"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
    ],
)
def test_a_network_has_one_normal_form(written: str, normal: str) -> None:
    assert addresses.normal(written) == normal
    assert str(addresses.network(normal)) == normal


@pytest.mark.parametrize(
    "written",
    ["", "10.0.0.0/33", "10.0.0.1/8", "010.0.0.1", "10.0.0.1 ", "10.0.0.1\n", "10.0.0.0/255.0.0.0", "fe80::1/64", "a"],
)
def test_what_is_no_network_is_refused(written: str) -> None:
    with pytest.raises(WrongValue):
        addresses.normal(written)


@pytest.mark.parametrize("written", ["fe80::1%eth0", "fe80::%eth0/64", "::ffff:10.0.0.1%1"])
def test_a_network_of_one_host_alone_is_refused(written: str) -> None:
    """The zone of an IPv6 address names an interface of that host; nobody else is ever seen to come from it."""
    with pytest.raises(WrongValue):
        addresses.normal(written)


@pytest.mark.parametrize("client", [None, ("", 0), ("testclient", 1), ("10.0.0.1.", 1)])
def test_a_client_without_an_address_is_nowhere(client: Any) -> None:
    with pytest.raises(AddressNotAllowed, match=r"from \?\."):
        addresses.demand({"type": "http", "client": client}, [addresses.network("0.0.0.0/0")])


def test_a_zone_is_no_part_of_an_address() -> None:
    addresses.demand({"type": "http", "client": ("fe80::1%eth0", 1)}, [addresses.network("fe80::/10")])


@pytest.mark.clause("ASVS 4.1.3", "ASVS 15.3.4", "GB/T 22239 8.1.4.4 c")
@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "seen"),
    [
        ([], "127.0.0.1", "10.9.9.9", "10.9.9.9"),
        ([], "::ffff:127.0.0.1", "10.9.9.9", "10.9.9.9"),
        ([], "10.0.0.1", "10.9.9.9", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "192.0.2.7", "192.0.2.7"),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "192.0.2.7", "192.0.2.7"),
        (["10.0.0.0/8"], "10.0.0.1", "192.0.2.66, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
        (["10.0.0.0/8"], "11.0.0.1", "10.9.9.9", "11.0.0.1"),
        (["10.0.0.0/8"], "127.0.0.1", "10.9.9.9", "127.0.0.1"),
    ],
)
async def test_only_a_trusted_proxy_says_who_asks(trusted: list[str], peer: str, forwarded: str, seen: str) -> None:
    """The client's own X-Forwarded-For stands before what the proxies have added."""
    found: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope["client"][0])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    networks = [ip_network(each) for each in trusted]
    behind: Any = ProxyHeadersMiddleware(app, trusted_hosts=believed(networks))  # type: ignore[arg-type]
    transport = httpx.ASGITransport(behind, client=(peer, 9))
    async with httpx.AsyncClient(transport=transport, headers={"X-Forwarded-For": forwarded}) as client:
        await client.get("http://sihu/")
    assert found == [seen]
