"""docs/operations.md: its line of the log is one that the service writes, and its alerts are on metrics that exist."""

from __future__ import annotations

import json
import logging
import re

import pytest

from service import logs, metrics
from service.web import request_log
from service.web.request_log import RequestLog
from tests.docs import pages

PAGE = pages.DOCS / "operations.md"
FIELDS = {name for row in pages.rows(PAGE, "Logs") for name in pages.quoted(row["field"])}
SERIES = re.compile(r"\bsihu_[a-z_]+")


@pytest.mark.clause("ASVS 16.1.1")
def test_the_line_of_the_log_is_as_the_service_writes_it() -> None:
    shown = json.loads(pages.blocks(PAGE, "json")[0])
    heard: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = heard.append  # type: ignore[method-assign, assignment]
    logger = logging.getLogger(request_log.__name__)
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        actor = type("Somebody", (), {"subject": shown["subject"]})
        scope = {"method": "POST", "path": "/v1/incidents", "actor": actor, "sihu.request_id": shown["request_id"]}
        location = (b"location", f"/v1/incidents/{shown['incident']}".encode())
        RequestLog(lambda: 0.0, lambda path: path).note(scope, 201, [location], 0.0123)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    written = json.loads(logs.as_json(heard[0]))
    assert list(written) == list(shown)
    assert {**written, "time": shown["time"]} == shown
    assert shown.keys() - {"message", "logger"} <= FIELDS


def test_alerts_are_on_metrics_that_exist() -> None:
    names = {sample.name for family in metrics.new().registry.collect() for sample in family.samples}
    families = {family.name for family in metrics.new().registry.collect()}
    suffixes = ("_total", "_bucket", "_count", "_sum")
    known = names | families | {f"{family}{suffix}" for family in families for suffix in suffixes}
    assert set(SERIES.findall(pages.section(PAGE, "Metrics"))) <= known
