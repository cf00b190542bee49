"""Every drill, in the order in which they run, with how often each repeats its fault."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from tests.drills import kills
from tests.drills.drill import Outcome, Say
from tests.drills.site import Template


@dataclass(frozen=True)
class Scenario:
    """A drill: `run(template, say, times)`."""

    run: Callable[[Template, Say, int], Coroutine[Any, Any, Outcome]]
    times: int
    summary: str


DRILLS = {
    "kill": Scenario(kills.kill, 200, "200 SIGKILLs of one of two processes, or both, in mid-batch"),
    "cut": Scenario(kills.cut, 200, "200 connections cut around a COMMIT"),
}
