"""Numbers of China's customs documents and goods: shape only, since their serials carry no check digit.

Shapes are those of real messages and of the official samples; see docs/customs for what is confirmed.
"""

import re
from dataclasses import dataclass
from datetime import date

_ACCOUNT_BOOK = re.compile(r"[A-Z]\d{4}[A-Z]\d{6}", re.ASCII)
_VERIFICATION_LIST = re.compile(r"QD(?P<office>\d{4})(?P<year>\d{2})(?P<direction>[IE])(?P<serial>\d{9})", re.ASCII)
_GATE_PASS = re.compile(r"Z(?P<office>\d{4})(?P<direction>[IE])(?P<day>\d{6})(?P<serial>\d{12})", re.ASCII)
_PRE_ENTRY = re.compile(r"\d{18}", re.ASCII)
_CUSTOMS_CODE = re.compile(r"[0-9A-Z]{10}", re.ASCII)
_CUSTOMS_OFFICE = re.compile(r"\d{4}", re.ASCII)
_HS = re.compile(r"\d{10}", re.ASCII)
_HS_SIMPLIFIED = re.compile(r"\d{4}(\d{2})?", re.ASCII)
_TRADE_MODE = re.compile(r"\d{4}", re.ASCII)


@dataclass(frozen=True)
class VerificationListNo:
    """A verification list number taken apart; the year has two digits as printed."""

    office: str
    year: int
    direction: str
    serial: int


@dataclass(frozen=True)
class GatePassNo:
    """A gate pass number taken apart."""

    office: str
    direction: str
    issued_on: date
    serial: int


def is_account_book(text: str) -> bool:
    """Whether the text is a 12-character account book number (账册), of any type letter."""
    return _ACCOUNT_BOOK.fullmatch(text) is not None


def parse_verification_list(text: str) -> VerificationListNo | None:
    """Return the parts of an 18-character verification list number (核注清单), None when it has another shape."""
    found = _VERIFICATION_LIST.fullmatch(text)
    if not found:
        return None
    return VerificationListNo(found["office"], int(found["year"]), found["direction"], int(found["serial"]))


def parse_gate_pass(text: str) -> GatePassNo | None:
    """Return the parts of a 24-character gate pass number (核放单), None for another shape or an impossible day."""
    found = _GATE_PASS.fullmatch(text)
    if not found:
        return None
    day = found["day"]
    try:
        issued_on = date(2000 + int(day[:2]), int(day[2:4]), int(day[4:]))
    except ValueError:
        return None
    return GatePassNo(found["office"], found["direction"], issued_on, int(found["serial"]))


def is_pre_entry(text: str) -> bool:
    """Whether the text is an 18-digit pre-entry number (预录入编号)."""
    return _PRE_ENTRY.fullmatch(text) is not None


def is_customs_code(text: str) -> bool:
    """Whether the text is a 10-character customs registration number of an enterprise (海关注册编码)."""
    return _CUSTOMS_CODE.fullmatch(text) is not None


def is_customs_office(text: str) -> bool:
    """Whether the text has the shape of a customs office code (关区代码)."""
    return _CUSTOMS_OFFICE.fullmatch(text) is not None


def is_hs(text: str) -> bool:
    """Whether the text is a 10-digit commodity code: 8 tariff digits and 2 national ones."""
    return _HS.fullmatch(text) is not None


def is_simplified_hs(text: str) -> bool:
    """Whether the text is a 4- or 6-digit code, which simplified export lists may use (9610, low-value B2B)."""
    return _HS_SIMPLIFIED.fullmatch(text) is not None


def is_trade_mode(text: str) -> bool:
    """Whether the text has the shape of a trade mode (监管方式)."""
    return _TRADE_MODE.fullmatch(text) is not None
