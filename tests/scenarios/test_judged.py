"""Who called judges the answer: a resolution rejected twice, ratings, an appeal against a missed call."""

from __future__ import annotations

import pytest

from tests.house import COMMUNITY, DEPARTMENT, LEADER, STREET, House
from tests.scenarios.figures import figures, scores, shares, times

pytestmark = pytest.mark.anyio

HOUR = 3600


async def test_a_resolution_rejected_twice_is_raised(house: House) -> None:
    incident = await house.report()
    await house.advance(seconds=1 * HOUR)
    await house.act("community", incident, "resolve", result="已清运")
    first = await house.act("worker", incident, "reject", reason="还在")
    assert (first["unit"]["code"], first["calls"][-1]["cause"]) == (COMMUNITY, "rejected")
    await house.advance(seconds=2 * HOUR)
    await house.act("community", incident, "resolve", result="真的清了")
    second = await house.act("worker", incident, "reject", reason="仍然还在")
    assert (second["unit"]["code"], second["level"]) == (STREET, 2)
    await house.advance(seconds=3 * HOUR)
    await house.act("street", incident, "resolve", result="街道清运完毕")
    closed = await house.act("worker", incident, "accept")
    assert [(call["unit"], call["cause"], call["outcome"]) for call in closed["calls"]] == [
        (COMMUNITY, "report", "resolved"),
        (COMMUNITY, "rejected", "resolved"),
        (STREET, "rejected", "resolved"),
    ]
    rated = await house.act("worker", incident, "rate", score=3, comment="慢了点")
    assert (rated["rating"], rated["version"], rated["calls"][-1]["outcome_rating"]) == (3, closed["version"], 3)
    assert (await house.refused("worker", incident, "rate", score=5))["status"] == 409, "a rating stands"
    listed = (await house.get("worker", "/v1/incidents"))["items"]
    assert [each["rating"] for each in listed] == [3]
    await _each_resolution_counts_where_it_was_made(house)


async def _each_resolution_counts_where_it_was_made(house: House) -> None:
    done = {"answered": 1, "answered_in_time": 1, "resolved": 1}
    assert await figures(house) == {
        COMMUNITY: {**dict.fromkeys(("calls", *done), 2), "resolved_level_1": 2},
        STREET: {"calls": 1, **done, "resolved_in_time": 1, "resolved_level_2": 1, "reporter_rating": 1},
        "total": {
            **dict.fromkeys(("calls", *done), 3),
            "resolved_in_time": 1,
            "resolved_level_1": 2,
            "resolved_level_2": 1,
            "reporter_rating": 1,
        },
    }
    # of the community, both resolutions were rejected: (30 + 40 × 0) / 70; the street's was verified, with three stars
    # of five: (30 + 40 + 10 × 0.6) / 80; in all (30 + 40 / 3 + 10 × 0.6) / 80
    assert await scores(house) == {COMMUNITY: 42.86, STREET: 95.0, "total": 61.67}
    # 1 h and 2 h, then 3 h: the 90th of two lies 0.9 of the way from one to the other, of three 0.8 from the second
    # to the third; who resolves answers in the same instant
    took = {
        COMMUNITY: (1.5 * HOUR, 1.9 * HOUR),
        STREET: (3.0 * HOUR, 3.0 * HOUR),
        "total": (2.0 * HOUR, 2.8 * HOUR),
    }
    assert await times(house) == {code: {"answer": each, "resolve": each} for code, each in took.items()}
    assert await shares(house) == {COMMUNITY: {1: 1.0}, STREET: {2: 1.0}, "total": {1: 0.6667, 2: 0.3333}}


