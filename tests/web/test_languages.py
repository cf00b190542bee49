from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from service.rules.sentences import Sentence, Value
from service.rules.words import Arrow, Level, State
from service.web import languages
from service.web.languages import Language
from tests.web import apps

pytestmark = pytest.mark.anyio

AS_JSON = {"Content-Type": "application/json"}
CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}


def preferred(*lines: bytes) -> Language:
    headers = [(b"host", b"x"), *((b"accept-language", line) for line in lines)]
    return languages.language_of({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    "accepted",
    [b"zh", b"zh-CN", b"ZH-cn", b"zh-Hans", b"zh-Hant-TW", b"zh-TW,zh;q=0.9", b"zh-CN,zh;q=0.9,en;q=0.8"]
    + [b"de, zh;q=0.1", b"en;q=0.5, zh;q=0.6", b"zh, en", b"en;q=0, zh;q=0.001", b"*;q=0.1, zh", b"zh; q=1.000"]
    + [b" zh\t;Q=0.5 ", b",,zh,", b"zh;q=0, zh-CN", b"xx_YY, zh"],
)  # fmt: skip
def test_chinese_is_spoken_to_whoever_prefers_it(accepted: bytes) -> None:
    assert preferred(accepted) is Language.ZH


@pytest.mark.parametrize(
    "accepted",
    [b"", b"en", b"en-GB", b"*", b"de", b"fr-FR, ja", b"en, zh", b"zh;q=0", b"zh;q=0.4, en;q=0.5", b"zh;q=0, *"]
    + [b"*, zh;q=0.5", b"zhx", b"x-zh", b"zh_CN", b"zh;q=2", b"zh;q=", b"zh;q=0.1234", b"zh;q=.5", b"zh;q=1;q=1"]
    + [b"zh;level=1", b"\xe4\xb8\xad\xe6\x96\x87", b"zh\x00", b"zh" + b" " * 2000, b"zh," * 2000, b"zh-123456789"],
)  # fmt: skip
def test_english_is_spoken_to_everybody_else(accepted: bytes) -> None:
    assert preferred(accepted) is Language.EN


def test_several_lines_are_one_list() -> None:
    assert preferred(b"en;q=0.3", b"zh;q=0.7") is Language.ZH
    assert preferred() is Language.EN


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [
        (State.CALLING, "calling", "待应"),
        (Level.DEPARTMENT, "3", "部门"),
        (Arrow.RAISE, "raise", "上呼"),
        (
            Sentence(
                "The incident is {state}: {verb} needs {sources:or}.",
                state=State.CLOSED,
                verb=Arrow.ANSWER,
                sources=[State.CALLING, State.ANSWERED],
            ),
            "The incident is closed: answer needs calling or answered.",
            "事件目前为“结案”：须在待应、已应状态下才能“应”。",
        ),
        (
            Sentence("leader in charge of {unit}, {why}", unit="440105003", why=Sentence("the unit called before")),
            "leader in charge of 440105003, the unit called before",
            "440105003（上一呼的单位）的分管领导",
        ),
        (
            Sentence("Send a time after {now}.", now=datetime(2026, 11, 27, 1, 30, 5, 99, tzinfo=UTC)),
            "Send a time after 2026-11-27T09:30:05+08:00.",
            "请填 2026-11-27 09:30:05 之后的时间。",
        ),
        (
            Sentence("{day} is here twice: keep one.", day=date(2026, 11, 27)),
            "2026-11-27 is here twice: keep one.",
            "2026-11-27 出现两次：请只留一条。",
        ),
        (
            Sentence("{count} {count:fault|faults}; nothing was written: correct each of errors.", count=1),
            "1 fault; nothing was written: correct each of errors.",
            "共 1 处错误，未写入任何内容：请按 errors 逐项改正。",
        ),
        (Sentence("In {span}.", span=timedelta(hours=2, minutes=30)), "In 2 h 30 min.", "In 2 h 30 min."),
    ],
)
def test_a_sentence_reads_in_both_languages(value: Value, english: str, chinese: str) -> None:
    """One without a translation, which no code has, is shown in English as a whole."""
    assert languages.text(value, Language.EN) == english
    assert languages.text(value, Language.ZH) == chinese


def test_a_document_changes_nothing_but_its_sentences() -> None:
    written: dict[str, Any] = {"code": "calling", "at": [{"detail": Sentence("Not found")}], "n": 1, "none": None}
    assert languages.shown(written, Language.EN) is written
    assert languages.shown(written, Language.ZH) == {**written, "at": [{"detail": "未找到"}]}


async def ask(method: str, path: str, **more: Any) -> httpx.Response:
    async with apps.client(apps.make(), more.pop("known", True)) as client:
        headers = {**CHINESE, **more.pop("headers", {})}
        return await client.request(method, path, headers=headers, **more)


@pytest.mark.parametrize(
    ("status", "request_", "title"),
    [
        (401, {"method": "GET", "path": "/v1/incidents", "known": False}, "需要有效的密钥"),
        (404, {"method": "GET", "path": "/v1/nothing"}, "未找到"),
        (404, {"method": "GET", "path": "/nothing"}, "未找到"),
        (404, {"method": "GET", "path": "/v1/incidents/seven"}, "未找到"),
        (405, {"method": "PUT", "path": "/v1/incidents"}, "此路径不支持该方法"),
        (400, {"method": "POST", "path": "/v1/incidents", "content": b"{", "headers": AS_JSON}, "请求内容不是有效的 JSON"),  # noqa: E501
        (400, {"method": "GET", "path": "/v1/incidents?limit=" + "1" * 9000}, "请求无法识别"),
        (415, {"method": "POST", "path": "/v1/incidents", "content": b"a=1"}, "此处不接受这种类型的请求体"),
        (413, {"method": "POST", "path": "/v1/incidents", "content": b" " * 70_000, "headers": AS_JSON}, "请求内容过大"),  # noqa: E501
        (422, {"method": "POST", "path": "/v1/incidents", "json": {}}, "部分字段有误"),
        (500, {"method": "GET", "path": "/v1/broken"}, "服务出错"),
        (503, {"method": "GET", "path": "/v1/away"}, "服务暂时连不上数据库"),
    ],
)  # fmt: skip
async def test_every_refusal_speaks_both_languages(status: int, request_: dict[str, Any], title: str) -> None:
    """Also those of the gate, of the limits and of the framework, outside of every route."""
    chinese = await ask(**request_)
    assert (chinese.status_code, chinese.json()["title"]) == (status, title)
    assert chinese.headers["content-language"] == "zh"
    assert "Accept-Language" in chinese.headers["vary"]
    asked = {**request_, "headers": {**request_.get("headers", {}), "Accept-Language": "en"}}
    english = await ask(**asked)
    assert english.headers["content-language"] == "en"
    told, said = chinese.json(), english.json()
    same = ("type", "status", "instance", "code", "retryable", "state", "allowed")
    assert [told.get(name) for name in same] == [said.get(name) for name in same]
    for one, other in zip(told.get("errors", []), said.get("errors", []), strict=True):
        assert {**one, "detail": ""} == {**other, "detail": ""} and one["detail"] != other["detail"]


async def test_a_validation_error_is_in_chinese() -> None:
    answer = (await ask("POST", "/v1/incidents", json={"description": "x" * 41, "grid_code": "1"})).json()
    assert answer["detail"] == "共 2 处错误，未办理：请按 errors 逐项改正。"
    assert answer["errors"][0] == {
        "pointer": "/description",
        "detail": "请最多填 40 个字。",
        "rule": "too_long",
        "max": 40,
    }
