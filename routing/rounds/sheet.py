"""Stops and trucks in sheets: CSV with a head, kilograms, cubic metres, minutes and clock times in Beijing time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from routing.problem import Fault
from routing.rounds.problem import MOST_STOPS

STOPS = (
    "id", "owner", "place", "lat", "lon", "deliver_kg", "deliver_m3", "deliver_pallets", "collect_kg", "collect_m3",
    "collect_pallets", "service_min", "open", "close", "trucks", "depot", "must_go",
)  # fmt: skip
TRUCKS = (
    "code", "count", "depot", "payload_kg", "volume_m3", "pallets", "fixed_cny", "km_cny", "hour_cny", "speed_km_h",
    "start", "end", "shift_h", "trips",
)  # fmt: skip
MOST_FAULTS = 1000


class Row:
    """One line of a sheet; what cannot be read becomes a fault with the line and the field."""

    def __init__(self, line: int, cells: dict[str, str], day: str, found: list[Fault]) -> None:
        self._line, self._cells, self._day, self._found = line, cells, day, found

    def text(self, name: str, default: str = "") -> str:
        """The cell without blanks around it."""
        return (self._cells.get(name) or "").strip() or default

    def needed(self, name: str) -> str:
        """The cell, which must not be empty."""
        if not (text := self.text(name)):
            self._fault(name, "missing", "is empty")
        return text

    def whole(self, name: str, scale: int, default: str = "0") -> int:
        """A decimal times `scale`, which must come out whole (1.5 kg x 1000 = 1500 g)."""
        text = self.text(name, default)
        try:
            value = Decimal(text) * scale
            if not value.is_finite() or abs(value) > 10**15:
                raise InvalidOperation
        except ArithmeticError:  # no number, or one beyond all that a decimal can hold
            self._fault(name, "not_a_number", f"{text[:40]!r} is no number")
            return 0
        if value != value.to_integral_value():
            self._fault(
                name, "too_fine", f"{text[:40]} has more places than the {name.rpartition('_')[2]} is counted in"
            )
        return int(value)

    def clock(self, name: str) -> str | None:
        """A clock time of the day in Beijing, or an instant written in full; None where the cell is empty."""
        text = self.text(name)
        if not text or "T" in text:
            return text or None
        hour, _, minute = text.partition(":")
        if not (hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60 and len(text) <= 5):
            self._fault(name, "not_a_time", f"{text[:40]!r} is no time such as 08:30")
            return None
        return f"{self._day}T{int(hour):02d}:{int(minute):02d}:00+08:00"

    def yes(self, name: str) -> bool:
        """Whether the cell says yes."""
        text = self.text(name, "no").lower()
        if text not in {"yes", "no", "1", "0", "true", "false", "是", "否"}:
            self._fault(name, "not_yes_or_no", f"{text[:40]!r} is neither yes nor no")
        return text in {"yes", "1", "true", "是"}

    def _fault(self, name: str, rule: str, text: str) -> None:
        self._found.append(Fault(f"line {self._line}: {name}", rule, text))


def _rows(
    lines: Iterable[str], known: Sequence[str], needed: Sequence[str], day: str, found: list[Fault]
) -> Iterator[Row]:
    reader = csv.DictReader(lines, strict=True)
    try:
        head = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = head
        strange = sorted(set(head) - set(known))
        found += [Fault("line 1", "unknown_column", f"{name[:40]!r} is none of {', '.join(known)}") for name in strange]
        absent = [name for name in needed if name not in head]
        found += [Fault("line 1", "missing_column", f"the column {name} is missing") for name in absent]
        if found:
            return
        for count, cells in enumerate(reader, 1):
            if count > MOST_STOPS:
                found.append(Fault(f"line {reader.line_num}", "too_many", f"more than {MOST_STOPS} rows"))
                return
            if None in cells:
                found.append(Fault(f"line {reader.line_num}", "too_many_cells", "has more cells than the head"))
                continue
            yield Row(reader.line_num, cells, day, found)
    except csv.Error as error:
        found.append(Fault(f"line {reader.reader.line_num}", "not_csv", str(error)))


def stops_of(lines: Iterable[str], day: str, found: list[Fault]) -> list[dict[str, Any]]:
    """The stops of a sheet as plain data; faults are added to `found`."""
    return [_stop(row) for row in _rows(lines, STOPS, ("id",), day, found)]


def _stop(row: Row) -> dict[str, Any]:
    stop: dict[str, Any] = {
        "id": row.needed("id"),
        "owner": row.text("owner", "-"),
        "deliver": _amount(row, "deliver"),
        "collect": _amount(row, "collect"),
        "service_s": row.whole("service_min", 60),
        "trucks": row.text("trucks").split(),
        "depot": row.text("depot") or None,
        "must_go": row.yes("must_go"),
    }
    if place := row.text("place"):
        stop["place"] = place
    if row.text("lat") or row.text("lon") or not place:
        stop |= {"lat_udeg": row.whole("lat", 10**6, "?"), "lon_udeg": row.whole("lon", 10**6, "?")}
    opens, closes = row.clock("open"), row.clock("close")
    if opens and closes:
        stop["windows"] = [{"open_at": opens, "close_at": closes}]
    elif opens or closes:
        row.needed("open")
        row.needed("close")
    return stop


def _amount(row: Row, name: str) -> dict[str, int]:
    return {
        "weight_g": row.whole(f"{name}_kg", 1000),
        "volume_cm3": row.whole(f"{name}_m3", 10**6),
        "pallets": row.whole(f"{name}_pallets", 1),
    }


def trucks_of(lines: Iterable[str], hub: str, day: str, found: list[Fault]) -> list[dict[str, Any]]:
    """The trucks of a sheet as plain data; faults are added to `found`."""
    needed = ("code", "count", "payload_kg", "volume_m3", "start", "end")
    return [_truck(row, hub) for row in _rows(lines, TRUCKS, needed, day, found)]


def _truck(row: Row, hub: str) -> dict[str, Any]:
    return {
        "code": row.needed("code"),
        "count": row.whole("count", 1),
        "depot": row.text("depot", hub),
        "payload_g": row.whole("payload_kg", 1000),
        "volume_cm3": row.whole("volume_m3", 10**6),
        "pallets": row.whole("pallets", 1) if row.text("pallets") else None,
        "fixed_minor": row.whole("fixed_cny", 100),
        "km_minor": row.whole("km_cny", 100),
        "hour_minor": row.whole("hour_cny", 100),
        "speed_km_h": row.whole("speed_km_h", 1, "45"),
        "start_at": row.clock("start") or row.needed("start"),
        "end_at": row.clock("end") or row.needed("end"),
        "shift_s": row.whole("shift_h", 3600, "12"),
        "trips": row.whole("trips", 1, "1"),
    }
