"""As much of PostgreSQL's wire protocol as a cut at the right moment needs: messages, COMMIT, and its answer."""

from __future__ import annotations

from collections.abc import Iterator

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_WRITES = (b"INSERT", b"UPDATE", b"DELETE")


class Messages:
    """Splits a stream into its messages, however it is cut into chunks."""

    def __init__(self, *, starts: bool) -> None:
        self._rest = b""
        self._starts = starts
        """Whether the next message has no type yet: the first of a client."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Every message that is whole by now."""
        self._rest += data
        while len(self._rest) >= (head := 4 if self._starts else 5):
            length = int.from_bytes(self._rest[head - 4 : head]) + head - 4
            if len(self._rest) < length:
                return
            message, self._rest = self._rest[:length], self._rest[length:]
            if self._starts and not asks_for_encryption(message):
                self._starts = False
            yield message


def asks_for_encryption(message: bytes) -> bool:
    """Whether a first message asks for TLS or GSSAPI before it begins."""
    return len(message) == 8 and int.from_bytes(message[4:]) in (_SSL_REQUEST, _GSS_REQUEST)


class Conversation:
    """What a client has done on one connection: whether its transaction wrote, and whether it commits now."""

    def __init__(self) -> None:
        self._writing: dict[bytes, bool] = {}
        self._has_written = False

    def commits_a_write(self, message: bytes) -> bool:
        """Take note of a message. Returns whether it is the COMMIT of a transaction that wrote."""
        kind, body = message[:1], message[5:]
        if kind == b"P":
            name, _, rest = body.partition(b"\0")
            self._writing[name] = any(word in rest for word in _WRITES)
        elif kind == b"B":
            _portal, name, *_ = body.split(b"\0", 2)
            self._has_written |= self._writing.get(name, False)
        elif kind == b"Q":
            is_commit = body.upper().startswith(b"COMMIT") and self._has_written
            self._has_written = False
            return is_commit
        return False


def settles(message: bytes) -> bool:
    """Whether a server says in this message that a COMMIT is done, or has failed."""
    return message[:1] in (b"C", b"E")
