"""`policy.yaml`: the time boxes, checked as a whole. A hole or a clock that cannot run is refused, with every fault."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from service.rules.policy import Box, Policy
from service.rules.words import Clock, Level, Urgency
from service.web import faults
from service.web.text import Code, one_line

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhd])")
_LONGEST_S = 400 * 86_400
_MOST_BYTES = 64 * 2**10  # a policy has eight rows, and a megabyte of YAML takes a quarter of a minute to read


def _seconds(value: object) -> object:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("Send a duration such as 30m, 4h or 3d (whole s, m, h or d).")
    seconds = int(found[1]) * _UNITS[found[2]]
    if seconds > _LONGEST_S:
        raise ValueError("Send 400d or less.")
    return seconds


Seconds = Annotated[int, BeforeValidator(_seconds)]


class PolicyRow(BaseModel):
    """The boxes of one level and urgency. `clock` as text: `working` gets a sentence of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Annotated[int, Field(ge=1, le=4)]
    urgency: Urgency
    answer: Seconds
    resolve: Seconds
    clock: Clock


class PolicyFile(BaseModel):
    """One policy as written down; durations in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code
    title: Annotated[str, *one_line(200)]
    verify: Seconds
    reopen: Seconds
    rows: Annotated[tuple[PolicyRow, ...], Field(max_length=100)]

    def policy(self, version: int) -> Policy:
        """As the rules use it."""
        boxes = {(Level(row.level), row.urgency): Box(row.answer, row.resolve, row.clock) for row in self.rows}
        return Policy(self.code, version, boxes, self.verify, self.reopen)


def read_policy(content: bytes) -> tuple[PolicyFile | None, list[str]]:
    """The policy, and everything that is wrong with it; never both."""
    if len(content) > _MOST_BYTES:
        return None, ["over 64 KiB: leave out what is not of the policy"]
    try:
        # all text: the safe loader's dates and numbers raise KeyError, ValueError and others for those it cannot read
        written: Any = yaml.load(content, yaml.BaseLoader)
        if not isinstance(written, dict):
            return None, [f"the file should hold {', '.join(PolicyFile.model_fields)}"]
        policy = PolicyFile.model_validate(written)
    except (yaml.YAMLError, RecursionError) as error:
        return None, [f"not YAML: {' '.join(str(error).split())}"]
    except ValidationError as error:
        return None, [f"{each.pointer}: {each.detail}" for each in faults.validation_failed(error, PolicyFile).errors]
    wrong = list(_wrong(policy))
    return (None, wrong) if wrong else (policy, [])


def _wrong(policy: PolicyFile) -> Iterable[str]:
    rows = Counter((row.level, row.urgency) for row in policy.rows)
    for level in Level:
        for urgency in Urgency:
            count = rows[level.value, urgency]
            if count != 1:
                name = f"level {level.value}, urgency {urgency.value}"
                yield f"no row for {name}: add one" if count == 0 else f"{count} rows for {name}: keep one"
    for row in policy.rows:
        if row.clock is Clock.WORKING:
            yield (
                f"level {row.level}, urgency {row.urgency.value}: clock 'working' is not available yet, "
                "use 'continuous' until working time comes"
            )
