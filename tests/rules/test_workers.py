"""The workers of a vendor: whose name is on record, and whose own an incident is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.rules import access, sight, workers
from service.rules.errors import NotYours, Rule, ValidationFailed
from service.rules.model import Actor, KeyQuota
from service.rules.words import Role, State
from tests.rules.builders import OTHER_STREET, STREET, an_incident

VENDOR = Actor(Role.REPORTER, "vendor", area=STREET, systems=("app",), quota=KeyQuota(9), may_report_for=True)
ZHANG = workers.named(VENDOR, "张三")
FAR_VENDOR = replace(VENDOR, area=OTHER_STREET)
OF_ZHANG = an_incident(State.CALLING)._replace(reporter="vendor/张三")


def test_a_worker_reports_in_the_area_of_the_key() -> None:
    assert Actor(Role.REPORTER, "vendor/张三", area=STREET, systems=("app",), quota=KeyQuota(9)) == ZHANG
    assert workers.named(VENDOR, None) is VENDOR


@pytest.mark.parametrize("role", Role)
def test_no_other_key_names_a_worker(role: Role) -> None:
    plain = Actor(role, "plain")
    assert workers.named(plain, None) is plain
    with pytest.raises(NotYours) as refused:
        workers.named(plain, "li")
    assert refused.value.errors[0].pointer == "/on_behalf_of"


@pytest.mark.parametrize(
    ("name", "rule"),
    [("a/b", Rule.PATTERN), ("/", Rule.PATTERN), ("x" * 65, Rule.TOO_LONG), ("13800138000", Rule.PERSONS_NUMBER)],
)
def test_a_name_that_no_worker_can_have(name: str, rule: Rule) -> None:
    with pytest.raises(ValidationFailed) as refused:
        workers.named(VENDOR, name)
    assert (refused.value.errors[0].pointer, refused.value.errors[0].rule) == ("/on_behalf_of", rule)
    assert workers.named(VENDOR, "x" * 64).subject == f"vendor/{'x' * 64}"


def test_a_key_owns_what_all_its_workers_reported() -> None:
    assert [workers.is_own(VENDOR, each) for each in ("vendor", "vendor/li", "vendors", "vendor-2/li", "li")] == [
        *(True, True, False, False, False)
    ]
    assert [workers.is_own(ZHANG, each) for each in ("vendor/张三", "vendor", "vendor/li", "vendor/张三/x")] == [
        *(True, False, False, False)
    ]


def test_a_worker_is_named_in_audiences_with_its_key() -> None:
    assert workers.tokens_of("worker-7") == ("@worker-7",)
    assert workers.tokens_of("vendor/li") == ("@vendor/li", "@vendor/")


def test_the_key_reads_what_its_workers_reported_anywhere() -> None:
    for actor in (VENDOR, FAR_VENDOR):
        assert {each.value for each in access.relations(actor, OF_ZHANG)} == {"area"}
        assert sight.sees(actor, OF_ZHANG)
    merged_into = an_incident(State.CALLING)._replace(audience=workers.tokens_of("vendor/li"))
    assert {each.value for each in access.relations(FAR_VENDOR, merged_into)} == {"area"}
    assert sight.sees(FAR_VENDOR, merged_into)
    assert not sight.sees(FAR_VENDOR, OF_ZHANG._replace(reporter="other/张三"))


def test_the_key_reads_what_its_workers_reported_in_confidence() -> None:
    secret = OF_ZHANG._replace(confidential=True)
    for actor in (VENDOR, FAR_VENDOR):
        assert {each.value for each in access.relations(actor, secret)} == {"area"}
        assert sight.sees(actor, secret)
    for other in (workers.named(VENDOR, "li"), Actor(Role.REPORTER, "colleague", area=STREET)):
        assert not access.relations(other, secret) and not sight.sees(other, secret)


def test_a_worker_sees_what_it_reported_and_its_area() -> None:
    far_li, far_zhang = workers.named(FAR_VENDOR, "li"), workers.named(FAR_VENDOR, "张三")
    assert not sight.sees(far_li, OF_ZHANG) and sight.sees(far_zhang, OF_ZHANG)
    assert {each.value for each in access.relations(ZHANG, OF_ZHANG)} == {"reporter", "area"}
    assert {each.value for each in access.relations(workers.named(VENDOR, "li"), OF_ZHANG)} == {"area"}
