"""Policies as rows: versions, and the activations that put them in force. Neither is ever changed or deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.model import By
from service.rules.policy import Activation, Box, FairPlay, Hours, Policy, Weights
from service.rules.words import ClockKind, Level, Urgency
from service.store.registry.tables import policy, policy_activation


@dataclass(frozen=True, slots=True)
class Written:
    """A version of a policy with its author and its time, for people to read."""

    policy: Policy
    created_at: datetime
    created_by: Mapping[str, str]


async def add(tx: AsyncConnection, chosen: Policy, now: datetime, by: By) -> None:
    """Store a new version. Raises `IntegrityError` when its code already has this version."""
    head = {"code": chosen.code, "version": chosen.version, "title": chosen.title, "document": _document(chosen)}
    await tx.execute(insert(policy).values(**head, created_at=now, created_by=dict(by.as_dict())))


async def activate(tx: AsyncConnection, code: str, version: int, at: datetime, now: datetime, by: By) -> None:
    """Store an activation: incidents that are reported from `at` on are under this version."""
    row = {"at": at, "code": code, "version": version, "activated_at": now, "activated_by": dict(by.as_dict())}
    await tx.execute(insert(policy_activation).values(row))


async def written(connection: AsyncConnection) -> dict[tuple[str, int], Written]:
    """Return every version of every policy, by (code, version)."""
    rows = await connection.execute(select(policy).order_by(policy.c.code, policy.c.version))
    found = (Written(_policy(row), row.created_at, row.created_by) for row in rows)
    return {(each.policy.code, each.policy.version): each for each in found}


async def activations(connection: AsyncConnection) -> list[Activation]:
    """Return every activation, past and future, in the order in which they come into force."""
    rows = await connection.execute(select(policy_activation).order_by(policy_activation.c.at, policy_activation.c.id))
    return [Activation(row.at, row.code, row.version) for row in rows]


def _document(chosen: Policy) -> dict[str, Any]:
    hours = chosen.hours
    rows = [
        {
            "level": level.value,
            "urgency": urgency.value,
            "category": box.category,
            "answer_s": box.answer_s,
            "resolve_s": box.resolve_s,
            "clock": box.clock.value,
        }
        for (level, urgency), boxes in chosen.boxes.items()
        for box in boxes
    ]
    return {
        "verify_s": chosen.verify_s,
        "reopen_s": chosen.reopen_s,
        "calendar": hours.calendar if hours else None,
        "hours": [list(span) for span in hours.spans] if hours else [],
        "warn": list(chosen.warn),
        "holds": chosen.holds,
        "hold_s": chosen.hold_s,
        "extensions": chosen.extensions,
        "extend_percent": chosen.extend_percent,
        "returns": chosen.returns,
        "suggestion_s": chosen.suggestion_s,
        "deliberation_s": chosen.deliberation_s,
        "weights": asdict(chosen.weights),
        "fair_play": asdict(chosen.fair_play),
        "rows": rows,
    }


def _policy(row: Any) -> Policy:
    document = row.document
    boxes: dict[tuple[Level, Urgency], tuple[Box, ...]] = {}
    for each in document["rows"]:
        key = Level(each["level"]), Urgency(each["urgency"])
        box = Box(each["answer_s"], each["resolve_s"], ClockKind(each["clock"]), each["category"])
        boxes[key] = (*boxes.get(key, ()), box)
    spans = tuple((start, end) for start, end in document["hours"])
    return Policy(
        row.code,
        row.version,
        boxes,
        document["verify_s"],
        document["reopen_s"],
        Hours(document["calendar"], spans) if document["calendar"] else None,
        tuple(document["warn"]),
        document["holds"],
        document["hold_s"],
        document["extensions"],
        document["extend_percent"],
        document["returns"],
        title=row.title,
        **_later(document),
    )


def _later(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return those fields of a stored policy that the first versions did not have. Where one is missing, the default of
    the rules applies."""
    found = {name: document[name] for name in ("suggestion_s", "deliberation_s") if name in document}
    if "weights" in document:
        found["weights"] = Weights(**document["weights"])
    fair_play = document.get("fair_play", document.get("fairness"))  # the name that it was first written under
    if fair_play is not None:
        found["fair_play"] = FairPlay(**fair_play)
    return found
