"""The address of a server. Its port is taken before anything else is done, so that nothing is promised in vain."""

from __future__ import annotations

import errno
import ipaddress
import socket

from service.commands.refusal import CommandRefusal


def listen(host: str, port: int) -> socket.socket:
    """Take the port and return its listening socket; with port 0, any free one. Connections wait until they are served.

    Raises:
        CommandRefusal: the port is taken or not allowed, or the machine does not have the address.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        raise CommandRefusal(_reason(error, host, port)) from None


def _reason(error: OSError | UnicodeError, host: str, port: int) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return f"port {port} is taken: use --port or SIHU_PORT"
    if number in (errno.EACCES, errno.EPERM):
        return f"port {port} needs more rights than this account has: use --port or SIHU_PORT with one above 1023"
    return f"cannot listen on {host}, port {port}: this machine has no such address: use --host or SIHU_HOST"


def url_of(listener: socket.socket) -> str:
    """Return the URL under which a program on this machine reaches the server."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach this address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
