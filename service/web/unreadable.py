"""What the HTTP parser cannot read, such as an address with characters that are not percent-encoded, is refused as a
problem too: uvicorn's own answer would be a line of plain text."""

from __future__ import annotations

from urllib.parse import quote

from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service import clock as clocks
from service import ids
from service.clock import Clock
from service.rules.errors import BadRequest
from service.rules.sentences import Sentence
from service.web import every_answer, problems
from service.web.request_log import RequestLog

_DETAIL = Sentence(
    "This cannot be read as HTTP/1.1. Use a method of HTTP such as GET or POST, percent-encode what is not ASCII in "
    "the address, as `curl -G --data-urlencode` does, and end each header with its line."
)
_SHOWN_BYTES = 200


def protocol(clock: Clock) -> type[HttpToolsProtocol]:
    """uvicorn's protocol for the service whose clock this is."""
    log = RequestLog(clocks.monotonic)

    class _Protocol(HttpToolsProtocol):
        def send_400_response(self, msg: str) -> None:
            request_id = ids.new_request_id()
            log.note_unreadable(self.client[0] if self.client else "", request_id)
            self.transport.write(_answer(getattr(self, "url", b""), clock, request_id.encode()))
            self.transport.close()

    return _Protocol


def _answer(url: bytes, clock: Clock, request_id: bytes) -> bytes:
    content = to_json(problems.problem(BadRequest(_DETAIL), quote(url.partition(b"?")[0][:_SHOWN_BYTES]) or "/"))
    length = str(len(content)).encode()
    lines = [
        (b"content-type", problems.MEDIA_TYPE.encode()),
        (b"content-length", length),
        (b"connection", b"close"),
    ]
    head = every_answer.completed(lines, request_id, {"headers": []}, clock)
    return b"\r\n".join([b"HTTP/1.1 400 Bad Request", *(b"%s: %s" % line for line in head), b"", content])
