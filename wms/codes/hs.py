"""Commodity codes: whether a heading can exist, by the chapters of the Harmonized System as dated rows."""

import csv
from datetime import date
from functools import cache
from importlib import resources

from wms.codes.customs_numbers import is_hs


@cache
def _chapters() -> tuple[tuple[str, int, date, date | None], ...]:
    path = resources.files("wms.codes").joinpath("data/hs_chapter.csv")
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    return tuple(
        (
            row["chapter"],
            int(row["last_heading"]),
            date.fromisoformat(row["valid_from"]),
            date.fromisoformat(row["valid_until"]) if row["valid_until"] else None,
        )
        for row in rows
    )


@cache
def has_heading(code: str, on: date) -> bool:
    """Whether the first four digits lie within a chapter as it stands on a day (2412: chapter 24 ends with 2404)."""
    return any(
        code[:2] == chapter and code[2:4].isdecimal() and 1 <= int(code[2:4]) <= last
        for chapter, last, since, until in _chapters()
        if since <= on and (until is None or on <= until)
    )


def is_hs_of(code: str, on: date) -> bool:
    """Whether the text is a ten-digit commodity code under a heading that exists."""
    return is_hs(code) and has_heading(code[:4], on)
