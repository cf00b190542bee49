"""A JSON member that stands twice is refused by name, at any depth, wherever a body is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.rules.errors import BadJson
from service.web import strict_json
from tests.house import CATEGORY, CELL, House

pytestmark = pytest.mark.anyio


@pytest.mark.clause("ASVS 15.3.7")
@pytest.mark.parametrize(
    ("content", "name"),
    [
        ('{"a":1,"a":1}', '"a"'),
        ('{"a":{"b":[{"c":1},{"c":1,"d":2,"c":3}]}}', '"c"'),
        ('{"a":1,"\\u0061":2}', '"a"'),
        ('{"":1,"":2}', '""'),
        ('{"街道":1,"街道":2}', '"街道"'),
        ('{"\\ud800":1,"\\ud800":2}', '"?"'),
        ('[[[{"x":null,"x":null}]]]', '"x"'),
        (f'{{"{"n" * 900}":1,"{"n" * 900}":2}}', "n" * 64 + "…"),
    ],
)
def test_a_member_that_stands_twice_is_named(content: str, name: str) -> None:
    with pytest.raises(BadJson) as refused:
        strict_json.read(content.encode())
    assert name in refused.value.detail
    assert len(refused.value.detail) < 200


@pytest.mark.parametrize(
    "value",
    [{"a": {"a": [{"a": 1}, {"a": 1}]}}, {"a": 1, "A": 2}, [], "a", None, 1.5, {}, {"é": 1, "e\u0301": 2}],
)
def test_everything_else_is_read_as_json_says(value: Any) -> None:
    text = json.dumps(value)
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        assert strict_json.read(text.encode(encoding)) == value


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"a":1} x', b"\xff\xfe\xff", b"{'a':1}", b"[" * 100_000, b"1" * 5_000, b'{"a":"\xe9"}']
)
def test_what_is_no_json_says_so(content: bytes) -> None:
    with pytest.raises(BadJson, match=r"not JSON|not UTF-8"):
        strict_json.read(content)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    """By JSON Schema, which the document speaks, 5.0 is an integer."""
    read = strict_json.read(b"[5.0, 5e0, -0.0, 0.5, 1e999]")
    assert [(type(each), each) for each in read] == [(int, 5), (int, 5), (int, 0), (float, 0.5), (float, float("inf"))]


GOOD = json.dumps({"grid_code": CELL, "category": CATEGORY, "description": "巷口"})[1:-1]


@pytest.mark.parametrize(
    ("who", "method", "path", "content", "name"),
    [
        ("worker", "POST", "/v1/incidents", f'{{{GOOD},"grid_code":"{CELL}"}}', "grid_code"),
        ("worker", "POST", "/v1/incidents", f'{{{GOOD},"source":{{"system":"a","ref":"1","ref":"2"}}}}', "ref"),
        ("worker", "POST", "/v1/incidents/batch", f'{{"items":[{{{GOOD}}},{{{GOOD},"kind":1,"kind":2}}]}}', "kind"),
        ("worker", "POST", "/v1/incidents/batch", '{"items":[],"items":[]}', "items"),
        ("community", "POST", "/v1/incidents/{id}/answer", '{"measure":"a","measure":"b"}', "measure"),
        ("ops", "POST", "/v1/keys", '{"role":"ops","role":"auditor"}', "role"),
        ("ops", "POST", "/v1/registry/import", '{"lines.csv":"a","lines.csv":"b"}', "lines.csv"),
        ("ops", "POST", "/v1/clock/advance", '{"seconds":1,"seconds":2}', "seconds"),
        ("ops", "PUT", "/v1/calendars/cn/days", '{"source":"x","days":[{"day":"2027-01-01","day":"x"}]}', "day"),
        ("ops", "POST", "/v1/policies", '{"code":"a","code":"b"}', "code"),
    ],
)  # fmt: skip
async def test_every_body_is_read_this_way(
    house: House, who: str, method: str, path: str, content: str, name: str
) -> None:
    incident = await house.report()
    answer = await house.raw(who, method, path.replace("{id}", incident["id"]), content.encode())
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")
    assert f'"{name}"' in answer.json()["detail"]
