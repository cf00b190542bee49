"""The share of the service that one subject may have at once, so that nobody can take it from the others (contract §4,
Limits): requests at the database, requests that wait, and writes in a while.

A share lives in the memory of one process, by the subject and not by the key. Its times are real seconds: the virtual
clock plays no part here. A database connection that a request takes is counted by itself (`at_database`), wherever it
is taken, and a request counts once, however many connections it takes inside each other.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar, Token
from datetime import timedelta

from service import clock
from service.rules.errors import TooMany, Unavailable
from service.rules.sentences import Sentence

MAX_AT_DATABASE = 8
"""The requests of one subject that may be at the database at once; a further one waits for its turn."""
MAX_WAITING = 64
"""The requests of one subject that may wait at once: for a change, for the commit of a report, for the database."""
MAX_TURN_S = 2.0
"""How long a request waits for its turn at the database."""
MAX_WRITES = 500
WRITES_WITHIN_S = 10
REFUSALS_PER_S = 50
"""The refusals of one subject that are answered at once; further ones wait, since who sends the same again without a
pause would keep the process busy with refusing."""
MAX_REFUSAL_S = 5.0
_PER_S = MAX_WRITES / WRITES_WITHIN_S
_BUSY_S = 0.002
"""The process is busy when one turn of its event loop takes longer."""
_PAUSES = 4
"""A pause while the process is busy is so many times as long as that turn."""
_MANY_SHARES = 1_000
"""From this number of shares on, those that nobody uses are looked for and dropped."""


class Turnstile:
    """Lets those in who had to wait for their turn: one after the other, and with pauses while the process is busy. For
    they come from subjects that want more than their share, and others have to get on as well."""

    def __init__(self) -> None:
        self._due: deque[asyncio.Future[None]] = deque()
        self._task: asyncio.Task[None] | None = None

    def let_in(self, turn: asyncio.Future[None]) -> None:
        """Set the result of the future, now or a little later."""
        self._due.append(turn)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._due:
                began = clock.monotonic()
                await asyncio.sleep(0)
                took_s = clock.monotonic() - began
                if took_s > _BUSY_S:
                    await asyncio.sleep(_PAUSES * took_s)
                turn = self._due.popleft()
                if not turn.done():
                    turn.set_result(None)
        finally:
            self._task = None


class Share:
    """What one subject has of the service at this moment."""

    def __init__(self, now: float, turnstile: Turnstile | None = None) -> None:
        self.open = 0
        """The requests that are not answered yet, whatever they do."""
        self.waiting = 0
        self._at_database = 0
        self._turnstile = turnstile or Turnstile()
        self._turns: deque[asyncio.Future[None]] = deque()
        self._writes_left = float(MAX_WRITES)
        self._filled_at = now
        self._refused_until = now

    def refusal_delay_s(self, now: float) -> float:
        """Count a refusal. Returns the seconds after which it is to be answered."""
        self._refused_until = max(self._refused_until, now) + 1 / REFUSALS_PER_S
        return min(MAX_REFUSAL_S, max(0.0, self._refused_until - now - 1))

    def admit(self) -> None:
        """Count a request that has come. Raises `TooMany` when neither the database nor the wait has room for it."""
        if self.open >= MAX_AT_DATABASE + MAX_WAITING:
            raise _too_many()
        self.open += 1

    def take_write(self, now: float) -> None:
        """Count a write. Raises `TooMany` when there were as many as the bucket holds."""
        self._fill(now)
        if self._writes_left < 1:
            wait_s = math.ceil((1 - self._writes_left) / _PER_S)
            raise TooMany(
                Sentence(
                    "You send more than {writes} writes within {within}. Send this one again in {wait}.",
                    writes=MAX_WRITES,
                    within=timedelta(seconds=WRITES_WITHIN_S),
                    wait=timedelta(seconds=wait_s),
                ),
                retry_after_s=wait_s,
            )
        self._writes_left -= 1

    def writes(self, now: float) -> tuple[int, int]:
        """How many writes are left, and in how many seconds all of them are there again."""
        self._fill(now)
        return int(self._writes_left), math.ceil((MAX_WRITES - self._writes_left) / _PER_S)

    def is_idle(self, now: float) -> bool:
        """Whether nothing would be lost with this share."""
        self._fill(now)
        return self.open == 0 and self._writes_left >= MAX_WRITES

    def _fill(self, now: float) -> None:
        self._writes_left = min(MAX_WRITES, self._writes_left + (now - self._filled_at) * _PER_S)
        self._filled_at = now

    @contextmanager
    def wait(self) -> Iterator[None]:
        """Count a request as waiting for as long as the block lasts. Raises `TooMany` when as many wait already."""
        if self.waiting >= MAX_WAITING:
            raise _too_many()
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    async def enter(self) -> None:
        """Go to the database, or wait for a turn: who came first goes first.

        Raises:
            TooMany: as many requests of the subject wait already.
            Unavailable: no turn comes in time.
        """
        if self._at_database < MAX_AT_DATABASE:
            self._at_database += 1
            return
        with self.wait():
            await self._turn()

    async def _turn(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        try:
            async with asyncio.timeout(MAX_TURN_S):
                await turn
        except BaseException as error:
            if turn in self._turns:
                self._turns.remove(turn)
            else:  # the turn came in the same moment: it is the next one's
                self.leave()
            if isinstance(error, TimeoutError):
                # as for whoever waits for a connection: perhaps it is the database that is slow
                raise Unavailable(
                    Sentence(
                        "Your other requests keep the database busy. "
                        "Send the same request again, with its Idempotency-Key: it is not done twice."
                    )
                ) from None
            raise

    def leave(self) -> None:
        """Come back from the database. The place goes to whoever has waited longest."""
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():
                self._turnstile.let_in(turn)
                return
        self._at_database -= 1


class Shares:
    """The shares of all subjects. A share that nobody uses is dropped, so that their number is that of the subjects at
    work."""

    def __init__(self) -> None:
        self._shares: dict[str, Share] = {}
        self._turnstile = Turnstile()
        self._sweep_at = _MANY_SHARES

    def __len__(self) -> int:
        return len(self._shares)

    def of(self, subject: str) -> Share:
        """The share of a subject."""
        share = self._shares.get(subject)
        if share is None:
            if len(self._shares) >= self._sweep_at:
                self._sweep()
            share = self._shares[subject] = Share(clock.monotonic(), self._turnstile)
        return share

    def _sweep(self) -> None:
        now = clock.monotonic()
        self._shares = {subject: share for subject, share in self._shares.items() if not share.is_idle(now)}
        self._sweep_at = max(_MANY_SHARES, 2 * len(self._shares))


class Visit:
    """One request at its subject's share."""

    __slots__ = ("_entering", "_inside", "share")

    def __init__(self, share: Share) -> None:
        self.share = share
        self._inside = 0
        self._entering: asyncio.Lock | None = None

    async def enter(self) -> None:
        """Go to the database, unless the request is there already."""
        if self._entering is None:
            self._entering = asyncio.Lock()
        async with self._entering:
            if self._inside == 0:
                await self.share.enter()
            self._inside += 1

    def leave(self) -> None:
        self._inside -= 1
        if self._inside == 0:
            self.share.leave()


