"""The report of an import, as the API answers it and as the command line prints it."""

from __future__ import annotations

from service.registry.bundle import examples
from service.registry.bundle.changes import RowSummary
from service.registry.bundle.parse import Fault
from service.registry.bundle.report import ImportReport, ImportView
from service.rules.sentences import Sentence
from tests.shapes import check

UNITS = RowSummary(["a"], ["b", "c"], ["d"], 5)


def test_the_view_counts_rows_and_names_the_first_codes() -> None:
    view = ImportReport(False, {"units": UNITS}, ("p", 2), open_incidents=3, days=4).view()
    assert view == {
        "dry_run": False,
        "changes": {"units": {"added": 1, "changed": 2, "closed": 1, "unchanged": 5, "first": ["a", "b", "c", "d"]}},
        "policy_activated": {"code": "p", "version": 2},
        "calendar_days": 4,
        "open_incidents": 3,
        "warnings": [],
    }


def test_at_most_twenty_codes_are_named() -> None:
    many = RowSummary([f"u{number}" for number in range(30)])
    rows = ImportReport(True, {"units": many}).view()["changes"]["units"]
    assert (rows["added"], rows["first"]) == (30, many.added[:20])


def test_the_command_line_shows_one_line_a_file() -> None:
    report = ImportReport(False, {"units": UNITS, "lines": RowSummary()}, ("p", 2), open_incidents=3, days=4)
    assert report.lines() == [
        "units: 1 added, 2 changed, 5 unchanged, 1 closed",
        "lines: 0 added, 0 changed, 0 unchanged",
        "calendar: 4 days added or changed",
        "policy p version 2 becomes active",
        "3 open incidents are with units that change",
        "Imported.",
    ]
    assert ImportReport(True).lines() == ["Dry run: nothing was written."]


def test_faults_are_printed_instead_of_changes() -> None:
    report = ImportReport(
        True, {"units": UNITS}, faults=[Fault("a.csv", 0, Sentence("x")), Fault("b.csv", 2, Sentence("y"))]
    )
    assert report.lines() == ["a.csv: x", "b.csv:2: y", "2 faults; nothing was imported: correct each."]


def test_counts_agree_with_their_words() -> None:
    one = ImportReport(False, faults=[Fault("a.csv", 0, Sentence("x"))], warnings=[Sentence("look")])
    assert one.lines() == ["warning: look", "a.csv: x", "1 fault; nothing was imported: correct each."]
    lines = ImportReport(False, open_incidents=1, days=1, warnings=[Sentence("look")]).lines()
    assert lines == [
        "calendar: 1 day added or changed",
        "1 open incident is with units that change",
        "warning: look",
        "Imported.",
    ]


def test_an_import_changes_nothing_when_all_rows_stay() -> None:
    assert not ImportReport(False, {"units": RowSummary(unchanged=9)}, open_incidents=1).changes_anything
    for changed in (
        ImportReport(False, {"units": RowSummary(closed=["a"])}),
        ImportReport(False, policy=("p", 1)),
        ImportReport(False, days=1),
    ):
        assert changed.changes_anything


def test_the_example_has_the_shape_of_the_view() -> None:
    check(ImportView, examples.IMPORTED)