async def test_the_street_rates_the_department_and_the_reporter_the_outcome(house: House) -> None:
    incident = await house.report()
    assert (await house.refused("worker", incident, "rate", score=5))["code"] == "illegal_transition"
    for who in ("community", "street"):
        await house.act(who, incident, "raise", ground="beyond_powers", reason="上呼")
    assert (await house.refused("street", incident, "rate", score=5))["code"] == "illegal_transition", "not over yet"
    await house.advance(seconds=6 * HOUR)
    await house.act("department", incident, "resolve", result="已处置")
    assert (await house.refused("street", incident, "rate", score=5, call=2))["errors"][0]["pointer"] == "/call"
    rated = await house.act("street", incident, "rate", score=2, comment="来得太晚")
    assert (rated["calls"][2]["rating"], rated["rating"]) == (2, None)
    assert (await house.refused("department", incident, "rate", score=5))["code"] == "not_yours", "no rating back"
    for score in (0, 6, "5x"):
        assert (await house.refused("worker", incident, "rate", score=score))["code"] == "validation_failed"
    await house.act("worker", incident, "rate", score=5)
    rejected = await house.act("worker", incident, "reject", reason="又坏了")
    assert (rejected["rating"], rejected["calls"][2]["outcome_rating"]) == (None, 5), "a new outcome is rated anew"
    done = {"answered": 1, "answered_in_time": 1, "resolved": 1, "resolved_level_3": 1}
    rated = {"street_rating": 1, "reporter_rating": 1}
    assert await figures(house) == {
        COMMUNITY: {"calls": 1, "raised": 1},
        STREET: {"calls": 1, "raised": 1},
        DEPARTMENT: {"calls": 2, **done, **rated, "open": 1},  # called again by the reject
        "total": {"calls": 4, "raised": 2, **done, **rated, "open": 1},
    }
    # answered in time, rejected, two stars of the street and five of the reporter: (30 + 0 + 20 × 0.4 + 10 × 1) / 100
    assert await scores(house) == {COMMUNITY: None, STREET: None, DEPARTMENT: 48.0, "total": 48.0}
    six_hours = {"answer": (6.0 * HOUR, 6.0 * HOUR), "resolve": (6.0 * HOUR, 6.0 * HOUR)}
    assert await times(house) == {DEPARTMENT: six_hours, "total": six_hours}
    assert await shares(house) == {DEPARTMENT: {3: 1.0}, "total": {3: 1.0}}


async def test_a_successful_appeal_exempts_the_call_and_erases_nothing(house: House) -> None:
    incident = await house.report()
    await house.advance(seconds=(4 + 4 + 24) * 3600)
    assert (await house.refused(COMMUNITY, incident, "appeal", call=2, reason="不是我"))["code"] == "not_yours"
    assert (await house.refused("worker", incident, "appeal", call=1, reason="断网"))["code"] == "not_yours"
    appealed = await house.act("community", incident, "appeal", call=1, reason="当天全区断网")
    appeal = appealed["calls"][0]["appeal"]
    assert (appeal["reason"], appeal["outcome"], appeal["by"]["unit"]) == ("当天全区断网", None, COMMUNITY)
    assert (await house.refused("community", incident, "appeal", call=1, reason="再申诉"))["status"] == 409
    assert (await house.refused("street", incident, "appeals/1/approve"))["code"] == "not_yours", "its figures profit"
    granted = await house.act("ops", incident, "appeals/1/approve", reason="属实")
    call = granted["calls"][0]
    assert (call["exempt"], call["outcome"], call["late_s"]) == (True, "no_answer", 0.0), "it stays missed"
    assert call["appeal"]["outcome"] == "approved"

    await _one_of_three_missed_is_exempt(house)
    await house.act("street", incident, "appeal", call=2, reason="系统故障")
    assert (await house.refused("street", incident, "appeals/2/approve"))["code"] == "not_yours"
    refused = await house.act("ops", incident, "appeals/2/refuse", reason="系统当天正常")
    assert (refused["calls"][1]["exempt"], refused["calls"][1]["appeal"]["outcome"]) == (False, "refused")
    await house.act("department", incident, "appeal", call=3, reason="节假日")
    assert (await house.refused("community", incident, "appeals/3/approve"))["code"] == "not_yours"
    assert (await house.refused("ops", incident, "appeals/1/approve"))["status"] == 409, "decided once"
    types = [e["type"] for e in (await house.get("worker", f"/v1/incidents/{incident['id']}/timeline"))["items"]]
    assert types[-5:] == [
        "sihu.call.appealed",
        "sihu.call.exempted",
        "sihu.call.appealed",
        "sihu.call.appeal_refused",
        "sihu.call.appealed",
    ]
    await _one_of_three_missed_is_exempt(house)


