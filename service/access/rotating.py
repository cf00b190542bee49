"""A new secret key takes the place of the one that seals, and what is sealed by others is sealed anew: page by page, so
that nobody waits, and it may be interrupted and begun again."""

from __future__ import annotations

from dataclasses import dataclass, field

from service.access import secret_files
from service.access.secret_keys import KeySource, SecretKeysError, settled
from service.access.secrets import AlteredError, SealedValue, SecretsBox, new_key
from service.clock import Clock
from service.store.access import secrets
from service.store.access.secrets import SEALED_TABLES, SealedRow, SealedTable
from service.store.database import Database, Transaction

PAGE = 500
"""Values that one transaction seals anew."""


@dataclass(slots=True)
class Rotation:
    """How far a rotation has come. `made`: it began with a new key. `total` is what there was to do at its beginning;
    `unopened` names the rows whose value does not open, and which therefore stay as they are."""

    key_id: str = ""
    made: bool = False
    total: int = 0
    done: int = 0
    unopened: set[str] = field(default_factory=set)

    def line(self) -> str:
        """How far it has come, in words."""
        return f"sealed anew: {self.done} of {self.total}"


async def rotate(database: Database, source: KeySource, clock: Clock, rotation: Rotation) -> None:
    """Seal everything by the first key. Where all is sealed by it already, a new key is made first.

    Raises:
        SecretKeysError, SecretFileError: the keys are not those of the database, or the setting holds no new one.
        Unavailable: the database cannot be reached; what is sealed anew stays so.
    """
    async with database.begin() as tx:
        box = await settled(tx, source, clock)
        if not await secrets.in_use(tx) - {box.first}:
            box, rotation.made = await _with_new_key(tx, source, clock), True
    rotation.key_id = box.first
    async with database.read() as connection:
        others = await secrets.in_use(connection) - {box.first}
        for table in SEALED_TABLES:
            rotation.total += sum([await secrets.count(connection, table, key_id) for key_id in others])
    for table in SEALED_TABLES:
        for key_id in sorted(others):
            while await _seal_all(database, table, box, key_id, rotation):
                pass  # rows that somebody had locked, or that came meanwhile


async def _with_new_key(tx: Transaction, source: KeySource, clock: Clock) -> SecretsBox:
    """The box with a new key before the others, in the file as well. The file is written first: the database never
    knows a key that nobody holds."""
    if source.given:
        raise SecretKeysError(
            "everything is sealed by the first key of SIHU_SECRET_KEY: put a new one before it (`openssl rand -base64 "
            "32`), restart every process with both, and run this again"
        )
    keys = [new_key(), *(source.read() or ())]
    secret_files.write(source.path, keys)
    await secrets.note(tx, keys[0].id, clock.now())
    return SecretsBox(keys)


async def _seal_all(database: Database, table: SealedTable, box: SecretsBox, key_id: str, rotation: Rotation) -> bool:
    """Go once through the values that are sealed by a key. Returns whether another round may find more."""
    after: object | None = None
    before = rotation.done
    while True:
        async with database.begin() as tx:
            rows = await secrets.claim(tx, table, key_id, PAGE, after)
            anew = [each for row in rows if (each := _anew(table, box, key_id, row, rotation)) is not None]
            await secrets.write_anew(tx, table, box.first, anew)
        rotation.done += len(anew)
        if not rows:
            return rotation.done > before
        after = rows[-1].key


def _anew(table: SealedTable, box: SecretsBox, key_id: str, row: SealedRow, rotation: Rotation) -> SealedRow | None:
    """The row with its value sealed by the first key; None, noted, when the value does not open."""
    name = table.row(row.key)
    try:
        plain = box.open(SealedValue(key_id, row.sealed), name)
    except AlteredError:
        rotation.unopened.add(name)
        return None
    return SealedRow(row.key, box.seal(plain, name).data)
