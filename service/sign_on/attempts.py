"""Failed sign-ins, counted by the address from which they come.

A key has 256 random bits, so nobody finds one by trying; the limit keeps who tries from filling the log. It is looked
at after the key: a good key is let in whatever others at the same address do.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import ClassVar

from starlette.types import Scope

from service import clock
from service.context import Part
from service.rules.errors import TooMany
from service.rules.sentences import Sentence
from service.web import hosts


@dataclass(slots=True)
class _Failures:
    """How many sign-ins have failed since then."""

    since_s: float
    count: int = 0


class FailedSignIns(Part):
    """The failed sign-ins of the last minute, in this process."""

    MAX: ClassVar[int] = 10
    WITHIN_S: ClassVar[int] = 60
    MAX_ADDRESSES: ClassVar[int] = 10_000

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def note(self, scope: Scope) -> None:
        """Count a sign-in that has failed. Raises `TooMany` when there were as many as an address may have."""
        now_s, host = clock.monotonic(), _host_of(scope)
        found = self._failures.get(host)
        if found is None or now_s - found.since_s >= self.WITHIN_S:
            found = self._failures[host] = _Failures(now_s)
            self._failures.move_to_end(host)
            if len(self._failures) > self.MAX_ADDRESSES:
                self._failures.popitem(last=False)
        found.count += 1
        if found.count > self.MAX:
            wait_s = max(1, int(found.since_s + self.WITHIN_S - now_s))
            detail = Sentence("Too many wrong keys came from here: a wrong one is looked at again in a minute.")
            raise TooMany(detail, retry_after_s=wait_s)


def _host_of(scope: Scope) -> str:
    found = hosts.client_of(scope)
    return "" if found is None else hosts.host_of(found)
