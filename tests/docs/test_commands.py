"""docs/commands.md and the parser agree, both ways; and whatever a document quotes of `sihu` can be typed."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.commands import parser
from tests.docs import pages

PAGE = pages.DOCS / "commands.md"
DOCUMENTS = [pages.README, pages.TWIN, *sorted(pages.DOCS.rglob("*.md"))]
QUOTED = re.compile(r"(?:^|[\s`(/])sihu ([a-z]+(?: [a-z]+)?)([^`\n;&|]*)", re.MULTILINE)


def _leaves(of: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    inner = [action.choices for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield name, of
    for choices in inner:
        for word, each in choices.items():
            yield from _leaves(each, f"{name} {word}")


COMMANDS = dict(_leaves(parser._parser(), "sihu"))


def _arguments(command: str) -> list[argparse.Action]:
    return [each for each in COMMANDS[command]._actions if not isinstance(each, argparse._HelpAction)]


def _written(action: argparse.Action) -> str:
    """An argument as the page writes it: `--engine on|off|only`, `--virtual-clock [TIME]`, `DIR`."""
    choices = "|".join(map(str, action.choices)) if action.choices else ""
    value = choices or str(action.metavar or (action.dest if not action.option_strings else action.dest.upper()))
    if not action.option_strings:
        return value
    if action.nargs == 0:
        return action.option_strings[-1]
    return f"{action.option_strings[-1]} {f'[{value}]' if action.nargs == '?' else value}"


def test_every_command_is_in_the_table_once() -> None:
    assert pages.column(PAGE, "All commands", "command") == list(COMMANDS)


@pytest.mark.parametrize("command", [name for name in COMMANDS if _arguments(name)])
def test_the_arguments_of_a_command_are_complete(command: str) -> None:
    rows = pages.rows(PAGE, command)
    actions = _arguments(command)
    assert [pages.quoted(row["argument"])[0] for row in rows] == [_written(each) for each in actions]
    assert [row["default"] == "required" for row in rows] == [each.required for each in actions]
    for row, action in zip(rows, actions, strict=True):
        if action.default not in (None, False, []) and not action.required:
            assert row["default"].strip("`") == str(action.default)


def test_a_section_is_of_a_command_with_arguments() -> None:
    headings = re.findall(r"^### (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert headings == [name for name in COMMANDS if _arguments(name)]


def test_every_argument_explains_itself() -> None:
    assert [(name, each.dest) for name in COMMANDS for each in _arguments(name) if not each.help] == []


def test_exit_codes_are_those_of_the_parser() -> None:
    described = parser.main.__doc__ or ""
    codes = [row["code"] for row in pages.rows(PAGE, "Exit codes")]
    assert codes == [*re.findall(r"\b\d\b", described), "129, 130, 143"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(pages.ROOT)))
def test_what_a_document_quotes_of_sihu_exists(document: Path) -> None:
    """A command in backticks or in a block is one of the parser's, and its options are the command's own."""
    code = re.findall(r"^```.*?^```|`[^`\n]+`", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    wrong = [found.group() for text in code for found in QUOTED.finditer(text) if not _exists(*found.groups())]
    assert wrong == []


def _exists(words: str, rest: str) -> bool:
    fitting = [name for name in COMMANDS if name.split()[1] == words.split()[0]]
    exact = [name for name in fitting if f"sihu {words}".startswith(name)]
    known = {option for name in exact or fitting for each in _arguments(name) for option in each.option_strings}
    is_group = " " not in words
    return bool(exact or (fitting and is_group)) and set(re.findall(r"--[a-z-]+", rest)) <= known | {"--help"}
