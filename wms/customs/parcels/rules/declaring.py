"""What a parcel declaration says besides its three documents, by trade mode (customs reference, 2.5, rules 4 to 8)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from wms.customs.parcels.rules.documents import BadDocument
from wms.errors import N_, WmsError

CHINA = "142"
IMPORT_MODES, EXPORT_MODES = ("9610", "1210"), ("9610", "1210", "9710", "9810")
HS = re.compile(r"\d{10}", re.ASCII)
CODE_SHAPES = {
    "customs_code": (re.compile(r"\d{4}", re.ASCII), N_("must be the 4 digits of a customs office")),
    "port_code": (re.compile(r"\d{4}", re.ASCII), N_("must be the 4 digits of a customs office")),
    "country": (re.compile(r"\d{3}", re.ASCII), N_("must be the 3 digits of a country")),
    "traf_mode": (re.compile(r"[0-9A-Z]", re.ASCII), N_("must be one character of the transport list")),
}
NEEDED, EMPTY = N_("is needed for this trade mode"), N_("stays empty for this trade mode")


class NotMatched(WmsError):
    """The three documents do not agree, or one is missing."""

    code = "parcel_not_matched"
    text = N_("Order %(order_no)s cannot be declared: its documents are %(match)s.")


class GoodsNotFiled(WmsError):
    """Nobody filed what the goods are for customs."""

    code = "parcel_goods_not_filed"
    text = N_("Order %(order_no)s, line %(line_no)s: item %(item_no)s has no goods code or record number filed.")


MATCH_WORDS = {
    "waiting": N_("not all there yet"),
    "differs": N_("not in agreement"),
    "agrees": N_("in agreement"),
}


@dataclass(frozen=True)
class Filing:
    """What goods are for customs: code, record number, first legal unit and how much of it one unit of sale is."""

    gcode: str
    record_no: str = ""
    unit1: str = ""
    factor1: Decimal = Decimal(1)
    unit2: str = ""
    factor2: Decimal | None = None
    net_weight: Decimal | None = None  # kg of one unit of sale
    gmodel: str = ""


@dataclass(frozen=True)
class Terms:
    """The head of a declaration: who declares where, by which mode and transport. Field names of CEB621 and CEB603."""

    direction: str
    trade_mode: str
    customs_code: str
    port_code: str
    agent_code: str
    agent_name: str
    traf_mode: str
    country: str
    assure_code: str = ""
    ems_no: str = ""
    area_code: str = ""
    area_name: str = ""
    traf_no: str = ""
    voyage_no: str = ""
    bill_no: str = ""
    loct_no: str = ""
    license_no: str = ""
    wrap_type: str = ""
    ie_date: str = ""
    note: str = ""
    statistics_flag: str = "A"
    owner_code: str = "NO"
    owner_name: str = ""
    iac_code: str = ""
    iac_name: str = ""
    pod: str = ""


def check_terms(terms: Terms) -> None:
    """Raise BadDocument for what the head lacks or must not say in its trade mode."""
    modes = IMPORT_MODES if terms.direction == "I" else EXPORT_MODES
    if terms.trade_mode not in modes:
        raise _bad(terms, "trade_mode", N_("is no trade mode of a parcel declaration of this direction"))
    for name, (shape, rule) in CODE_SHAPES.items():
        if not shape.fullmatch(getattr(terms, name)):
            raise _bad(terms, name, rule)
    for name in _needed(terms):
        if not getattr(terms, name):
            raise _bad(terms, name, NEEDED)
    if terms.direction == "I" and terms.trade_mode == "1210":
        for name in ("traf_no", "voyage_no", "bill_no"):
            if getattr(terms, name):
                raise _bad(terms, name, EMPTY)
        if terms.country != CHINA:
            raise _bad(terms, "country", N_("must be 142 for 1210"))
    elif terms.direction == "I" and terms.country == CHINA:
        raise _bad(terms, "country", N_("must be the country of departure"))


def mode_direction(terms: Terms) -> str:
    """Under which direction the trade mode is on record: 1210 imports leave the zone, its exports came into it."""
    if terms.trade_mode == "1210":
        return "E" if terms.direction == "I" else "export"
    return terms.direction


def _needed(terms: Terms) -> tuple[str, ...]:
    if terms.direction == "E":
        zone = ("ems_no", "iac_code", "iac_name") if terms.trade_mode == "1210" else ()
        return ("agent_code", "agent_name", "owner_code", "pod", "wrap_type", "ie_date", *zone)
    if terms.trade_mode == "1210":
        return ("agent_code", "agent_name", "assure_code", "ems_no", "area_code", "area_name")
    return ("agent_code", "agent_name", "assure_code", "traf_no", "voyage_no", "bill_no")


def _bad(terms: Terms, name: str, rule: str) -> BadDocument:
    return BadDocument(field=name, name=name, rule=rule, given=getattr(terms, name) or "-")


def check_assurer(assure_code: str, enterprises: Mapping[str, str]) -> None:
    """Raise BadDocument unless platform, e-commerce or logistics enterprise of the parcel stands surety for the tax."""
    if assure_code not in enterprises.values():
        raise BadDocument(
            field="assure_code", name="assure_code", given=assure_code,
            rule=N_("must be the platform, e-commerce or logistics enterprise of the same parcel"),
        )  # fmt: skip


def check_filing(order_no: str, line_no: int, item_no: str, filing: Filing | None, terms: Terms) -> Filing:
    """Return what goods are filed as. Raises GoodsNotFiled, BadDocument."""
    if filing is None or not filing.gcode or (terms.trade_mode == "1210" and not filing.record_no):
        raise GoodsNotFiled(field=f"lines[{line_no}]", order_no=order_no, line_no=line_no, item_no=item_no or "-")
    if not HS.fullmatch(filing.gcode):
        raise BadDocument(field="gcode", name="gcode", rule=N_("must have 10 digits"), given=filing.gcode)
    if bool(filing.unit2) != (filing.factor2 is not None):
        raise BadDocument(
            field="unit2", name="unit2", rule=N_("second unit and quantity come together or not at all"),
            given=filing.unit2 or "-",
        )  # fmt: skip
    return filing
