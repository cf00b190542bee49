"""The appraisal of a story, short enough to be compared with a table reckoned by hand."""

from __future__ import annotations

from typing import Any

from tests.house import House

Figures = dict[str, dict[str, int]]
Times = dict[str, tuple[float, float]]


async def figures(house: House, group_by: str = "unit", period: str = "2026-11") -> Figures:
    """Group → every count that is not 0, whose link opens exactly as many calls."""
    told: Figures = {}
    for code, row in (await _rows(house, group_by, period)).items():
        counts = {name: shown for name, shown in row.items() if isinstance(shown, dict) and "n" in shown}
        told[code] = {name: shown["n"] for name, shown in counts.items() if shown["n"]}
        for name, shown in counts.items():
            assert len((await house.get("auditor", shown["calls"]))["items"]) == shown["n"], name
    return told


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
