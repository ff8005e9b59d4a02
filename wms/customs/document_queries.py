"""Reads of customs' documents for screens: lists, passes, filings, slips, transits, parcels collected in person."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.customs.tables import (
    AccountBook,
    BusinessFiling,
    BusinessFilingLine,
    CustomsTransit,
    GatePass,
    GatePassDocument,
    GatePassLine,
    MovementSlip,
    MovementSlipLine,
    PickUp,
    VerificationChange,
    VerificationLine,
    VerificationList,
)
from wms.customs.tables.parcels import ParcelDeclaration
from wms.errors import NotFound
from wms.parties.tables import Company, Person, Site
from wms.stock.tables import BookLine

Row = dict[str, Any]


def lists(
    session: Session, *, number: str = "", state: str = "", book_no: str = "", before: int = 0, limit: int = 50
) -> list[Row]:
    """Verification lists, the newest first; ``number`` is customs' or ours."""
    query = (
        select(VerificationList, AccountBook.book_no, Company.name_zh, Company.name_en)
        .join(AccountBook, AccountBook.id == VerificationList.account_book_id)
        .join(Company, Company.id == VerificationList.owner_id)
    )
    if number:
        query = query.where(or_(VerificationList.list_no == number, VerificationList.internal_no == number))
    if state:
        query = query.where(VerificationList.state == state)
    if book_no:
        query = query.where(AccountBook.book_no == book_no)
    return _rows(session, query, VerificationList, before, limit)


def list_page(session: Session, number: str) -> Row:
    """A list with its lines, its passes and what was asked to be changed. Raises NotFound."""
    found = lists(session, number=number, limit=1)
    if not found:
        raise NotFound(what=number)
    row: VerificationList = found[0]["row"]
    lines = session.execute(
        select(VerificationLine, BookLine.line_no.label("book_line"), TradeItem)
        .join(BookLine, BookLine.id == VerificationLine.book_line_id)
        .join(TradeItem, TradeItem.id == VerificationLine.trade_item_id)
        .where(VerificationLine.verification_list_id == row.id)
        .order_by(VerificationLine.line_no)
    )
    passes = session.scalars(
        select(GatePass)
        .join(GatePassDocument, GatePassDocument.gate_pass_id == GatePass.id)
        .where(or_(GatePassDocument.verification_list_id == row.id, GatePassDocument.document_no == row.list_no))
        .order_by(GatePass.id)
        .distinct()
    )
    asked = select(VerificationChange).where(VerificationChange.verification_list_id == row.id)
    return found[0] | {
        "lines": [{"line": line, "book_line": book_line, "item": item} for line, book_line, item in lines],
        "passes": list(passes),
        "changes": list(session.scalars(asked.order_by(VerificationChange.id.desc()))),
    }


def passes(
    session: Session, *, number: str = "", state: str = "", plate: str = "", before: int = 0, limit: int = 50
) -> list[Row]:
    """Gate passes, the newest first; ``number`` is customs' or ours."""
    query = select(GatePass, Company.name_zh, Company.name_en).join(Company, Company.id == GatePass.owner_id)
    if number:
        query = query.where(or_(GatePass.pass_no == number, GatePass.internal_no == number))
    if state:
        query = query.where(GatePass.state == state)
    if plate:
        query = query.where(GatePass.vehicle_plate == plate)
    return _rows(session, query, GatePass, before, limit)


def pass_page(session: Session, number: str) -> Row:
    """A pass with its goods and the documents behind it. Raises NotFound."""
    found = passes(session, number=number, limit=1)
    if not found:
        raise NotFound(what=number)
    row: GatePass = found[0]["row"]
    lines = session.execute(
        select(GatePassLine, TradeItem)
        .join(TradeItem, TradeItem.id == GatePassLine.trade_item_id)
        .where(GatePassLine.gate_pass_id == row.id)
        .order_by(GatePassLine.line_no)
    )
    documents = select(GatePassDocument).where(GatePassDocument.gate_pass_id == row.id).order_by(GatePassDocument.id)
    return found[0] | {
        "lines": [{"line": line, "item": item} for line, item in lines],
        "documents": list(session.scalars(documents)),
    }


