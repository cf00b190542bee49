"""The columns of a file that is written for office machines: described once, whichever format it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

WrittenCell = str | int | float | bool | datetime | None
"""What a cell may hold; a datetime is shown in Asia/Shanghai, None is an empty cell."""
WrittenRow = Sequence[WrittenCell]


class CellStyle(Enum):
    """How a workbook shows the cells of a column, and how wide the column is in characters."""

    CODE = ("@", 18)
    NAME = ("@", 28)
    COUNT = ("0", 11)
    NUMBER = ("0.00", 12)
    SHARE = ("0.0%", 11)
    TIME = ("yyyy-mm-dd hh:mm:ss", 20)

    def __init__(self, number_format: str, width: int) -> None:
        self.number_format = number_format
        self.width = width


@dataclass(frozen=True, slots=True)
class WrittenColumn:
    """A column by its heading, in the language of the reader."""

    heading: str
    style: CellStyle


class SheetFile(Protocol):
    """A file that grows row by row, and cleans up after itself: `with … as file`."""

    def __enter__(self) -> SheetFile: ...
    def __exit__(self, *_: object) -> None: ...

    def begin(self, name: str, columns: Sequence[WrittenColumn]) -> None:
        """Begin a sheet with its row of headings."""

    def add(self, rows: Iterable[WrittenRow]) -> None:
        """Write further rows of the sheet that was begun last."""

    def content(self) -> bytes:
        """The whole file. Nothing more can be written to it then."""
