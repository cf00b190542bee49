"""The appraisal of a story, short enough to be compared with a table reckoned by hand."""

from __future__ import annotations

from typing import Any

from tests.house import House

Figures = dict[str, dict[str, int]]
Times = dict[str, tuple[float, float]]


FAIR_PLAY = (
    *("pending", "rejected", "reopened", "accountable", "late_exit", "late_exit_answer", "late_exit_resolve"),
    *("merged", "voided", "voided_in_error", "withdrawn_late", "self_reported", "holds", "held_s", "extended"),
)
"""The measures that say how much the others count."""


async def figures(house: House, group_by: str = "unit", period: str = "2026-11") -> Figures:
    """Group → every count that is not 0, without those of fair play."""
    return await _counts(house, group_by, period, fair=False)


async def fair(house: House, group_by: str = "unit", period: str = "2026-11") -> Figures:
    """Group → every count of fair play that is not 0."""
    return await _counts(house, group_by, period, fair=True)


async def _counts(house: House, group_by: str, period: str, *, fair: bool) -> Figures:
    """The link of each of these counts opens exactly as many calls."""
    told: Figures = {}
    for code, row in (await _rows(house, group_by, period)).items():
        counts = {name: shown for name, shown in row.items() if isinstance(shown, dict) and "n" in shown}
        counts = {name: shown for name, shown in counts.items() if (name in FAIR_PLAY) is fair}
        told[code] = {name: shown["n"] for name, shown in counts.items() if shown["n"]}
        for name, shown in counts.items():
            calls = (await house.get("auditor", shown["calls"]))["items"]
            assert shown["n"] == (sum(call["held_s"] for call in calls) if name == "held_s" else len(calls)), name
    return {code: each for code, each in told.items() if each or not fair}


async def scores(house: House, group_by: str = "unit", period: str = "2026-11") -> dict[str, float | None]:
    """Group → its score."""
    return {code: row["score"] for code, row in (await _rows(house, group_by, period)).items()}


async def times(house: House, group_by: str = "unit", period: str = "2026-11") -> dict[str, Times]:
    """Group → what took how long, as (median, 90th percentile) in seconds; without what nobody did."""
    told: dict[str, Times] = {}
    for code, row in (await _rows(house, group_by, period)).items():
        spreads = {name: (row[f"{name}_s"]["median"], row[f"{name}_s"]["p90"]) for name in ("answer", "resolve")}
        told[code] = {name: spread for name, spread in spreads.items() if spread != (None, None)}
    return {code: each for code, each in told.items() if each}


async def shares(house: House, group_by: str = "unit", period: str = "2026-11") -> dict[str, dict[int, float]]:
    """Group → level → the share of its resolved calls that was resolved there; without what is none."""
    told = {code: row["resolved_at_level"] for code, row in (await _rows(house, group_by, period)).items()}
    found = {code: {int(level): share for level, share in each.items() if share} for code, each in told.items()}
    return {code: each for code, each in found.items() if each}


async def _rows(house: House, group_by: str, period: str) -> dict[str, Any]:
    """Every group by its code, and all of them together as `total`."""
    page: Any = await house.get("auditor", "/v1/appraisal", period=period, group_by=group_by)
    return {**{row["group"]["code"]: row for row in page["items"]}, "total": page["total"]}
