"""The trouble that a process has with its database: logged once when it begins and once when it ends, and counted.

Each lane of connections reports what it meets. While the tail of the log, which asks ten times a second, finds that the
database is away, the other lanes do not ask at all, so that a request is refused at once instead of waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from service.rules.errors import Unavailable
from service.rules.sentences import Sentence
from service.store.sqlstates import Failure, Trouble

_log = logging.getLogger(__name__)

_QUIET_S = 3.0
"""Trouble that comes back within this time has not ended: the tail tries again a second after a failure, and some of
what it does may succeed meanwhile."""
_STALE_S = 60.0
"""Trouble that nobody has met for this long has ended, although the lane that met it was not used again."""


class Lane(StrEnum):
    """Who uses a connection. Each lane has connections that nobody else may take."""

    PEOPLE = "people"
    PATIENT = "patient"
    PARTS = "parts"
    ENGINE = "engine"
    TAIL = "tail"
    PROBE = "probe"


_SERVER = (Trouble.AWAY, Trouble.SILENT, Trouble.READ_ONLY, Trouble.REFUSED)
"""Trouble with the server as a whole. Met by the tail, it is everybody's; once the tail is served, it is over."""
_OF_WRITES = (Trouble.READ_ONLY, Trouble.FULL, Trouble.BROKEN)
"""Trouble that a read does not meet: only a commit shows that it is over."""
_OF_STATEMENTS = (Trouble.CONFLICT, Trouble.TOO_SLOW)
"""Trouble of single statements, which does not tell how the database is."""

_RETRY_AFTER_S = {
    Trouble.AWAY: 5,
    Trouble.SILENT: 5,
    Trouble.READ_ONLY: 5,
    Trouble.REFUSED: 15,
    Trouble.FULL: 15,
    Trouble.BROKEN: 15,
    Trouble.INCOMPLETE: 15,
}
"""When to send a request again; a second later after any other trouble."""

_PHRASES = {
    Trouble.AWAY: "the database is away",
    Trouble.SILENT: "the database does not answer",
    Trouble.READ_ONLY: "the database takes no writes",
    Trouble.REFUSED: "the database lets sihu not do this",
    Trouble.FULL: "the database is full",
    Trouble.BROKEN: "the database cannot use its files",
    Trouble.BUSY: "the database is busy",
    Trouble.CONFLICT: "transactions are in each other's way",
    Trouble.TOO_SLOW: "the database is too slow",
    Trouble.CHANGED: "the sessions of the database are out of date",
    Trouble.INCOMPLETE: "the database lacks a table or a column",
}


@dataclass(slots=True)
class _Episode:
    began: float
    last: float
    sentence: str
    times: int = 0
    lanes: set[Lane] = field(default_factory=set)


class Outages:
    """The trouble of one process. `count` is called with the SQLSTATE, or the label, of every fault."""

    def __init__(self, count: Callable[[str], None] | None = None, *, logs: bool = True) -> None:
        self.counts: Counter[Trouble] = Counter()
        """How often each kind of trouble was met since the process has started."""
        self.epoch = 0
        """Connections that were opened in an earlier epoch may lead to a server that is gone or takes no writes."""
        self._count = count
        self._logs = logs
        self._open: dict[Trouble, _Episode] = {}
        self._rounds_failed = 0
        self._away: Failure | None = None

    @property
    def away(self) -> Failure | None:
        """Why no lane but the tail's asks the database at present; None while the database can be asked."""
        return self._away

    def present(self) -> Iterator[str]:
        """The kinds of trouble that last, each with the database's sentence."""
        for trouble, episode in self._open.items():
            if trouble not in _OF_STATEMENTS:
                yield f"{_PHRASES[trouble]}: {episode.sentence}"

    def met(self, lane: Lane, fault: Failure) -> None:
        """Take note of a fault that a lane has met."""
        self.counts[fault.trouble] += 1
        if self._count is not None:
            self._count(fault.label)
        now = _now()
        episode = self._open.get(fault.trouble)
        if episode is None:
            episode = self._open[fault.trouble] = _Episode(now, now, fault.sentence)
            self._leave(fault.trouble)
            self._begins(lane, fault)
        elif fault.trouble is Trouble.READ_ONLY:
            self._leave(fault.trouble)
        episode.last, episode.sentence = now, fault.sentence
        episode.times += 1
        episode.lanes.add(lane)
        if lane is Lane.TAIL:
            self._round_failed(fault)

    def served(self, lane: Lane, *, wrote: bool) -> None:
        """Take note of a transaction that succeeded on a lane. `wrote`: it was committed, and no mere read."""
        if lane is Lane.TAIL:
            self._rounds_failed, self._away = 0, None
        if self._open:
            now = _now()
            for trouble, episode in list(self._open.items()):
                if lane is Lane.TAIL and trouble in _SERVER:
                    episode.lanes.clear()
                elif wrote or trouble not in _OF_WRITES:
                    episode.lanes.discard(lane)
                quiet_s = now - episode.last
                if (not episode.lanes and quiet_s >= _QUIET_S) or quiet_s >= _STALE_S:
                    del self._open[trouble]
                    self._leave(trouble)
                    self._ends(trouble, episode, now)

    def _round_failed(self, fault: Failure) -> None:
        self._rounds_failed += 1
        # one lost connection proves nothing; silence for as long as the tail waits, or a second failure, does
        if fault.trouble in _SERVER and (self._rounds_failed > 1 or fault.trouble is not Trouble.AWAY):
            self._away = fault

    def _leave(self, trouble: Trouble) -> None:
        """Leave the connections that are open, at their next use, since they lead to a server that failed."""
        if trouble in _SERVER:
            self.epoch += 1

    def _begins(self, lane: Lane, fault: Failure) -> None:
        if self._logs:
            extra = {"event": "database_trouble", "cause": fault.trouble, "sqlstate": fault.label, "lane": lane}
            level = logging.WARNING if fault.trouble in _OF_STATEMENTS else logging.ERROR
            _log.log(level, "%s: %s", _PHRASES[fault.trouble], fault.sentence, extra=extra)

    def _ends(self, trouble: Trouble, episode: _Episode, now: float) -> None:
        if self._logs:
            extra = {"event": "database_trouble_over", "cause": trouble}
            sentence = "over after %.1f s, met %d times: %s"
            _log.warning(sentence, now - episode.began, episode.times, _PHRASES[trouble], extra=extra)


def refusal_of(fault: Failure) -> Unavailable:
    """The refusal of a request that has met a failure of the database."""
    if fault.trouble is Trouble.TOO_SLOW:
        detail = Sentence(
            "The database could not do this in time. Ask for less, such as a shorter period, or send the same request "
            "again later, with its Idempotency-Key: it is not done twice."
        )
    else:
        detail = Sentence(
            "The database cannot be reached, or is busy. "
            "Send the same request again, with its Idempotency-Key: it is not done twice."
        )
    return Unavailable(
        detail,
        cause=fault.sentence,
        retry_after_s=_RETRY_AFTER_S.get(fault.trouble, 1),
        trouble=fault.trouble,
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
