"""The closed lists: code, OpenAPI document, reference and READMEs agree; nothing is missing, nothing is invented."""

from __future__ import annotations

import re
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Any

import pytest

from service import clock as clocks
from service import settings
from service.access import new_keys
from service.main import create_app
from service.rules import words
from service.rules.errors import Rule
from service.rules.lifecycle import TRANSITIONS
from service.rules.transition import ClockTransition
from service.rules.words import Arrow, EventType, Role, State
from service.store.log.event_rows import EventData
from service.web import problem_page, problems
from tests.docs import pages

PAGE = pages.REFERENCE
BOUNDS = re.compile("[a-z]+")
DOCUMENTS = [pages.README, pages.TWIN, *sorted(pages.DOCS.rglob("*.md"))]
MECHANISM = {pages.README: "The mechanism", pages.TWIN: "机制"}
NOT_DRAWN = {Arrow.APPROVE, Arrow.REFUSE}
"""What decides a hold or an extension: drawn as the hold itself."""
DRAWN = {arrow: each for arrow, each in TRANSITIONS.items() if each.letter and arrow not in NOT_DRAWN}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(settings.load(), clocks.of("now")).openapi()


# --- event types ------------------------------------------------------------------------------------------------------


def test_event_types_are_those_of_the_code(document: dict[str, Any]) -> None:
    types = [each.value for each in EventType]
    _, of_incidents, others = pages.tables(PAGE, "Event types")
    assert [pages.quoted(row["event type"])[0] for row in (*of_incidents, *others)] == types
    assert document["components"]["schemas"]["EventType"]["enum"] == types


def test_data_of_an_event_is_complete() -> None:
    common, of_incidents, _ = pages.tables(PAGE, "Event types")
    always = [row["field"].strip("`") for row in common]
    added = [name for row in of_incidents for name in pages.quoted(row["data beside those"])]
    assert {*always, *added} == EventData.__annotations__.keys()


# --- problem codes ----------------------------------------------------------------------------------------------------


@pytest.mark.clause("ASVS 2.1.2")
def test_problem_codes_are_those_of_the_code(document: dict[str, Any]) -> None:
    listed = {pages.quoted(row["code"])[0]: int(row["status"]) for row in pages.rows(PAGE, "Problem codes")}
    assert listed == {kind.code: problems.status_of(kind) for kind in problems.KINDS}
    assert sorted(listed) == document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]


def test_the_reference_says_which_problems_pass_by_waiting() -> None:
    again = {pages.quoted(row["code"])[0]: row["again"] for row in pages.rows(PAGE, "Problem codes")}
    assert again == {kind.code: "yes" if kind.retryable else "no" for kind in problems.KINDS}
    waits = ["too_slow", "too_many", "quota", "internal_error", "unavailable"]
    assert sorted(code for code, answer in again.items() if answer == "yes") == sorted(waits)


@pytest.mark.clause("ASVS 2.1.1")
def test_rules_and_their_bounds_are_those_of_the_code(document: dict[str, Any]) -> None:
    listed = {pages.quoted(row["rule"])[0]: pages.quoted(row["bounds"]) for row in pages.rows(PAGE, "Rules of a field")}
    assert listed == {str(rule): BOUNDS.findall(bounds) for rule, (_, bounds) in problem_page.RULES.items()}
    assert list(listed) == [str(rule) for rule in problem_page.RULES] and set(listed) == set(Rule)
    shape = document["components"]["schemas"]["FieldProblem"]["properties"]
    assert {bound for bounds in listed.values() for bound in bounds} == shape.keys() - {"pointer", "detail", "rule"}


# --- verbs ------------------------------------------------------------------------------------------------------------


