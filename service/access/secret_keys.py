"""The secret keys of a process: where they come from, and whether they are those of its database.

They stand in SIHU_SECRET_KEY, or in a file in SIHU_DATA_DIR. The database knows the ids of the keys that have sealed
something, so a process that holds other keys finds out before it works. Nobody makes a key for a database that knows
one: what is sealed there could not be opened with it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.access import secret_files
from service.access.secret_files import SecretFileError
from service.access.secrets import SecretKey, SecretsBox, new_key
from service.clock import Clock
from service.context import Part
from service.rules.errors import Unavailable
from service.rules.sentences import Sentence
from service.settings import Settings
from service.store.access import secrets
from service.store.database import Database, Transaction

_log = logging.getLogger(__name__)


class SecretKeysError(Exception):
    """The keys at hand are not those of this database. The message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where the keys of a process stand: in the setting (`given`), else in the file `path`."""

    path: Path
    given: tuple[SecretKey, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, settings: Settings) -> KeySource:
        """The place that the settings name."""
        given = tuple(map(SecretKey, settings.secret_key or ()))
        return cls(settings.data_dir.absolute() / secret_files.NAME, given)

    def read(self) -> Sequence[SecretKey] | None:
        """The keys, the one that seals first; None when there is no file yet. Raises `SecretFileError`."""
        return self.given or secret_files.read(self.path)

    def __str__(self) -> str:
        return "SIHU_SECRET_KEY" if self.given else str(self.path)


async def missing(connection: Transaction, held: frozenset[str]) -> list[str]:
    """The ids of the keys that have to be held and are not: the newest, and those by which something is sealed."""
    known = await secrets.known(connection)
    needed = {*known[-1:], *await secrets.in_use(connection)}
    return sorted(needed - held)


async def agreed(database: Database, source: KeySource, clock: Clock) -> SecretsBox:
    """The box of this process, after a look whether its keys are those of the database. The first process of all makes
    the file with a key.

    Raises:
        SecretKeysError, SecretFileError: the keys are others, or cannot be read or made.
        Unavailable: the database cannot be reached.
    """
    keys = source.read()
    if keys:
        box = SecretsBox(keys)
        async with database.read() as connection:
            if box.first in await secrets.known(connection) and not await missing(connection, box.ids):
                return box
    async with database.begin() as tx:
        return await settled(tx, source, clock)


async def settled(tx: Transaction, source: KeySource, clock: Clock) -> SecretsBox:
    """The box of this process, as `agreed` gives it. No other process makes or names a key until the transaction ends,
    and the first key is one that the database knows from then on.

    Raises:
        SecretKeysError, SecretFileError: the keys are others, or cannot be read or made.
    """
    await secrets.lock(tx)
    keys, known = source.read(), await secrets.known(tx)
    if keys is None:
        if known:
            raise _to_copy(source, known[-1:])
        secret_files.make(source.path, new_key())
        keys = source.read() or ()
    box = SecretsBox(keys)
    if lacking := await missing(tx, box.ids):
        raise _to_copy(source, lacking)
    if box.first not in known:
        await secrets.note(tx, box.first, clock.now())
    return box


def _to_copy(source: KeySource, lacking: Sequence[str]) -> SecretKeysError:
    what = f"the database knows the secret {'key' if len(lacking) == 1 else 'keys'} {', '.join(lacking)}"
    if source.given:
        return SecretKeysError(f"{what}, and SIHU_SECRET_KEY does not hold it: name the keys of the first host")
    advice = f"copy {secret_files.NAME} from the first host, or from where it is kept safe"
    return SecretKeysError(f"{what}, and {source.path} does not hold it: {advice}")


class Secrets(Part):
    """The box of a process. Where its keys lie in a file, a change of the file is noticed at the next use."""

    def __init__(self, database: Database, source: KeySource, clock: Clock) -> None:
        self._database = database
        self._source = source
        self._clock = clock
        self._box: SecretsBox | None = None
        self._stamp: object = None

    async def load(self) -> None:
        """Read the keys and compare them with the database. Raises `Unavailable` when they are not its keys."""
        stamp = self._stamp_now()
        try:
            self._box = await agreed(self._database, self._source, self._clock)
        except (SecretKeysError, SecretFileError) as error:
            detail = Sentence("This process does not hold the keys of its database. Ops see its log for what to do.")
            raise Unavailable(detail, cause=str(error)) from error
        self._stamp = stamp

    @property
    def box(self) -> SecretsBox:
        """The box with the keys as they now stand in the file."""
        stamp = self._stamp_now()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                keys = self._source.read()
                self._box = SecretsBox(keys) if keys else self._box
            except SecretFileError as error:  # the keys that were read before are right still
                _log.error("%s", error, extra={"event": "secret_keys_unreadable"})
        assert self._box is not None, "the keys are loaded before any request is let in"
        return self._box

    def _stamp_now(self) -> object:
        """What changes whenever somebody writes the file; None where the keys stand in the setting."""
        if self._source.given:
            return None
        try:
            found = os.stat(self._source.path)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode
