"""Columns of a list: what each is called, and how a cell becomes a value. One mistake, one message."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from web.imports import refusals
from web.imports.reading import MOST_ROWS, Cells, Sheet
from wms.errors import WmsError

LARGEST = 10**15  # beyond it a spreadsheet has rounded already
TEMPERATURES = {"常温": "ambient", "冷藏": "chilled", "冷冻": "frozen"}
YES, NO = frozenset({"yes", "y", "true", "1", "是"}), frozenset({"no", "n", "false", "0", "否"})
DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: 00:00:00)?", re.ASCII)
PACKED_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
SHORTENED = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+")
GROUPED = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
BEIJING = re.compile(r"(.+?)\s*[(\uff08]?(?:北京时间|Beijing(?: time)?)[)\uff09]?", re.IGNORECASE)
MOMENT = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[ T]+(\d{1,2})[:时\uff1a](\d{1,2})分?(?:[:\uff1a](\d{2}))?)?",
    re.ASCII,
)
WRITTEN = "{:0>4}-{:0>2}-{:0>2}T{:0>2}:{:0>2}:{:0>2}"
BRACKETS = str.maketrans("\uff08\uff09", "()")
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"})

Reader = Callable[[str], Any]


@dataclass(frozen=True)
class Column:
    """One column: its name, other names it may have in the file, its reader, and whether each row needs it.

    ``example`` stands in the template.
    """

    name: str
    read: Reader
    is_needed: bool = False
    names: tuple[str, ...] = ()
    example: str = ""
    default: Any = None


@dataclass(frozen=True)
class Fault:
    """A bad row: its number in the file, and why."""

    row: int
    refusal: WmsError


@dataclass(frozen=True)
class Row:
    """A good row: its number in the file and its values by column."""

    number: int
    values: Mapping[str, Any]


@dataclass
class Table:
    """A file with its header understood. ``rows`` yields each row as its values, or as its faults."""

    columns: Sequence[Column]
    sheet: Sheet
    places: list[tuple[int, Column]] = field(default_factory=list)

    def __post_init__(self) -> None:
        _number, header = next(self.sheet.rows, (0, []))
        if not any(header):
            raise refusals.EmptyFile(name="")
        self.places = list(_places(self.columns, header))

    def rows(self) -> Iterator[Row | list[Fault]]:
        """Yield rows that are not blank. Raises TooManyRows."""
        seen = 0
        for number, cells in self.sheet.rows:
            if not any(cells):
                continue
            seen += 1
            if seen > MOST_ROWS:
                raise refusals.TooManyRows(most=MOST_ROWS)
            yield self._row(number, cells)

    def _row(self, number: int, cells: Cells) -> Row | list[Fault]:
        values, faults, width = {column.name: column.default for column in self.columns}, [], len(cells)
        for place, column in self.places:
            given = cells[place] if place < width else ""
            try:
                if given:
                    _refuse_unfit(given)
                    values[column.name] = column.read(given)
                elif column.is_needed:
                    raise refusals.CellMissing(column=column.name)
            except WmsError as refusal:
                refusal.field = column.name
                faults.append(Fault(number, refusal))
        return faults or Row(number, values)


def _places(columns: Sequence[Column], header: Cells) -> Iterator[tuple[int, Column]]:
    known = {_plain(name): column for column in columns for name in (column.name, *column.names)}
    found: set[str] = set()
    for place, title in enumerate(header):
        if not title:
            continue
        column = known.get(_plain(title))
        if column is None:
            raise refusals.UnknownColumn(
                field=title[:60], column=title[:60], columns=", ".join(column.name for column in columns)
            )
        if column.name in found:
            raise refusals.ColumnTwice(field=column.name, column=title[:60])
        found.add(column.name)
        yield place, column
    for column in columns:
        if column.is_needed and column.name not in found:
            raise refusals.ColumnMissing(field=column.name, column=column.name)


def _plain(title: str) -> str:
    return title.translate(BRACKETS).strip().strip("*").strip().lower().replace(" ", "_")


def _refuse_unfit(given: str) -> None:
    if UNSEEN.search(given):
        raise refusals.ControlCharacter
    if given in ERRORS:
        raise refusals.SpreadsheetError(given=given)


def text(most: int = 200) -> Reader:
    """A text of at most ``most`` characters."""

    def read(given: str) -> str:
        if len(given) > most:
            raise refusals.TooLong(length=len(given), most=most)
        return given

    return read


def number_text(most: int = 40) -> Reader:
    """A number that is a name (GTIN, SSCC, book number): digits that a spreadsheet may have spoilt."""
    plain = text(most)

    def read(given: str) -> str:
        if SHORTENED.fullmatch(given):
            raise refusals.RoundedBySpreadsheet(given=given)
        found: str = plain(given)
        return found

    return read


def whole(low: int = 0, high: int = LARGEST) -> Reader:
    """A whole number from ``low`` to ``high``; thousands may be parted by commas."""
    return partial(_whole, low=low, high=high)


def _whole(given: str, *, low: int, high: int) -> int:
    if SHORTENED.fullmatch(given):
        raise refusals.RoundedBySpreadsheet(given=given)
    digits = given.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+", given) else given
    if not re.fullmatch(r"-?[0-9]{1,18}(\.0+)?", digits):
        raise refusals.NotWhole(given=given[:60])
    value = int(digits.partition(".")[0])
    if not low <= value <= high:
        raise refusals.OutOfRange(given=value, low=low, high=high)
    return value


def day(given: str) -> date:
    """A day, written 2026-01-31, 2026/1/31, 20260131 or 2026年1月31日. No other order of its parts is guessed."""
    found = DAY.fullmatch(given) or PACKED_DAY.fullmatch(given)
    try:
        return date(*(int(part) for part in found.groups())) if found else date(0, 0, 0)
    except ValueError:
        raise refusals.NotDay(given=given[:60]) from None


def yes_no(given: str) -> bool:
    """Yes or no, in English or Chinese."""
    said = given.lower()
    if said in YES or said in NO:
        return said in YES
    raise refusals.NotYesNo(given=given[:60])


def money(places: int = 2) -> Reader:
    """An amount with at most ``places`` decimals, in the smallest unit."""

    def read(given: str) -> int:
        try:
            amount = Decimal(given) * 10**places
        except InvalidOperation:
            raise refusals.NotMoney(given=given[:60], places=places) from None
        if not amount.is_finite() or amount != amount.to_integral_value() or not 0 <= amount <= LARGEST:
            raise refusals.NotMoney(given=given[:60], places=places)
        return int(amount)

    return read


def decimal(places: int, low: int = 0, high: int = LARGEST) -> Reader:
    """A number with at most ``places`` decimals, read exactly, in units of the last place (1.5 kg → 1500 g)."""

    def read(given: str) -> int:
        plain = given.replace(",", "") if GROUPED.fullmatch(given) else given
        try:
            value = Decimal(plain) * 10**places
        except ArithmeticError:
            raise refusals.NotNumber(given=given[:60]) from None
        if not value.is_finite() or abs(value) > LARGEST:
            raise refusals.NotNumber(given=given[:60])
        if value != value.to_integral_value():
            raise refusals.TooFine(given=given[:60], places=places)
        if not low <= value <= high:
            ends = (format(Decimal(end).scaleb(-places), "f") for end in (low, high))
            raise refusals.OutOfRange(given=given[:60], **dict(zip(("low", "high"), ends, strict=True)))
        return int(value)

    return read


def instant(given: str) -> datetime:
    """An instant that says its zone: 2026-01-31T08:00+08:00, …Z, or with 北京时间 or Beijing behind it."""
    said = BEIJING.fullmatch(given)
    return _moment(said[1], is_beijing=True) if said else _moment(given, is_beijing=False)


def beijing(given: str) -> datetime:
    """An instant in Beijing time where it says no other zone; a day alone is its first minute."""
    said = BEIJING.fullmatch(given)
    return _moment(said[1] if said else given, is_beijing=True)


def _moment(given: str, *, is_beijing: bool) -> datetime:
    parts = MOMENT.fullmatch(given)
    written = WRITTEN.format(*(part or 0 for part in parts.groups())) if parts else given
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise refusals.NotInstant(given=given[:60]) from None
    if moment.tzinfo is None:
        if not is_beijing:
            raise refusals.NoZone(given=given[:60])
        moment = moment.replace(tzinfo=timezone(timedelta(hours=8)))
    if moment.microsecond or not 1970 < moment.year < 2100:
        raise refusals.NotInstant(given=given[:60])
    return moment.astimezone(UTC)


def among(*values: str, words: Mapping[str, str] | None = None) -> Reader:
    """One of ``values``; ``words`` are other spellings of them."""
    known = {value.lower(): value for value in values} | dict(words or {})

    def read(given: str) -> str:
        if given.lower() not in known:
            raise refusals.NotAmong(given=given[:60], among=", ".join(values))
        return known[given.lower()]

    return read
