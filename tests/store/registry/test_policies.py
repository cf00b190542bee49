"""Policies as rows: a version comes back as it was written, and activations come in the order of their time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from service.rules.model import By
from service.rules.policy import Activation, FairPlay, Policy, Weights
from service.store.database import Database
from service.store.registry import policies
from service.store.registry.policies import Written
from service.store.registry.tables import policy as policy_table
from tests.rules.builders import BOXES, OFFICE, POLICIES
from tests.store.rows import NOW

pytestmark = pytest.mark.anyio

BY = By("ops", "O'Hare")
ODD = Policy(
    "odd",
    7,
    BOXES,
    verify_s=1,
    reopen_s=2,
    hours=OFFICE,
    warn=(1, 99),
    holds=13,
    hold_s=4,
    extensions=5,
    extend_percent=6,
    returns=7,
    suggestion_s=8,
    deliberation_s=9,
    weights=Weights(1, 2, 3, 4),
    fair_play=FairPlay(1, 2, 3, 4, 5, 6, 7),
    title='"四呼" \\',
)
"""No field has its default, and no two the same value."""


@pytest.mark.parametrize("policy", [*POLICIES, ODD])
async def test_a_version_comes_back_as_it_was(database: Database, policy: Policy) -> None:
    async with database.begin() as tx:
        await policies.add(tx, policy, NOW, BY)
    async with database.read() as connection:
        found = await policies.written(connection)
    assert found == {(policy.code, policy.version): Written(policy, NOW, {"kind": "ops", "subject": "O'Hare"})}


def test_the_odd_policy_is_odd_in_every_field() -> None:
    plain = Policy("odd", 7, BOXES, 1, 2)
    same = {name for name in Policy.__slots__ if getattr(plain, name) == getattr(ODD, name)}
    assert same == {"code", "version", "boxes", "verify_s", "reopen_s"}


async def test_a_version_before_0003_gets_the_rules_defaults(database: Database) -> None:
    younger = ("suggestion_s", "deliberation_s", "weights")
    document = {name: value for name, value in policies._document(ODD).items() if name not in younger}
    head = {"code": "odd", "version": 7, "title": ODD.title, "created_at": NOW, "created_by": {"kind": "ops"}}
    async with database.begin() as tx:
        await tx.execute(insert(policy_table).values(**head, document=document))
        found = (await policies.written(tx))["odd", 7].policy
    plain = POLICIES[0]
    defaults: dict[str, Any] = {name: getattr(plain, name) for name in younger}
    assert found == replace(ODD, **defaults)


async def test_fair_play_is_found_under_its_first_name(database: Database) -> None:
    """A policy that was written when they were called fairness keeps its marks and shares."""
    document = policies._document(ODD)
    document["fairness"] = document.pop("fair_play")
    head = {"code": "odd", "version": 7, "title": ODD.title, "created_at": NOW, "created_by": {"kind": "ops"}}
    async with database.begin() as tx:
        await tx.execute(insert(policy_table).values(**head, document=document))
        assert (await policies.written(tx))["odd", 7].policy == ODD


async def test_versions_come_in_order(database: Database) -> None:
    async with database.begin() as tx:
        for code, version in (("b", 1), ("a", 10), ("a", 9)):
            await policies.add(tx, replace(POLICIES[0], code=code, version=version), NOW, BY)
        assert list(await policies.written(tx)) == [("a", 9), ("a", 10), ("b", 1)]


async def _twice(database: Database) -> None:
    async with database.begin() as tx:
        await policies.add(tx, ODD, NOW, BY)
        await policies.add(tx, replace(ODD, title="another"), NOW, BY)


async def test_a_version_is_written_once(database: Database) -> None:
    with pytest.raises(IntegrityError, match="policy_pkey"):
        await _twice(database)


async def test_activations_come_by_time_then_by_decision(database: Database) -> None:
    later = NOW + timedelta(days=1)
    async with database.begin() as tx:
        for policy in POLICIES:
            await policies.add(tx, policy, NOW, BY)
        for version, at in ((1, later), (2, NOW), (3, later), (1, NOW)):
            await policies.activate(tx, "p", version, at, NOW, BY)
        # an update moves the first of two rows behind the second: the order is not that of the disk
        await tx.execute(text("UPDATE policy_activation SET activated_at = activated_at WHERE id <= 2"))
        found = await policies.activations(tx)
        deciders = (
            await tx.execute(text("SELECT DISTINCT activated_by::text, activated_at FROM policy_activation"))
        ).all()
    assert found == [Activation(at, "p", n) for at, n in ((NOW, 2), (NOW, 1), (later, 1), (later, 3))]
    assert [tuple(each) for each in deciders] == [('{"kind": "ops", "subject": "O\'Hare"}', NOW)]
