"""What has changed since a month was closed: exactly the figures that differ."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from service.rules.figures.corrections import COUNTED_FROM, Amount, CorrectedFigure, amounts, corrections
from service.rules.figures.definition import PARTS, Measure, Tallies, Tally, summed
from service.rules.figures.percentiles import Spread

NOTHING = Tally(summed({}))


def _tally(counts: dict[Measure, int], **sums: Amount) -> Tally:
    return Tally(summed(counts), **sums)  # type: ignore[arg-type]


def test_nothing_changed_is_no_correction() -> None:
    tally = _tally({Measure.CALLS: 3, Measure.PENDING: 1}, held_s=60)
    assert corrections(Tallies({"a": tally}, tally), Tallies({"a": tally}, tally)) == []


def test_a_pending_call_that_was_verified() -> None:
    was = _tally({Measure.CALLS: 1, Measure.RESOLVED_LEVEL_1: 1, Measure.PENDING: 1})
    now = _tally({Measure.CALLS: 1, Measure.RESOLVED_LEVEL_1: 1, Measure.RESOLVED_IN_TIME: 1})
    assert corrections(Tallies({"a": was}, was), Tallies({"a": now}, now)) == [
        CorrectedFigure("a", "resolved_in_time", 0, 1),
        CorrectedFigure("a", "pending", 1, 0),
    ]


def test_groups_come_and_go_in_the_order_of_codes() -> None:
    one, rated = _tally({Measure.CALLS: 1}), _tally({Measure.REPORTER_RATED: 2}, reporter_stars=Fraction(930, 100))
    found = corrections(Tallies({"b": one}, one), Tallies({"a": rated}, rated))
    assert found == [
        CorrectedFigure("a", "reporter_rated", 0, 2),
        CorrectedFigure("a", "reporter_stars", 0, Fraction(93, 10)),
        CorrectedFigure("b", "calls", 1, 0),
    ]


def test_medians_are_not_corrected() -> None:
    was, now = NOTHING._replace(answer_s=Spread(1.0, 2.0)), NOTHING._replace(answer_s=Spread(3.0, 4.0))
    assert corrections(Tallies({"a": was}, was), Tallies({"a": now}, now)) == []


_COUNTS = st.dictionaries(st.sampled_from([each for each in Measure if each not in PARTS]), st.integers(0, 3))
_TALLIES = st.builds(
    lambda counts, street, hundredths, held: Tally(summed(counts), street, Fraction(hundredths, 100), held_s=held),
    *(_COUNTS, st.integers(0, 9), st.integers(0, 900), st.integers(0, 9)),
)
_GROUPS = st.dictionaries(st.sampled_from("abc"), _TALLIES)


@given(_GROUPS, _GROUPS)
def test_what_was_frozen_and_its_corrections_are_what_is_now(was: dict[str, Tally], now: dict[str, Tally]) -> None:
    found = corrections(Tallies(was, NOTHING), Tallies(now, NOTHING))
    corrected = {code: amounts(was.get(code, NOTHING)) for code in {*was, *now}}
    for each in found:
        assert corrected[each.group][each.name] == each.was != each.now
        corrected[each.group][each.name] = each.now
    assert corrected == {code: amounts(now.get(code, NOTHING)) for code in {*was, *now}}
    assert len({(each.group, each.name) for each in found}) == len(found)


def test_whatever_may_be_corrected_has_its_calls() -> None:
    assert set(amounts(NOTHING)) == set(COUNTED_FROM)
