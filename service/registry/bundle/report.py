"""The report of an import: what it did or would do, for the API, the log and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.registry.bundle.changes import RowSummary
from service.registry.bundle.parse import Fault
from service.rules.logged import ByView
from service.shown.references import PolicyReference
from service.store.log.writing import Committed

_MAX_CODES = 20


class RowSummaryView(TypedDict):
    """How many rows of one kind were added, changed, closed and left as they were; `first`: the first codes touched."""

    added: int
    changed: int
    closed: int
    unchanged: int
    first: list[str]


class ImportView(TypedDict):
    """The outcome of an import. `changes` is by the name of a file; `open_incidents` are with units that change."""

    dry_run: bool
    changes: dict[str, RowSummaryView]
    policy_activated: PolicyReference | None
    calendar_days: int
    open_incidents: int


class RegistryImportedData(ImportView):
    """The data of `sihu.registry.imported`."""

    by: ByView


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do. `policy` is the version that becomes active, None when the active one stays."""

    dry_run: bool
    changes: Mapping[str, RowSummary] = field(default_factory=dict)
    policy: tuple[str, int] | None = None
    open_incidents: int = 0
    days: int = 0
    faults: Sequence[Fault] = ()
    committed: Committed | None = None

    @property
    def changes_anything(self) -> bool:
        """Whether at least one row, day or policy differs from before."""
        return self.policy is not None or self.days > 0 or any(each.codes for each in self.changes.values())

    def view(self) -> ImportView:
        """Return the report as the API answers it."""
        return {
            "dry_run": self.dry_run,
            "changes": {name: _view_of(summary) for name, summary in self.changes.items()},
            "policy_activated": {"code": self.policy[0], "version": self.policy[1]} if self.policy else None,
            "calendar_days": self.days,
            "open_incidents": self.open_incidents,
        }

    def lines(self) -> list[str]:
        """Return the report as the command line prints it."""
        if self.faults:
            return [*map(str, self.faults), f"{len(self.faults)} faults; nothing was imported."]
        lines = [_line_of(name, summary) for name, summary in self.changes.items()]
        if self.days:
            lines.append(f"calendar: {self.days} days added or changed")
        if self.policy:
            lines.append(f"policy {self.policy[0]} version {self.policy[1]} becomes active")
        if self.open_incidents:
            lines.append(f"{self.open_incidents} open incidents are with units that change")
        return [*lines, "Dry run: nothing was written." if self.dry_run else "Imported."]


def _view_of(summary: RowSummary) -> RowSummaryView:
    return {
        "added": len(summary.added),
        "changed": len(summary.changed),
        "closed": len(summary.closed),
        "unchanged": summary.unchanged,
        "first": summary.codes[:_MAX_CODES],
    }


def _line_of(name: str, summary: RowSummary) -> str:
    line = f"{name}: {len(summary.added)} added, {len(summary.changed)} changed, {summary.unchanged} unchanged"
    return f"{line}, {len(summary.closed)} closed" if summary.closed else line
