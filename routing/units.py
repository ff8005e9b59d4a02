"""Integers with their unit: grams, cubic centimetres, fen, seconds since 1970 (UTC). Nothing here is ever a float."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

HOUR_S = 3600
DAY_S = 86_400
CM3_PER_M3 = 1_000_000
G_PER_KG = 1000
YEAR_S = 365 * DAY_S


def ceil_div(amount: int, by: int) -> int:
    """The least integer that is at least amount / by, for by > 0."""
    return -(-amount // by)


def half_up(amount: int, by: int) -> int:
    """amount / by rounded to the nearest integer, halves away from zero; amount >= 0, by > 0."""
    return (2 * amount + by) // (2 * by)


def gap_ppm(objective: int, bound: int) -> int:
    """By what part of itself, per million and rounded up, a value lies above its bound; 0 for a value of nothing."""
    return ceil_div((objective - bound) * 1_000_000, objective) if objective else 0


def share_exactly(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` by `weights` (all >= 0, at least one > 0) so that the parts add up to it exactly.

    Each part is the rounded-down proportional share; what is left goes, one unit each, to the largest fractions
    (Hamilton's method), equal fractions in the order given.
    """
    whole = sum(weights)
    if whole <= 0:
        raise ValueError("the weights must add up to more than zero")
    parts = [total * weight // whole for weight in weights]
    rests = [total * weight % whole for weight in weights]
    order = sorted(range(len(parts)), key=lambda index: (-rests[index], index))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts


def instant_s(text: str) -> int:
    """Seconds since 1970 of an ISO 8601 instant. Raises ValueError where the offset from UTC is missing."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC; write 2026-03-02T08:00:00Z or +08:00")
    return int(moment.timestamp())


def iso(instant: int) -> str:
    """The instant as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def money(minor: int) -> str:
    """Fen as yuan with thousands separators: 1234567 -> '12,345.67'."""
    sign = "-" if minor < 0 else ""
    yuan, fen = divmod(abs(minor), 100)
    return f"{sign}{yuan:,}.{fen:02d}"
