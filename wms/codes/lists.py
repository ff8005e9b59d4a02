"""Code lists of customs (countries, currencies, units, transport, trade modes) as dated rows, read from data files."""

import csv
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import cache, lru_cache
from importlib import resources


class ListName(StrEnum):
    """The lists there are; each is one file in data/."""

    COUNTRY = "country"
    CURRENCY = "currency"
    UNIT = "unit"
    TRANSPORT = "transport"
    TRADE_MODE = "trade_mode"


@dataclass(frozen=True)
class Code:
    """One row: what ``code`` means between two days. ``factor`` counts units of the code ``base`` in one unit."""

    code: str
    iso: str | None
    name_zh: str
    name_en: str
    valid_from_on: date
    valid_until_on: date | None
    base: str | None = None
    factor: Fraction | None = None
    is_enabled: bool = True
    source: str = ""

    def is_valid(self, on: date) -> bool:
        """Whether the row holds on that day."""
        return self.valid_from_on <= on and (self.valid_until_on is None or on <= self.valid_until_on)


@cache
def rows(name: ListName) -> tuple[Code, ...]:
    """Return every row of a list, past ones too, in the order of the file."""
    path = resources.files("wms.codes").joinpath(f"data/{name.value}.csv")
    return tuple(_row(line) for line in csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def _row(line: dict[str, str]) -> Code:
    return Code(
        line["code"],
        line["iso"] or None,
        line["name_zh"],
        line["name_en"],
        date.fromisoformat(line["valid_from"]),
        date.fromisoformat(line["valid_until"]) if line["valid_until"] else None,
        line.get("base") or None,
        Fraction(line["factor"]) if line.get("factor") else None,
        line.get("is_enabled", "1") != "0",
        line.get("source", ""),
    )


def find(name: ListName, code: str, on: date) -> Code | None:
    """Return what a code means on a day, None when it means nothing then."""
    return next((row for row in rows(name) if row.code == code and row.is_valid(on)), None)


@lru_cache(maxsize=64)
def codes_on(name: ListName, on: date) -> frozenset[str]:
    """Return the codes of a list that mean something on a day."""
    return frozenset(row.code for row in rows(name) if row.is_valid(on))


def by_iso(name: ListName, iso: str, on: date) -> Code | None:
    """Return the customs code for an ISO code (country alpha-2, currency) on a day."""
    return next((row for row in rows(name) if row.iso == iso and row.is_valid(on)), None)


def unit_factor(unit: str, base: str, on: date) -> Fraction | None:
    """Return how many ``base`` units one ``unit`` holds, through chains such as tonne → kilogram → gram."""
    if unit == base:
        return Fraction(1)
    row = find(ListName.UNIT, unit, on)
    if row is None or row.base is None or row.factor is None:
        return None
    rest = unit_factor(row.base, base, on)
    return None if rest is None else row.factor * rest
