"""Reads of retail orders and parcel declarations for screens, API and reports."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs.tables.parcel_flows import TaxBill
from wms.customs.tables.parcels import (
    ParcelDeclaration,
    ParcelLine,
    ParcelReceipt,
    ParcelRequest,
    RetailOrder,
    RetailWaybill,
)
from wms.errors import NotFound

ORDER_COLUMNS = (
    RetailOrder.id, RetailOrder.direction, RetailOrder.ebp_code, RetailOrder.ebc_code, RetailOrder.ebc_name,
    RetailOrder.order_no, RetailOrder.goods_value, RetailOrder.freight, RetailOrder.tax_total, RetailOrder.paid,
    RetailOrder.currency, RetailOrder.match, RetailOrder.mismatches, RetailOrder.recorded_at,
)  # fmt: skip
DECLARATION_COLUMNS = (
    ParcelDeclaration.id, ParcelDeclaration.cop_no, ParcelDeclaration.pre_no, ParcelDeclaration.invt_no,
    ParcelDeclaration.direction, ParcelDeclaration.trade_mode, ParcelDeclaration.ebp_code, ParcelDeclaration.order_no,
    ParcelDeclaration.logistics_code, ParcelDeclaration.waybill_no, ParcelDeclaration.state, ParcelDeclaration.status,
    ParcelDeclaration.is_on_hold, ParcelDeclaration.taxable, ParcelDeclaration.duty, ParcelDeclaration.consumption_tax,
    ParcelDeclaration.vat, ParcelDeclaration.tax_restored, ParcelDeclaration.is_levied_in_full,
    ParcelDeclaration.declared_at, ParcelDeclaration.released_at,
)  # fmt: skip
Row = dict[str, Any]


def orders(
    session: Session, *, match: str | None = None, order_no: str | None = None, after: int = 0, limit: int = 50,
    newest_first: bool = False,
) -> list[Row]:  # fmt: skip
    """Retail orders in the order in which they came, or the newest first, with their mismatches."""
    query = _paged(select(*ORDER_COLUMNS), RetailOrder.id, after, newest_first).limit(limit)
    if match:
        query = query.where(RetailOrder.match == match)
    if order_no:
        query = query.where(RetailOrder.order_no == order_no)
    return [dict(row._mapping) for row in session.execute(query)]


def _paged(query: Any, key: Any, after: int, newest_first: bool) -> Any:
    if newest_first:
        return (query.where(key < after) if after else query).order_by(key.desc())
    return query.where(key > after).order_by(key)


def standing(session: Session, order_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Number and state of the declaration that stands for each of these orders."""
    query = select(ParcelDeclaration.order_id, ParcelDeclaration.cop_no, ParcelDeclaration.state).where(
        ParcelDeclaration.order_id.in_(order_ids), ParcelDeclaration.state != "cancelled"
    )
    return {row.order_id: (row.cop_no or "", row.state) for row in session.execute(query)}


def orders_by_no(session: Session, ebp_code: str, order_nos: Sequence[str]) -> list[RetailOrder]:
    """Orders of a platform, in the order asked for. Raises NotFound for the first that is not there."""
    found = {
        row.order_no: row
        for row in session.scalars(
            select(RetailOrder).where(RetailOrder.ebp_code == ebp_code, RetailOrder.order_no.in_(order_nos))
        )
    }
    for number in order_nos:
        if number not in found:
            raise NotFound(field="orders", what=number)
    return [found[number] for number in order_nos]


def waybills_by_no(session: Session, logistics_code: str, numbers: Mapping[str, str]) -> dict[str, RetailWaybill]:
    """Waybills of a carrier by the order that they are named for. Raises NotFound for the first that is not there."""
    query = select(RetailWaybill).where(
        RetailWaybill.logistics_code == logistics_code, RetailWaybill.waybill_no.in_(numbers.values()),
        RetailWaybill.retired_at.is_(None),
    )  # fmt: skip
    found = {row.waybill_no: row for row in session.scalars(query)} if numbers else {}
    for number in numbers.values():
        if number not in found:
            raise NotFound(field="waybills", what=number)
    return {order_no: found[number] for order_no, number in numbers.items()}


def declarations(
    session: Session, *, state: str | None = None, order_no: str | None = None, after: int = 0, limit: int = 50,
    newest_first: bool = False,
) -> list[Row]:  # fmt: skip
    """Parcel declarations in the order in which they were drawn up, or the newest first."""
    query = _paged(select(*DECLARATION_COLUMNS), ParcelDeclaration.id, after, newest_first).limit(limit)
    if state:
        query = query.where(ParcelDeclaration.state == state)
    if order_no:
        query = query.where(ParcelDeclaration.order_no == order_no)
    return [dict(row._mapping) for row in session.execute(query)]


