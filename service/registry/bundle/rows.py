"""The rows of a bundle's files: the fields of each class are the columns of its file."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from service.registry.schemas import Basis, Midnight, Name
from service.rules.words import Kind, UnitKind, Urgency
from service.sheets import cells
from service.web.text import CalendarDay, CategoryCode, Code, Prefix

READERS: Mapping[str, cells.Reader] = {
    **dict.fromkeys(("code", "parent", "line_parent", "community", "line"), cells.code),
    **dict.fromkeys(("category", "area", "lead_unit"), cells.code),
    **dict.fromkeys(("covers", "in_charge_of", "assisting", "answers_for", "urgencies", "kinds"), cells.codes),
    **dict.fromkeys(("valid_from", "valid_to", "day"), cells.day),
    "workday": cells.boolean,
}
"""What a spreadsheet may have made of the values of a column is read by these; other columns are text as it stands."""


class Row(BaseModel):
    """One line of a file. An empty field counts as left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code

    @property
    def key(self) -> str:
        """The part of a row that may stand in a file only once."""
        return f"code {self.code}"


class LineRow(Row):
    """A line of work."""

    name: Name


class UnitRow(Row):
    """A body or a post that can be called, or that others belong to."""

    name: Name
    kind: UnitKind
    level: int | None = None
    parent: Code | None = None
    line_parent: Code | None = None
    covers: tuple[Prefix, ...] = ()
    in_charge_of: tuple[Code, ...] = ()
    answers_for: tuple[CategoryCode, ...] = ()
    valid_from: Midnight | None = None
    valid_to: Midnight | None = None


class CellRow(Row):
    """A grid cell of a community."""

    name: Name
    community: Code


class CategoryRow(Row):
    """A category of incidents."""

    name: Name
    line: Code
    urgency: Urgency
    parent: Code | None = None
    urgencies: tuple[Urgency, ...] = ()
    kinds: tuple[Kind, ...] = ()


class DutyRow(Row):
    """A duty: the unit that leads a category in an area."""

    title: Name
    category: Code
    area: Prefix
    lead_unit: Code
    assisting: tuple[Code, ...] = ()
    basis: Basis = "-"
    valid_from: Midnight | None = None
    valid_to: Midnight | None = None


class CalendarRow(Row):
    """One day of a calendar; `code` names the calendar."""

    day: CalendarDay
    workday: bool
    note: Name | None = None

    @property
    def key(self) -> str:
        """A calendar may have each day once."""
        return f"{self.code} {self.day}"
