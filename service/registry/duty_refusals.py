"""Refusals to decide about a proposal of a duty, because of the state that the proposal is in."""

from __future__ import annotations

from service.rules.errors import Conflict, NotFound
from service.rules.logged import ByView
from service.rules.sentences import Sentence
from service.rules.world import World
from service.store.registry.duty_proposals import Proposal


def never_proposed(code: str, world: World) -> NotFound | Conflict:
    """The refusal to decide about a code that has no proposal."""
    if code in world.duties:
        return Conflict(
            Sentence("Nothing is proposed for duty {duty}: POST /v1/duties first, with what should change.", duty=code)
        )
    return NotFound(Sentence("There is no duty {duty}, nor a proposal of it: POST /v1/duties proposes one.", duty=code))


def conflict_with_open(last: Proposal) -> Conflict:
    """The refusal of a proposal while another one is open."""
    return Conflict(
        Sentence(
            "Duty {duty} has an open proposal that says something else, by {author} at {at}: they may correct or "
            "withdraw it, or ops approve or refuse it first (POST /v1/duties/{duty}/approve or "
            "/v1/duties/{duty}/refuse).",
            duty=last.code,
            author=author_of(last.proposed_by),
            at=last.proposed_at,
        )
    )


def conflict_with_refusal(last: Proposal) -> Conflict:
    """The refusal to decide about a proposal that was refused."""
    return Conflict(
        Sentence(
            "The last proposal of duty {duty} was refused at {at} by {author}: read why in GET /v1/duties/proposals; "
            "POST /v1/duties proposes it anew.",
            duty=last.code,
            at=last.refused_at or "",
            author=author_of(last.refused_by),
        )
    )


def author_of(by: ByView | None) -> str:
    """Return what to call the author of a decision: the unit, or else the subject, or else the kind."""
    return (by.get("unit") or by.get("subject") or by["kind"]) if by else ""
