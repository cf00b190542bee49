"""What the service counts and measures."""

from __future__ import annotations

import platform

import pytest

from service import metrics
from tests.docs import pages
from tests.house import House


def read(measured: metrics.Metrics, name: str, **labels: str) -> float | None:
    return measured.registry.get_sample_value(name, labels)


def test_what_the_rooms_tell_is_on_the_page() -> None:
    measured = metrics.new()
    measured.swept(2, 1, [0.02, 7.0])
    measured.intake_group(30)
    measured.fault("tail", ValueError())
    measured.feed_position.set(41)
    measured.engine_lag_s.set_function(lambda: 0.5)
    page = measured.page().decode()
    for line in (
        "sihu_deadlines_fired_total 2.0",
        "sihu_sweep_put_aside_total 1.0",
        "sihu_deadline_lateness_seconds_sum 7.02",
        'sihu_intake_group_size_bucket{le="50.0"} 1.0',
        'sihu_faults_total{where="tail"} 1.0',
        "sihu_feed_position 41.0",
        "sihu_engine_lag_seconds 0.5",
    ):
        assert line in page


def test_an_error_is_counted_once_where_it_was_met_first() -> None:
    measured, error = metrics.new(), RuntimeError("the same error on its way out")
    measured.fault("intake", error)
    measured.fault("http", error)
    measured.fault("http", RuntimeError("another one"))
    assert read(measured, "sihu_faults_total", where="intake") == 1
    assert read(measured, "sihu_faults_total", where="http") == 1


def test_two_apps_count_apart() -> None:
    first, second = metrics.new(), metrics.new()
    first.intake_group(1)
    assert read(second, "sihu_intake_group_size_count") == 0


def test_what_is_of_the_deployment_says_so() -> None:
    """Whoever adds up the figures of several processes has to know which of them are the same everywhere."""
    families = metrics.new().registry.collect()
    of_the_deployment = {each.name for each in families if "of the deployment" in each.documentation.lower()[:20]}
    assert of_the_deployment == {
        *("sihu_oldest_due_seconds", "sihu_open_incidents", "sihu_calendar_days_left", "sihu_put_aside"),
        "sihu_log_room_batches",
    }
    rows = pages.rows(pages.REFERENCE, "Metrics")
    listed = {row["metric"].strip("`") for row in rows if row["meaning"].startswith("of the deployment: ")}
    assert listed == of_the_deployment


def test_what_runs_is_a_metric() -> None:
    python = platform.python_version()
    assert read(metrics.new("1.2.3"), "sihu_build_info", version="1.2.3", python=python) == 1


@pytest.mark.anyio
async def test_a_call_is_counted_when_it_ends_and_once(house: House) -> None:
    def ended(**labels: str) -> float | None:
        return read(house.process.metrics, "sihu_calls_total", **labels)

    incident = await house.report()
    await house.advance(to=incident["due_at"])
    assert ended(level="1", cause="report", outcome="no_answer") == 1
    await house.act("street", incident, "answer", measure="去看看")
    assert ended(level="2", cause="no_answer", outcome="resolved") is None
    await house.act("street", incident, "resolve", result="已清运")
    await house.act("worker", incident, "accept")
    assert ended(level="2", cause="no_answer", outcome="resolved") == 1
