"""Medians and ratios, and lines on stderr that say how far a long measurement is."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence


def print_progress(sentence: str) -> None:
    """Print on stderr how far the measurement is."""
    print(f"bench: {sentence}", file=sys.stderr, flush=True)


def comparison(figures: Sequence[float], control: Sequence[float]) -> dict[str, float | list[float]]:
    """Return a series beside its control: the median of each, and the median of the ratios of the rounds."""
    ratios = [figure / beside for figure, beside in zip(figures, control, strict=True)]
    return {
        "median": round(statistics.median(figures), 3),
        "control_median": round(statistics.median(control), 3),
        "ratio": round(statistics.median(ratios), 3),
        "rounds": [round(each, 3) for each in figures],
        "control_rounds": [round(each, 3) for each in control],
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which the share `share` (0–1) of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
