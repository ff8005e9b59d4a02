"""Orders are matched with their payment and waybill whenever one of the three comes or changes."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, any_, cast, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Session

from wms.customs.parcels.rows import update_all
from wms.customs.parcels.rules.matching import Mismatch, OrderSide, OtherSide, Value, compare, state_of
from wms.customs.tables.buyers import Buyer
from wms.customs.tables.parcels import RetailOrder, RetailPayment, RetailWaybill
from wms.parties.private import Vault, mask


def match_orders(session: Session, vault: Vault, order_nos: Sequence[str]) -> None:
    """Match every order of these numbers with what is there, and keep the result where it changed.

    The newest payment of an order counts, and the newest waybill that names it.
    """
    orders = session.execute(select(RetailOrder.__table__).where(_is_one_of(RetailOrder.order_no, order_nos))).all()
    if not orders:
        return
    payments = documents_of(session, RetailPayment, order_nos)
    waybills = documents_of(session, RetailWaybill, order_nos)
    changed = []
    for order in orders:
        payment = next((one for one in payments[order.order_no] if one.ebp_code == order.ebp_code), None)
        waybill = next(iter(waybills[order.order_no]), None)
        found = _mismatches(session, vault, order, payment, waybill)
        # The waybill of an export names no order: it joins when the parcel is declared.
        is_whole = payment is not None and (waybill is not None or order.direction == "E")
        state, reasons = state_of(found, is_whole=is_whole), [one.as_json() for one in found]
        if (state, reasons) != (order.match, order.mismatches):
            changed.append({"id": order.id, "match": state, "mismatches": reasons, "matched_at": datetime.now(UTC)})
    update_all(session, RetailOrder, changed)


def documents_of(session: Session, table: Any, order_nos: Sequence[str]) -> dict[str, list[Any]]:
    """Payments or waybills of orders as they stand, by order number, the newest first."""
    found: dict[str, list[Any]] = defaultdict(list)
    query = select(table.__table__).where(_is_one_of(table.order_no, order_nos))
    for row in session.execute(query.order_by(table.app_at.desc(), table.id.desc())):
        found[row.order_no].append(row)
    return found


def _is_one_of(column: Any, values: Sequence[str]) -> ColumnElement[bool]:
    """One parameter, so one statement, however many values there are."""
    found: ColumnElement[bool] = column == any_(cast(list(values), ARRAY(TEXT)))
    return found


def _mismatches(session: Session, vault: Vault, order: Any, payment: Any, waybill: Any) -> list[Mismatch]:
    """Compare by blind indexes; only where something differs is it opened, to be shown masked."""
    blind = compare(_order(order), _payment(payment), _waybill(waybill))
    if not blind:
        return []
    buyer_id = session.scalar(select(Buyer.id_sealed).where(Buyer.id == order.buyer_id))
    return compare(_order(order, vault, buyer_id), _payment(payment, vault), _waybill(waybill, vault))


def _order(order: Any, vault: Vault | None = None, id_sealed: bytes | None = None) -> OrderSide:
    sealed = order.buyer_sealed
    name = vault.open(sealed, "retail_order.buyer").split("\n")[0] if vault and sealed else None
    return OrderSide(
        Value(order.order_no, order.order_no), order.paid, order.currency,
        (
            ("buyerIdNumber", Value(order.buyer_index, _shown(vault, id_sealed, "buyer.id", "id"))),
            ("buyerName", Value(order.buyer_name_index, mask(name, "name"))),
        ) if order.buyer_index else (),
        _consignee(order, "retail_order", vault),
    )  # fmt: skip


def _payment(payment: Any, vault: Vault | None = None) -> OtherSide | None:
    if payment is None:
        return None
    number = _shown(vault, payment.payer_sealed, "retail_payment.payer", "id")
    name = _shown(vault, payment.payer_name_sealed, "retail_payment.payer_name", "name")
    people = (
        ("buyerIdNumber", Value(payment.payer_index, number)),
        ("buyerName", Value(payment.payer_name_index, name)),
    )
    return OtherSide(
        Value(payment.order_no, payment.order_no), people if payment.payer_index else (), payment.amount,
        payment.currency,
    )  # fmt: skip


def _waybill(waybill: Any, vault: Vault | None = None) -> OtherSide | None:
    if waybill is None:
        return None
    number = Value(waybill.order_no, waybill.order_no) if waybill.order_no else None
    return OtherSide(number, _consignee(waybill, "retail_waybill", vault))


def _consignee(row: Any, table: str, vault: Vault | None) -> tuple[tuple[str, Value], ...]:
    if row.consignee_index is None:
        return ()
    fields = (
        ("consignee", row.consignee_index, row.consignee_sealed, "consignee", "name"),
        ("consigneeTelephone", row.phone_index, row.phone_sealed, "phone", "phone"),
        ("consigneeAddress", row.address_index, row.address_sealed, "address", "address"),
    )
    return tuple(
        (name, Value(index, _shown(vault, sealed, f"{table}.{column}", kind)))
        for name, index, sealed, column, kind in fields
    )


def _shown(vault: Vault | None, sealed: bytes | None, field: str, kind: str) -> str:
    return mask(vault.open(sealed, field), kind) if vault and sealed else ""
