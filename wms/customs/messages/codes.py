"""Dated tables of the messages: values and shapes that a field may have, limits, receipt codes, error codes."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources

from wms.codes.lists import ListName
from wms.customs.messages import spec


@dataclass(frozen=True)
class Allowed:
    """Which values a field of a message may have; ``shape`` for those that are too many to list here.

    ``listed``: the code list of customs (:mod:`wms.codes.lists`) on which a value of that shape must stand.
    """

    rule: str
    field: str
    values: frozenset[str]
    shape: re.Pattern[str] | None = None
    example: str = ""
    listed: ListName | None = None


@dataclass(frozen=True)
class ReceiptCode:
    """What a returnStatus means. ``rank`` orders states; a code without rank stands outside the order."""

    code: str
    name_zh: str
    name_en: str
    rank: int | None
    is_terminal: bool
    reopens: bool


def _table(name: str) -> Iterator[dict[str, str]]:
    path = resources.files("wms.customs.messages").joinpath(f"data/{name}.csv")
    yield from csv.DictReader(path.read_text(encoding="utf-8").splitlines())


def _holds(row: dict[str, str], on: date) -> bool:
    return date.fromisoformat(row["valid_from"]) <= on and (
        not row["valid_until"] or on <= date.fromisoformat(row["valid_until"])
    )


def _names(row: dict[str, str], message_type: str) -> bool:
    return row["messages"] == "*" or message_type in row["messages"].split()


@cache
def allowed(message_type: str, node: str, on: date) -> dict[str, Allowed]:
    """Return what the fields of a node may hold on a day, by field name."""
    nodes = spec.description().nodes[spec.kind(message_type).direction]
    here = {field.name for field in nodes[node].fields}
    made = {
        row["field"]: Allowed(row["rule"], row["field"], frozenset(row["values"].split()))
        for row in _table("allowed")
        if row["field"] in here and _names(row, message_type) and _holds(row, on)
    }
    for row in _table("shapes"):
        if row["field"] in here and row["field"] not in made and _names(row, message_type) and _holds(row, on):
            pattern = re.compile(row["pattern"], re.ASCII)
            listed = ListName(row["list"]) if row["list"] else None
            made[row["field"]] = Allowed(row["rule"], row["field"], frozenset(), pattern, row["example"], listed)
    return made


@cache
def limit(name: str, on: date) -> Decimal | None:
    """Return a limit of a day, None when none held."""
    return next((Decimal(row["value"]) for row in _table("limits") if row["name"] == name and _holds(row, on)), None)


@cache
def receipt(code: str, on: date) -> ReceiptCode | None:
    """Return what a receipt code means on a day; None for one that is on no list."""
    for row in _table("receipts"):
        if row["code"] == code and _holds(row, on):
            rank = int(row["rank"]) if row["rank"] else None
            return ReceiptCode(
                code, row["name_zh"], row["name_en"], rank, row["is_terminal"] == "1", row["reopens"] == "1"
            )
    return None


@dataclass(frozen=True)
class ErrorCode:
    """An exception code of the platform or of the business system, with its meaning."""

    code: str
    name_zh: str
    name_en: str


@cache
def error(code: str) -> ErrorCode | None:
    """Return what an exception code means; codes of a range mean what the range says."""
    for row in _table("errors"):
        first, _, last = row["code"].partition("..")
        if code == first or (last and _within(code, first, last)):
            return ErrorCode(code, row["name_zh"], row["name_en"])
    return None


def _within(code: str, first: str, last: str) -> bool:
    try:
        low, high = sorted((int(first), int(last)))
        return low <= int(code) <= high and code.startswith("-") == first.startswith("-")
    except ValueError:
        return False


def moves(before: str | None, code: str, on: date) -> bool:
    """Whether a receipt of ``code`` moves a document that stands at ``before``: forward only.

    A code that is on no list, and a late one of a lower rank, is kept and shown but moves nothing; sending failed (4)
    and returned (100) reopen; a detention stops what is not finished.
    """
    new = receipt(code, on)
    if new is None:
        return False
    old = receipt(before, on) if before else None
    if old is None or old.reopens:
        return True
    if new.rank is None:
        return not old.is_terminal
    if old.rank is None:
        return old.code == "600" or (not old.is_terminal and new.rank > 0)
    return new.rank > old.rank
