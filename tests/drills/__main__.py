"""`python -m tests.drills [NAME …]`: every drill, or those named, then one table; exit code 1 on any violation."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import traceback

from tests.drills.catalogue import DRILLS, Scenario
from tests.drills.drill import Outcome
from tests.drills.site import Template, template


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(DRILLS)}; none: all of them")
    parser.add_argument("--scale", type=float, default=1.0, help="a fraction of the kills, cuts, waits, rounds")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(DRILLS):
        parser.error(f"there is no drill {', '.join(sorted(unknown))}")
    began = time.monotonic()
    _say(began, "preparing a database")
    rows: list[tuple[str, float, Outcome]] = []
    with template() as prepared:
        for name in arguments.names or DRILLS:
            start = time.monotonic()
            _say(began, f"{name}: {DRILLS[name].summary}")
            outcome = _run(prepared, name, DRILLS[name], began, arguments.scale)
            rows.append((name, time.monotonic() - start, outcome))
            _say(began, f"{name}: {_verdict(outcome)}")
    print(_table(rows))
    return 1 if any(outcome.violations for _, _, outcome in rows) else 0


def _run(prepared: Template, name: str, scenario: Scenario, began: float, scale: float) -> Outcome:
    times = max(1, round(scenario.times * scale))
    try:
        return asyncio.run(scenario.run(prepared, lambda words: _say(began, f"{name}: {words}"), times))
    except Exception as error:  # a drill that breaks is no drill that holds; the others go on
        traceback.print_exc()
        return Outcome(violations=[f"the drill broke: {type(error).__name__}: {str(error).strip().splitlines()[-1:]}"])


def _verdict(outcome: Outcome) -> str:
    if outcome.skipped:
        return f"SKIPPED: {outcome.skipped}"
    return f"{len(outcome.violations)} VIOLATIONS" if outcome.violations else "holds"


def _table(rows: list[tuple[str, float, Outcome]]) -> str:
    lines = ["", f"{'drill':<18}{'s':>6}  verdict"]
    for name, seconds, outcome in rows:
        lines.append(f"{name:<18}{seconds:>6.0f}  {_verdict(outcome)}")
        lines += [f"{'':<26}{label}: {value}" for label, value in outcome.figures.items()]
        lines += [f"{'':<26}✗ {violation}" for violation in outcome.violations]
    return "\n".join(lines)


def _say(began: float, words: str) -> None:
    print(f"[{time.monotonic() - began:6.0f} s] {words}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
