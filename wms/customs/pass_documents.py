"""The documents behind a gate pass as its rules see them, and the check of an application against them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs import pass_binding_rules as rules
from wms.customs.gate_pass_rules import EMPTY_VEHICLE, REGISTERED_GOODS, NewPass
from wms.customs.modes import beijing_day
from wms.customs.pass_binding_rules import BoundDocument, DocumentLine
from wms.customs.tables import (
    BusinessFilingLine,
    GatePassLine,
    MovementSlip,
    MovementSlipLine,
    VerificationLine,
    VerificationList,
)
from wms.parties import dated
from wms.stock.rules import AccountKey

NAME = "customs.gate_pass"
WITHOUT_DOCUMENT = (REGISTERED_GOODS, EMPTY_VEHICLE)


def bound(session: Session, new: NewPass, at: datetime) -> NewPass:
    """Check an application against its documents and return it with its binding, where none was said.

    Raises PassTypeForbids, GoodsNotOfDocument, NotWholeDocument, BadPass.
    """
    said = dated.value(session, NAME, beijing_day(at))
    documents = [found for found in (_document(session, one) for one in new.documents) if found is not None]
    rules.check_type(new, rules.type_rule(said["types"], new.pass_type), documents)
    if new.pass_type in WITHOUT_DOCUMENT:
        return replace(new, bind_type=new.bind_type or rules.WHOLE_DOCUMENT)
    rules.check_goods(new, documents)
    rules.check_binding(new, documents, said["whole_bindings"])
    return replace(new, bind_type=new.bind_type or rules.binding_of(new, documents))


def _document(session: Session, one: object) -> BoundDocument | None:
    list_id = getattr(one, "verification_list_id", None)
    slip_id = getattr(one, "movement_slip_id", None)
    if list_id is not None:
        return _of_list(session, list_id)
    return _of_slip(session, slip_id) if slip_id is not None else None


def _of_list(session: Session, list_id: int) -> BoundDocument:
    head = session.get_one(VerificationList, list_id)
    rows = session.execute(
        select(
            VerificationLine.id, VerificationLine.line_no, VerificationLine.trade_item_id,
            VerificationLine.book_line_id, VerificationLine.declared_base_qty,
        )
        .where(VerificationLine.verification_list_id == list_id)
        .order_by(VerificationLine.line_no)
    )  # fmt: skip
    lines = tuple(DocumentLine(*row) for row in rows)
    return BoundDocument(head.list_no or head.internal_no, "1", head.direction, lines)


def _of_slip(session: Session, slip_id: int) -> BoundDocument:
    head = session.get_one(MovementSlip, slip_id)
    rows = session.execute(
        select(
            MovementSlipLine.id, MovementSlipLine.line_no, BusinessFilingLine.trade_item_id,
            BusinessFilingLine.book_line_id, MovementSlipLine.qty,
        )
        .join(BusinessFilingLine, BusinessFilingLine.id == MovementSlipLine.filing_line_id)
        .where(MovementSlipLine.movement_slip_id == slip_id)
        .order_by(MovementSlipLine.line_no)
    )  # fmt: skip
    lines = tuple(DocumentLine(*row) for row in rows)
    return BoundDocument(head.slip_no or head.internal_no, "2", head.direction, lines)


def check_sources(session: Session, parts: Iterable[tuple[GatePassLine, AccountKey]]) -> None:
    """Refuse bonded goods of another account book line than the document behind their pass line declares.

    Raises GoodsNotOfDocument.
    """
    for line, account in parts:
        other_item = account.trade_item_id != line.trade_item_id
        if other_item or (account.customs_status == "bonded" and account.book_line_id != _book_line(session, line)):
            raise rules.GoodsNotOfDocument(line_no=line.line_no)


def _book_line(session: Session, line: GatePassLine) -> int | None:
    if line.verification_line_id is not None:
        return session.scalar(
            select(VerificationLine.book_line_id).where(VerificationLine.id == line.verification_line_id)
        )
    return session.scalar(
        select(BusinessFilingLine.book_line_id)
        .join(MovementSlipLine, MovementSlipLine.filing_line_id == BusinessFilingLine.id)
        .where(MovementSlipLine.id == line.slip_line_id)
    )
