"""The appraisal of a story, short enough to be compared with a table reckoned by hand."""

from __future__ import annotations

from typing import Any

from tests.house import House

Figures = dict[str, dict[str, int]]


async def figures(house: House, group_by: str = "unit", period: str = "2026-11") -> Figures:
    """Group → every count that is not 0, whose link opens exactly as many calls."""
    page = await house.get("auditor", "/v1/appraisal", period=period, group_by=group_by)
    told: Figures = {}
    for row in [*page["items"], {"group": {"code": "total"}, **page["total"]}]:
        counts = {name: shown for name, shown in row.items() if isinstance(shown, dict) and "n" in shown}
        told[row["group"]["code"]] = {name: shown["n"] for name, shown in counts.items() if shown["n"]}
        for name, shown in counts.items():
            assert len((await house.get("auditor", shown["calls"]))["items"]) == shown["n"], name
    return told


async def scores(house: House, group_by: str = "unit", period: str = "2026-11") -> dict[str, float | None]:
    """Group → its score."""
    page: Any = await house.get("auditor", "/v1/appraisal", period=period, group_by=group_by)
    return {row["group"]["code"]: row["score"] for row in page["items"]}
