"""Receipts of customs for parcels: taken in any order, each kept, moving a declaration forward only.

What ends a declaration without release gives the buyer's quota back; what comes late or twice changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs import inspections
from wms.customs.parcels import buyers
from wms.customs.parcels.buyers import Use
from wms.customs.parcels.declaring import locked
from wms.customs.parcels.rows import insert_all
from wms.customs.parcels.rules import requests as request_rules
from wms.customs.parcels.rules import states
from wms.customs.tables.parcels import ParcelDeclaration, ParcelReceipt, ParcelRequest
from wms.errors import NotFound
from wms.record.service import append_leaf

GIVES_BACK = frozenset({"rejected", "shipped_back", "cancelled"})
OF_DECLARATION, OF_CANCEL, OF_RETURN = ("CEB622", "CEB604"), ("CEB624", "CEB606"), ("CEB626", "CEB214")


@dataclass(frozen=True)
class Receipt:
    """A receipt (CEB622, 604, 624, 606, 626, 214): of what, the code, its words, and the numbers that customs gave."""

    kind: str
    status: str
    returned_at: datetime
    info: str = ""
    cop_no: str | None = None
    pre_no: str | None = None
    invt_no: str | None = None


def find(session: Session, *, cop_no: str | None = None, pre_no: str | None = None, invt_no: str | None = None) -> int:
    """Return the id of the declaration with one of these numbers, or whose request has it. Raises NotFound."""
    for column, number, found_id in (
        (ParcelDeclaration.cop_no, cop_no, ParcelDeclaration.id),
        (ParcelRequest.cop_no, cop_no, ParcelRequest.declaration_id),
        (ParcelDeclaration.invt_no, invt_no, ParcelDeclaration.id),
        (ParcelDeclaration.pre_no, pre_no, ParcelDeclaration.id),
    ):
        if number:
            found = session.scalar(select(found_id).where(column == number).limit(1))
            if found is not None:
                return found
    raise NotFound(field="copNo", what=cop_no or invt_no or pre_no or "-")


def take_receipt(session: Session, receipt: Receipt) -> bool:
    """Take a receipt; return whether it moved anything. Raises NotFound."""
    (said,) = take_receipts(session, [receipt])
    if isinstance(said, NotFound):
        raise said
    return said


def take_receipts(session: Session, receipts: Sequence[Receipt]) -> list[bool | NotFound]:
    """Take the receipts of a message one after the other; in the place of each, whether it moved anything, or NotFound.

    Declarations that are named by our own number are locked at once, in the order of their ids.
    """
    ours = select(ParcelDeclaration.cop_no, ParcelDeclaration.id).where(
        ParcelDeclaration.cop_no.in_(sorted({one.cop_no for one in receipts if one.cop_no}))
    )
    known = {row.cop_no: row.id for row in session.execute(ours)}
    rows = {row.id: row for row in locked(session, sorted(known.values()))}
    said: list[bool | NotFound] = []
    kept = []
    for receipt in receipts:
        try:
            row = rows[known[receipt.cop_no]] if receipt.cop_no in known else _otherwise(session, receipt)
        except NotFound as refusal:
            said.append(refusal)
            continue
        act = _of_declaration if receipt.kind in OF_DECLARATION else _of_request
        has_moved = act(session, row, receipt)
        said.append(has_moved)
        kept.append({
            "declaration_id": row.id, "message_kind": receipt.kind, "status": receipt.status,
            "info": receipt.info[:1000], "returned_at": receipt.returned_at, "has_moved": has_moved,
        })  # fmt: skip
    insert_all(session, ParcelReceipt, kept)
    session.flush()
    _inspect(session, kept)
    return said


def _inspect(session: Session, kept: Sequence[dict[str, Any]]) -> None:
    """Customs' 500 orders an inspection; 800 and 899 end it, and let the random rule look at the parcel once."""
    moved = {one["declaration_id"]: one for one in kept if one["has_moved"] and one["message_kind"] in OF_DECLARATION}
    if not moved:
        return
    rows, at = locked(session, sorted(moved)), max(one["returned_at"] for one in moved.values())
    for row in rows:
        one = moved[row.id]
        if one["status"] == "500":
            inspections.order_by_receipt(session, row, one["returned_at"], one["info"])
    let_go = [row for row in rows if moved[row.id]["status"] in states.RELEASED]
    if let_go:
        inspections.end_by_receipt(session, let_go, at)
        inspections.draw_released(session, let_go, at)


def _otherwise(session: Session, receipt: Receipt) -> ParcelDeclaration:
    """The declaration by customs' numbers, which a receipt before this one may have brought. Raises NotFound."""
    session.flush()
    return locked(session, [find(session, pre_no=receipt.pre_no, invt_no=receipt.invt_no, cop_no=receipt.cop_no)])[0]


def _of_declaration(session: Session, row: ParcelDeclaration, receipt: Receipt) -> bool:
    step = states.take_receipt(row.state, row.status, receipt.status)
    if not step.has_moved:
        return False
    row.state, row.status = step.state, step.status
    row.pre_no, row.invt_no = receipt.pre_no or row.pre_no, receipt.invt_no or row.invt_no
    if step.state == "released" or (step.state == "cleared" and row.released_at is None):
        row.released_at = receipt.returned_at
    # 4 says that sending failed: it is sent again and keeps its quota. 100 says no.
    if step.state in GIVES_BACK or receipt.status == "100":
        give_back(session, row)
    _record(session, row, receipt)
    return True


def give_back(session: Session, row: ParcelDeclaration, fen: int | None = None) -> int:
    """Give back what a declaration took of its buyer's year, or ``fen`` of it; return how much was given."""
    left = row.quota_minor - row.quota_restored_minor
    given = left if fen is None else min(fen, left)
    if given and row.buyer_id and row.quota_year:
        buyers.give_back(session, Use(row.buyer_id, given), row.quota_year)
    row.quota_restored_minor += given
    return given


def _of_request(session: Session, row: ParcelDeclaration, receipt: Receipt) -> bool:
    """Customs' answer to a cancellation or return: 399 approves, 100 and exceptions refuse; others only wait.

    It is of the request whose number it names; one that names the list's number is of the request that waits.
    """
    kind = "cancel" if receipt.kind in OF_CANCEL else "return"
    of_list = [ParcelRequest.declaration_id == row.id, ParcelRequest.kind == kind]
    numbered = session.scalar(select(ParcelRequest.id).where(*of_list, ParcelRequest.cop_no == (receipt.cop_no or "")))
    chosen = ParcelRequest.id == numbered if numbered is not None else ParcelRequest.state == "applied"
    asked = session.scalars(
        select(ParcelRequest)
        .where(*of_list, chosen)
        .order_by(ParcelRequest.id)
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if asked is None or asked.state != "applied" or not request_rules.is_later(asked.status, receipt.status):
        return False
    decided = request_rules.decision(receipt.status)
    asked.status = receipt.status
    if decided is None:
        return False
    asked.state, asked.decided_at = decided, receipt.returned_at
    if decided == "approved" and kind == "cancel":
        row.state, row.cancelled_at, asked.state = "cancelled", receipt.returned_at, "completed"
        give_back(session, row)
    _record(session, row, receipt)
    return True


def _record(session: Session, row: ParcelDeclaration, receipt: Receipt) -> None:
    body: dict[str, Any] = {
        "declaration_id": row.id, "cop_no": row.cop_no, "kind": receipt.kind, "status": receipt.status,
        "state": row.state, "at": receipt.returned_at,
    }  # fmt: skip
    append_leaf(session, "parcel_receipt", body, row.id)
