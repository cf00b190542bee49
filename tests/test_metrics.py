"""What the service counts and measures."""

from __future__ import annotations

from service import metrics


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
        "sihu_lateness_seconds_sum 7.02",
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
