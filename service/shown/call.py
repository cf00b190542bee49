"""One call of an incident as the contract writes it (§3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from typing_extensions import TypedDict

from service.rules import ratings
from service.rules.logged import ByView
from service.rules.model import Appeal, AssistingPart, Call
from service.rules.words import Cause, ClockKind, ClosedAs, Credit, Ground, Level, Outcome, Urgency, Verdict
from service.shown.aspect import Aspect


class AnswerView(TypedDict):
    """What the unit said when it answered. The words are null once the texts of the incident were erased."""

    measure: str | None
    contact: str | None
    promised_by: datetime | None


class PartView(TypedDict):
    """The part of an assisting unit, once it is done."""

    unit: str
    at: datetime
    comment: str | None


class AssistingView(TypedDict):
    """A unit that was asked to assist in the call. `part` is its printed part and `due_at` the end of that part's box:
    null, as long as no list prints one. `done_at`: when it reported its part as done. `declined`: it assists no longer.
    """

    unit: str
    part: str | None
    due_at: datetime | None
    done_at: datetime | None
    declined: bool


class AppealView(TypedDict):
    """An appeal against a call that counts as missed or as left late, with the decision about it."""

    reason: str | None
    by: ByView
    at: datetime
    decided_by: ByView | None
    decided_at: datetime | None
    decided_reason: str | None
    outcome: Verdict | None


class AccountableView(TypedDict):
    """The unit that first passed a call on, and the number of the call that it had."""

    unit: str
    seq: int


class FairPlayView(TypedDict):
    """What decides how much a call counts in the figures."""

    urgency: Urgency | None
    credit: Credit | None
    box_used: int | None
    late_exit: bool
    self_reported: bool
    own_report: bool
    accountable: AccountableView | None
    held_s: int | None
    answered_by_member: bool
    extended: bool
    withdrawn_late: bool
    answer_cap: datetime | None
    resolve_cap: datetime | None


class CallView(FairPlayView):
    """One call: one unit at one level, and how it ended."""

    seq: int
    level: Level
    round: int
    unit: str
    from_unit: str | None
    cause: Cause
    ground: Ground | None
    reason: str | None
    opened_at: datetime
    answer_by: datetime
    resolve_by: datetime | None
    clock: ClockKind
    answered_at: datetime | None
    answer: AnswerView | None
    ended_at: datetime | None
    ended_by: ByView | None
    outcome: Outcome | None
    result: str | None
    end_code: str | None
    end_reason: str | None
    late_s: float | None
    binding: bool
    assisting: list[AssistingView]
    rating: int | None
    attachments: list[str]
    end_duty: str | None
    parts_done: list[PartView]
    outcome_rating: float | None
    appeal: AppealView | None
    exempt: bool


def call(aspect: Aspect, stored: Call) -> CallView:
    """The view of one call of an incident."""
    return {
        "seq": stored.seq,
        "level": stored.level,
        "round": stored.round,
        "unit": stored.unit,
        "from_unit": stored.from_unit,
        "cause": stored.cause,
        "ground": stored.ground,
        "reason": aspect.words(stored.reason),
        "opened_at": stored.opened_at,
        "answer_by": stored.answer_by,
        "resolve_by": stored.resolve_by,
        "clock": stored.clock,
        "answered_at": stored.answered_at,
        "answer": _answer(aspect, stored.answer),
        "ended_at": stored.ended_at,
        "ended_by": _ended_by(aspect, stored),
        "outcome": stored.outcome,
        "result": aspect.words(stored.result),
        "end_code": stored.end_code,
        "end_reason": aspect.words(stored.end_reason),
        "late_s": stored.late_s,
        "binding": stored.binding,
        "assisting": _assisting(stored),
        "rating": stored.rating,
        "attachments": list(stored.attachments),
        "end_duty": stored.end_duty,
        "parts_done": [_part(aspect, part) for part in stored.parts_done],
        "outcome_rating": ratings.stars(stored.outcome_rating, stored.outcome_mean),
        "appeal": _appeal(aspect, stored.appeal) if stored.appeal else None,
        "exempt": stored.exempt,
        **_fair_play(stored),
    }


def _fair_play(stored: Call) -> FairPlayView:
    return {
        "urgency": stored.urgency,
        "credit": stored.credit,
        "box_used": stored.box_used,
        "late_exit": stored.late_exit,
        "self_reported": stored.self_reported,
        "own_report": stored.own_report,
        "accountable": accountable(stored.accountable, stored.accountable_seq),
        "held_s": stored.held_s,
        "answered_by_member": stored.answered_by_member,
        "extended": stored.extended,
        "withdrawn_late": stored.withdrawn_late,
        "answer_cap": stored.answer_cap,
        "resolve_cap": stored.resolve_cap,
    }


def _ended_by(aspect: Aspect, stored: Call) -> ByView | None:
    is_withdrawn = stored.end_code == ClosedAs.WITHDRAWN
    return aspect.by(stored.ended_by, as_reporter=is_withdrawn) if stored.ended_by else None


def accountable(unit: str | None, seq: int | None) -> AccountableView | None:
    """The view of who is accountable for a call; None when that is the called unit itself."""
    return None if unit is None or seq is None else {"unit": unit, "seq": seq}


def _assisting(stored: Call) -> list[AssistingView]:
    done = {part.unit: part.at for part in stored.parts_done}
    return [
        {
            "unit": unit,
            "part": None,
            "due_at": None,
            "done_at": done.get(unit),
            "declined": unit in stored.declined,
        }
        for unit in stored.assisting
    ]


def _answer(aspect: Aspect, stored: Mapping[str, Any] | None) -> AnswerView | None:
    """The answer, which is kept as it was sent: one that somebody wrote into the database may lack a field."""
    if stored is None:
        return None
    words = {name: aspect.words(stored[name]) for name in ("measure", "contact") if name in stored}
    return cast("AnswerView", {**stored, **words})


def _part(aspect: Aspect, stored: AssistingPart) -> PartView:
    return {"unit": stored.unit, "at": stored.at, "comment": aspect.words(stored.comment)}


def _appeal(aspect: Aspect, stored: Appeal) -> AppealView:
    return {
        "reason": aspect.words(stored.reason),
        "by": aspect.by(stored.by),
        "at": stored.at,
        "decided_by": aspect.by(stored.decided_by) if stored.decided_by else None,
        "decided_at": stored.decided_at,
        "decided_reason": aspect.words(stored.decided_reason),
        "outcome": stored.outcome,
    }
