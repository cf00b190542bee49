"""Opaque cursors: the place at which a list goes on, signed, so that an altered or foreign cursor is refused."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json, to_json

from service.rules.errors import BadCursor, Unavailable
from service.rules.sentences import Sentence

_MAC_BYTES = 12
_MIN_SECRET_BYTES = 16
_MAX_CHARACTERS = 1024
"""A longer cursor is refused without being read."""


class Cursors:
    """Signs and reads cursors, as soon as the secret is set. All processes of a deployment use the same secret."""

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret: bytes | None = None
        if secret is not None:
            self.use(secret)

    def use(self, secret: bytes) -> None:
        """Sign and read with this secret from now on. Raises ValueError when the secret is too short to be safe."""
        if len(secret) < _MIN_SECRET_BYTES:
            raise ValueError(f"the cursor secret has at least {_MIN_SECRET_BYTES} bytes")
        self._secret = secret

    @property
    def secret(self) -> bytes | None:
        """The secret of the deployment; None while the service is starting."""
        return self._secret

    def sign(self, kind: str, values: Sequence[Any]) -> str:
        """The cursor that carries `values`, as URL-safe text. The values are JSON: a datetime or UUID is read as text.

        Raises `Unavailable` before the secret is set.
        """
        payload = to_json(list(values))
        return _text(payload + self._mac(kind, payload))

    def read(self, kind: str, text: str) -> list[Any]:
        """The values that were signed under `kind`.

        Raises:
            BadCursor: the cursor was altered, is too long, or is of another kind or another deployment.
            Unavailable: the secret is not set yet, since the service is starting.
        """
        signed = _bytes(text)
        payload, mac = signed[:-_MAC_BYTES], signed[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(kind, payload)):
            raise _bad()
        values: list[Any] = from_json(payload)
        return values

    def secret_for(self, purpose: str) -> bytes:
        """A secret of 32 bytes for another purpose, made of the one that signs cursors: all processes of a deployment
        have the same. Raises `Unavailable` before the secret is set."""
        return hmac.digest(self._set(), f"sihu:{purpose}".encode(), "sha256")

    def _set(self) -> bytes:
        if self._secret is None:
            raise Unavailable(Sentence("The service is starting. Send the same request again."))
        return self._secret

    def _mac(self, kind: str, payload: bytes) -> bytes:
        name = kind.encode()
        return hmac.digest(self._set(), len(name).to_bytes(4) + name + payload, "sha256")[:_MAC_BYTES]


def kind_of(name: str, filters: Mapping[str, Any], subject: str) -> str:
    """The kind of the cursors of one list under these filters, as `subject` reads it: with other filters, or from
    another subject, such a cursor is refused."""
    ordered = {key: filters[key] for key in sorted(filters)}
    return f"{name}:{hashlib.sha256(to_json([ordered, subject])).hexdigest()[:16]}"


def _text(signed: bytes) -> str:
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    if len(text) > _MAX_CHARACTERS:
        raise _bad()
    try:
        signed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise _bad() from None
    if _text(signed) != text:  # base64 has several spellings of the same bytes; only that of `_text` is accepted
        raise _bad()
    return signed


def _bad() -> BadCursor:
    return BadCursor(
        Sentence("Send next_cursor back unchanged, with the same filters and key, or leave it out to start again.")
    )
