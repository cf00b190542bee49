"""A month's story against a table reckoned by hand: closed, and then an appeal is granted and a resolution verified."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
import yaml

from service.appraisal import checking
from service.appraisal.accept import FileType
from service.rules.figures.definition import Period
from tests.conftest import CONTINUOUS
from tests.house import COMMUNITY, STREET, House
from tests.scenarios.figures import fair, figures, scores

pytestmark = pytest.mark.anyio

HOUR = 3600
PATH = "/v1/appraisal"
LAST_EVENING = "2026-11-30T19:55:00+08:00"
OVER = "2026-12-01T00:00:00+08:00"

COUNTS = {
    # three reported: two resolved, one missed five minutes before the month ends
    COMMUNITY: {
        "calls": 3, "answered": 2, "answered_in_time": 2, "resolved": 2, "resolved_level_1": 2, "resolved_in_time": 1,
        "missed": 1, "missed_answer": 1,
    },
    # called when the community missed one
    STREET: {"calls": 1, "open": 1},
}  # fmt: skip
COUNTS["total"] = {**COUNTS[COMMUNITY], "calls": 4, "open": 1}
FAIR = {COMMUNITY: {"pending": 1}, "total": {"pending": 1}}
SCORE = round((30 * 2 / 3 + 40 * 1 / 1) / 70 * 100, 2)
SCORES = {COMMUNITY: SCORE, STREET: None, "total": SCORE}
"""The community answered 2 of 3. Of what it resolved, one is verified; the other waits, and counts nowhere."""

VERIFIED = {"resolved_in_time": (1, 2), "pending": (1, 0), "resolvable": (1, 2), "resolved_credited": (1, 2)}
EXEMPT = {"exempt": (0, 1), "exempt_answer": (0, 1), "answerable": (3, 2)}
MISSED = {"missed": (0, 1), "missed_answer": (0, 1), "open": (1, 0), "answerable": (0, 1)}
"""What is corrected as measure: (was, is), when a resolution is verified, an appeal is granted, a call is missed."""

Changes = dict[str, dict[str, tuple[int, int]]]


async def _a_month(house: House) -> tuple[Any, Any]:
    """Live through the month. Returns the incident that was missed, and the one whose resolution is pending."""
    done = await house.report()
    await house.act("community", done, "resolve", result="已清运")
    await house.act("worker", done, "accept")
    await house.advance(to=LAST_EVENING)
    missed = await house.report()
    await house.advance(seconds=4 * HOUR)
    pending = await house.report()
    await house.act("community", pending, "resolve", result="已清运")
    await house.advance(to=OVER)
    return missed, pending


async def _close(house: House) -> Any:
    answer = await house.send("ops", "POST", f"{PATH}/2026-11/close")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _corrected(house: House, missed: Any, pending: Any) -> None:
    """After the close: the pending resolution is verified, the appeal granted, and the street misses its call."""
    await house.act("worker", pending, "accept")
    await house.act("community", missed, "appeal", call=1, reason="停电")
    await house.act("ops", missed, "appeals/1/approve")
    await house.advance(seconds=4 * HOUR)


async def _month(house: House, who: str = "auditor", **query: Any) -> Any:
    return await house.get(who, PATH, period="2026-11", **query)


def _changes(month: Any) -> Changes:
    found: Changes = {}
    for each in month["corrections"]:
        found.setdefault(each["group"]["code"], {})[each["measure"]] = each["was"], each["is"]
    return found


async def test_what_happens_after_the_close_is_a_correction(house: House) -> None:
    missed, pending = await _a_month(house)
    assert (await figures(house), await fair(house), await scores(house)) == (COUNTS, FAIR, SCORES)
    closed = await _close(house)
    assert (await figures(house), await fair(house), await scores(house)) == (COUNTS, FAIR, SCORES)
    before = await _month(house)
    assert (closed["calls"], closed["pending"], before["corrections"]) == (4, 1, [])

    await _corrected(house, missed, pending)

    after = await _month(house)
    assert _changes(after) == {COMMUNITY: {**VERIFIED, **EXEMPT}, STREET: MISSED}
    assert {**after, "corrections": []} == before, "and nothing else, no score among it"
    for each in after["corrections"]:
        calls = (await house.get("auditor", each["calls"]))["items"]
        assert len(calls) == each["is"], each["measure"]
    assert _changes(await _month(house, group_by="level")) == {"1": {**VERIFIED, **EXEMPT}, "2": MISSED}
    assert _changes(await _month(house, group_by="department")) == {}
    assert _changes(await _month(house, "community")) == {COMMUNITY: {**VERIFIED, **EXEMPT}, STREET: MISSED}
    assert _changes(await _month(house, "department")) == {}
    assert await _close(house) == closed


async def test_a_reopening_takes_back_what_was_frozen_as_verified(house: House) -> None:
    await house.advance(to=LAST_EVENING)
    incident = await house.report()
    await house.act("community", incident, "resolve", result="已清运")
    await house.act("worker", incident, "accept")
    await house.advance(to=OVER)
    await _close(house)
    await house.act("worker", incident, "reopen", reason="又堆满了")
    month = await _month(house)
    taken_back = {"resolved_in_time": (1, 0), "reopened": (0, 1), "resolved_credited": (1, 0)}
    assert _changes(month) == {COMMUNITY: taken_back}, "the call that follows is one of December"
    assert (month["total"]["resolved_in_time"]["n"], month["total"]["score"]) == (1, 100.0)


async def test_a_later_policy_changes_no_closed_score(house: House) -> None:
    await _a_month(house)
    await _close(house)
    was = await _month(house)
    policy = yaml.safe_load(CONTINUOUS.read_text(encoding="utf-8"))
    weights = {"answered": 1, "resolved": 0, "street": 0, "reporter": 0}
    answer = await house.send("ops", "POST", "/v1/policies", {**policy, "score": weights})
    assert answer.status_code == 201, answer.text
    answer = await house.send("ops", "POST", "/v1/policies/example/versions/2/activate", {})
    assert answer.status_code == 200, answer.text
    assert await _month(house) == was
    assert was["policy"] == {"code": "example", "version": 1}


async def test_a_workbook_lists_the_corrections_apart(house: House) -> None:
    missed, pending = await _a_month(house)
    await _close(house)
    await _corrected(house, missed, pending)
    for language, titles in (("en", ["Figures", "Corrections"]), ("zh", ["考核数据", "封账后更正"])):
        headers = {"Accept": FileType.XLSX.value, "Accept-Language": language}
        answer = await house.send("auditor", "GET", PATH, headers=headers, period="2026-11")
        book = openpyxl.load_workbook(io.BytesIO(answer.content))
        assert [sheet.title for sheet in book] == titles
        _, *rows = ([cell.value for cell in row] for row in book[titles[1]].iter_rows())
        words = {"en": "resolved_in_time", "zh": "按时办结"}
        assert [COMMUNITY, words[language], 1, 2] in [[row[0], *row[2:]] for row in rows]
        assert len(rows) == len(VERIFIED) + len(EXEMPT) + len(MISSED)
        heading, *rows = ([cell.value for cell in row] for row in book[titles[0]].iter_rows())
        assert {row[-1].isoformat() for row in rows} == {"2026-12-01T00:00:00"}
        score = heading.index({"en": "score", "zh": "得分"}[language])
        assert {row[0]: row[score] for row in rows} == {STREET: None, COMMUNITY: SCORE}


async def test_the_check_of_a_closed_month_agrees(house: House) -> None:
    """The log tells the calls as they are now, and the digest of the figures as they were frozen."""
    missed, pending = await _a_month(house)
    await _close(house)
    await _corrected(house, missed, pending)
    found = await checking.differences(house.process.database, Period(2026, 11), house.process.worlds.world)
    assert found == []
