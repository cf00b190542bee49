"""Every drill, in the order in which they run, with how often each repeats its fault."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from tests.drills import attacks, failovers, kills, networks, patroni, pauses, sockets, stops
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
    "failover": Scenario(failovers.synchronous, 2, "a synchronous standby is promoted; both ways to write the URL"),
    "patroni": Scenario(patroni.patroni, 2, "switchovers under Patroni, and the death of its leader"),
    "asynchronous": Scenario(failovers.asynchronous, 1, "an asynchronous standby is promoted that lacks seconds"),
    "read-only": Scenario(networks.read_only, 1, "the server takes no writes for a while"),
    "slow": Scenario(networks.slow, 1, "every answer of the database comes after 30 seconds"),
    "partition": Scenario(networks.partition, 3, "one of two processes is cut off without a packet"),
    "pause": Scenario(pauses.pause, 1, "PostgreSQL stands still for 20 seconds"),
    "disk": Scenario(pauses.disk, 1, "the disk of the tables is full"),
    "wal": Scenario(pauses.wal, 1, "the disk of the write-ahead log is full"),
    "stop": Scenario(stops.stop, 20, "20 stops under load, with 100 waits"),
    "hanging-stop": Scenario(stops.hanging_stop, 5, "20 stops while PostgreSQL stands still, four at a time"),
    "silent": Scenario(sockets.silent, 5_000, "5,000 connections that say nothing"),
    "head": Scenario(sockets.head, 1, "a head of 64 MiB"),
    "crowd": Scenario(attacks.crowd, 2_000, "2,000 waiting polls over 80 subjects"),
    "hog": Scenario(attacks.hog, 2_000, "2,000 waiting polls by one subject"),
    "lists": Scenario(attacks.lists, 1_500, "1,500 plain lists by one subject"),
}
