"""The log of a process: one line for a record, whatever is in it, and nobody waits for who reads it."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from service import logs
from service.logs import LineHandler

log = logging.getLogger("tests.logs")
Install = Callable[[str], "Pipe"]


class Pipe:
    """A pipe into which the root logger writes, and what can be read from it."""

    def __init__(self, form: str) -> None:
        self.reading, self.writing = os.pipe()
        self.handler = logs.install("info", form, self.writing)

    def lines(self) -> list[str]:
        self.handler.flush()
        fcntl.fcntl(self.reading, fcntl.F_SETFL, os.O_NONBLOCK)
        return os.read(self.reading, 1 << 24).decode().splitlines()

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]


@pytest.fixture
def install() -> Iterator[Install]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    pipes: list[Pipe] = []
    logging.captureWarnings(False)  # a service that another test ran in this process may capture them still

    def install(form: str) -> Pipe:
        pipes.append(Pipe(form))
        return pipes[-1]

    yield install
    logging.captureWarnings(False)
    root.handlers[:] = before
    root.setLevel(level)
    for pipe in pipes:
        os.close(pipe.reading)


def fail(words: str) -> None:
    raise ValueError(words)


def log_fault(words: str) -> ValueError:
    try:
        fail(words)
    except ValueError as error:
        log.exception("it failed", extra={"event": "failed"})
        return error
    raise AssertionError


@pytest.mark.clause("ASVS 16.2.2", "ASVS 16.2.4")
def test_a_record_is_one_json_object_on_a_line(install: Install) -> None:
    pipe = install("json")
    log.warning("%d things\nin two lines", 2, extra={"event": "things", "sqlstate": "40P01", "fields": {"n": 2}})
    (found,) = pipe.documents()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    assert found == {
        "level": "warning",
        "event": "things",
        "message": "2 things\nin two lines",
        "sqlstate": "40P01",
        "n": 2,
        "logger": "tests.logs",
    }


def test_text_lines_are_as_they_were(install: Install) -> None:
    pipe = install("text")
    log.info("ready", extra={"event": "ready"})
    log.warning("refused", extra={"fields": {"status": 401, "subject": None}})
    first, second = pipe.lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO tests\.logs: ready", first)
    assert second.endswith("WARNING tests.logs: refused status=401")


@pytest.mark.clause("ASVS 16.4.1")
def test_nobody_can_write_a_line_of_their_own(install: Install) -> None:
    pipe = install("text")
    log.info("path %s", "/x\n2026-11-27 ERROR service: all is lost\r")
    assert [line.endswith(r"path /x\n2026-11-27 ERROR service: all is lost\r") for line in pipe.lines()] == [True]


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("odd", ["\ud800", 2**70, {1: "x"}, object()])
def test_whatever_is_logged_becomes_a_line(install: Install, form: str, odd: object) -> None:
    pipe = install(form)
    log.info("odd %s", odd, extra={"fields": {"odd": odd}})
    assert len(pipe.lines()) == 1


def test_a_traceback_is_written_once_a_minute(install: Install) -> None:
    pipe = install("json")
    for _ in range(3):
        log_fault("the same place")
    first, *others = pipe.documents()
    assert first["exception"] == "ValueError: the same place"
    assert "in fail" in first["traceback"]
    assert [(each["exception"], "traceback" in each) for each in others] == [("ValueError: the same place", False)] * 2


def test_a_fault_is_not_logged_by_the_web_server_again(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)  # a server in this process may have set it
    pipe = install("json")
    error, strange = log_fault("ours"), ValueError("one that nobody has logged")
    for each in (error, strange):
        logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=each)
    assert [found["logger"] for found in pipe.documents()] == ["tests.logs", "uvicorn.error"]


@pytest.mark.clause("ASVS 16.2.5", "GB/T 22239 8.1.4.10")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n[SQL: INSERT]\n[parameters: ('张三家漏水',)]\n(Background: x)", "a\n[SQL: INSERT]\n(Background: x)"),
        ("a\nDETAIL:  Failing row contains (1, 张三,\n\n家漏水).\n[SQL: INSERT]", "a\n[SQL: INSERT]"),
        ("a\nDETAIL:  Key (source_ref)=(13800000000) already exists.", "a"),
        ("invalid input for query argument $3: '张三' (an integer)", "invalid input for query argument $3"),
        ("DETAIL:  Process 12 waits for ShareLock", "DETAIL:  Process 12 waits for ShareLock"),
    ],
)
def test_what_people_wrote_stays_out_of_the_log(text: str, shown: str) -> None:
    assert logs.without_values(text) == shown


def test_a_warning_of_python_is_a_line_as_well(install: Install) -> None:
    pipe = install("json")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        logging.captureWarnings(True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    (found,) = pipe.documents()
    assert (found["level"], found["logger"]) == ("warning", "py.warnings")


def test_a_log_that_nobody_reads_holds_nobody_up(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full pipe would block the whole service; lines are dropped instead, and their number is logged afterwards."""
    monkeypatch.setattr(logs, "_MAX_LINES", 50)
    pipe = install("json")
    size = fcntl.fcntl(pipe.reading, fcntl.F_GETPIPE_SZ)
    began = time.monotonic()
    for _ in range(40):
        log.info("x" * (size // 10))
        time.sleep(0.01)  # so that the writer comes to stand at the full pipe
    for _ in range(100):
        log.info("y")
    assert time.monotonic() - began < 5
    content = b""
    while b"lines_dropped" not in content:
        content += os.read(pipe.reading, 1 << 20)
    while not content.endswith(b"\n"):
        content += os.read(pipe.reading, 1 << 20)
    found = [orjson.loads(line) for line in content.splitlines()]
    lost = sum(each.get("count", 0) for each in found)
    assert 40 <= lost < 140
    assert lost + len([each for each in found if "count" not in each]) <= 140


def test_lines_go_on_when_the_reader_is_gone(install: Install) -> None:
    pipe = install("text")
    os.close(os.dup2(os.open(os.devnull, os.O_RDONLY), pipe.reading))
    pipe.reading = os.open(os.devnull, os.O_RDONLY)
    log.info("nobody hears this")
    pipe.handler.flush()


def test_a_terminal_that_does_not_wait_gets_every_line() -> None:
    """Who shares a pipe may have made it one that does not block."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
    handler = LineHandler(logs.as_text, writing)
    for _ in range(300):
        handler.handle(logging.makeLogRecord({"msg": "x" * 1000, "name": "n", "levelname": "INFO"}))
    content = b""
    while content.count(b"\n") < 300:
        content += os.read(reading, 1 << 16)
    assert len(content.splitlines()) == 300
    os.close(reading)