def declaration(session: Session, number: str) -> ParcelDeclaration:
    """One declaration by our number or customs'. Raises NotFound."""
    for column in (ParcelDeclaration.cop_no, ParcelDeclaration.invt_no, ParcelDeclaration.pre_no):
        found = session.scalars(select(ParcelDeclaration).where(column == number).limit(1)).one_or_none()
        if found is not None:
            return found
    raise NotFound(field="number", what=number)


def ids_by_number(session: Session, numbers: Sequence[str]) -> list[int]:
    """Ids of declarations, in the order asked for, as :func:`declaration` finds each. Raises NotFound."""
    ours = select(ParcelDeclaration.cop_no, ParcelDeclaration.id).where(ParcelDeclaration.cop_no.in_(numbers))
    found = {row.cop_no: row.id for row in session.execute(ours)} if numbers else {}
    return [found[number] if number in found else declaration(session, number).id for number in numbers]


def declarations_by_id(session: Session, ids: Sequence[int]) -> dict[int, Row]:
    """Declarations as the list shows them, by id."""
    query = select(*DECLARATION_COLUMNS).where(ParcelDeclaration.id.in_(ids))
    return {row.id: dict(row._mapping) for row in session.execute(query)} if ids else {}


def whole(session: Session, row: ParcelDeclaration) -> Row:
    """A declaration with its tax lines, receipts, requests, and what its documents disagreed in."""
    head = {column.key: getattr(row, column.key) for column in DECLARATION_COLUMNS}
    order = session.get(RetailOrder, row.order_id)
    return head | {
        "head": row.head,
        "mismatches": order.mismatches if order else [],
        "lines": _rows(session, ParcelLine, ParcelLine.line_no, row.id),
        "receipts": _rows(session, ParcelReceipt, ParcelReceipt.id, row.id),
        "requests": _rows(session, ParcelRequest, ParcelRequest.id, row.id),
    }


def _rows(session: Session, table: Any, order: Any, declaration_id: int) -> list[Row]:
    left_out = {"tenant_id", "declaration_id"}
    columns = [column for column in table.__table__.columns if column.name not in left_out]
    query = select(*columns).where(table.declaration_id == declaration_id).order_by(order)
    return [dict(row._mapping) for row in session.execute(query)]


def number_of(session: Session, declaration_id: int) -> str | None:
    """Our number of a declaration."""
    return session.scalar(select(ParcelDeclaration.cop_no).where(ParcelDeclaration.id == declaration_id))


def last_head(session: Session) -> Mapping[str, Any]:
    """The terms of the import that was drawn up last, empty where there is none."""
    query = select(ParcelDeclaration.head).where(ParcelDeclaration.direction == "I")
    return session.scalar(query.order_by(ParcelDeclaration.id.desc()).limit(1)) or {}


def requests(session: Session, *, kind: str, state: str | None = None, before: int = 0, limit: int = 50) -> list[Row]:
    """What was asked of customs after declarations (``cancel`` or ``return``), the newest first."""
    query = (
        select(ParcelRequest, ParcelDeclaration.cop_no.label("number"), ParcelDeclaration.order_no)
        .join(ParcelDeclaration, ParcelDeclaration.id == ParcelRequest.declaration_id)
        .where(ParcelRequest.kind == kind)
        .order_by(ParcelRequest.id.desc())
        .limit(limit)
    )
    if state:
        query = query.where(ParcelRequest.state == state)
    if before:
        query = query.where(ParcelRequest.id < before)
    return [
        {"number": row.number, "order_no": row.order_no, "asked": row.ParcelRequest} for row in session.execute(query)
    ]


def bills(session: Session, *, status: str | None = None, before: int = 0, limit: int = 50) -> list[Row]:
    """Customs' tax bills, the newest first, with the declaration each belongs to."""
    query = (
        select(TaxBill, ParcelDeclaration.cop_no.label("number"), ParcelDeclaration.order_no)
        .join(ParcelDeclaration, ParcelDeclaration.id == TaxBill.declaration_id)
        .order_by(TaxBill.id.desc())
        .limit(limit)
    )
    if status:
        query = query.where(TaxBill.status == status)
    if before:
        query = query.where(TaxBill.id < before)
    return [{"number": row.number, "order_no": row.order_no, "bill": row.TaxBill} for row in session.execute(query)]


def bills_of(session: Session, declaration_id: int) -> list[TaxBill]:
    """Customs' tax bills of a declaration, the newest first."""
    query = select(TaxBill).where(TaxBill.declaration_id == declaration_id).order_by(TaxBill.id.desc())
    return list(session.scalars(query))
