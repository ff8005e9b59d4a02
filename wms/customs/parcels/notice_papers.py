"""Notices about parcels as messages: CEB711, 507, 607, 509, 513 and 215. They name no person."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from wms.customs.messages import Message
from wms.customs.parcels.papers import Node, filled, new_guid, number, stamp
from wms.customs.parcels.rules.notices import KINDS

WHOLE = (("msgCount", "1"), ("msgSeqNo", "1"))  # sent in one piece: its lists have no limit


@dataclass(frozen=True)
class Told:
    """A notice as it is written. ``parcels``: waybill number, list number and gross weight in kg of each parcel."""

    number: str
    carrier_code: str
    carrier_name: str
    head: Mapping[str, str]
    parcels: Sequence[tuple[str, str | None, Decimal]]


def message(kind: str, told: Sequence[Told], at: datetime) -> Message:
    """The message of notices of one kind; not signed yet."""
    return Message(KINDS[kind].message, new_guid(), tuple(WRITES[kind](one, at) for one in told))


def _begin(at: datetime) -> tuple[tuple[str, str], ...]:
    return (("guid", new_guid()), ("appType", "1"), ("appTime", stamp(at)), ("appStatus", "2"))


def _carrier(one: Told) -> tuple[tuple[str, str], ...]:
    return (("logisticsCode", one.carrier_code), ("logisticsName", one.carrier_name))


def _operator(one: Told) -> tuple[tuple[str, str], ...]:
    return (("operatorCode", one.head["operator_code"]), ("operatorName", one.head["operator_name"]))


def _warehouse_in(one: Told, at: datetime) -> dict[str, Any]:
    head = filled((
        *_begin(at), ("customsCode", one.head["customs_code"]), ("copNo", one.number), *_operator(one), ("ieFlag", "I"),
        ("trafMode", one.head["traf_mode"]), ("trafNo", one.head["traf_no"]), ("voyageNo", one.head["voyage_no"]),
        ("billNo", one.head["bill_no"]), *_carrier(one), ("unloadLocation", one.head.get("place")),
        ("note", one.head.get("note")),
    ))  # fmt: skip
    return {"DeliveryHead": head, "DeliveryList": _lines(one)}


def _arrival(one: Told, at: datetime) -> dict[str, Any]:
    head = filled((
        *_begin(at), ("customsCode", one.head["customs_code"]), ("copNo", one.number), *_operator(one),
        ("loctNo", one.head.get("loct_no")), ("ieFlag", "E"), ("trafMode", one.head["traf_mode"]),
        ("billNo", one.head.get("bill_no")), ("domesticTrafNo", one.head["domestic_traf_no"]), *_carrier(one), *WHOLE,
        ("note", one.head.get("note")),
    ))  # fmt: skip
    return {"ArrivalHead": head, "ArrivalList": _lines(one)}


def _master_list(one: Told, at: datetime) -> dict[str, Any]:
    weight = sum((parcel[2] for parcel in one.parcels), Decimal(0))
    head = filled((
        *_begin(at), ("customsCode", one.head["customs_code"]), ("copNo", one.number),
        ("agentCode", one.head["agent_code"]), ("agentName", one.head["agent_name"]),
        ("loctNo", one.head.get("loct_no")), ("trafMode", one.head["traf_mode"]), ("trafName", one.head["traf_no"]),
        ("voyageNo", one.head["voyage_no"]), ("billNo", one.head["bill_no"]),
        ("domesticTrafNo", one.head.get("domestic_traf_no")), ("grossWeight", number(weight)), *_carrier(one), *WHOLE,
        ("note", one.head.get("note")),
    ))  # fmt: skip
    lines = tuple(
        filled((("gnum", str(n)), ("logisticsNo", waybill), ("invtNo", invt_no)))
        for n, (waybill, invt_no, _weight) in enumerate(one.parcels, 1)
    )
    return {"WayBillHead": head, "WayBillList": lines}


def _departure(one: Told, at: datetime) -> dict[str, Any]:
    head = filled((
        *_begin(at), ("customsCode", one.head["customs_code"]), ("copNo", one.number), *_carrier(one),
        ("trafMode", one.head["traf_mode"]), ("trafName", one.head.get("traf_no")),
        ("voyageNo", one.head.get("voyage_no")), ("billNo", one.head.get("bill_no")), ("leaveTime", one.head["at"]),
        *WHOLE, ("note", one.head.get("note")),
    ))  # fmt: skip
    return {"DepartureHead": head, "DepartureList": _lines(one)}


def _delivery(one: Told, at: datetime) -> Node:
    return filled((
        *_begin(at), *_carrier(one), ("logisticsNo", one.parcels[0][0]), ("logisticsStatus", "S"),
        ("logisticsTime", one.head["at"]), ("note", one.head.get("note")),
    ))  # fmt: skip


def _tally(one: Told, at: datetime) -> Node:
    return filled((
        *_begin(at), ("customsCode", one.head["customs_code"]), *_operator(one), *_carrier(one),
        ("logisticsNo", one.parcels[0][0]), ("invtNo", one.parcels[0][1]), ("coElNo", one.number),
        ("billNo", one.head["bill_no"]), ("ieFlag", "I"), ("trafMode", one.head["traf_mode"]),
        ("trafName", one.head["traf_no"]), ("voyageNo", one.head["voyage_no"]), ("location", one.head.get("place")),
        ("note", one.head.get("note")),
    ))  # fmt: skip


def _lines(one: Told) -> tuple[Node, ...]:
    return tuple({"gnum": str(n), "logisticsNo": parcel[0]} for n, parcel in enumerate(one.parcels, 1))


WRITES: Mapping[str, Callable[[Told, datetime], dict[str, Any]]] = {
    "warehouse_in": _warehouse_in, "arrival": _arrival, "master_list": _master_list, "departure": _departure,
    "delivery": _delivery, "tally": _tally,
}  # fmt: skip
