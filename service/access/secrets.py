"""The secrets box: what is stored encrypted, such as the contact in a report, is sealed and opened here.

AES-256-GCM, each value with a nonce of its own. The id of the key stands beside every value, so that several keys may
be in use while one takes the place of another. The name of the row goes into the seal: a value that somebody moves to
another row does not open there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_HEX = 12
_NAMED, _MARKED = b"sihu: id of a secret key", b"sihu: mark of a value "
"""What a key makes, beside its ciphers, is told apart by these."""


class SealedValue(NamedTuple):
    """A sealed value as it is stored: the id of its key, and the nonce with the ciphertext behind it."""

    key_id: str
    data: bytes


class MissingKeyError(Exception):
    """A value is sealed by a key that is not held here. The message names the id of the key."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"the secret key {key_id} is not held here")
        self.key_id = key_id


class AlteredError(Exception):
    """A value does not open: it was changed, or it belongs to another row."""


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One key of 32 random bytes. Its `id` is made from the key itself, so everybody who holds the key gives it the
    same name, and the name tells nothing of the key."""

    content: bytes = field(repr=False)

    @property
    def id(self) -> str:
        return hmac.new(self.content, _NAMED, hashlib.sha256).hexdigest()[:_ID_HEX]

    @property
    def text(self) -> str:
        """The key in base64, as it stands in the setting and in the file."""
        return base64.b64encode(self.content).decode()


def new_key() -> SecretKey:
    """A key that nobody has had before."""
    return SecretKey(os.urandom(KEY_BYTES))


def key_of(text: str) -> SecretKey:
    """The key of a text in base64. Raises ValueError, whose message does not repeat the text."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if len(content) != KEY_BYTES:
        raise ValueError(f"a key is {KEY_BYTES} bytes in base64, such as `openssl rand -base64 {KEY_BYTES}` makes")
    return SecretKey(content)


class SecretsBox:
    """Seals by the first of its keys, and opens by any of them."""

    def __init__(self, keys: Sequence[SecretKey]) -> None:
        self.first = keys[0].id
        self._keys = tuple(keys)
        self._ciphers = {key.id: AESGCM(key.content) for key in keys}

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the keys that are held."""
        return frozenset(self._ciphers)

    def seal(self, plain: bytes, row: str) -> SealedValue:
        """Seal a value for one row, which `row` names among all rows of all tables."""
        nonce = os.urandom(_NONCE_BYTES)
        return SealedValue(self.first, nonce + self._ciphers[self.first].encrypt(nonce, plain, row.encode()))

    def open(self, sealed: SealedValue, row: str) -> bytes:
        """The value that was sealed for this row.

        Raises:
            MissingKeyError: its key is not among those that are held.
            AlteredError: the value was changed, or sealed for another row.
        """
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise MissingKeyError(sealed.key_id)
        try:
            return cipher.decrypt(sealed.data[:_NONCE_BYTES], sealed.data[_NONCE_BYTES:], row.encode())
        except (InvalidTag, ValueError):
            raise AlteredError(f"the sealed value of {row} does not open") from None

    def marks(self, plain: bytes) -> tuple[bytes, ...]:
        """Marks by which the same value is known again, one by each key, that of the first key first. Unlike a hash of
        the value, a mark tells nothing to somebody who tries values and does not hold the key."""
        return tuple(hmac.new(key.content, _MARKED + plain, hashlib.sha256).digest() for key in self._keys)