def filings(session: Session, *, number: str = "", before: int = 0, limit: int = 50) -> list[Row]:
    """Business filings, the newest first."""
    query = (
        select(BusinessFiling, AccountBook.book_no, Company.name_zh, Company.name_en)
        .join(AccountBook, AccountBook.id == BusinessFiling.account_book_id)
        .join(Company, Company.id == BusinessFiling.owner_id)
    )
    if number:
        query = query.where(or_(BusinessFiling.filing_no == number, BusinessFiling.internal_no == number))
    return _rows(session, query, BusinessFiling, before, limit)


def filing_page(session: Session, number: str) -> Row:
    """A filing with what may move under it and its slips. Raises NotFound."""
    found = filings(session, number=number, limit=1)
    if not found:
        raise NotFound(what=number)
    row: BusinessFiling = found[0]["row"]
    lines = session.execute(
        select(BusinessFilingLine, TradeItem)
        .join(TradeItem, TradeItem.id == BusinessFilingLine.trade_item_id)
        .where(BusinessFilingLine.business_filing_id == row.id)
        .order_by(BusinessFilingLine.line_no)
    )
    slips = select(MovementSlip).where(MovementSlip.business_filing_id == row.id).order_by(MovementSlip.id.desc())
    return found[0] | {
        "lines": [{"line": line, "item": item} for line, item in lines],
        "slips": list(session.scalars(slips)),
    }


def slip_page(session: Session, number: str) -> Row:
    """A slip with its goods. Raises NotFound."""
    query = (
        select(MovementSlip, BusinessFiling)
        .join(BusinessFiling, BusinessFiling.id == MovementSlip.business_filing_id)
        .where(or_(MovementSlip.slip_no == number, MovementSlip.internal_no == number))
    )
    found = session.execute(query.limit(1)).one_or_none()
    if found is None:
        raise NotFound(what=number)
    slip, filing = found
    lines = session.execute(
        select(MovementSlipLine, TradeItem)
        .join(BusinessFilingLine, BusinessFilingLine.id == MovementSlipLine.filing_line_id)
        .join(TradeItem, TradeItem.id == BusinessFilingLine.trade_item_id)
        .where(MovementSlipLine.movement_slip_id == slip.id)
        .order_by(MovementSlipLine.line_no)
    )
    return {"slip": slip, "filing": filing, "lines": [{"line": line, "item": item} for line, item in lines]}


def transits(
    session: Session, *, number: str = "", state: str = "", before: int = 0, limit: int = 50
) -> list[Row]:
    """Transits to and from other customs offices, the newest first; ``number`` is customs', ours or the list's."""
    query = (
        select(
            CustomsTransit, VerificationList.internal_no.label("list_internal_no"), VerificationList.list_no,
            Company.name_zh, Company.name_en,
        )
        .join(VerificationList, VerificationList.id == CustomsTransit.verification_list_id)
        .join(Company, Company.id == CustomsTransit.owner_id)
    )  # fmt: skip
    if number:
        names = (CustomsTransit.transit_no, CustomsTransit.internal_no, VerificationList.list_no,
                 VerificationList.internal_no)  # fmt: skip
        query = query.where(or_(*(name == number for name in names)))
    if state:
        query = query.where(CustomsTransit.state == state)
    return _rows(session, query, CustomsTransit, before, limit)


def pick_ups(session: Session, *, number: str = "", before: int = 0, limit: int = 50) -> list[Row]:
    """Parcels that their buyers collected, the newest first; ``number`` is ours of the declaration."""
    query = (
        select(PickUp, ParcelDeclaration.cop_no, Site, Person)
        .join(ParcelDeclaration, ParcelDeclaration.id == PickUp.declaration_id)
        .join(Site, Site.id == PickUp.site_id)
        .outerjoin(Person, Person.id == PickUp.person_id)
    )
    if number:
        query = query.where(ParcelDeclaration.cop_no == number)
    return _rows(session, query, PickUp, before, limit)


def _rows(session: Session, query: Any, table: Any, before: int, limit: int) -> list[Row]:
    if before:
        query = query.where(table.id < before)
    found: Sequence[Any] = session.execute(query.order_by(table.id.desc()).limit(limit)).all()
    return [{"row": one[0], **{name: one._mapping[name] for name in one._fields[1:]}} for one in found]
