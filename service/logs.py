"""The log of a process: every record, whoever makes it, becomes lines on standard error, as text or as JSON.

A thread of its own writes the lines, so a terminal, a pipe or a journal that does not read holds up nothing but the
log: lines that find no room are dropped, and counted. No line shows the values of a statement that the database
refused, since they are what people wrote.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_CHATTY = ("apscheduler", "alembic", "httpx", "httpcore")
_MAX_LINES = 20_000
"""Lines that wait to be written: ten seconds of a busy process."""
_GATHER_S = 0.02
_AGAIN_S = 0.05
_MAX_FLUSH_S = 1.0
"""Seconds that a process that ends waits for its log to be read."""
_TRACEBACK_AGAIN_S = 60.0
"""The traceback of a fault is written once in this time; in between, each repetition is one line."""
_MAX_TRACEBACKS = 256
_LOGGED = "_sihu_logged"
"""The attribute that marks an exception as logged."""
_PLAIN = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message", "fields"})
"""The attributes of every record. Any other one is a field that somebody has added with `extra`."""
_VALUES = re.compile(
    r"\n?\[parameters: [^\n]*|(?<=query argument \$)(\d+): [^\n]*"
    r"|\n?DETAIL:  (?:Failing row contains|Key \().*?(?=\n\[SQL|\nHINT:|\nThe above exc|\nDuring handl|\Z)",
    re.DOTALL,
)
_SIGNS_OF_VALUES = ("[parameters: ", "DETAIL:  ", "query argument $")

_STANDARD_ERROR = 2

Render = Callable[[logging.LogRecord], bytes]


def install(level: str, form: str, descriptor: int = _STANDARD_ERROR) -> LineHandler:
    """Send all records of this process that are at least as severe as `level` to `descriptor`, as `text` or as
    `json`."""
    handler = LineHandler(as_json if form == "json" else as_text, descriptor)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return handler


class LineHandler(logging.Handler):
    """Renders records in the thread that makes them, and writes the lines in a thread of its own."""

    def __init__(self, render: Render, descriptor: int) -> None:
        super().__init__()
        self._render = render
        self._descriptor = descriptor
        self._tracebacks = _Tracebacks()
        self._lines: deque[tuple[bytes, threading.Event | None]] = deque()
        self._rung = threading.Event()
        self._dropped = 0
        threading.Thread(target=self._write_all, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Render a record and leave its line to the writer. A record that cannot be rendered never harms its maker."""
        if _is_repeated(record):
            return
        if len(self._lines) >= _MAX_LINES:
            self._dropped += 1
            return
        try:
            self._tracebacks.thin(record)
            self._lines.append((self._render(record), None))
        except Exception:
            self.handleError(record)
        if not self._rung.is_set():
            self._rung.set()

    def flush(self) -> None:
        """Wait until everything logged so far is written, or until `_MAX_FLUSH_S` have passed."""
        written = threading.Event()
        self._lines.append((b"", written))
        self._rung.set()
        written.wait(_MAX_FLUSH_S)

    def _write_all(self) -> None:
        while True:
            self._rung.wait()
            self._rung.clear()
            time.sleep(_GATHER_S)  # lines gather, so a busy process wakes this thread fifty times a second at most
            taken = [self._lines.popleft() for _ in range(len(self._lines))]
            dropped, self._dropped = self._dropped, 0
            lost = self._render(_lost(dropped)) if dropped else b""
            self._write(b"".join([line for line, _ in taken]) + lost)
            for _, flushed in taken:
                if flushed is not None:
                    flushed.set()

    def _write(self, content: bytes) -> None:
        while content:
            try:
                content = content[os.write(self._descriptor, content) :]
            except BlockingIOError:  # somebody who shares this terminal or pipe does not want to wait for it
                time.sleep(_AGAIN_S)
            except OSError:  # nobody reads any more
                return


def as_json(record: logging.LogRecord) -> bytes:
    """One line of JSON: time, level, event and message, then the fields of the record, then its exception."""
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    extras = {name: value for name, value in vars(record).items() if name not in _PLAIN}
    document: dict[str, Any] = {
        "time": f"{moment[:-6]}Z",
        "level": record.levelname.lower(),
        "event": extras.pop("event", None),
        "message": without_values(record.getMessage()),
        **extras,
        **_fields(record),
        "logger": record.name,
    }
    if record.exc_info and record.exc_info[1]:
        document["exception"] = without_values(_sentence(record.exc_info[1]))
        document["traceback"] = _traceback(record)
    if record.stack_info:
        document["stack"] = record.stack_info
    shown = {name: value for name, value in document.items() if value is not None}
    try:
        return orjson.dumps(shown, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # half a surrogate pair, or a number of more than 64 bits
        return f"{json.dumps(shown, default=str)}\n".encode()


def as_text(record: logging.LogRecord) -> bytes:
    """One line of text, with the fields of the record at its end; below it the traceback, if there is one."""
    record.message = without_values(record.getMessage()).replace("\n", "\\n").replace("\r", "\\r")
    record.asctime = _TEXT_FORMATTER.formatTime(record)
    fields = "".join(f" {name}={value}" for name, value in _fields(record).items() if value is not None)
    lines = [_TEXT_FORMATTER.formatMessage(record) + fields]
    if record.exc_info and record.exc_info[1]:
        lines.append(_traceback(record) or without_values(_sentence(record.exc_info[1])))
    if record.stack_info:
        lines.append(record.stack_info)
    return ("\n".join(lines) + "\n").encode(errors="backslashreplace")


_TEXT_FORMATTER = logging.Formatter(_TEXT)


def without_values(text: str) -> str:
    """A text of the database without the values of the statement that it refused."""
    has_values = any(sign in text for sign in _SIGNS_OF_VALUES)
    return _VALUES.sub(lambda found: found[1] or "", text) if has_values else text


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(record, "fields", {})
    return found


def _sentence(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _traceback(record: logging.LogRecord) -> str | None:
    """The traceback of a record; None for one that was written a moment ago."""
    return without_values(record.exc_text) if record.exc_text else None


def _is_repeated(record: logging.LogRecord) -> bool:
    """Whether this is the web server's record of a fault that the service has logged itself, with the request's id."""
    error = record.exc_info[1] if record.exc_info else None
    return record.name.startswith("uvicorn") and getattr(error, _LOGGED, False)


def _lost(count: int) -> logging.LogRecord:
    fields = {"event": "lines_dropped", "count": count, "msg": f"{count} lines were dropped: the log is not read"}
    return logging.makeLogRecord({"name": __name__, "levelno": logging.ERROR, "levelname": "ERROR", **fields})


class _Tracebacks:
    """Which tracebacks were written lately, by the kind of the fault and its innermost place."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, str, int], float] = {}

    def thin(self, record: logging.LogRecord) -> None:
        """Put the traceback into `record.exc_text`, unless the same one was written a moment ago."""
        if not record.exc_info or record.exc_info[1] is None:
            return
        kind, error, frame = record.exc_info
        setattr(error, _LOGGED, True)
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = (frame.tb_frame.f_code.co_filename, frame.tb_lineno) if frame is not None else ("", 0)
        key = (kind.__name__, *place)
        if record.created - self._written.get(key, float("-inf")) < _TRACEBACK_AGAIN_S:
            record.exc_text = None
            return
        if len(self._written) >= _MAX_TRACEBACKS:
            self._written.clear()
        self._written[key] = record.created
        record.exc_text = _TEXT_FORMATTER.formatException(record.exc_info)
