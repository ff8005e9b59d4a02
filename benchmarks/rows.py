"""One line of a result, and what a line is measured against."""

import statistics
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]


def row(
    name: str, value: float, unit: str, *, target: float | None = None, ratio_to: str | None = None,
    ratio: float | None = None, ok: bool | None = None,
) -> Row:  # fmt: skip
    """A measured figure. ``target`` bounds ``ratio`` where there is one, else ``value``; ``ok`` None: not judged."""
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "target": target,
        "ratio_to": ratio_to,
        "ratio": None if ratio is None else round(ratio, 3),
        "ok": ok,
    }


def interleaved(pairs: int, one: Callable[[], float], other: Callable[[], float]) -> tuple[float, float, float]:
    """Medians of ``one`` and ``other`` measured in turn, and the median ratio of the pairs: a slow moment hits both."""
    measured = [(one(), other()) for _ in range(pairs)]
    return (
        statistics.median(first for first, _ in measured),
        statistics.median(second for _, second in measured),
        statistics.median(first / second for first, second in measured),
    )


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of ``values`` lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
