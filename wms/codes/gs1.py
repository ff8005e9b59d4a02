"""What a scanned label says: GS1 element strings, bare GS1 keys and plain text, told apart once and for all.

Scanners differ in what they send. Some put the ISO/IEC 15424 symbology identifier in front (``]C1``), most do not; the
separator FNC1 arrives as GS (0x1D), as one of the stand-ins below, or in front of the first element as well. This
module takes all of it and returns one :class:`Label`. It never guesses a check digit right: a broken number is said to
be broken.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from biip import ParseConfig, ParseError
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_element_strings import GS1ElementString

from wms.codes import gs1_keys

GS = "\x1d"
STAND_INS = ("{GS}", "<GS>", "~")

_SYMBOLOGY = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_GS1_SYMBOLOGIES = frozenset({"]C1", "]d2", "]Q3", "]e0", "]J1"})
_RETAIL_SYMBOLOGIES = {"]E0": 13, "]E3": 13, "]E4": 8}
_BEGINS_WITH_KEY = re.compile(r"(00\d{18}|0[123]\d{14}|41\d{14}|8006\d{14})", re.ASCII)
_DIGITAL_LINK = re.compile(r"https?://", re.IGNORECASE)
_BRACKETED = re.compile(r"(?<!\\)\((\d{2,4})\)")
_DATED = re.compile(r"1[1-7][0-9]{6}")
_COMPOSITE = "|]e0"
_CONFIG = ParseConfig(separator_chars=[GS])


class LabelFault(StrEnum):
    """Why a label cannot be used as what it looks like."""

    EMPTY = "empty"
    CHECK_DIGIT = "check_digit"
    BROKEN = "broken"
    DATE = "date"


class LabelKind(StrEnum):
    """What sort of label was read."""

    GS1 = "gs1"
    GTIN = "gtin"
    SSCC = "sscc"
    TEXT = "text"


@dataclass(frozen=True)
class Label:
    """A scan understood. ``gtin`` has 14 digits; weights are grams; counts are pieces; days have no time."""

    kind: LabelKind
    text: str
    symbology: str | None = None
    elements: tuple[tuple[str, str], ...] = field(default=())
    sscc: str | None = None
    gtin: str | None = None
    content_gtin: str | None = None
    count: int | None = None
    lot_no: str | None = None
    serial: str | None = None
    expires_on: date | None = None
    best_before_on: date | None = None
    produced_on: date | None = None
    net_weight_g: Decimal | None = None
    gln: str | None = None
    fault: LabelFault | None = None

    @property
    def item_gtin(self) -> str | None:
        """The GTIN of what is in hand, or of what the logistic unit contains (AI 02)."""
        return self.gtin or self.content_gtin

    @property
    def last_use_on(self) -> date | None:
        """The day after which the goods may not be sold: expiry, else best before."""
        return self.expires_on or self.best_before_on


def read(raw: str, symbology: str | None = None) -> Label:
    """Return what ``raw`` says. ``symbology`` is the identifier when the reader gives it apart (phone cameras do).

    Never raises: what cannot be read comes back with its ``fault``. Without an identifier a text is taken for element
    strings only when it begins with a GS1 key of the right length, so that a location code such as ``0112`` stays text.
    """
    text, symbology = _without_symbology(raw, symbology)
    plain = text.strip(" \t\r\n" + GS)
    if not plain:
        return Label(LabelKind.TEXT, "", symbology, fault=LabelFault.EMPTY)
    if symbology in _GS1_SYMBOLOGIES:
        return _read_elements(plain, symbology)
    if symbology in _RETAIL_SYMBOLOGIES:
        return _read_retail(plain, symbology, _RETAIL_SYMBOLOGIES[symbology])
    if _DIGITAL_LINK.match(plain):
        return _read_digital_link(plain, symbology)
    return _read_unmarked(plain, symbology)


def with_separators(raw: str) -> str:
    """Return the text with each stand-in for FNC1 turned into GS (0x1D)."""
    for stand_in in STAND_INS:
        raw = raw.replace(stand_in, GS)
    return raw


def _without_symbology(raw: str, symbology: str | None) -> tuple[str, str | None]:
    text = raw.strip(" \t\r\n")
    found = _SYMBOLOGY.match(text)
    if found:
        return text[3:], found.group()
    return text, symbology or None


def _read_unmarked(plain: str, symbology: str | None) -> Label:
    candidate = with_separators(_unbracketed(plain)).strip(GS)
    if _BEGINS_WITH_KEY.match(candidate):
        label = _read_elements(candidate, symbology)
        # An item number that merely starts like an AI is still an item number: 14 digits, 18 digits.
        if label.fault is None or not candidate.isdigit() or len(candidate) > gs1_keys.SSCC_LENGTH:
            return label
    return _read_bare(plain, symbology)


def _read_bare(plain: str, symbology: str | None) -> Label:
    if gs1_keys.is_gtin(plain):
        return Label(LabelKind.GTIN, plain, symbology, gtin=gs1_keys.gtin14(plain))
    if gs1_keys.is_sscc(plain):
        return Label(LabelKind.SSCC, plain, symbology, sscc=plain)
    digits = plain.isascii() and plain.isdigit()
    broken = digits and len(plain) in (*gs1_keys.GTIN_LENGTHS, gs1_keys.SSCC_LENGTH)
    return Label(LabelKind.TEXT, plain, symbology, fault=LabelFault.CHECK_DIGIT if broken else None)


def _read_retail(plain: str, symbology: str | None, length: int) -> Label:
    number, _, composite = plain.partition(_COMPOSITE)
    if not (len(number) == length and number.isascii() and number.isdigit()):
        return Label(LabelKind.GTIN, plain, symbology, fault=LabelFault.BROKEN)
    if not gs1_keys.is_gtin(number):
        return Label(LabelKind.GTIN, plain, symbology, fault=LabelFault.CHECK_DIGIT)
    if composite:
        return _read_elements(f"01{number.zfill(14)}{composite}", symbology)
    return Label(LabelKind.GTIN, number, symbology, gtin=gs1_keys.gtin14(number))


def _read_digital_link(plain: str, symbology: str | None) -> Label:
    try:
        message = GS1DigitalLinkURI.parse(plain).as_gs1_message()
    except (ParseError, ValueError):  # ValueError: a URL that the standard library cannot take apart
        return Label(LabelKind.TEXT, plain, symbology)
    return _label_of(list(message.element_strings), plain, symbology)


def _read_elements(plain: str, symbology: str | None) -> Label:
    text = with_separators(_unbracketed(plain)).strip(GS)
    found: list[GS1ElementString] = []
    rest = text
    while rest:
        element = _first_element(rest)
        if element is None:
            fault = LabelFault.DATE if _DATED.match(rest) else LabelFault.BROKEN
            return Label(LabelKind.GS1, text, symbology, fault=fault)
        found.append(element)
        rest = rest[len(element) :].lstrip(GS)
    return _label_of(found, text, symbology)


def _first_element(text: str) -> GS1ElementString | None:
    try:
        element = GS1ElementString.extract(text, config=_CONFIG)
    except (ParseError, ValueError):
        return None
    # A field of variable length ends at FNC1 and nowhere else (General Specifications 7.8.6). biip cuts a lot of
    # 25 characters after 20 and reads the remainder as the next identifier; that would invent data. It also takes an
    # empty field, and digits of other scripts.
    ends = text[len(element) :]
    runs_on = ends and element.ai.separator_required and not ends.startswith(GS)
    return None if runs_on or not element.value or not element.value.isascii() else element


def _label_of(found: list[GS1ElementString], text: str, symbology: str | None) -> Label:
    by_ai = {element.ai.ai: element for element in found}
    elements = tuple((element.ai.ai, element.value) for element in found)
    if any(e.gtin_error or e.sscc_error or e.gln_error or _broken_asset(e) for e in found):
        return Label(LabelKind.GS1, text, symbology, elements, fault=LabelFault.CHECK_DIGIT)
    return Label(
        LabelKind.GS1,
        text,
        symbology,
        elements,
        sscc=_value(by_ai, "00"),
        gtin=_value(by_ai, "01"),
        content_gtin=_value(by_ai, "02"),
        count=_number(by_ai, "37") or _number(by_ai, "30"),
        lot_no=_value(by_ai, "10"),
        serial=_value(by_ai, "21"),
        expires_on=_day(by_ai, "17"),
        best_before_on=_day(by_ai, "15"),
        produced_on=_day(by_ai, "11"),
        net_weight_g=_grams(found),
        gln=_value(by_ai, "414") or _value(by_ai, "410"),
    )


def _broken_asset(element: GS1ElementString) -> bool:
    """Whether a returnable asset (AI 8003: a nought, then 13 digits) fails its check digit, which biip leaves open."""
    return element.ai.ai == "8003" and not gs1_keys.has_check_digit(element.value[1:14])


def _value(by_ai: dict[str, GS1ElementString], ai: str) -> str | None:
    return by_ai[ai].value if ai in by_ai else None


def _number(by_ai: dict[str, GS1ElementString], ai: str) -> int | None:
    return int(by_ai[ai].value) if ai in by_ai else None


def _day(by_ai: dict[str, GS1ElementString], ai: str) -> date | None:
    return by_ai[ai].date if ai in by_ai else None


def _grams(found: list[GS1ElementString]) -> Decimal | None:
    for element in found:
        if element.ai.ai[:3] == "310" and element.decimal is not None:
            return element.decimal * 1000
    return None


def _unbracketed(text: str) -> str:
    """Turn the printed form ``(01)…(10)…`` into element strings; some clerks type what they read under the bars."""
    if not _BRACKETED.match(text):
        return text
    return _BRACKETED.sub(lambda found: GS + found.group(1), text).lstrip(GS).replace("\\(", "(")


def bracketed(elements: tuple[tuple[str, str], ...]) -> str:
    """Return elements in the human-readable form that label printers take: ``(01)…(17)…(10)…``."""
    return "".join(f"({ai}){value}" for ai, value in elements)
