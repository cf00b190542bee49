"""Refusals of requests that never reach a route: what the HTTP parser cannot read, such as an address with characters
that are not percent-encoded, what comes too slowly, and what is still being worked on when the process ends. uvicorn's
own answers would be lines of plain text."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from pydantic_core import to_json

from service.clock import Clock
from service.rules.errors import BadRequest, HeadTooLarge, SihuError, TooSlow, Unavailable
from service.rules.sentences import Sentence
from service.web import every_answer, problems
from service.web.languages import language_of
from service.web.problem_examples import BODY_TOO_SLOW, HEAD_TOO_LARGE, HEAD_TOO_SLOW

NOT_HTTP = BadRequest(
    Sentence(
        "This cannot be read as HTTP/1.1. Use a method of HTTP such as GET or POST, percent-encode what is not ASCII "
        "in the address, as `curl -G --data-urlencode` does, and end each header with its line."
    )
)
LARGE_HEAD = HeadTooLarge(HEAD_TOO_LARGE)
SLOW_HEAD = TooSlow(HEAD_TOO_SLOW)
SLOW_BODY = TooSlow(BODY_TOO_SLOW)
STOPPING = Unavailable(
    Sentence(
        "The service is stopping. Send the same request again in a second, with its Idempotency-Key: "
        "it is not done twice."
    )
)
CROWDED = Unavailable(
    Sentence("There are too many open connections. Close those that you do not need, and try again in a second.")
)
_SHOWN_BYTES = 200


def answer(error: SihuError, url: bytes, lines: every_answer.Lines, clock: Clock, request_id: str) -> bytes:
    """The whole answer, after which the connection is closed. `url` and `lines` are the address and the headers of the
    request, as far as they were read."""
    scope = {"headers": lines}
    place = quote(url.partition(b"?")[0][:_SHOWN_BYTES], safe="/%:@!$&'()*+,;=~") or "/"
    document = problems.problem(error, place, language_of(scope))
    content = to_json(document)
    own = [
        (b"content-type", problems.MEDIA_TYPE.encode()),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    if isinstance(error, Unavailable):
        own.append((b"retry-after", b"1"))
    head = every_answer.completed(own, request_id.encode(), scope, clock)
    status = HTTPStatus(document["status"])
    first = f"HTTP/1.1 {status.value} {status.phrase}".encode()
    return b"\r\n".join([first, *(b"%s: %s" % line for line in head), b"", content])
