"""The reference tells of every sign that is watched, by the limits of the code."""

from __future__ import annotations

from service.rules.figures.watching import AGAIN, AT_ONCE, LAST_MOMENT, LONG, OPS_SIGNS, Sign
from tests.docs import pages

N, OF = "n: the call was …", "of: the calls that …"


def test_signs_are_those_of_the_code() -> None:
    rows = pages.rows(pages.REFERENCE, "Signs")
    assert [pages.quoted(row["sign"]) for row in rows] == [[sign.value] for sign in Sign]
    assert [pages.quoted(row["sign"])[0] for row in rows if "ops:" in row[OF]] == [
        sign.value for sign in Sign if sign in OPS_SIGNS
    ]


def test_limits_are_those_of_the_code() -> None:
    told = {pages.quoted(row["sign"])[0]: row[N] + row[OF] for row in pages.rows(pages.REFERENCE, "Signs")}
    assert f"last {100 - LAST_MOMENT} % of its box (`box_used` over {LAST_MOMENT})" in told[Sign.LAST_MOMENT]
    for sign in (Sign.APPROVED_AT_ONCE, Sign.ACCEPTED_AT_ONCE):
        assert f"within {AT_ONCE.seconds} s" in told[sign]
    assert f"more than {LONG.days} days" in told[Sign.HELD_LONG]
    assert told[Sign.REPORTED_AGAIN].count(f"{AGAIN.days} days") == 2
