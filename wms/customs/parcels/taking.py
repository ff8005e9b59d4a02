"""Order, payment and waybill are taken as they come: in any order, twice, late, amended; each is kept as it came.

All documents of one order queue at a lock of its number: whichever comes last sees the others and is matched with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from wms.customs.clock import BEIJING
from wms.customs.parcels import buyers, matching
from wms.customs.parcels.buyers import Identity
from wms.customs.parcels.locks import lock_orders
from wms.customs.parcels.rows import insert_all
from wms.customs.parcels.rules import documents as rules
from wms.customs.parcels.rules.documents import Order, Payment, Waybill
from wms.customs.tables.parcels import ParcelDeclaration, RetailDocument, RetailOrder, RetailPayment, RetailWaybill
from wms.errors import N_
from wms.parties import dated
from wms.parties.private import Vault
from wms.parties.tables import Company
from wms.record.rules import canonical

Document = TypeVar("Document", Order, Payment, Waybill)
Table = type[RetailOrder] | type[RetailPayment] | type[RetailWaybill]
REUSE = "parcel.waybill_reuse_months"
OLDER = N_("an older message, kept and not used")
EXISTS = N_("the number exists already; send the change as a change")
DECLARED = N_("its parcel is declared already and is changed there")
NOT_THERE = N_("there is nothing to delete")


@dataclass(frozen=True)
class Taken:
    """What became of a document; ``reason`` in words where it changed nothing."""

    kind: str
    number: str
    outcome: str
    reason: str | None = None


@dataclass(frozen=True)
class _Kind:
    """Where a kind of document stands, by which columns it is one of its kind."""

    name: str
    table: Table
    key: tuple[str, str]
    declared_by: str


ORDERS = _Kind("order", RetailOrder, ("ebp_code", "order_no"), "order_id")
PAYMENTS = _Kind("payment", RetailPayment, ("pay_code", "transaction_no"), "payment_id")
WAYBILLS = _Kind("waybill", RetailWaybill, ("logistics_code", "waybill_no"), "waybill_id")


def take_orders(session: Session, vault: Vault, documents: Sequence[Order]) -> list[Taken]:
    """Take the orders of a message and match what can be matched."""
    return _take(session, vault, ORDERS, documents)


def take_payments(session: Session, vault: Vault, documents: Sequence[Payment]) -> list[Taken]:
    """Take the payments of a message and match what can be matched."""
    return _take(session, vault, PAYMENTS, documents)


def take_waybills(session: Session, vault: Vault, documents: Sequence[Waybill]) -> list[Taken]:
    """Take the waybills of a message and match what can be matched."""
    return _take(session, vault, WAYBILLS, documents)


@dataclass
class _Standing:
    """A row that stands under a number."""

    id: int
    order_no: str | None
    app_at: datetime
    content_index: bytes


def _take(session: Session, vault: Vault, kind: _Kind, documents: Sequence[Document]) -> list[Taken]:
    lock_orders(session, (one.order_no for one in documents if one.order_no))
    standing = _standing(session, kind, documents)
    moved = {row.order_no for row in standing.values() if row.order_no} - {one.order_no for one in documents}
    lock_orders(session, (number for number in moved if number))
    shut = _declared(session, kind, [row.id for row in standing.values()])
    deleted = _deleted(session, kind, [one.number for one in documents if one.number not in standing])
    months = _reuse_months(session, kind, documents)
    taken: list[Taken] = []
    bodies: list[str] = []
    fresh: dict[str, tuple[Document, bytes]] = {}
    for one in documents:
        values = _as_values(one)
        bodies.append(canonical(values).decode())
        index = vault.blind(_plain(one, values), "document")
        row = standing.get(one.number)
        if row is None and one.number in fresh:
            _insert(session, vault, kind, fresh)
            standing, fresh = _standing(session, kind, documents), {}
            row = standing[one.number]
        if row is not None and index != row.content_index and rules.is_free_again(one.head, row.app_at, months):
            retired = update(RetailWaybill).where(RetailWaybill.id == row.id).values(retired_at=one.head.app_at)
            session.execute(retired)
            del standing[one.number]
            row = None
        outcome, reason = _outcome(one, index, row, shut, deleted.get(one.number))
        taken.append(Taken(kind.name, one.number, outcome, reason))
        if outcome == "taken":
            fresh[one.number] = (one, index)
        elif outcome == "amended" and row is not None:
            anew = _values(session, vault, kind, [one])[0] | {"content_index": index}
            session.execute(update(kind.table).where(kind.table.id == row.id).values(anew))
            row.app_at, row.content_index = one.head.app_at, index
        elif outcome == "deleted" and row is not None:
            session.execute(delete(kind.table).where(kind.table.id == row.id))
            del standing[one.number]
    _insert(session, vault, kind, fresh)
    _keep(session, vault, documents, taken, bodies)
    numbers = {one.order_no for one in documents if one.order_no} | moved
    matching.match_orders(session, vault, sorted(number for number in numbers if number))
    return taken


def _standing(session: Session, kind: _Kind, documents: Sequence[Document]) -> dict[str, _Standing]:
    table, keys = kind.table, [tuple(one.number.split("|", 1)) for one in documents]
    columns = [getattr(table, name) for name in kind.key]
    query = select(*columns, table.id, table.order_no, table.app_at, table.content_index)
    query = query.where(tuple_(*columns).in_(keys))
    found = session.execute(query.where(RetailWaybill.retired_at.is_(None)) if kind is WAYBILLS else query)
    return {f"{row[0]}|{row[1]}": _Standing(row[2], row[3], row[4], bytes(row[5])) for row in found}


def _reuse_months(session: Session, kind: _Kind, documents: Sequence[Document]) -> int | None:
    """After how many months a number of the kind is free again; None: never."""
    if kind is not WAYBILLS or not documents:
        return None
    day = max(one.head.app_at for one in documents).astimezone(BEIJING).date()
    return int(dated.value(session, REUSE, day))


def _declared(session: Session, kind: _Kind, ids: Sequence[int]) -> dict[int, bool]:
    """Rows behind a declaration, and whether it stands: its documents change no more, those of a cancelled one do."""
    if not ids:
        return {}
    column = getattr(ParcelDeclaration, kind.declared_by)
    stands = func.bool_or(ParcelDeclaration.state != "cancelled")
    found = session.execute(select(column, stands).where(column.in_(ids)).group_by(column))
    return {row[0]: row[1] for row in found}


def _deleted(session: Session, kind: _Kind, numbers: Sequence[str]) -> dict[str, datetime]:
    if not numbers:
        return {}
    found = session.execute(
        select(RetailDocument.number, func.max(RetailDocument.app_at).label("at"))
        .where(
            RetailDocument.kind == kind.name, RetailDocument.number.in_(numbers), RetailDocument.outcome == "deleted"
        )
        .group_by(RetailDocument.number)
    )
    return {row.number: row.at for row in found}


def _outcome(
    one: Document, index: bytes, row: _Standing | None, shut: Mapping[int, bool], deleted_at: datetime | None
) -> tuple[str, str | None]:
    head, is_deletion = one.head, one.head.app_type == rules.DELETE
    if row is None:
        if deleted_at is not None and head.app_at <= deleted_at:
            return "older", OLDER
        return ("deleted", NOT_THERE) if is_deletion else ("taken", None)
    if index == row.content_index and not is_deletion:
        return "repeated", None
    if head.app_at <= row.app_at:
        return "older", OLDER
    is_shut = row.id in shut if is_deletion else shut.get(row.id, False)
    if is_shut or head.app_type == rules.ADD:
        return "refused", DECLARED if is_shut else EXISTS
    return ("deleted" if is_deletion else "amended"), None


def _plain(one: Order | Payment | Waybill, values: Mapping[str, Any]) -> str:
    """What makes a document the same: everything but its guid and the kind of message that brought it."""
    return canonical({**values, "head": {"app_at": one.head.app_at}}).decode()


def _as_values(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: _as_values(getattr(value, name)) for name in value.__dataclass_fields__}
    return [_as_values(part) for part in value] if isinstance(value, tuple) else value


def _insert(session: Session, vault: Vault, kind: _Kind, fresh: Mapping[str, tuple[Any, bytes]]) -> None:
    if not fresh:
        return
    rows = _values(session, vault, kind, [one for one, _index in fresh.values()])
    indexes = [index for _one, index in fresh.values()]
    insert_all(session, kind.table, [row | {"content_index": index} for row, index in zip(rows, indexes, strict=True)])


def _keep(
    session: Session, vault: Vault, documents: Sequence[Any], taken: Sequence[Taken], bodies: Sequence[str]
) -> None:
    rows = [
        {
            "kind": done.kind, "number": done.number, "guid": one.head.guid, "app_at": one.head.app_at,
            "outcome": done.outcome, "reason": done.reason,
            "body_sealed": vault.seal(body, "retail_document.body"),
        }
        for one, done, body in zip(documents, taken, bodies, strict=True)
    ]  # fmt: skip
    insert_all(session, RetailDocument, rows)


def _values(session: Session, vault: Vault, kind: _Kind, documents: Sequence[Any]) -> list[dict[str, Any]]:
    if kind is ORDERS:
        return _order_rows(session, vault, documents)
    return [_payment_row(vault, one) if kind is PAYMENTS else _waybill_row(vault, one) for one in documents]


def _order_rows(session: Session, vault: Vault, orders: Sequence[Order]) -> list[dict[str, Any]]:
    owners = _owners(session, {one.ebc_code for one in orders})
    people = [one.buyer for one in orders if one.buyer]
    day = max((one.head.app_at for one in orders), default=datetime.now(BEIJING)).astimezone(BEIJING).date()
    given = [Identity(one.id_number, one.name) for one in people]
    known = buyers.buyers_of(session, vault, given, day) if given else {}
    return [_order_row(vault, one, owners, known) for one in orders]


def _order_row(vault: Vault, one: Order, owners: Mapping[str, int], known: Mapping[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "direction": one.direction, "ebp_code": one.ebp_code, "ebp_name": one.ebp_name, "ebc_code": one.ebc_code,
        "ebc_name": one.ebc_name, "owner_id": owners.get(one.ebc_code), "order_no": one.order_no,
        "order_type": one.order_type, "app_at": one.head.app_at, "goods_value": one.goods_value,
        "freight": one.freight, "discount": one.discount, "tax_total": one.tax_total, "paid": one.paid,
        "currency": one.currency, "buyer_id": None, "buyer_index": None, "buyer_name_index": None,
        "buyer_sealed": None,
        "lines": [_line(line) for line in one.lines],
    }  # fmt: skip
    if one.buyer is not None:
        row |= {
            "buyer_id": known[one.buyer.id_number],
            "buyer_index": vault.blind(one.buyer.id_number, "id"),
            "buyer_name_index": vault.blind(one.buyer.name, "name"),
            "buyer_sealed": vault.seal(f"{one.buyer.name}\n{one.buyer.phone}", "retail_order.buyer"),
        }
    return row | _consignee_row(vault, one.consignee, "retail_order")


def _line(line: rules.OrderGoods) -> dict[str, Any]:
    numbers = {name: f"{getattr(line, name):f}" for name in ("qty", "price", "total_price")}
    return vars(line) | numbers


def _payment_row(vault: Vault, one: Payment) -> dict[str, Any]:
    payer = one.payer
    return {
        "pay_code": one.pay_code, "pay_name": one.pay_name, "transaction_no": one.transaction_no,
        "ebp_code": one.ebp_code, "order_no": one.order_no, "app_at": one.head.app_at, "amount": one.amount,
        "currency": one.currency,
        "payer_index": vault.blind(payer.id_number, "id") if payer else None,
        "payer_name_index": vault.blind(payer.name, "name") if payer else None,
        "payer_sealed": vault.seal(payer.id_number, "retail_payment.payer") if payer else None,
        "payer_name_sealed": vault.seal(payer.name, "retail_payment.payer_name") if payer else None,
    }  # fmt: skip


def _waybill_row(vault: Vault, one: Waybill) -> dict[str, Any]:
    return {
        "logistics_code": one.logistics_code, "logistics_name": one.logistics_name, "waybill_no": one.waybill_no,
        "order_no": one.order_no, "app_at": one.head.app_at, "freight": one.freight, "insured_fee": one.insured_fee,
        "currency": one.currency, "gross_weight": one.weight, "pack_count": one.pack_count,
    } | _consignee_row(vault, one.consignee, "retail_waybill")  # fmt: skip


def _consignee_row(vault: Vault, one: rules.Consignee | None, table: str) -> dict[str, bytes | None]:
    return {
        "consignee_index": vault.blind(one.name, "name") if one else None,
        "phone_index": vault.blind(one.phone, "phone") if one else None,
        "address_index": vault.blind(one.address, "address") if one else None,
        "consignee_sealed": vault.seal(one.name, f"{table}.consignee") if one else None,
        "phone_sealed": vault.seal(one.phone, f"{table}.phone") if one else None,
        "address_sealed": vault.seal(one.address, f"{table}.address") if one else None,
    }


def _owners(session: Session, codes: set[str]) -> dict[str, int]:
    """The companies of this house by customs' code or USCC: whose goods the orders are."""
    found = session.execute(
        select(Company.id, Company.customs_code, Company.uscc).where(
            Company.customs_code.in_(codes) | Company.uscc.in_(codes)
        )
    )
    return {code: row.id for row in found for code in (row.customs_code, row.uscc) if code}
