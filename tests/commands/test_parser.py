"""The `sihu` command itself: what it knows, its exit codes, and one clear line on whatever goes wrong."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from service.commands import parser
from service.rules.errors import Pointer
from service.rules.sentences import Sentence
from service.settings import Settings
from tests.commands.running import NOWHERE, Run


def test_help_lists_every_command(run: Run) -> None:
    code, lines, faults = run(NOWHERE, "--help")
    assert (code, faults) == (0, [])
    unwrapped = " ".join(" ".join(lines).split())
    for name, (_, summary) in parser._COMMANDS.items():
        assert f"{name} {summary}" in unwrapped


@pytest.mark.parametrize("name", parser._COMMANDS)
def test_every_command_explains_itself(run: Run, name: str) -> None:
    code, lines, _ = run(NOWHERE, name, "--help")
    assert (code, lines[0].startswith(f"usage: sihu {name} ")) == (0, True)


@pytest.mark.parametrize(
    "arguments", [(), ("fly",), ("keys",), ("serve", "--port", "x"), ("serve", "--engine", "maybe")]
)
def test_a_wrong_call_ends_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    code, lines, faults = run(NOWHERE, *arguments)
    assert (code, lines) == (2, [])
    assert faults[0].startswith("usage: sihu")


def test_a_wrong_setting_ends_with_2_and_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIHU_POOL_SIZE", "many")
    code, lines, faults = run(NOWHERE, "keys", "list")
    assert (code, lines, len(faults)) == (2, [], 1)
    assert faults[0].startswith("sihu: SIHU_POOL_SIZE ")


def test_a_database_out_of_reach_is_one_line(run: Run) -> None:
    code, lines, faults = run(NOWHERE, "keys", "list")
    assert (code, lines, len(faults)) == (1, [], 1)
    assert faults[0].startswith("sihu: the database cannot be reached: ")


def test_missing_binaries_end_with_1_and_one_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIHU_PG_BIN", str(tmp_path))
    monkeypatch.setenv("SIHU_DATA_DIR", str(tmp_path / "data"))
    code, lines, faults = run("", "keys", "list")
    assert (code, lines, len(faults)) == (1, [], 1)
    assert "set SIHU_PG_BIN" in faults[0]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("on_interrupt", [signal.default_int_handler, signal.SIG_IGN])
def test_another_signal_ends_what_was_begun(
    run: Run, monkeypatch: pytest.MonkeyPatch, how: signal.Signals, on_interrupt: Any
) -> None:
    """As Ctrl-C does, also where that is ignored, and while a loop runs; the code tells which signal it was."""
    ended = []

    async def waiting() -> None:
        signal.raise_signal(how)
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(how)

    def wait(settings: Settings, arguments: argparse.Namespace) -> int:
        asyncio.run(waiting())
        return 0

    monkeypatch.setattr(parser, "_COMMANDS", {"wait": (lambda each: each.set_defaults(command=wait), "")})
    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        assert run(NOWHERE, "wait") == (128 + how, [], [])
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended == [how] or on_interrupt is signal.SIG_IGN


def test_ctrl_c_ends_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(settings: Settings, arguments: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    entry = (lambda each: each.set_defaults(command=interrupt), "interrupted")
    monkeypatch.setattr(parser, "_COMMANDS", {"wait": entry})
    assert run(NOWHERE, "wait") == (130, [], [])


def test_a_fault_names_the_option_it_is_about() -> None:
    assert parser._fault_line(Pointer("/fill_year", Sentence("give a year"))) == "--fill-year: give a year"
    assert parser._fault_line(Pointer("", Sentence("give a year"))) == "give a year"


def test_options_of_serve_are_overrides_of_settings() -> None:
    """An option that was not given leaves the setting to the environment; other commands override nothing."""
    arguments = parser._parser().parse_args(["serve", "--port", "81", "--virtual-clock"])
    assert parser._overrides(arguments) == {"host": None, "port": 81, "engine": None, "virtual_clock": "now"}
    assert not any(parser._overrides(parser._parser().parse_args(["doctor"])).values())