def test_verbs_and_letters_are_those_of_the_mechanism() -> None:
    listed = {pages.quoted(row["verb"])[0]: row["letter"] for row in pages.rows(PAGE, "Verbs")}
    assert listed == {arrow.value: each.letter for arrow, each in TRANSITIONS.items() if each.by}
    clock = pages.section(PAGE, "Verbs").rsplit("\n\n", 2)[1]
    fired = {arrow.value for arrow, each in TRANSITIONS.items() if isinstance(each, ClockTransition)}
    assert set(pages.quoted(clock)) - {"GET /v1/incidents/{id}/plan"} == fired


def test_every_verb_has_its_path_in_the_document(document: dict[str, Any]) -> None:
    prefix = "/v1/incidents/{incident_id}"
    posts = {path for path, item in document["paths"].items() if path.startswith(prefix) and "post" in item}
    listed = [pages.quoted(row["path below `/v1/incidents/{id}`"])[0] for row in pages.rows(PAGE, "Verbs")]
    listed.remove("POST /v1/incidents/flood")  # which is about all incidents of one reporter
    listed.append("/reveal")  # which reads, and is an action all the same
    assert sorted(prefix + path for path in listed) == sorted(posts)


@pytest.mark.clause("ASVS 8.1.1")
@pytest.mark.parametrize("readme", MECHANISM, ids=lambda path: path.name)
def test_a_readme_tells_of_every_arrow(readme: Path) -> None:
    """The table of arrows has every letter with its verb."""
    named: dict[str, str] = {}
    head = next(iter(pages.rows(readme, MECHANISM[readme])[0]))
    for row in pages.rows(readme, MECHANISM[readme]):
        named |= {verb: letter for letter, verb in re.findall(r"(?:^|· )(?:([a-z]) )?([a-z_]{3,})", row[head])}
    assert named.pop("report") == "a"
    assert named.pop("extend") == ""
    assert named == {arrow.value: each.letter for arrow, each in DRAWN.items() if arrow is not Arrow.EXTEND}


@pytest.mark.parametrize("readme", MECHANISM, ids=lambda path: path.name)
def test_the_diagram_of_a_readme_is_the_mechanism(readme: Path) -> None:
    """Every arrow is drawn from the states that it leads from, and from no other. The labels begin with its letter."""
    drawn: dict[str, set[str]] = {}
    for source, label in re.findall(r"^ *(\w+) --> \w+: (.*)$", pages.blocks(readme, "mermaid")[0], flags=re.MULTILINE):
        for part in label.split(" · "):
            drawn.setdefault(part.partition(" ")[0], set()).add(source)
    assert drawn == {each.letter: {state.value for state in each.sources | each.for_ops} for each in DRAWN.values()}


# --- paths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_every_path_that_a_document_names_exists(page: Path, document: dict[str, Any]) -> None:
    """What stands in backticks as `GET /v1/…` is an operation; its parameters may have other names there."""
    operations = {(method.upper(), _shape(path)) for path, item in document["paths"].items() for method in item}
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`(GET|PUT|POST|PATCH|DELETE) (/[\w/{}.-]+)[^`\n]*`", text)
    assert [each for each in named if (each[0], _shape(each[1])) not in operations] == []


def _shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


# --- roles and the other words ----------------------------------------------------------------------------------------


@pytest.mark.clause("ASVS 8.1.1")
def test_roles_are_those_of_the_code(document: dict[str, Any]) -> None:
    listed = {row["role"].strip("`"): row["needs"].strip("`") or None for row in pages.rows(PAGE, "Roles")}
    assert listed == {role.value: new_keys._SCOPE_FIELD[role] for role in Role}
    assert document["components"]["schemas"]["Role"]["enum"] == list(listed)


def test_every_list_of_words_is_there_whole() -> None:
    lists = {
        name: [str(member.value) for member in each]
        for name, each in vars(words).items()
        if isinstance(each, type) and issubclass(each, Enum) and each not in (Enum, StrEnum, IntEnum)
    }
    listed = {pages.quoted(row["list"])[0]: pages.quoted(row["values"]) for row in pages.rows(PAGE, "Words")}
    assert listed == {name: values for name, values in lists.items() if name not in ("Arrow", "EventType", "Role")}
    assert State.__name__ in listed
