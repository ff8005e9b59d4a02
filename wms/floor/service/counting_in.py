"""Goods that stand on the dock go into the ledger: one posting for a scan, shelf and book side together."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, literal_column, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.customs import accounts
from wms.floor import queries
from wms.floor.queries import NoticeRow
from wms.floor.rules import mistakes, receiving
from wms.floor.rules.piece_mistakes import SerialTwice
from wms.floor.rules.putaway import BLOCKED_STATUSES
from wms.floor.service.desk import Desk, handling_unit, lot_id
from wms.floor.service.goods import Portion
from wms.floor.tables import PutAwayTask, ReceiptLine
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line
from wms.stock.rules import SerialHereAlready

APP_PERSON: ColumnElement[int] = literal_column("app_person()")


@dataclass(frozen=True)
class Placed:
    """A portion as it was counted in: ids, quality, and its account (None where nothing could be posted)."""

    portion: Portion
    lot_id: int | None
    handling_unit_id: int | None
    quality_status: str
    account: AccountKey | None
    book_line_id: int | None


def count_in(desk: Desk, notice: NoticeRow, portions: list[Portion], dock_id: int) -> list[Placed]:
    """Post goods to the dock and note them on the receipt.

    Bonded goods that no line of the account book counts cannot be posted: they are noted as a difference and stand
    aside until customs says under which line they come in.
    """
    placed = [_placed(desk, notice, portion, dock_id) for portion in portions]
    lines = [line for one in placed for line in _lines(one)]
    if lines:
        posting = ledger.Posting(
            f"scan:{desk.key}", "receipt", desk.event_at, tuple(lines), notice.notice_no, device=desk.device
        )
        desk.posting_id = _post(desk, posting, placed)
    for one in placed:
        _note(desk, notice, one, dock_id)
        if one.account is not None:
            want(desk, notice.site_id, one.account, one.portion.qty)
    desk.session.flush()
    return placed


def _post(desk: Desk, posting: ledger.Posting, placed: list[Placed]) -> int:
    try:
        return ledger.post(desk.session, posting).posting_id
    except SerialHereAlready as refusal:
        raise SerialTwice(serial=refusal.values["serial_no"], item=placed[0].portion.names) from refusal


def _placed(desk: Desk, notice: NoticeRow, portion: Portion, dock_id: int) -> Placed:
    session = desk.session
    lot = lot_id(session, portion.item.id, portion.lot_no, portion.expires_on, portion.produced_on)
    unit_id = None
    if portion.sscc:
        unit = handling_unit(session, portion.sscc, notice.owner_id)
        if unit.owner_id != notice.owner_id:
            raise mistakes.UnknownPallet(sscc=portion.sscc)
        unit_id = unit.id
    quality = receiving.quality_of(
        is_damaged=desk.context.is_damaged,
        is_expired=portion.expires_on is not None and portion.expires_on < desk.today(notice.time_zone),
        is_announced=portion.line is not None or notice.kind == "blind",
        is_bonded=notice.is_bonded,
    )
    book_line_id = _book_line(desk, notice, portion) if notice.is_bonded else None
    account = None
    if not notice.is_bonded or book_line_id is not None:
        account = AccountKey(
            "location",
            notice.owner_id,
            portion.item.id,
            notice.site_id,
            dock_id,
            lot,
            unit_id,
            "bonded" if notice.is_bonded else "free",
            quality,
            book_line_id,
        )
    return Placed(portion, lot, unit_id, quality, account, book_line_id)


def _book_line(desk: Desk, notice: NoticeRow, portion: Portion) -> int | None:
    if portion.line is not None and portion.line.book_line_id is not None:
        return portion.line.book_line_id
    assert notice.verification_list_id is not None
    return queries.book_line_for(desk.session, notice.verification_list_id, portion.item.id)


def _lines(one: Placed) -> tuple[Line, ...]:
    if one.account is None:
        return ()
    owner_id, item_id, qty = one.account.owner_id, one.account.trade_item_id, one.portion.qty
    supplier = AccountKey("supplier", owner_id, item_id)
    shelf = ledger.moved(supplier, one.account, qty, weight_g=one.portion.weight_g, serials=one.portion.serials)
    if one.book_line_id is None:
        return shelf
    return (*shelf, *accounts.enter_books(owner_id, item_id, one.book_line_id, qty))


def _note(desk: Desk, notice: NoticeRow, one: Placed, dock_id: int) -> None:
    desk.session.execute(
        insert(ReceiptLine).values(
            notice_id=notice.id,
            notice_line_id=one.portion.line.id if one.portion.line else None,
            scan_id=desk.scan_id,
            trade_item_id=one.portion.item.id,
            lot_id=one.lot_id,
            handling_unit_id=one.handling_unit_id,
            location_id=dock_id,
            quality_status=one.quality_status,
            qty=one.portion.qty,
            weight_g=one.portion.weight_g,
            posting_id=desk.posting_id if one.account else None,
            person_id=APP_PERSON,
            received_at=desk.event_at,
        )
    )


def want(desk: Desk, site_id: int, account: AccountKey, qty: int) -> None:
    """As :func:`want_place`, for the scan at the desk."""
    want_place(desk.session, site_id, account, qty)


def want_place(session: Session, site_id: int, account: AccountKey, qty: int) -> None:
    """Ask for a place for ``qty`` base units that lie in ``account``; goods of one kind at one dock are one task."""
    statement = insert(PutAwayTask).values(
        site_id=site_id,
        from_location_id=account.location_id,
        owner_id=account.owner_id,
        trade_item_id=account.trade_item_id,
        lot_id=account.lot_id,
        handling_unit_id=account.handling_unit_id,
        is_blocked=account.quality_status in BLOCKED_STATUSES,
        qty=qty,
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["from_location_id", "trade_item_id", "lot_id", "handling_unit_id", "is_blocked"],
            # Spelled out: as a parameter, a prepared statement's generic plan could not find the partial index.
            index_where=text("state = 'open'"),
            set_={"qty": PutAwayTask.qty + statement.excluded.qty},
        )
    )
