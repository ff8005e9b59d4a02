"""A retail order with its payment, its waybill and its declaration as a declarant looks at it; people masked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs.parcels import matching, privacy
from wms.customs.parcels.privacy import People
from wms.customs.tables.parcels import (
    ParcelDeclaration,
    RetailDocument,
    RetailOrder,
    RetailPayment,
    RetailWaybill,
)
from wms.errors import NotFound
from wms.parties.private import KeyLost, Vault, mask

HISTORY = 50


@dataclass(frozen=True)
class OrderView:
    """Everything that is known of an order. ``payer`` and ``receiver`` are masked values by field."""

    order: RetailOrder
    people: People | None
    payment: RetailPayment | None
    payer: Mapping[str, str]
    waybill: RetailWaybill | None
    receiver: Mapping[str, str]
    declarations: tuple[tuple[str, str], ...]  # number and state, the newest first
    came: tuple[RetailDocument, ...]  # each document each time it came, the newest first


def view(session: Session, vault: Vault, order_id: int) -> OrderView:
    """Return an order that the caller may see. Raises NotFound."""
    order = session.get(RetailOrder, order_id)
    if order is None:
        raise NotFound(what=str(order_id))
    payments = matching.documents_of(session, RetailPayment, [order.order_no])[order.order_no]
    payment = next((one for one in payments if one.ebp_code == order.ebp_code), None)
    waybill = next(iter(matching.documents_of(session, RetailWaybill, [order.order_no])[order.order_no]), None)
    declared = session.execute(
        select(ParcelDeclaration.cop_no, ParcelDeclaration.state)
        .where(ParcelDeclaration.order_id == order.id)
        .order_by(ParcelDeclaration.id.desc())
    )
    return OrderView(
        order, _people(session, vault, order), payment, _payer(vault, payment), waybill, _receiver(vault, waybill),
        tuple((row.cop_no or "", row.state) for row in declared), tuple(_came(session, order, payment, waybill)),
    )  # fmt: skip


def _people(session: Session, vault: Vault, order: RetailOrder) -> People | None:
    try:
        return privacy.masked(session, vault, order)
    except KeyLost:
        return None


def _payer(vault: Vault, payment: RetailPayment | None) -> Mapping[str, str]:
    if payment is None or payment.payer_sealed is None:
        return {}
    return _opened(vault, payment, "retail_payment", (("payer", "id"), ("payer_name", "name")))


def _receiver(vault: Vault, waybill: RetailWaybill | None) -> Mapping[str, str]:
    if waybill is None or waybill.phone_sealed is None:
        return {}
    kinds = (("consignee", "name"), ("phone", "phone"), ("address", "address"))
    return _opened(vault, waybill, "retail_waybill", kinds)


def _opened(vault: Vault, row: Any, table: str, kinds: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    try:
        return {
            name: mask(vault.open(getattr(row, f"{name}_sealed"), f"{table}.{name}"), kind)
            for name, kind in kinds
            if getattr(row, f"{name}_sealed")
        }
    except KeyLost:
        return {}


def _came(
    session: Session, order: RetailOrder, payment: RetailPayment | None, waybill: RetailWaybill | None
) -> list[RetailDocument]:
    numbers = [("order", f"{order.ebp_code}|{order.order_no}")]
    if payment is not None:
        numbers.append(("payment", f"{payment.pay_code}|{payment.transaction_no}"))
    if waybill is not None:
        numbers.append(("waybill", f"{waybill.logistics_code}|{waybill.waybill_no}"))
    found: list[RetailDocument] = []
    for kind, number in numbers:
        query = select(RetailDocument).where(RetailDocument.kind == kind, RetailDocument.number == number)
        found += session.scalars(query.order_by(RetailDocument.id.desc()).limit(HISTORY))
    return sorted(found, key=lambda one: one.id, reverse=True)[:HISTORY]
