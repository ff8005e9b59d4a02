"""What is asked of customs as messages: cancel (CEB623, CEB605), take goods back (CEB625, CEB213).

People are opened here, for customs alone; an empty optional field is left out.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs.messages import Message
from wms.customs.parcels.papers import Node, filled, new_guid, number, stamp
from wms.customs.tables.buyers import Buyer
from wms.customs.tables.parcels import ParcelDeclaration, ParcelLine, ParcelRequest, RetailOrder, RetailWaybill
from wms.parties.private import Vault

CANCEL = {"I": "CEB623", "E": "CEB605"}
RETURN = {"I": "CEB625", "E": "CEB213"}


def of_cancel(session: Session, vault: Vault, asked: ParcelRequest, at: datetime) -> Message:
    """The message that asks customs to cancel a declaration; not signed yet."""
    row = session.get_one(ParcelDeclaration, asked.declaration_id)
    node = (
        _import_head(session, vault, row, asked, at)
        if row.direction == "I"
        else _export_cancel(session, row, asked, at)
    )
    return Message(CANCEL[row.direction], new_guid(), (node,))


def of_return(session: Session, vault: Vault, asked: ParcelRequest, at: datetime) -> Message:
    """The message that asks customs to let goods come back; not signed yet."""
    row = session.get_one(ParcelDeclaration, asked.declaration_id)
    if row.direction == "I":
        head = _import_head(session, vault, row, asked, at)
        lines = tuple(_import_line(line, qty) for line, qty in _lines(session, asked))
    else:
        head = _export_head(session, row, asked, at)
        lines = tuple(_export_line(line, qty) for line, qty in _lines(session, asked))
    return Message(RETURN[row.direction], new_guid(), ({"InvtRefundHead": head, "InvtRefundList": lines},))


def _begin(at: datetime) -> tuple[tuple[str, str], ...]:
    return (("guid", new_guid()), ("appType", "1"), ("appTime", stamp(at)), ("appStatus", "2"))


def _import_head(
    session: Session, vault: Vault, row: ParcelDeclaration, asked: ParcelRequest, at: datetime
) -> Node:  # fmt: skip
    order = session.get_one(RetailOrder, row.order_id)
    waybill = session.get_one(RetailWaybill, row.waybill_id)
    sealed = session.scalar(select(Buyer.id_sealed).where(Buyer.id == row.buyer_id))
    name, _newline, phone = vault.open(order.buyer_sealed or b"", "retail_order.buyer").partition("\n")
    return filled((
        *_begin(at), ("customsCode", row.head["customs_code"]), ("orderNo", row.order_no), ("ebpCode", row.ebp_code),
        ("ebpName", order.ebp_name), ("ebcCode", order.ebc_code), ("ebcName", order.ebc_name),
        ("logisticsNo", row.waybill_no), ("logisticsCode", row.logistics_code),
        ("logisticsName", waybill.logistics_name), ("copNo", asked.cop_no), ("invtNo", row.invt_no),
        ("buyerIdType", "1"), ("buyerIdNumber", vault.open(sealed, "buyer.id") if sealed else ""), ("buyerName", name),
        ("buyerTelephone", phone), ("agentCode", row.head["agent_code"]), ("agentName", row.head["agent_name"]),
        ("reason", asked.reason),
    ))  # fmt: skip


def _import_line(line: ParcelLine, qty: Decimal) -> Node:
    return {"gnum": str(line.line_no), "gcode": line.gcode, "gname": line.gname, "qty": number(qty), "unit": line.unit}


def _export_cancel(session: Session, row: ParcelDeclaration, asked: ParcelRequest, at: datetime) -> Node:
    order = session.get_one(RetailOrder, row.order_id)
    return filled((
        *_begin(at), ("customsCode", row.head["customs_code"]), ("copNo", asked.cop_no), ("invtNo", row.invt_no),
        ("reason", asked.reason), ("agentCode", row.head["agent_code"]), ("agentName", row.head["agent_name"]),
        ("ebcCode", order.ebc_code), ("ebcName", order.ebc_name),
    ))  # fmt: skip


def _export_head(session: Session, row: ParcelDeclaration, asked: ParcelRequest, at: datetime) -> Node:
    order, way = session.get_one(RetailOrder, row.order_id), asked.head
    return filled((
        *_begin(at), ("customsCode", row.head["customs_code"]), ("loctNo", way["loct_no"]), ("ebpCode", row.ebp_code),
        ("ebpName", order.ebp_name), ("ebcCode", order.ebc_code), ("ebcName", order.ebc_name),
        ("logisticsNo", way["waybill_no"]), ("logisticsCode", way["logistics_code"]),
        ("logisticsName", way["logistics_name"]), ("coElNo", asked.cop_no), ("invtNo", row.invt_no),
        ("tradeMode", way["trade_mode"]), ("agentCode", row.head["agent_code"]),
        ("agentName", row.head["agent_name"]), ("billNo", way["bill_no"]), ("ieFlag", "I"),
        ("trafMode", way["traf_mode"]), ("trafName", way["traf_name"]), ("portCode", way["port_code"]),
        ("reason", asked.reason[:500]), ("country", way["country"]), ("voyageNo", way["voyage_no"]),
    ))  # fmt: skip


def _export_line(line: ParcelLine, qty: Decimal) -> Node:
    part = qty / line.qty
    second = (("qty2", number(_part(line.qty2, part))), ("unit2", line.unit2)) if line.qty2 is not None else ()
    return filled((
        ("gnum", str(line.line_no)), ("gcode", line.gcode), ("gname", line.gname), ("gmodel", line.gmodel[:250]),
        ("qty", number(qty)), ("qty1", number(_part(line.qty1, part))), ("unit", line.unit), ("unit1", line.unit1),
        *second,
    ))  # fmt: skip


def _part(whole: Decimal, part: Decimal) -> Decimal:
    """What of a lawful quantity comes back; never more than the original."""
    return min((whole * part).quantize(Decimal("0.00001")), whole)


def _lines(session: Session, asked: ParcelRequest) -> list[tuple[ParcelLine, Decimal]]:
    wanted: list[Any] = sorted(asked.lines, key=lambda one: int(one["line_no"]))
    return [
        (session.get_one(ParcelLine, (asked.declaration_id, one["line_no"])), Decimal(one["qty"])) for one in wanted
    ]
