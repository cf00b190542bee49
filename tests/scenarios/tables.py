"""Tables of a month reckoned by hand: one column for whoever plays, one for its honest twin with the same reports.

    community       | game      | honest    | by hand
    score           | 42.86     | 100       | (30 × 2/2 + 40 × 0/2) / 70
    part answered   | 2/2 a1 a2 | 1/1 a1    |
    rate answered   | 2/2       | 1/1       |
    rejected        | 2 a1 a2   | -         |

A number stands before the calls that its link opens: `b2` is the second call of the second report. A line for each
part, rate and measure that is not 0, but for `resolved_level_1` to `_4`; `-` is where nothing counts. The last column
is for whoever reads: the weights are answered 30, resolved 40, street 20, reporter 10, and a part without data is left
out.
"""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

from tests.house import COMMUNITY, DEPARTMENT, STREET, House

TEAM = f"{STREET}-team-1"
UNITS = {"community": COMMUNITY, "street": STREET, "department": DEPARTMENT, "team": TEAM}
_PERIOD = "2026-11"
_NOTHING = "-"


async def compare(game: House, honest: House, table: str) -> None:
    """Both columns are what the appraisal shows, and no unit of the table gains by the game."""
    lines = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    heads = [n for n, line in enumerate(lines) if line[0] in UNITS]
    for start, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        unit = lines[start][0]
        for column, house in enumerate((game, honest), start=1):
            by_hand = {line[0]: line[column] for line in lines[start + 1 : end] if line[column] != _NOTHING}
            assert await _shown(house, unit) == by_hand, f"{unit}, {lines[start][column]}"
        ours, theirs = await _score(game, unit), await _score(honest, unit)
        assert ours is None or (theirs is not None and ours <= theirs), f"{unit} gains: {ours}, honest {theirs}"


async def _score(house: House, unit: str) -> float | None:
    """The score of a unit; None when nothing of it counts."""
    row = await _row(house, unit)
    return None if row is None else row["score"]


async def _row(house: House, unit: str) -> Any:
    page = await house.get("auditor", "/v1/appraisal", period=_PERIOD, group_by="unit")
    return next((row for row in page["items"] if row["group"]["code"] == UNITS[unit]), None)


async def _shown(house: House, unit: str) -> dict[str, str]:
    """Every line of a unit's column, as the appraisal shows it."""
    row = await _row(house, unit)
    if row is None:
        return {}
    names = await _names(house)
    found = {} if row["score"] is None else {"score": f"{row['score']:g}"}
    for name, part in row["score_parts"].items():
        if part["of"]:
            found[f"part {name}"] = await _counted(house, f"{part['n']:g}/{part['of']:g}", part["calls"], names)
    for name, rate in row["rates"].items():
        if rate["of"]:
            found[f"rate {name.removesuffix('_in_time')}"] = f"{rate['n']}/{rate['of']}"
    for name, count in row.items():
        if isinstance(count, dict) and count.get("n") and not name.startswith("resolved_level"):
            found[name] = await _counted(house, str(count["n"]), count["calls"], names)
    return found


async def _counted(house: House, number: str, link: str, names: dict[str, str]) -> str:
    """A number, and the calls that its link opens."""
    calls = (await house.get("auditor", link))["items"]
    return " ".join([number, *sorted(f"{names[call['incident']['id']]}{call['seq']}" for call in calls)])


async def _names(house: House) -> dict[str, str]:
    """A letter for each incident by its id, in the order of the reports."""
    every = (await house.get("auditor", "/v1/incidents"))["items"]
    in_order = sorted(every, key=lambda each: each["number"])
    return {each["id"]: letter for each, letter in zip(in_order, ascii_lowercase, strict=False)}
