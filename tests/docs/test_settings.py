"""docs/settings.md is the table of the settings: all of them, with the words, bounds and defaults of the code."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any, get_args

import pytest

from service import database_urls
from service.commands import parser
from service.settings import Settings, variable_of
from tests.docs import pages

PAGE = pages.DOCS / "settings.md"
ROWS = {pages.quoted(row["variable"])[0]: row for row in pages.rows(PAGE, "All settings")}
FIELDS = {variable_of(name): field for name, field in Settings.model_fields.items()}


def _default(value: Any) -> str:
    if value is None:
        return "unset"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _limits(field: Any) -> set[str]:
    """What the cell of a type has to name: the choices of a setting, or its bounds."""
    choices = [each.value if isinstance(each, Enum) else each for each in _choices(field.annotation)]
    bounds = [getattr(each, name, None) for each in field.metadata for name in ("ge", "gt", "le")]
    return {str(each) for each in (*choices, *bounds) if each is not None}


def _choices(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return list(annotation)
    parts = get_args(annotation)
    return [each for part in parts for each in ([part] if isinstance(part, str) else _choices(part))]


def test_the_table_holds_exactly_the_settings() -> None:
    assert list(ROWS) == list(FIELDS)


@pytest.mark.parametrize("variable", FIELDS)
def test_a_row_has_the_words_of_the_code(variable: str) -> None:
    row, field = ROWS[variable], FIELDS[variable]
    assert row["meaning"] == field.description
    assert row["default"] == _default(field.default)
    assert set(pages.quoted(row["type"])) == _limits(field)


def test_a_time_is_named_beside_now() -> None:
    assert datetime in get_args(FIELDS["SIHU_VIRTUAL_CLOCK"].annotation)
    assert ROWS["SIHU_VIRTUAL_CLOCK"]["type"] == "`now`, or a time"


def test_the_options_of_serve_are_named() -> None:
    """An option that overrides a setting stands beside it, and no other setting has one."""
    options = {each for row in ROWS.values() for each in pages.quoted(row["option of `sihu serve`"])}
    overrides = parser._overrides(parser._parser().parse_args(["serve"]))
    assert options == {f"--{name.replace('_', '-')}" for name in overrides}
    for variable, row in ROWS.items():
        for option in pages.quoted(row["option of `sihu serve`"]):
            assert variable_of(option.removeprefix("--").replace("-", "_")) == variable


def test_the_parameters_of_a_url_are_complete() -> None:
    assert sorted(pages.column(PAGE, "The database", "parameter")) == sorted(database_urls._PARAMETERS)
    modes = pages.rows(PAGE, "The database")[0]["meaning"]
    assert tuple(pages.quoted(modes)) == database_urls._SSL_MODES
