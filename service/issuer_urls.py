"""The address of an issuer of sign-ons, and of what it names itself: https, or http on this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_safe(url: str) -> bool:
    """Whether nobody can listen on the way to this URL, or answer in its place."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port  # raises ValueError for one that is no number
    except ValueError:
        return False
    is_plain = not (parts.username or parts.password or parts.fragment) and host != "" and url.isprintable()
    return is_plain and (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host)))


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
