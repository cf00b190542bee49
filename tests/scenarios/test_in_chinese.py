"""A grid worker's phone is set to Chinese: whatever it reads is in Chinese, and what programs read stays as it is."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.house import CATEGORY, CELL, House

pytestmark = pytest.mark.anyio

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9"}
HAN = re.compile("[\u4e00-\u9fff]")


async def both(house: House, who: str, path: str, **query: Any) -> tuple[Any, Any]:
    """The answer in Chinese and in English, which say in Content-Language what they are."""
    chinese = await house.send(who, "GET", path, headers=CHINESE, **query)
    english = await house.send(who, "GET", path, **query)
    assert (chinese.headers["content-language"], english.headers["content-language"]) == ("zh", "en")
    assert "Accept-Language" in chinese.headers["vary"] and "Accept-Language" in english.headers["vary"]
    return chinese.json(), english.json()


async def test_reasons_are_in_chinese(house: House) -> None:
    incident = await house.report()
    chinese, english = await both(house, "street", f"/v1/incidents/{incident['id']}/plan")
    assert len(chinese["items"]) == len(english["items"]) > 3
    for step, said in zip(chinese["items"], english["items"], strict=True):
        assert HAN.search(step["because"]) and not HAN.search(said["because"])
        assert {**step, "because": ""} == {**said, "because": ""}
    chain, _ = await both(house, "worker", f"/v1/grid-cells/{CELL}/chain", category=CATEGORY)
    assert [call["because"] for call in chain["calls"]][:2] == ["网格所在社区", "网格所在街道"]
    await house.act("worker", incident, "withdraw", reason="误报")
    closed, _ = await both(house, "worker", f"/v1/incidents/{incident['id']}/deadline")
    assert closed["because"] == "事件已结案\uff0c不再有时限。"


async def test_a_refused_act_is_in_chinese(house: House) -> None:
    incident = await house.report()
    path = f"/v1/incidents/{incident['id']}"
    rejected = await house.send("worker", "POST", f"{path}/reject", {"reason": "还没修好"}, headers=CHINESE)
    answer = rejected.json()
    assert answer["detail"] == "事件目前为“待应”\uff1a须在办结状态下才能“退办”。"
    assert (answer["code"], answer["state"], answer["retryable"]) == ("illegal_transition", "calling", False)
    body = {"ground": "other", "reason": "超出权限"}
    raised = await house.send("worker", "POST", f"{path}/raise", body, headers=CHINESE)
    assert raised.json()["detail"] == "只有被呼单位可以对此事件进行“上呼”。"


async def test_whom_nobody_attaches_is_said_in_chinese(house: House) -> None:
    incident = await house.report()
    body = {"units": ["dept-police"], "reason": "请公安协助"}
    path = f"/v1/incidents/{incident['id']}/assist"
    refused = (await house.send("community", "POST", path, body, headers=CHINESE)).json()
    sentence = "dept-police 属部门一级\uff0c高于本呼\uff1a请改用上呼。"
    assert refused["errors"][0]["detail"].startswith(sentence), refused


async def test_a_refused_item_of_a_batch_is_in_chinese(house: House) -> None:
    items = [{"grid_code": CELL, "category": "urban-9", "description": "x"}, {"grid_code": CELL}]
    answer = await house.send("worker", "POST", "/v1/incidents/batch", {"items": items}, headers=CHINESE)
    unknown, wrong = [each["problem"] for each in answer.json()["results"]]
    assert unknown["title"] == "没有此类别" and unknown["errors"][0]["rule"] == "unknown"
    assert {each["pointer"]: each["rule"] for each in wrong["errors"]} == {
        "/items/1/category": "missing",
        "/items/1/description": "missing",
    }
    assert all(HAN.search(each["detail"]) for each in wrong["errors"])
