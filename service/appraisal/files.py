"""The figures of a month, and the calls behind one of them, as files for a spreadsheet.

Files are written in a thread: a workbook of a large month takes seconds, and nobody else is to wait for that.
"""

from __future__ import annotations

import asyncio

from service.appraisal import sheet
from service.appraisal.accept import FileType
from service.appraisal.figures import MonthFigures
from service.context import Context
from service.rules.errors import Rule, ValidationFailed, wrong_field
from service.rules.sentences import Sentence
from service.rules.sight import Sight, Viewer
from service.sheets.columns import SheetFile
from service.sheets.csv_files import CsvFile
from service.sheets.workbooks import WorkbookFile
from service.store.figures import tallies
from service.store.figures.tallies import CallFilter
from service.web import languages
from service.web.languages import Language

MAX_CALLS = 50_000
"""Rows of one file of calls: a workbook of them takes five seconds to write."""
_PAGE = 5_000
"""Calls that are read at once."""


async def figures_file(viewer: Viewer, month: MonthFigures, kind: FileType, language: Language) -> bytes:
    """The figures of every group; in a workbook, the corrections of a closed month on a sheet of their own."""

    def written() -> bytes:
        with _begun(kind, viewer) as file:
            file.begin(languages.text(Sentence("Figures"), language), sheet.figure_columns(language))
            file.add(sheet.figure_rows(viewer, month, language))
            if kind is FileType.XLSX and month.closed_at is not None:
                file.begin(languages.text(Sentence("Corrections"), language), sheet.correction_columns(language))
                file.add(sheet.correction_rows(viewer, month, language))
            return file.content()

    return await asyncio.to_thread(written)


async def calls_file(
    context: Context, viewer: Viewer, wanted: CallFilter, sight: Sight, kind: FileType, language: Language
) -> bytes:
    """All calls that a figure counts, oldest first, read in one snapshot.

    Raises:
        ValidationFailed: they are more than `MAX_CALLS`.
        Unavailable: the database cannot be reached, or is too busy.
    """
    with await asyncio.to_thread(_begun, kind, viewer) as file:
        file.begin(languages.text(Sentence("Calls"), language), sheet.call_columns(language))
        async with context.database.patient.read() as connection:
            found, many = await tallies.page(connection, wanted, sight, None, _PAGE), 0
            while found:
                many += len(found)
                if many > MAX_CALLS:
                    raise _too_many()
                await asyncio.to_thread(file.add, sheet.call_rows(viewer, found, language))
                after = tallies.place_of(found[-1])
                found = await tallies.page(connection, wanted, sight, after, _PAGE) if len(found) == _PAGE else []
        return await asyncio.to_thread(file.content)


def _begun(kind: FileType, viewer: Viewer) -> SheetFile:
    return CsvFile() if kind is FileType.CSV else WorkbookFile(viewer.now)


def _too_many() -> ValidationFailed:
    detail = Sentence(
        "This figure has more than {most} calls, which are too many for one file: choose a group, or read them page by "
        "page in JSON.",
        most=MAX_CALLS,
    )
    return wrong_field("?group", detail, Rule.TOO_LONG, max=MAX_CALLS)
