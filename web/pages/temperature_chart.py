"""A temperature history as a drawing: one line for each sensor on one axis of time, breaches and silence marked.

All positions are whole thousandths of the picture's width and height, made of integers; the page only draws them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wms.watch.queries.histories import Segment

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 960, 300, 64, 34, 12
STEPS = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
MOST_LINES = 8


@dataclass(frozen=True)
class Band:
    """A span of time with its class (breach, silent, stay) and words."""

    x: int
    width: int
    kind: str
    words: str


@dataclass(frozen=True)
class Line:
    """Readings of one sensor during one stay, as points of a polyline."""

    sensor: str
    points: str
    style: int


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: int
    words: str


@dataclass(frozen=True)
class Chart:
    """Everything the page draws."""

    width: int
    height: int
    left: int
    top: int
    floor: int
    lines: tuple[Line, ...]
    bands: tuple[Band, ...]
    degrees: tuple[Tick, ...]
    days: tuple[tuple[int, datetime], ...]


def chart(segments: Sequence[Segment], now: datetime) -> Chart | None:
    """Draw a history; None where nothing was measured."""
    values = [point.mdegc for one in segments for point in one.points]
    if not values:
        return None
    begins = min(one.from_at for one in segments)
    ends = max(one.until_at or now for one in segments)
    low, high, step = _scale(min(values), max(values))
    floor = HEIGHT - BOTTOM

    def x(at: datetime) -> int:
        whole = max((ends - begins) // timedelta(seconds=1), 1)
        part = min(max((at - begins) // timedelta(seconds=1), 0), whole)
        return LEFT + (WIDTH - LEFT) * part // whole

    def y(mdegc: int) -> int:
        return floor - (floor - TOP) * (mdegc - low) // (high - low)

    sensors = sorted({point.sensor for one in segments for point in one.points})
    style = {sensor: i % MOST_LINES for i, sensor in enumerate(sensors)}
    lines = [
        Line(sensor, " ".join(f"{x(p.at)},{y(p.mdegc)}" for p in one.points if p.sensor == sensor), style[sensor])
        for one in segments
        for sensor in sensors
        if any(p.sensor == sensor for p in one.points)
    ]
    bands = [band for one in segments for band in _bands(one, x, now)]
    marks = tuple(Tick(y(mdegc), _degrees(mdegc)) for mdegc in range(low, high + 1, step))
    days = tuple((x(begins + (ends - begins) * i // 4), begins + (ends - begins) * i // 4) for i in range(4))
    return Chart(WIDTH, HEIGHT, LEFT, TOP, floor, tuple(lines), tuple(bands), marks, days)


def _bands(one: Segment, x: Callable[[datetime], int], now: datetime) -> list[Band]:
    def band(since: datetime, until: datetime | None, kind: str, words: str) -> Band:
        left = x(max(since, one.from_at))
        return Band(left, max(x(min(until or now, one.until_at or now)) - left, 2), kind, words)

    found = [band(b.start_at, b.end_at, "breach", str(b.id)) for b in one.breaches]
    found += [band(s.start_at, s.end_at, "silent", s.sensor) for s in one.silences]
    if one.place is None:
        found.append(band(one.from_at, one.until_at, "silent", one.location or ""))
    return found


def _scale(low: int, high: int) -> tuple[int, int, int]:
    """Round ends and a step that gives at most eight lines."""
    step = next((step for step in STEPS if (high - low) // step < 7), STEPS[-1])
    return (low // step - 1) * step, (high // step + 1) * step, step


def _degrees(mdegc: int) -> str:
    whole, rest = divmod(abs(mdegc), 1000)
    sign = "−" if mdegc < 0 else ""
    return f"{sign}{whole}" + (f".{rest // 100}" if rest else "")


def degrees(mdegc: int | None) -> str:
    """A temperature in words: thousandths of a degree as degrees with up to three decimals."""
    if mdegc is None:
        return "–"
    whole, rest = divmod(abs(mdegc), 1000)
    decimals = f".{rest:03d}".rstrip("0") if rest else ""
    return f"{'−' if mdegc < 0 else ''}{whole}{decimals} °C"
