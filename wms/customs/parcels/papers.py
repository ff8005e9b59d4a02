"""Declarations as the nodes of their messages: CEB621 (import) and CEB603 (export), fields in the schema's order.

People are opened here, for customs alone; an empty optional field is left out.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs.clock import BEIJING
from wms.customs.tables.buyers import Buyer
from wms.customs.tables.parcels import ParcelDeclaration, ParcelLine, RetailOrder, RetailWaybill
from wms.parties.private import Vault

Node = dict[str, str]
KIND = {"I": "CEB621", "E": "CEB603"}


def inventories(session: Session, vault: Vault, declaration_ids: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    """Return for each declaration ``{"InventoryHead": {…}, "InventoryList": ({…}, …)}``, in the order asked for."""
    found = session.execute(
        select(ParcelDeclaration, RetailOrder, RetailWaybill, Buyer.id_sealed)
        .join(RetailOrder, RetailOrder.id == ParcelDeclaration.order_id)
        .join(RetailWaybill, RetailWaybill.id == ParcelDeclaration.waybill_id)
        .outerjoin(Buyer, Buyer.id == ParcelDeclaration.buyer_id)
        .where(ParcelDeclaration.id.in_(declaration_ids))
        .execution_options(populate_existing=True)
    )
    heads = {row[0].id: row for row in found}
    lines: dict[int, list[ParcelLine]] = defaultdict(list)
    query = select(ParcelLine).where(ParcelLine.declaration_id.in_(declaration_ids))
    for line in session.scalars(query.order_by(ParcelLine.declaration_id, ParcelLine.line_no)):
        lines[line.declaration_id].append(line)
    made = []
    for one in declaration_ids:
        row, order, waybill, id_sealed = heads[one]
        if row.direction == "I":
            head = _import_head(vault, row, order, waybill, id_sealed, at)
            body = tuple(_import_line(line) for line in lines[one])
        else:
            head = _export_head(row, order, waybill, at)
            body = tuple(_export_line(line, order.currency) for line in lines[one])
        made.append({"InventoryHead": head, "InventoryList": body})
    return made


def _import_head(
    vault: Vault, row: ParcelDeclaration, order: RetailOrder, waybill: RetailWaybill, id_sealed: bytes | None,
    at: datetime,
) -> Node:  # fmt: skip
    terms, written = row.head, at.astimezone(BEIJING)
    name, _newline, phone = vault.open(order.buyer_sealed or b"", "retail_order.buyer").partition("\n")
    return filled((
        ("guid", new_guid()), ("appType", "1" if row.pre_no is None else "2"),
        ("appTime", stamp(at)), ("appStatus", "2"), ("orderNo", row.order_no),
        ("ebpCode", row.ebp_code), ("ebpName", order.ebp_name), ("ebcCode", order.ebc_code),
        ("ebcName", order.ebc_name), ("logisticsNo", row.waybill_no), ("logisticsCode", row.logistics_code),
        ("logisticsName", waybill.logistics_name), ("copNo", row.cop_no), ("preNo", row.pre_no),
        ("assureCode", terms["assure_code"]), ("emsNo", terms["ems_no"]), ("invtNo", row.invt_no), ("ieFlag", "I"),
        ("declTime", written.strftime("%Y%m%d")), ("customsCode", terms["customs_code"]),
        ("portCode", terms["port_code"]), ("ieDate", terms["ie_date"]), ("buyerIdType", "1"),
        ("buyerIdNumber", vault.open(id_sealed, "buyer.id") if id_sealed else ""), ("buyerName", name),
        ("buyerTelephone", phone),
        ("consigneeAddress", vault.open(order.address_sealed or b"", "retail_order.address")),
        ("agentCode", terms["agent_code"]), ("agentName", terms["agent_name"]), ("areaCode", terms["area_code"]),
        ("areaName", terms["area_name"]), ("tradeMode", row.trade_mode), ("trafMode", terms["traf_mode"]),
        ("trafNo", terms["traf_no"]), ("voyageNo", terms["voyage_no"]), ("billNo", terms["bill_no"]),
        ("loctNo", terms["loct_no"]), ("licenseNo", terms["license_no"]), ("country", terms["country"]),
        ("freight", number(order.freight)), ("insuredFee", number(waybill.insured_fee)), ("currency", "142"),
        ("wrapType", terms["wrap_type"]), ("packNo", str(waybill.pack_count)), ("grossWeight", terms["gross_weight"]),
        ("netWeight", terms["net_weight"]), ("note", terms["note"]),
    ))  # fmt: skip


def _import_line(line: ParcelLine) -> Node:
    return filled((
        ("gnum", str(line.line_no)), ("itemRecordNo", line.record_no), ("itemNo", (line.item_no or "")[:20]),
        ("itemName", line.gname), ("gcode", line.gcode), ("gname", line.gname), ("gmodel", line.gmodel),
        ("country", line.country), ("currency", "142"), ("qty", number(line.qty)), ("unit", line.unit),
        ("qty1", number(line.qty1)), ("unit1", line.unit1),
        ("qty2", number(line.qty2) if line.qty2 is not None else None), ("unit2", line.unit2),
        ("price", number(line.price)), ("totalPrice", number(line.total_price)),
    ))  # fmt: skip


def _export_head(row: ParcelDeclaration, order: RetailOrder, waybill: RetailWaybill, at: datetime) -> Node:
    terms = row.head
    return filled((
        ("guid", new_guid()), ("appType", "1" if row.pre_no is None else "2"),
        ("appTime", stamp(at)), ("appStatus", "2"), ("customsCode", terms["customs_code"]),
        ("ebpCode", row.ebp_code), ("ebpName", order.ebp_name), ("orderNo", row.order_no),
        ("logisticsCode", row.logistics_code), ("logisticsName", waybill.logistics_name),
        ("logisticsNo", row.waybill_no), ("copNo", row.cop_no), ("preNo", row.pre_no), ("invtNo", row.invt_no),
        ("ieFlag", "E"), ("portCode", terms["port_code"]), ("ieDate", terms["ie_date"]),
        ("statisticsFlag", terms["statistics_flag"]), ("agentCode", terms["agent_code"]),
        ("agentName", terms["agent_name"]), ("ebcCode", order.ebc_code), ("ebcName", order.ebc_name),
        ("ownerCode", terms["owner_code"]), ("ownerName", terms["owner_name"] or order.ebc_name),
        ("iacCode", terms["iac_code"]), ("iacName", terms["iac_name"]), ("emsNo", terms["ems_no"]),
        ("tradeMode", row.trade_mode), ("trafMode", terms["traf_mode"]), ("trafName", terms["traf_no"]),
        ("voyageNo", terms["voyage_no"]), ("billNo", terms["bill_no"]), ("loctNo", terms["loct_no"]),
        ("licenseNo", terms["license_no"]), ("country", terms["country"]), ("POD", terms["pod"]),
        ("freight", number(waybill.freight)), ("fCurrency", waybill.currency), ("fFlag", "3"),
        ("insuredFee", number(waybill.insured_fee)), ("iCurrency", waybill.currency), ("iFlag", "3"),
        ("wrapType", terms["wrap_type"]), ("packNo", str(waybill.pack_count)),
        ("grossWeight", terms["gross_weight"]), ("netWeight", terms["net_weight"]), ("note", terms["note"]),
    ))  # fmt: skip


def _export_line(line: ParcelLine, currency: str) -> Node:
    return filled((
        ("gnum", str(line.line_no)), ("itemNo", (line.item_no or "")[:20]), ("itemRecordNo", line.record_no),
        ("itemName", line.gname), ("gcode", line.gcode), ("gname", line.gname), ("gmodel", line.gmodel[:250]),
        ("barCode", "无"), ("country", line.country), ("currency", currency), ("qty", number(line.qty)),
        ("qty1", number(line.qty1)), ("qty2", number(line.qty2) if line.qty2 is not None else None),
        ("unit", line.unit), ("unit1", line.unit1), ("unit2", line.unit2), ("price", number(line.price)),
        ("totalPrice", number(line.total_price)),
    ))  # fmt: skip


def new_guid() -> str:
    """A number of its own for a message or a document: 36 signs in capitals."""
    return str(uuid.uuid4()).upper()


def stamp(at: datetime) -> str:
    """A time as messages write it: 14 digits, Beijing time."""
    return at.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def filled(pairs: Iterable[tuple[str, str | None]]) -> Node:
    """The fields that say something, in the order given."""
    return {name: value for name, value in pairs if value}


def number(value: Decimal) -> str:
    """A decimal without trailing zeros, never in powers of ten."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
