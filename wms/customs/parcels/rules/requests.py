"""Cancelling a parcel and taking goods back: until when, how much, and where to.

Import (GAC 2020-45): applied for within 30 days of release, back within 45 days of release in the original zone. Export
(GAC 2020-44): within a year. The periods are dated data (customs reference, 1.8).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from wms.customs.parcels.rules import states
from wms.customs.parcels.rules.documents import BadDocument
from wms.errors import N_, Kind, WmsError

APPROVES, REFUSES = "399", "100"


class NotReturnable(WmsError):
    """Only what was released can come back."""

    code = "parcel_not_returnable"
    text = N_("Parcel declaration %(number)s is %(state)s: only goods that customs let go can come back.")


class ReturnTooLate(WmsError):
    code = "return_too_late"
    text = N_("Parcel %(number)s was let go at %(since)s; a return had to be applied for by %(until)s.")


class BackTooLate(WmsError):
    """The goods came back after the period: tax and quota are not restored."""

    code = "return_back_too_late"
    text = N_("The goods of parcel %(number)s had to be back by %(until)s for tax and quota to be restored.")


class BackElsewhere(WmsError):
    code = "return_back_elsewhere"
    text = N_("The goods of parcel %(number)s left zone %(wanted)s and must come back there, not to %(found)s.")


class ReturnTooMuch(WmsError):
    code = "return_too_much"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: only %(left)s of %(qty)s can still come back, not %(wanted)s.")


class UnknownReturnLine(WmsError):
    """Customs' −625209: line number and goods code are not those of the original list."""

    code = "return_line_unknown"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s with goods code %(gcode)s is not on the original declaration.")


class RequestNotOpen(WmsError):
    code = "parcel_request_not_open"
    text = N_("The return of parcel %(number)s is not approved, or its goods came back already.")


class AlreadyAsked(WmsError):
    code = "parcel_request_open"
    text = N_("Parcel %(number)s has a request that customs has not answered yet.")


class NoListNumber(WmsError):
    """Customs names lists by the number it gave them; without one there is nothing to cancel or to sum up yet."""

    code = "parcel_without_list_number"
    text = N_("Customs has not given parcel declaration %(number)s a list number yet: wait for its receipt.")


class FromChina(WmsError):
    """An export comes back from abroad (GAC 2020-44)."""

    code = "return_from_china"
    kind = Kind.INVALID
    text = N_("An export comes back from abroad: the country may not be China (142).")


@dataclass(frozen=True)
class WayBack:
    """How goods of an export come back (CEB213, CEB215). Carrier and waybill are the original ones unless said.

    Without a bill of lading ``bill_no`` is the waybill's number (customs reference, 1.8).
    """

    traf_mode: str
    traf_name: str
    voyage_no: str
    port_code: str
    country: str
    bill_no: str = ""
    logistics_code: str = ""
    logistics_name: str = ""
    waybill_no: str = ""
    loct_no: str = ""
    trade_mode: str = ""


NEEDED = ("traf_mode", "traf_name", "voyage_no", "port_code", "country")
CHINA = "142"


def way_back(way: WayBack, original: Mapping[str, str], modes: Mapping[str, str], trade_mode: str) -> dict[str, str]:
    """Return the way back with everything filled in. ``original``: carrier, its name and the waybill's number.

    ``modes`` say by which trade mode goods of a trade mode come back ("*": the others). Raises BadDocument, FromChina.
    """
    said = {name: str(value) for name, value in vars(way).items()}
    for name in NEEDED:
        if not said[name]:
            raise BadDocument(field=name, name=name, rule=N_("is needed"), given="-")
    if said["country"] == CHINA:
        raise FromChina(field="country")
    for name, value in original.items():
        said[name] = said[name] or value
    said["bill_no"] = said["bill_no"] or said["waybill_no"]
    allowed = set(modes.values())
    said["trade_mode"] = said["trade_mode"] or modes.get(trade_mode) or modes["*"]
    if said["trade_mode"] not in allowed:
        rule = N_("is not one of the values allowed")
        raise BadDocument(field="trade_mode", name="trade_mode", rule=rule, given=said["trade_mode"])
    return said


@dataclass(frozen=True)
class ReturnLine:
    """Goods that are to come back; the goods code proves that the line is meant."""

    line_no: int
    gcode: str
    qty: Decimal


@dataclass(frozen=True)
class Line:
    """A line of the original declaration: what of it came or is to come back already."""

    gcode: str
    qty: Decimal
    bespoken: Decimal


def decision(status: str) -> str | None:
    """What a receipt decides of a request: approved, refused, or nothing yet."""
    if status == APPROVES:
        return "approved"
    return "refused" if status == REFUSES or re.fullmatch(r"-\d+", status, re.ASCII) else None


def is_later(before: str | None, status: str) -> bool:
    """Whether a receipt code comes after the one that was noted last; codes outside the order always do."""
    return status not in states.ORDER or states.rank(status) > states.rank(before)


def check_time(number: str, released_at: datetime, at: datetime, days: int) -> None:
    """Raise ReturnTooLate when the period from release on is over. The last day counts whole hours of it."""
    until = released_at + timedelta(days=days)
    if at > until:
        raise ReturnTooLate(number=number, since=released_at.isoformat(timespec="minutes"),
                            until=until.isoformat(timespec="minutes"))  # fmt: skip


def check_lines(wanted: Sequence[ReturnLine], original: Mapping[int, Line]) -> None:
    """Raise UnknownReturnLine or ReturnTooMuch for what is not on the original list, or no more."""
    for one in wanted:
        line = original.get(one.line_no)
        if line is None or line.gcode != one.gcode:
            raise UnknownReturnLine(field="lines", line_no=one.line_no, gcode=one.gcode)
        left = line.qty - line.bespoken
        if not 0 < one.qty <= left:
            raise ReturnTooMuch(field="lines", line_no=one.line_no, left=f"{left.normalize():f}",
                                qty=f"{line.qty.normalize():f}", wanted=f"{one.qty.normalize():f}")  # fmt: skip


def share(total: Decimal, before: Decimal, after: Decimal, qty: Decimal, step: Decimal) -> Decimal:
    """What of ``total`` goes back when the returned part of ``qty`` grows from ``before`` to ``after``.

    Shares of several returns of a line sum to the total to the cent: each is the difference of two rounded sums.
    """
    return (total * after / qty).quantize(step) - (total * before / qty).quantize(step)


def periods(value: Mapping[str, Any]) -> tuple[int, int, bool]:
    """Read the periods of an import's return: apply within, back within (days), and whether to the same area only."""
    return int(value["apply_within_days"]), int(value["back_within_days"]), bool(value["same_area"])
