"""Bonded goods become free where they lie, by a released list: the shelf, the book and the list move in one posting."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from wms.customs import accounts, list_queries, modes, promises
from wms.customs.rules import STATE_WORDS
from wms.customs.status_rules import StatusDocument
from wms.customs.tables import VerificationLine, VerificationList
from wms.customs.using_up import use_up
from wms.errors import N_, WmsError
from wms.stock.rules import AccountKey, Line


class NotOnList(WmsError):
    """The list does not declare goods of that account book line."""

    code = "not_declared_on_list"
    text = N_("List %(number)s does not declare these goods: none of its lines is of their account book line.")


def list_of_owner(session: Session, owner_id: int, number: str | None) -> VerificationList | None:
    """Return the owner's list with customs' number or our own, locked."""
    if not number:
        return None
    return session.scalars(
        select(VerificationList)
        .where(
            or_(VerificationList.list_no == number, VerificationList.internal_no == number),
            VerificationList.owner_id == owner_id,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def document_of(session: Session, found: VerificationList, number: str | None) -> StatusDocument:
    """Return a list as the change of status sees it, under the rules of the day it was declared."""
    is_released = found.state in {"pre_deducted", "booked", "written_off"} and found.entry_released_at is not None
    at = found.declared_at or found.recorded_at
    try:
        freed_at = modes.known(session, found.trade_mode, found.direction, modes.beijing_day(at)).freed_at
    except modes.UnknownTradeMode:
        freed_at = "gate"
    return StatusDocument(number or found.internal_no, found.direction, STATE_WORDS[found.state], is_released, freed_at)


def free(session: Session, list_id: int, parts: Sequence[tuple[AccountKey, int]]) -> list[Line]:
    """Use up the list's lines for these goods and return the book's half of the posting.

    Raises NotOnList, MoreThanDeclared.
    """
    lines: list[Line] = []
    wanted: dict[int, int] = {}
    for account, qty in parts:
        assert account.book_line_id is not None
        wanted[account.book_line_id] = wanted.get(account.book_line_id, 0) + qty
    rows = {row.book_line_id: row for row in list_queries.lines(session, list_id)}
    for book_line_id, qty in sorted(wanted.items()):
        row = rows.get(book_line_id)
        if row is None:
            raise NotOnList(number=list_queries.state_of(session, list_id)[0])
        use_up(session, row.id, row.line_no, qty, VerificationLine.passed_qty, VerificationLine.freed_qty)
        lines += _deducted(session, row, qty)
    return lines


def _deducted(session: Session, row: list_queries.ListLineRow, qty: int) -> tuple[Line, Line]:
    _, held = promises.open_qty(session, row.promise_id)
    out, pending = accounts.deduct_provisionally(row.owner_id, row.trade_item_id, row.book_line_id, qty)
    if held >= qty:
        out = replace(out, reservation_id=row.promise_id)
    return out, pending
