"""What is promised of the measurements, and what `sihu bench` says of figures that fall short."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from service.bench import databases, promises, run
from service.bench.promises import Promise
from service.settings import Settings

AT_LEAST = Promise("drain", "against_bare_sql/ratio", ">=", 0.75)
AT_MOST = Promise("history", "operations/answer/ratio", "<=", 1.25)


@pytest.mark.parametrize("ratio", [0.75, 0.8, 3])
def test_a_bound_from_below_is_kept(ratio: float) -> None:
    assert AT_LEAST.shortfall({"against_bare_sql": {"ratio": ratio}}) is None


def test_a_figure_below_its_bound_says_by_how_much() -> None:
    short = AT_LEAST.shortfall({"against_bare_sql": {"ratio": 0.6}})
    assert short == "drain: against_bare_sql/ratio is 0.6, promised >= 0.75 (short by 20%)"


@pytest.mark.parametrize("ratio", [1.25, 1.0, 0])
def test_a_bound_from_above_is_kept(ratio: float) -> None:
    assert AT_MOST.shortfall({"operations": {"answer": {"ratio": ratio}}}) is None


def test_a_figure_above_its_bound_says_by_how_much() -> None:
    short = AT_MOST.shortfall({"operations": {"answer": {"ratio": 2.5}}})
    assert short == "history: operations/answer/ratio is 2.5, promised <= 1.25 (short by 100%)"


@pytest.mark.parametrize(
    "figures",
    [
        {},
        {"operations": None},
        {"operations": {"answer": 1.0}},
        {"operations": {"answer": {"ratio": None}}},
        {"operations": {"answer": {"ratio": "1.0"}}},
        {"operations": {"answer": {"ratio": True}}},
    ],
)
def test_a_figure_that_is_missing_falls_short(figures: dict[str, Any]) -> None:
    assert AT_MOST.shortfall(figures) == "history: operations/answer/ratio is missing, promised <= 1.25"


def test_no_number_at_all_falls_short() -> None:
    assert AT_MOST.shortfall({"operations": {"answer": {"ratio": float("nan")}}}) is not None
    assert AT_LEAST.shortfall({"against_bare_sql": {"ratio": float("nan")}}) is not None


def test_each_figure_is_promised_once_and_of_a_measurement() -> None:
    assert len({(each.bench, each.figure) for each in promises.PROMISES}) == len(promises.PROMISES)
    assert {each.bench for each in promises.PROMISES} <= set(run.MEASURES)
    assert all(each.bound > 0 for each in promises.PROMISES)


# --- the command ------------------------------------------------------------------------------------------------------


def _kept(bench: str) -> dict[str, Any]:
    """Figures that keep everything that is promised of a measurement, each just so."""
    figures: dict[str, Any] = {}
    for each in promises.of_bench(bench):
        place = figures
        *path, last = each.figure.split("/")
        for name in path:
            place = place.setdefault(name, {})
        place[last] = each.bound
    return figures


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The figures of each measurement, which the command takes for measured."""
    found = {name: _kept(name) for name in run.MEASURES}
    monkeypatch.setattr(run, "_figures", lambda _settings, name, _arguments: found[name])
    return found


def _run(what: str) -> int:
    return run.run(Settings(), argparse.Namespace(what=what))


def test_the_command_says_that_everything_is_kept(measured: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("all") == 0
    many = len(promises.PROMISES)
    assert capsys.readouterr().err == f"bench: {many} of {many} promised figures are kept\n"


def test_the_command_fails_where_a_figure_falls_short(
    measured: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    measured["ingest"]["against_orm"]["ratio"] = 6
    del measured["queue"]["changed_against_healthz"]
    assert _run("all") == 1
    many = len(promises.PROMISES)
    assert capsys.readouterr().err.splitlines() == [
        "bench: short: ingest: against_orm/ratio is 6, promised >= 8 (short by 25%)",
        "bench: short: queue: changed_against_healthz/ratio is missing, promised <= 15",
        f"bench: {many - 2} of {many} promised figures are kept",
    ]


def test_a_single_measurement_is_judged_by_its_own_promises(
    measured: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    measured["ingest"]["against_orm"]["ratio"] = 6
    assert _run("queue") == 0
    printed = capsys.readouterr()
    assert printed.err == "bench: 2 of 2 promised figures are kept\n"
    assert json.loads(printed.out)["bench"] == "queue"


def test_a_measurement_that_fails_has_no_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the exit code says so. The next measurement would go on."""

    async def fails(*_: object) -> dict[str, Any]:
        raise RuntimeError("the reports were answered 503")

    @contextmanager
    def no_server(_settings: Settings) -> Iterator[str]:
        yield "postgresql://nobody@nowhere/none"

    monkeypatch.setattr(databases, "fresh", no_server)
    monkeypatch.setattr(run, "figures_of", fails)
    assert _run("batch") == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"bench": "batch", "failed": "RuntimeError: the reports were answered 503"}
    assert "batch: against_single/ratio is missing, promised >= 3" in printed.err
