"""What the measurements promise: which figure of which measurement, and what it has to be.

This is the one place where the promises stand. They hold for the sizes that are the defaults of `sihu bench`, on a
machine that does nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Promise:
    """A figure of a measurement, by the names that lead to it in the JSON, and the bound that it has to keep."""

    bench: str
    figure: str
    sign: Literal["<=", ">="]
    bound: float

    @property
    def demand(self) -> str:
        """What the figure has to be: `<= 1.25`."""
        return f"{self.sign} {self.bound:g}"

    def found_in(self, figures: Mapping[str, Any]) -> float | None:
        """The figure among those of its measurement; None when it is missing, or no number."""
        found: Any = figures
        for name in self.figure.split("/"):
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, int | float) and not isinstance(found, bool) else None

    def shortfall(self, figures: Mapping[str, Any]) -> str | None:
        """How the figure falls short, in words; None when it keeps the bound. A figure that is missing falls short."""
        found = self.found_in(figures)
        if found is None:
            return f"{self.bench}: {self.figure} is missing, promised {self.demand}"
        if found <= self.bound if self.sign == "<=" else found >= self.bound:
            return None
        by = abs(found - self.bound) / self.bound
        return f"{self.bench}: {self.figure} is {found:g}, promised {self.demand} (short by {by:.0%})"


# what grows with what is open or due, or with nothing at all: the small difference is that of deeper indexes
_FLAT = (
    "report",
    "answer",
    "get_incident",
    "timeline",
    "queue_page",
    "queue_unchanged",
    "similar",
    "feed_end",
    "feed_middle",
    "feed_rare_type",
    "feed_of_a_department",
    "start",
    "readyz",
    "next_wake",
    "drain",
)
_LISTS = (
    "list_newest",
    "list_area_and_category",
    "list_category",
    "list_own_reports",
    "list_of_a_day",
    "list_on_hold",
    "list_open_of_a_street",
    "list_open_of_a_community",
    "list_open_of_a_department",
    "list_overdue",
    "list_level_4",
    "list_updated",
    "list_unreported_category",
    "list_unit_open",
    "list_of_a_department",
)

PROMISES = (
    # a durable report costs little more than the framework alone, and far less than the usual way
    Promise("ingest", "against_no_database/ratio", ">=", 0.8),
    Promise("ingest", "against_orm/ratio", ">=", 8),
    Promise("batch", "against_single/ratio", ">=", 3),
    # the engine keeps up with a bare statement that writes the same rows, and a second engine adds to it; to close an
    # incident never costs it more than to call somebody
    Promise("drain", "against_bare_sql/ratio", ">=", 0.75),
    Promise("drain", "verify_timeouts_against_bare_sql/ratio", ">=", 0.75),
    Promise("drain", "two_engine_processes_against_bare_sql/ratio", ">=", 0.95),
    Promise("drain", "working_time_against_continuous/ratio", ">=", 0.9),
    # seconds, beside reports that come in as fast as they are answered
    Promise("lateness", "p99_with_reports_against_without/median", "<=", 0.06),
    Promise("queue", "changed_against_healthz/ratio", "<=", 15),
    Promise("queue", "unchanged_against_healthz/ratio", "<=", 1.1),
    Promise("waiters", "mean_with_waiters_against_without/ratio", "<=", 1.5),
    Promise("waiters", "p50_with_waiters_against_without/ratio", "<=", 1.5),
    *(Promise("history", f"operations/{name}/ratio", "<=", 1.25) for name in _FLAT),
    *(Promise("history", f"operations/{name}/ratio", "<=", 1.5) for name in _LISTS),
    Promise("history", "open_of_a_department_against_get/ratio", "<=", 3),
    Promise("history", "probe_after_dead_rows/pages", "<=", 20),
)


def of(bench: str, figure: str) -> Promise | None:
    """Return the promise about a figure; None when there is none."""
    return next((each for each in PROMISES if (each.bench, each.figure) == (bench, figure)), None)


def of_bench(bench: str) -> list[Promise]:
    """Return the promises of a measurement."""
    return [each for each in PROMISES if each.bench == bench]


def shortfalls(bench: str, figures: Mapping[str, Any]) -> list[str]:
    """Return in words which figures of a measurement fall short of what is promised, and by how much."""
    return [words for each in of_bench(bench) if (words := each.shortfall(figures)) is not None]
