"""The report of an import: what it did or would do, for the API, the log and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NotRequired

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.registry.bundle.changes import RowSummary
from service.registry.bundle.parse import Fault
from service.rules.logged import ByView
from service.rules.sentences import Sentence
from service.shown.changes import ChangedRow
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


class ImportFactsView(TypedDict):
    """The outcome of an import as the log keeps it. `changes` is by the name of a file; `open_incidents` are with units
    that change."""

    dry_run: bool
    changes: dict[str, RowSummaryView]
    policy_activated: PolicyReference | None
    calendar_days: int
    open_incidents: int


class ImportView(ImportFactsView):
    """The outcome of an import. `warnings` are sentences on what to look at: a file that was not UTF-8, a calendar that
    ends too early."""

    warnings: list[str]


class RegistryImportedData(ImportFactsView):
    """The data of `sihu.registry.imported`. `rows`: the first 200 rows that changed, with their old and new values;
    `rows_left_out`: how many more there were. An event from before they were kept has neither."""

    rows: NotRequired[list[ChangedRow]]
    rows_left_out: NotRequired[int]
    by: ByView


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do. `policy` is the version that becomes active, None when the active one stays.
    `warnings` hinder nothing."""

    dry_run: bool
    changes: Mapping[str, RowSummary] = field(default_factory=dict)
    policy: tuple[str, int] | None = None
    open_incidents: int = 0
    days: int = 0
    faults: Sequence[Fault] = ()
    warnings: Sequence[Sentence] = ()
    committed: Committed | None = None
    rows: Sequence[ChangedRow] = ()
    """What became of each row of lines, units, cells, categories and duties that changed."""

    @property
    def changes_anything(self) -> bool:
        """Whether at least one row, day or policy differs from before."""
        return self.policy is not None or self.days > 0 or any(each.codes for each in self.changes.values())

    @property
    def refusal(self) -> Sentence:
        """What a report with faults says of them as a whole."""
        return Sentence("{count} {count:fault|faults}; nothing was imported: correct each.", count=len(self.faults))

    def view(self) -> ImportView:
        """Return the report as the API answers it."""
        return {**self.facts(), "warnings": list(self.warnings)}

    def facts(self) -> ImportFactsView:
        """Return the report as the log keeps it."""
        return {
            "dry_run": self.dry_run,
            "changes": {name: _view_of(summary) for name, summary in self.changes.items()},
            "policy_activated": {"code": self.policy[0], "version": self.policy[1]} if self.policy else None,
            "calendar_days": self.days,
            "open_incidents": self.open_incidents,
        }

    def lines(self) -> list[str]:
        """Return the report as the command line prints it."""
        warnings = [Sentence("warning: {warning}", warning=each) for each in self.warnings]
        if self.faults:
            return [*warnings, *map(str, self.faults), self.refusal]
        lines: list[str] = [_line_of(name, summary) for name, summary in self.changes.items()]
        if self.days:
            lines.append(Sentence("calendar: {days} {days:day|days} added or changed", days=self.days))
        if self.policy:
            code, version = self.policy
            lines.append(Sentence("policy {code} version {version} becomes active", code=code, version=version))
        if self.open_incidents:
            lines.append(
                Sentence(
                    "{count} open {count:incident is|incidents are} with units that change", count=self.open_incidents
                )
            )
        end = Sentence("Dry run: nothing was written.") if self.dry_run else Sentence("Imported.")
        return [*lines, *warnings, end]


def _view_of(summary: RowSummary) -> RowSummaryView:
    return {
        "added": len(summary.added),
        "changed": len(summary.changed),
        "closed": len(summary.closed),
        "unchanged": summary.unchanged,
        "first": summary.codes[:_MAX_CODES],
    }


def _line_of(name: str, summary: RowSummary) -> Sentence:
    counts = {"added": len(summary.added), "changed": len(summary.changed), "unchanged": summary.unchanged}
    if not summary.closed:
        return Sentence("{file}: {added} added, {changed} changed, {unchanged} unchanged", file=name, **counts)
    return Sentence(
        "{file}: {added} added, {changed} changed, {unchanged} unchanged, {ended} closed",
        file=name,
        ended=len(summary.closed),
        **counts,
    )
