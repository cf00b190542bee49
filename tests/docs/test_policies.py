"""docs/policies.md describes policy.yaml: every key with its default, every unit of time, and the sample as it is."""

from __future__ import annotations

import string

import pytest
import yaml

from service.commands.sample import SAMPLE
from service.times import durations, policy_checks
from service.times.policy_file import Extensions, Holds, PolicyFile, PolicyRow, Quota, Score
from service.web.text import Params
from tests.docs import pages

PAGE = pages.DOCS / "policies.md"
SECTIONS: dict[str, type[Params]] = {
    "Keys": PolicyFile,
    "Keys of a row": PolicyRow,
    "Keys of holds": Holds,
    "Keys of extensions": Extensions,
    "Keys of quota": Quota,
    "Keys of score": Score,
}


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_keys_are_complete(heading: str) -> None:
    listed = {pages.quoted(row["key"])[0]: row["required"] for row in pages.rows(PAGE, heading)}
    fields = SECTIONS[heading].model_fields
    assert listed.keys() == fields.keys()
    assert {name for name, needed in listed.items() if needed == "yes"} == {
        name for name, field in fields.items() if field.is_required()
    }


@pytest.mark.clause("ASVS 2.1.3")
@pytest.mark.parametrize("heading", SECTIONS)
def test_the_defaults_are_those_of_the_code(heading: str) -> None:
    fields = SECTIONS[heading].model_fields
    for row in pages.rows(PAGE, heading):
        for default in pages.quoted(row["default"]):
            value = fields[pages.quoted(row["key"])[0]].default
            assert default == (", ".join(map(str, value)) if isinstance(value, tuple) else str(value))


def test_every_simple_default_is_named() -> None:
    for heading, model in SECTIONS.items():
        named = {pages.quoted(row["key"])[0] for row in pages.rows(PAGE, heading) if pages.quoted(row["default"])}
        simple = {name for name, field in model.model_fields.items() if isinstance(field.default, int | str)}
        assert simple <= named


def test_the_sample_is_shown_as_it_is() -> None:
    [shown] = pages.blocks(PAGE, "yaml")
    assert yaml.safe_load(shown) == yaml.safe_load((SAMPLE / "policy.yaml").read_text(encoding="utf-8"))
    assert policy_checks.read_policy(shown.encode())[1] == []


def test_the_units_of_time_are_complete() -> None:
    letters = ["", *string.ascii_lowercase]
    units = {first + second for first in letters for second in letters}
    known = {unit for unit in units if durations._DURATION.fullmatch(f"1{unit}")}
    assert set(pages.column(PAGE, "Durations", "unit")) == known
