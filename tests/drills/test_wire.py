"""The proxy's eye for COMMIT, on messages in chunks of any size."""

from __future__ import annotations

import pytest

from tests.drills.wire import Conversation, Messages, asks_for_encryption, settles

SSL = (8).to_bytes(4) + (80877103).to_bytes(4)
STARTUP = (9).to_bytes(4) + (196608).to_bytes(4) + b"\0"


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4) + body


PARSE_WRITE = _message(b"P", b"s1\0INSERT INTO report VALUES ($1)\0\0\0")
PARSE_READ = _message(b"P", b"s2\0SELECT 1\0\0\0")
BIND_WRITE, BIND_READ = _message(b"B", b"\0s1\0\0\0\0\0"), _message(b"B", b"\0s2\0\0\0\0\0")
BEGIN, COMMIT = _message(b"Q", b"BEGIN;\0"), _message(b"Q", b"COMMIT;\0")


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_messages_are_whole_however_they_come(size: int) -> None:
    sent = [SSL, STARTUP, PARSE_WRITE, BEGIN, BIND_WRITE, COMMIT]
    stream, messages = b"".join(sent), Messages(starts=True)
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [each for chunk in chunks for each in messages.feed(chunk)] == sent
    assert [asks_for_encryption(each) for each in sent[:2]] == [True, False]


def test_the_commit_of_a_write_is_known() -> None:
    client = Conversation()
    seen = [client.commits_a_write(each) for each in (PARSE_WRITE, PARSE_READ, BEGIN, BIND_READ, COMMIT)]
    assert not any(seen)
    assert [client.commits_a_write(each) for each in (BEGIN, BIND_WRITE, COMMIT, BEGIN, COMMIT)][2:] == [
        True,
        False,
        False,
    ]


def test_an_answer_to_a_commit_is_known() -> None:
    assert settles(_message(b"C", b"COMMIT\0"))
    assert settles(_message(b"E", b"SERROR\0\0"))
    assert not settles(_message(b"N", b"SNOTICE\0\0"))