_VISIT: ContextVar[Visit | None] = ContextVar("visit", default=None)


def take(share: Share) -> Token[Visit | None]:
    """Let the current request count at this share, with all tasks that it begins. `give_back` takes the token."""
    return _VISIT.set(Visit(share))


def give_back(token: Token[Visit | None]) -> None:
    _VISIT.reset(token)


@asynccontextmanager
async def at_database() -> AsyncIterator[None]:
    """Count the current request as one at the database for as long as the block lasts. What no request began, such as
    the engine's work, is not counted. Raises `TooMany` or `Unavailable` when the request's turn does not come."""
    visit = _VISIT.get()
    if visit is None:
        yield
        return
    await visit.enter()
    try:
        yield
    finally:
        visit.leave()


@contextmanager
def waiting() -> Iterator[None]:
    """Count the current request as one that waits, for as long as the block lasts. Raises `TooMany` when as many of its
    subject wait already."""
    visit = _VISIT.get()
    if visit is None:
        yield
        return
    with visit.share.wait():
        yield


def _too_many() -> TooMany:
    return TooMany(
        Sentence(
            "You have {busy} requests at the database and {waiting} waiting, and more is not possible: wait until some "
            "are answered, then send this one again.",
            busy=MAX_AT_DATABASE,
            waiting=MAX_WAITING,
        )
    )
