"""The port is taken before anything is promised; whatever stands in the way is one line."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest

from service.commands import address
from service.commands.refusal import CommandRefusal
from tests.commands.running import NOWHERE, Run


def test_any_free_port_is_taken_and_named() -> None:
    with closing(address.listen("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert address.url_of(listener) == f"http://127.0.0.1:{port}"
        with pytest.raises(CommandRefusal, match=f"^port {port} is taken: use --port or SIHU_PORT$"):
            address.listen("127.0.0.1", port)
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            """A connection waits until it is served."""


def test_an_address_of_version_6_stands_in_brackets() -> None:
    try:
        listener = address.listen("::1", 0)
    except CommandRefusal:
        pytest.skip("this machine has no IPv6")
    with closing(listener):
        assert address.url_of(listener).startswith("http://[::1]:")


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid", "not a host", "x" * 300])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(CommandRefusal, match="this machine has no such address: use --host or SIHU_HOST"):
        address.listen(host, 0)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("sihu", False),
    ],
)
def test_loopback_is_this_machine_alone(host: str, loopback: bool) -> None:
    assert address.is_loopback(host) is loopback


def test_a_taken_port_leaves_the_database_alone(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No embedded server is made and no banner printed."""
    monkeypatch.setenv("SIHU_DATA_DIR", str(tmp_path / "data"))
    with closing(address.listen("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        for more in ((), ("--demo",)):
            taken = [f"sihu: port {port} is taken: use --port or SIHU_PORT"]
            assert run("", "serve", "--port", port, *more) == (1, [], taken)
    assert not (tmp_path / "data").exists()


@pytest.mark.clause("API8:2023", "ASVS 6.3.2", "ASVS 15.2.3", "GB/T 22239 8.1.4.2 b")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "sihu.example.org"])
def test_the_demo_serves_this_machine_alone(run: Run, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = [f"sihu: --demo serves this machine alone, not {host}: leave out --host and SIHU_HOST, or --demo"]
    assert run(NOWHERE, "serve", "--demo", "--host", host) == (1, [], refused)
    monkeypatch.setenv("SIHU_HOST", host)
    assert run(NOWHERE, "serve", "--demo") == (1, [], refused)
