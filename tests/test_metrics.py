from __future__ import annotations

import pytest

from service import metrics
from tests.web import apps

pytestmark = pytest.mark.anyio


def read(holder: metrics.Metrics, name: str, **labels: str) -> float | None:
    return holder.registry.get_sample_value(name, labels)


async def test_requests_are_counted_by_route_template_method_and_status() -> None:
    holder = metrics.new()
    async with apps.client(apps.make(holder)) as client:
        for path in ("/v1/incidents/1", "/v1/incidents/2", "/v1/incidents/x", "/v1/broken", "/secret/path"):
            await client.get(path)
        await client.request("BREW", "/v1/incidents/1")
    name = "sihu_http_request_seconds_count"
    one = "/v1/incidents/{number}"
    assert read(holder, name, method="GET", route=one, status="200") == 2
    assert read(holder, name, method="GET", route=one, status="404") == 1
    assert read(holder, name, method="GET", route="/v1/broken", status="500") == 1
    assert read(holder, name, method="GET", route="unmatched", status="404") == 1
    assert read(holder, name, method="other", route=one, status="405") == 1
    assert "secret" not in bytes(metrics.page(holder).body).decode()


async def test_a_refusal_of_the_limits_is_counted_too() -> None:
    holder = metrics.new()
    async with apps.client(apps.make(holder)) as client:
        await client.post("/v1/incidents", content=b"x" * 70_000)
    assert read(holder, "sihu_http_request_seconds_count", method="POST", route="unmatched", status="413") == 1


def test_what_the_rooms_tell_is_on_the_page() -> None:
    holder = metrics.new()
    holder.swept(2, 1, [0.02, 7.0])
    holder.intake_group(30)
    holder.fault("tail")
    holder.feed_position.set(41)
    holder.engine_lag_s.set_function(lambda: 0.5)
    page = bytes(metrics.page(holder).body).decode()
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


def test_two_apps_count_apart() -> None:
    first, second = metrics.new(), metrics.new()
    first.intake_group(1)
    assert read(second, "sihu_intake_group_size_count") == 0
