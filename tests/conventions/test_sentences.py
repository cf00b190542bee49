"""What people read: every text of a refusal is a sentence, and every sentence is in the Chinese catalogue."""

from __future__ import annotations

import ast
import re
import string
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import get_args

import pytest

from service.rules.errors import SihuError
from service.rules.figures.definition import Measure
from service.rules.sentences import Word, rendered
from service.rules.words import Arrow, Cause, Credit, Outcome, State
from service.web import languages, problems
from tests.conventions import source

TAKES_A_SENTENCE = {
    *(kind.__name__ for kind in problems.tree(SihuError)),
    *("Pointer", "wrong_field", "WrongValue", "Breach", "Route", "Step"),
}
SENTENCES = {name: text for (context, name), text in languages.catalogue().items() if context is None}
WORDS = {key: text for key, text in languages.catalogue().items() if key[0] is not None}
ENUMS = (*get_args(Word), Measure, Cause, Outcome, Credit)
HAN = "\u4e00-\u9fff"


def _calls() -> Iterator[tuple[str, str, ast.Call]]:
    """(place, name, call) of every call; the name is that of the function or of the attribute."""
    for file in source.files():
        for node in ast.walk(source.tree(file)):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                yield source.place(file, node), name, node


@cache
def templates() -> dict[str, str]:
    """Every template of the code, with the place where it stands first."""
    found: dict[str, str] = {}
    for place, name, call in _calls():
        if name == "Sentence" and isinstance(call.args[0], ast.Constant) and call.args[0].value:
            found.setdefault(str(call.args[0].value), place)
    return found


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def _is_plain_text(node: ast.expr) -> bool:
    is_format = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    words = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return is_format or any(" " in each for each in words)


@pytest.mark.clause("ASVS 1.3.7", "ASVS 1.3.10")
def test_a_refusal_takes_no_plain_text() -> None:
    found = [
        (place, name)
        for place, name, call in _calls()
        if name in TAKES_A_SENTENCE
        for given in (*call.args, *(keyword.value for keyword in call.keywords))
        if _is_plain_text(given)
    ]
    assert found == []


def test_a_reason_is_a_sentence() -> None:
    """`because` is what a person reads in a plan, a chain and a deadline."""
    found = [
        source.place(file, node)
        for file in source.files()
        for node in ast.walk(source.tree(file))
        if isinstance(node, ast.Assign) and _is_plain_text(node.value)
        for target in node.targets
        if (target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")) in ("because", "detail")
    ]
    assert found == []


def test_every_template_is_written_out() -> None:
    """A template that is put together has no entry in a catalogue."""
    made = [(place, call.args[0]) for place, name, call in _calls() if name == "Sentence"]
    found = [place for place, template in made if not isinstance(template, ast.Constant)]
    assert found == []


def test_no_sentence_leaves_the_number_to_the_reader() -> None:
    assert [(place, each) for each, place in templates().items() if re.search(r"\w\(e?s\)", each)] == []


def test_every_sentence_is_translated() -> None:
    assert {each: place for each, place in templates().items() if each not in SENTENCES} == {}


def test_the_catalogue_has_no_sentence_that_nobody_says() -> None:
    assert set(SENTENCES) - set(templates()) == set()


@pytest.mark.parametrize("template", sorted(SENTENCES))
def test_a_translation_shows_the_same_values(template: str) -> None:
    translation = SENTENCES[template]
    assert placeholders(translation) == placeholders(template)
    assert rendered(translation, dict.fromkeys(placeholders(template), "值"), lambda value: value)


def test_every_word_that_a_sentence_may_show_is_translated() -> None:
    needed = {(each.__name__, str(word.value)) for each in ENUMS for word in each}
    assert needed - set(WORDS) == set()
    assert set(WORDS) - needed == set()


def test_no_translation_shows_english_states_or_verbs() -> None:
    raw = re.compile(rf"(?<![\w./])({'|'.join(word.value for word in (*State, *Arrow))})(?![\w./])")
    assert [each for each in (*SENTENCES.values(), *WORDS.values()) if raw.search(each)] == []


def test_translations_are_in_chinese_with_its_own_punctuation() -> None:
    composed = {"{place}: {detail}", "{title}.", "{fault}", "{file}: {fault}", "{column}: {fault}", "{first}; {second}"}
    composed |= {"{place}: {column} {value}: {advice}", "{refusal} {warnings}"}
    assert [each for name, each in SENTENCES.items() if name not in composed and not re.search(f"[{HAN}]", each)] == []
    texts = [each.replace("{{", "").replace("}}", "") for each in SENTENCES.values()]
    assert [each for each in texts if re.search(f"[{HAN}}}][,;:?!(]|[,;:?!)][{HAN}{{]", each)] == []


def test_the_catalogue_has_each_sentence_once() -> None:
    text = (source.SERVICE / "web" / languages.CATALOGUE).read_text(encoding="utf-8")
    entries = re.findall(r'^(?:msgctxt (".*")\n)?msgid (".*")$', text, flags=re.MULTILINE)
    assert [entry for entry, times in Counter(entries).items() if times > 1] == []
