"""How a connection is opened: its limits, the host among several, and how soon either end is missed."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from service.store.sessions import Connector, Patience

pytestmark = pytest.mark.anyio

PATIENCE = Patience(wait_s=1.0, lock_s=2, statement_s=3, idle_s=5, block_s=10)


@contextmanager
def relayed(path: str) -> Iterator[int]:
    """A TCP port that leads to the socket of the server."""
    listener = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = []
    passers: list[threading.Thread] = []

    def passing(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)

    def accepting() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(path)
            ends.extend((near, far))
            for pair in ((near, far), (far, near)):
                passers.append(threading.Thread(target=passing, args=pair, daemon=True))
                passers[-1].start()

    acceptor = threading.Thread(target=accepting, daemon=True)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join()
        listener.close()
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for passer in passers:
            passer.join()
        for end in ends:
            end.close()


@pytest.fixture
def port(database_url: str) -> Iterator[int]:
    query = make_url(database_url).query
    with relayed(f"{query['host']}/.s.PGSQL.{query['port']}") as port:
        yield port


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def opened(*ports: int, url: str, more: str = "") -> asyncpg.Connection:
    return await connector_to(*ports, url=url, more=more)()


def connector_to(*ports: int, url: str, more: str = "") -> Connector:
    made = make_url(url)
    hosts = "&".join(f"host=127.0.0.1:{each}" for each in ports)
    return Connector(f"postgresql+asyncpg://{made.username}@/{made.database}?{hosts}{more}", PATIENCE, "sihu")


@pytest.fixture
async def connection(port: int, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    made = await opened(port, url=database_url)
    yield made
    made.terminate()


async def test_a_session_has_the_limits_of_its_lane(connection: asyncpg.Connection) -> None:
    names = (
        *("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "tcp_user_timeout"),
        *("timezone", "jit", "application_name"),
    )
    # the server is at a socket file, where PostgreSQL takes no settings of TCP
    values = [await connection.fetchval(f"SHOW {name}") for name in names]
    assert values == ["3s", "2s", "5s", "0", "UTC", "off", "sihu"]


async def test_the_system_looks_whether_the_server_is_there(connection: asyncpg.Connection) -> None:
    made = connection._transport.get_extra_info("socket")
    assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 3
    assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5_000


@pytest.mark.parametrize("closed", [True, False])
async def test_a_dead_host_is_passed_over(port: int, dead_port: int, database_url: str, closed: bool) -> None:
    """Whether it refuses the connection or keeps silent; the next connection goes to the good host at once."""
    connect = connector_to(1 if closed else dead_port, port, url=database_url)
    for _ in range(2):
        connection = await connect()
        assert await connection.fetchval("SELECT 1") == 1
        connection.terminate()
    assert connect._first == 1


@pytest.mark.clause("GB/T 22239 8.1.4.9 c")
async def test_the_host_that_takes_writes_is_chosen(port: int, database_url: str) -> None:
    connection = await opened(port, port, url=database_url, more="&target_session_attrs=read-write")
    assert await connection.fetchval("SELECT 1") == 1
    connection.terminate()


async def test_without_a_host_that_takes_writes_it_says_so(port: int, database_url: str) -> None:
    with pytest.raises(asyncpg.TargetServerAttributeNotMatched):
        await opened(port, port, url=database_url, more="&target_session_attrs=standby")


async def test_a_wrong_name_is_not_tried_elsewhere(port: int, dead_port: int, database_url: str) -> None:
    nobody = make_url(database_url).set(database="nobody").render_as_string(hide_password=False)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await opened(port, dead_port, url=nobody)
