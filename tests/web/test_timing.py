"""Requests are counted and timed by route template, those that are held apart."""

from __future__ import annotations

import pytest

from service import metrics
from tests.web import apps

pytestmark = pytest.mark.anyio

ALL, HELD = "sihu_http_request_seconds_count", "sihu_http_held_request_seconds_count"


def read(measured: metrics.Metrics, name: str, **labels: str) -> float | None:
    return measured.registry.get_sample_value(name, labels)


async def test_requests_are_counted_by_route_template_method_and_status() -> None:
    measured = metrics.new()
    async with apps.client(apps.make(measured)) as client:
        for path in ("/v1/incidents/1", "/v1/incidents/2", "/v1/incidents/x", "/v1/broken", "/secret/path"):
            await client.get(path)
        await client.request("BREW", "/v1/incidents/1")
    one = "/v1/incidents/{number}"
    assert read(measured, ALL, method="GET", route=one, status="200") == 2
    assert read(measured, ALL, method="GET", route=one, status="404") == 1
    assert read(measured, ALL, method="GET", route="/v1/broken", status="500") == 1
    assert read(measured, ALL, method="GET", route="unmatched", status="404") == 1
    assert read(measured, ALL, method="other", route=one, status="405") == 1
    assert "secret" not in measured.page().decode()


async def test_a_refusal_of_the_limits_is_counted_too() -> None:
    measured = metrics.new()
    async with apps.client(apps.make(measured)) as client:
        await client.post("/v1/incidents", content=b"x" * 70_000)
    assert read(measured, ALL, method="POST", route="unmatched", status="413") == 1


async def test_held_requests_are_timed_apart() -> None:
    measured = metrics.new()
    async with apps.client(apps.make(measured)) as client:
        await client.get("/v1/held")
        await client.get("/v1/incidents")
    assert read(measured, HELD, method="GET", route="/v1/held", status="200") == 1
    assert read(measured, ALL, method="GET", route="/v1/held", status="200") is None
    assert read(measured, HELD, method="GET", route="/v1/incidents", status="200") is None


async def test_a_fault_of_a_route_is_counted_once() -> None:
    measured = metrics.new()
    async with apps.client(apps.make(measured)) as client:
        await client.get("/v1/broken")
        await client.get("/v1/incidents/x")  # a refusal is no fault
    assert read(measured, "sihu_faults_total", where="http") == 1