async def _one_of_three_missed_is_exempt(house: House) -> None:
    """Missed at 4 h, 8 h and 32 h, and now with the leader. An appeal that waits or was refused changes no figure."""
    missed = {"calls": 1, "missed": 1, "missed_answer": 1}
    exempt = {"exempt": 1, "exempt_answer": 1}
    assert await figures(house) == {
        COMMUNITY: {**missed, **exempt},  # the fact stays
        STREET: missed,
        DEPARTMENT: missed,
        LEADER: {"calls": 1, "open": 1},
        "total": {"calls": 4, "missed": 3, "missed_answer": 3, **exempt, "open": 1},
    }
    # nothing counts for the community; all in all none was answered of 3 missed - 1 exempt
    assert await scores(house) == {COMMUNITY: None, STREET: 0.0, DEPARTMENT: 0.0, LEADER: None, "total": 0.0}
    assert (await times(house), await shares(house)) == ({}, {})


async def test_a_void_incident_is_reopened_once_by_its_reporter_at_the_street(house: House) -> None:
    incident = await house.report()
    void = await house.act("community", incident, "void", reason_code="no_such_place", reason="查无此地")
    assert (void["closed_as"], void["calls"][0]["end_code"], void["calls"][0]["outcome"]) == (
        "void",
        "no_such_place",
        "closed",
    )
    assert (await house.refused("street", incident, "reopen", reason="有的"))["code"] == "not_yours"
    again = await house.act("worker", incident, "reopen", reason="就在巷口")
    assert (again["level"], again["unit"]["code"]) == (2, STREET)
    assert (await house.refused("street", incident, "void", reason_code="unclear", reason="仍不清楚"))["status"] == 409
    assert (await house.refused("community", incident, "void", reason_code="nonsense", reason="x"))["status"] == 422
    assert await figures(house) == {
        COMMUNITY: {"calls": 1, "closed": 1},
        STREET: {"calls": 1, "open": 1},
        "total": {"calls": 2, "closed": 1, "open": 1},
    }
    assert await scores(house) == dict.fromkeys((COMMUNITY, STREET, "total")), "void is neither answered nor missed"
    assert (await times(house), await shares(house)) == ({}, {})


async def test_who_is_to_be_rated_is_a_department(house: House) -> None:
    incident = await house.report()
    for who in ("community", "street"):
        await house.act(who, incident, "raise", ground="beyond_powers", reason="上呼")
    await house.act(DEPARTMENT, incident, "return", reason_code="not_our_area", reason="不在辖区")
    await house.act("street", incident, "raise", ground="beyond_powers", reason="再呼")
    await house.advance(seconds=24 * 3600)
    rated = await house.act("street", incident, "rate", score=1)
    assert [call["rating"] for call in rated["calls"]] == [None, None, None, None, 1, None], "the last one that ended"
    rated = await house.act("street", incident, "rate", score=2, call=3)
    assert rated["calls"][2]["rating"] == 2
    assert await figures(house) == {
        COMMUNITY: {"calls": 1, "raised": 1},
        STREET: {"calls": 2, "raised": 2, "multi_hop": 1},  # called, and returned to
        DEPARTMENT: {
            "calls": 2,
            "returned": 1,
            "missed": 1,
            "missed_answer": 1,
            "multi_hop": 1,
            "street_rating": 2,
        },
        LEADER: {"calls": 1, "open": 1},
        "total": {
            "calls": 1 + 2 + 2 + 1,
            "raised": 1 + 2,
            "returned": 1,
            "missed": 1,
            "missed_answer": 1,
            "multi_hop": 1 + 1,
            "street_rating": 2,
            "open": 1,
        },
    }
    # answered 0 of 1 missed, nothing resolved, 1 + 2 stars of 10: (30 × 0 + 20 × 0.3) / 50
    none = dict.fromkeys((COMMUNITY, STREET, LEADER))
    assert await scores(house) == {**none, DEPARTMENT: 12.0, "total": 12.0}
    assert (await times(house), await shares(house)) == ({}, {})
