"""The words of the code: names a newcomer can look up, docstrings that stand on their own."""

from __future__ import annotations

import re
from collections import defaultdict

from tests.conventions import source

PARTICIPLES = {"told", "asked", "said"}
OF_THE_CONTRACT = {"asked_by", "asked_at", "urgency_asked", "kind_asked"}
"""Fields that the contract, a table or the log names so."""
LIMITS = re.compile(r"_?(MOST|LEAST|LONGEST|SHORTEST|BIGGEST)(_|$)")
POINTING = re.compile(
    r"(As|And|But|Or|So|Also|Likewise|Ditto|Same|Its?|They|Them|Their|These|Those|This|That|Such|Both|Others?)\b[^`'=:(]"
    r"|The (same|other|others|rest|latter|former)\b"
    r"|What (it|they|these|those)\b"
)
"""How a docstring begins that leans on the one above it, or on nothing at all."""
MAX_WORDS = 10
LONG_TEST_NAMES = 358
"""Tests whose names have more words: as many as there were when the rule was made. It only falls."""


def test_no_class_or_alias_has_a_name_twice() -> None:
    places = defaultdict(list)
    for place, name in source.type_names():
        places[name].append(place)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_name_is_told_asked_or_said() -> None:
    found = [
        (place, name)
        for place, name in source.bound_names()
        if PARTICIPLES & {part.lower() for part in re.split(r"_|(?<=[a-z])(?=[A-Z])", name)}
        and name not in OF_THE_CONTRACT
    ]
    assert found == []


def test_limits_are_called_max_or_min() -> None:
    assert [each for each in source.bound_names() if LIMITS.match(each[1])] == []


def test_no_docstring_leans_on_another() -> None:
    assert [(place, text.split("\n")[0]) for place, text in source.docstrings() if POINTING.match(text)] == []


def test_names_of_tests_do_not_grow() -> None:
    """New names have at most ten words; what more there is to say stands in the test's docstring."""
    names = [node.name for node, _ in source.definitions("tests") if node.name.startswith("test_")]
    assert sum(len(name.split("_")) - 1 > MAX_WORDS for name in names) <= LONG_TEST_NAMES
