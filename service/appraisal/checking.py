"""The figures of a month, once from the calls and once from the log alone: they must be the same."""

from __future__ import annotations

from collections.abc import Iterator

from service.rules.figures import ledger
from service.rules.figures.definition import CallFacts, Grouping, Measure, Period, Tallies, Tally, group_of, tallies
from service.rules.sight import EVERYTHING
from service.rules.world import World
from service.store.database import Database
from service.store.figures import histories
from service.store.figures import tallies as appraisal


async def differences(database: Database, period: Period, world: World) -> list[str]:
    """One line for every figure in which the calls and the log differ, in every grouping. One snapshot for both."""
    found: list[str] = []
    async with database.read() as connection:
        told: list[CallFacts] = []
        async for history in histories.histories(connection, period):
            told += ledger.calls_of(history)
        for grouping in Grouping:
            counted = await appraisal.tallies(connection, period, grouping, EVERYTHING)
            rebuilt = tallies(told, period, lambda call, by=grouping: group_of(by, call, world))  # type: ignore[misc]
            found += [f"by {grouping}, {line}" for line in _compared(counted, rebuilt)]
    return found


def _compared(counted: Tallies, rebuilt: Tallies) -> Iterator[str]:
    nothing = Tally(dict.fromkeys(Measure, 0))
    for code in sorted({*counted.groups, *rebuilt.groups}):
        both = counted.groups.get(code, nothing), rebuilt.groups.get(code, nothing)
        yield from (f"{code}: {line}" for line in _told(*both))
    yield from (f"total: {line}" for line in _told(counted.total, rebuilt.total))


def _told(counted: Tally, rebuilt: Tally) -> Iterator[str]:
    mine, theirs = _flat(counted), _flat(rebuilt)
    for name in mine:
        if mine[name] != theirs[name]:
            yield f"{name} is {mine[name]} by the calls, {theirs[name]} by the log"


def _flat(tally: Tally) -> dict[str, object]:
    counts = {measure.value: n for measure, n in tally.counts.items()}
    return {**counts, **{name: value for name, value in tally._asdict().items() if name != "counts"}}
