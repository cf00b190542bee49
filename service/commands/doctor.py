"""`sihu doctor` finds what is wrong with this installation, and says what to do."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from service import clock as clocks
from service.access.secret_keys import KeySource
from service.clock import DatabaseClock
from service.commands import district_findings, secrets, server_findings, sign_on_findings
from service.commands.database import with_any_database
from service.commands.finding import Finding, warned
from service.rules.errors import Unavailable
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.rules.worktime import ZONE
from service.rules.world import World
from service.settings import Settings
from service.store import migrate as migrations
from service.store.access import keys
from service.store.access.keys import Key, OpsHistory
from service.store.database import Database, StatementRefused, Transaction
from service.store.incidents import claiming, old_words
from service.store.log import stretches
from service.store.log.feed import SCAN
from service.store.log.stretches import STRETCH
from service.store.registry import calendars, deployment
from service.store.sqlstates import Trouble, cause_of
from service.times import coverage
from service.worlds import CurrentWorld

_MAX_OVERDUE_S = 60
_MAX_OFFSET_S = 2.0
_SOON = timedelta(days=30)
_SHOWN_KEYS = 20
_SHOWN_INCIDENTS = 10

Examination = Callable[[Transaction], AsyncIterator[Finding]]
"""A function that looks at one side of an installation. What it cannot find out harms no other examination."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the function of `sihu doctor`, which takes no arguments."""
    parser.set_defaults(command=run)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print one line for each finding. Exit code 1 when one of them is not good."""
    try:
        findings = with_any_database(settings, lambda database: _examine(settings, database))
    except Unavailable as error:
        why = f"the database cannot be reached ({error.cause}): check DATABASE_URL and that PostgreSQL runs"
        findings = [Finding(False, why)]
    for finding in findings:
        print(finding)
    return 0 if all(finding.good for finding in findings) else 1


async def _examine(settings: Settings, database: Database) -> list[Finding]:
    async with database.read() as connection:
        version = await deployment.server_version(connection)
    of_the_server = (
        partial(server_findings.kind, version=version),
        server_findings.durability,
        server_findings.replication,
        server_findings.vacuuming,
        server_findings.age_and_size,
        server_findings.room,
        server_findings.encryption,
        partial(server_findings.connections, pool_size=settings.pool_size),
        district_findings.limits,
        district_findings.node,
    )
    findings = [finding for each in of_the_server for finding in await _found(database, each)]
    survey = await migrations.survey(database)
    if survey.advice:
        return [*findings, Finding(False, survey.advice)]
    findings.append(Finding(True, survey.notice or "the tables are those of this version", bool(survey.notice)))
    clock, worlds = DatabaseClock(), CurrentWorld()
    await clock.synchronise(database)
    await worlds.reload(database)
    findings += [_clock(clocks.offset_s(clock) or 0.0), _registry(len(worlds.world.units))]
    findings += [finding async for finding in sign_on_findings.examine(settings)]
    now = clock.now()
    of_the_service: tuple[Examination, ...] = (
        partial(_calendars, world=worlds.world, now=now),
        partial(_keys, now=now),
        partial(secrets.findings, source=KeySource.of(settings)),
        server_findings.engine,
        district_findings.place,
        district_findings.one_server,
        partial(_deadlines, now=now),
        _put_aside,
        _log_room,
        _old_words,
    )
    return findings + [finding for each in of_the_service for finding in await _found(database, each)]


async def _found(database: Database, examination: Examination) -> list[Finding]:
    try:
        async with database.read() as connection:
            return [finding async for finding in examination(connection)]
    except StatementRefused as error:
        cause = cause_of(error)
    except Unavailable as error:
        if error.trouble in (Trouble.AWAY, Trouble.SILENT):  # then nothing can be looked at
            raise
        cause = error.cause
    return [warned(f"one thing could not be looked at: the database refused it: {cause}")]


async def _deadlines(connection: Transaction, now: datetime) -> AsyncIterator[Finding]:
    nearest = await claiming.next_wake(connection)
    overdue_s = max(0.0, (now - nearest).total_seconds()) if nearest else 0.0
    sentence = f"the oldest deadline not fired is {overdue_s:.0f} s late"
    if overdue_s < _MAX_OVERDUE_S:
        yield Finding(True, sentence)
    else:
        yield Finding(False, f"{sentence}: run `sihu serve`, or `sihu serve --engine only`; if it runs, see its log")


async def _put_aside(connection: Transaction) -> AsyncIterator[Finding]:
    """Yield the incidents that cannot be swept, so that their deadlines do not fire."""
    count = (await claiming.put_aside(connection)).incidents
    if not count:
        yield Finding(True, "every incident can be swept")
        return
    numbers = await claiming.put_aside_numbers(connection, _SHOWN_INCIDENTS)
    named = ", ".join(f"{number} (tried again at {at.astimezone(ZONE):%H:%M})" for number, at in numbers)
    more = f" and {count - len(numbers)} more" if count > len(numbers) else ""
    advice = "the engine's log says why (event sweep_row_failed): mend that, and they are swept at the next try"
    yield Finding(False, f"{count} incidents cannot be swept, and their deadlines do not fire: {named}{more}; {advice}")


async def _log_room(connection: Transaction) -> AsyncIterator[Finding]:
    """Yield whether the log has room for what comes, and how much of it is in its archive."""
    found = await stretches.room(connection)
    archived = f", and {len(found.archived)} of its stretches are archived" if found.archived else ""
    sentence = f"the log has room for {found.batches:,} more transactions{archived}"
    if found.batches >= STRETCH:
        yield Finding(True, sentence)
    else:
        advice = "`sihu serve` makes more in time, unless its role does not own the tables: `sihu migrate` as the owner"
        is_warning = found.batches >= STRETCH // 10
        yield Finding(is_warning, f"{sentence}: {advice}", warning=is_warning)


async def _old_words(connection: Transaction) -> AsyncIterator[Finding]:
    """Yield how far the words of events from before are moved out of the log, while that takes long."""
    found = await old_words.progress(connection)
    if found.end - found.up_to > SCAN:
        sentence = f"the words of old events are moved out of the log up to position {found.up_to:,} of {found.end:,}"
        yield warned(f"{sentence}: every `sihu serve` goes on with it")


async def _keys(connection: Transaction, now: datetime) -> AsyncIterator[Finding]:
    """Yield the keys that end soon and have no successor; and whether anybody can do anything at all."""
    living = [key for _, key in await keys.usable(connection) if key.expires_at is None or key.expires_at > now]
    if not any(key.role is Role.OPS for key in living):
        yield warned("nobody has a key of ops: `sihu keys create --role ops`")
    for finding in _roles(living, await keys.ops_history(connection)):
        yield finding
    lasting = {key.subject for key in living if key.expires_at is None or key.expires_at > now + _SOON}
    ending = sorted((key for key in living if key.subject not in lasting), key=lambda key: key.expires_at or now)
    for key in ending[:_SHOWN_KEYS]:
        day = f"{(key.expires_at or now).astimezone(ZONE):%Y-%m-%d}"
        yield warned(f"the key of {key.subject} (id {key.id}) ends on {day}: `sihu keys rotate {key.id}`")
    if len(ending) > _SHOWN_KEYS:
        yield warned(f"{len(ending) - _SHOWN_KEYS} more keys end within {_SOON.days} days: `sihu keys list`")


def _roles(living: Sequence[Key], history: OpsHistory) -> Iterator[Finding]:
    """Yield who holds more than one role, and whether nobody looks after keys."""
    ops = sorted((history.since[key.subject], key.subject) for key in living if key.role is Role.OPS)
    if ops and not history.had_security:
        sentence = f"{ops[0][1]} is ops, security and auditor at once, until a key of security is made"
        yield warned(f"{sentence}: `sihu keys create --role security`")
    if history.had_security and not any(key.role is Role.SECURITY for key in living):
        yield warned("nobody has a key of security, so keys are made here alone: `sihu keys create --role security`")


def _clock(offset_s: float) -> Finding:
    if abs(offset_s) <= _MAX_OFFSET_S:
        return Finding(True, f"the clocks of this host and of the database differ by {abs(offset_s):.1f} s")
    side = "behind" if offset_s > 0 else "ahead of"
    sentence = f"this host's clock is {abs(offset_s):.0f} s {side} the database's, by which everything goes"
    return warned(f"{sentence}: `timedatectl set-ntp true` on whichever is wrong")


async def _calendars(connection: Transaction, world: World, now: datetime) -> AsyncIterator[Finding]:
    for finding in _coverage(world, now, await calendars.provisional(connection)):
        yield finding


def _coverage(world: World, now: datetime, provisional: int) -> Iterator[Finding]:
    """Yield what the calendars of the policies in force lack. It is bad once a deadline lies there, or today does."""
    today = now.astimezone(ZONE).date()
    gaps = coverage.gaps_of_world(world, now)
    needed = provisional > 0 or any(gap.first <= today for gap in gaps)
    for gap in gaps:
        yield Finding(not needed, gap.warning, warning=not needed)
    if gaps and provisional:
        yield Finding(
            False,
            Sentence(
                "{count} open {count:incident has|incidents have} a deadline that may move once those days are known",
                count=provisional,
            ),
        )
    elif not gaps and any(policy.hours for policy in coverage.in_force(world, now)):
        yield Finding(True, Sentence("the calendars know every working day of the next year"))


def _registry(units: int) -> Finding:
    if units:
        return Finding(True, f"{units} units in the registry")
    return Finding(False, "no registry: run `sihu registry import DIR`")
