"""Meat on the floor: goods that came in are on hold until their certificate is entered, and only those."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.customs import list_queries, meat, meat_rules
from wms.customs.modes import beijing_day
from wms.customs.tables import MeatBatch
from wms.floor.queries import NoticeRow
from wms.floor.service import holding
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.holding import Hold
from wms.floor.service.units import Deed
from wms.floor.tables import AdvanceNotice, ReceiptLine
from wms.stock.ledger import AccountKey
from wms.stock.tables import Lot, StockHold


def hold_for_papers(session: Session, notice: NoticeRow, goods: Sequence[tuple[AccountKey, int]], deed: Deed) -> None:
    """Note that meat just received waits for its certificate; bonded goods lie on hold anyway, this keeps them so."""
    list_id = notice.verification_list_id
    if list_id is None:
        return
    codes = _controlled(session, {account.trade_item_id for account, _ in goods}, deed.event_at)
    number = list_queries.state_of(session, list_id)[0] if codes else ""
    for account, qty in goods:
        if account.trade_item_id not in codes or account.quality_status not in {"good", "hold"}:
            continue
        lot_no = _lot_no(session, account.lot_id)
        batch = meat.batch_of(session, list_id, account.trade_item_id, lot_no)
        if batch is not None and batch.state == "certified":
            continue
        hold = Hold(
            account.owner_id, account.site_id or 0, account.trade_item_id, "customs", account.lot_id,
            account.handling_unit_id, qty,
        )  # fmt: skip
        document = meat_rules.hold_document(number, lot_no)
        part = Deed(f"{deed.key}:meat", deed.event_at, deed.device, document)
        holding.register(session, hold, part, None)


def _controlled(session: Session, item_ids: set[int], at: datetime) -> set[int]:
    known = session.execute(
        select(TradeItem.id, TradeItem.hs_code).where(TradeItem.id.in_(item_ids), TradeItem.hs_code.is_not(None))
    ).all()
    return {item_id for item_id, hs_code in known if meat.needs_papers(session, hs_code, beijing_day(at))}


def _lot_no(session: Session, lot_id: int | None) -> str | None:
    return session.scalar(select(Lot.lot_no).where(Lot.id == lot_id)) if lot_id is not None else None


def take_back(session: Session, notice: NoticeRow, lines: Sequence[ReceiptLine], deed: Deed) -> None:
    """End the holds of meat whose receipt is undone."""
    for line in lines:
        held = session.scalars(
            select(StockHold).where(
                StockHold.state == "open", StockHold.document.startswith(meat_rules.HOLD_WORD),
                StockHold.site_id == notice.site_id, StockHold.trade_item_id == line.trade_item_id,
                StockHold.lot_id.is_not_distinct_from(line.lot_id),
                StockHold.handling_unit_id.is_not_distinct_from(line.handling_unit_id),
                StockHold.placed_at == line.received_at, StockHold.qty == line.qty,
            )
            .order_by(StockHold.id)
            .limit(1)
        ).one_or_none()  # fmt: skip
        if held is not None:
            _end(session, held, "hold", "receipt undone", None, deed)


def certify(session: Session, number: str, certificate_no: str, deed: Deed) -> MeatBatch:
    """Enter customs' certificate: the batch weighs what came in, and its goods lose this hold.

    What its list has not booked yet stays on hold for customs alone. Raises UnknownBatch, BatchInState, OverPermit,
    HeldGoodsElsewhere, or a refusal of the ledger.
    """
    batch = meat.certify(session, number, certificate_no, deed.event_at)
    item = session.get_one(TradeItem, batch.trade_item_id)
    received_g = _received_g(session, batch)
    if item.is_catch_weight and received_g:
        meat.settle_weight(session, batch, received_g)
    _release(session, batch, "good", deed)
    return batch


def inspect(session: Session, number: str, note: str, deed: Deed, *, passed: bool) -> MeatBatch:
    """Take the result of customs' inspection; what failed is blocked, to be destroyed or shipped back.

    Raises UnknownBatch, BatchInState, NoteMissing, HeldGoodsElsewhere, or a refusal of the ledger.
    """
    person_id = session.scalar(select(APP_PERSON))
    batch = meat.inspect(session, number, note, person_id, deed.event_at, passed=passed)
    if not passed:
        _release(session, batch, "quarantine", deed)
    return batch


def _received_g(session: Session, batch: MeatBatch) -> int:
    found = session.scalar(
        select(func.sum(ReceiptLine.weight_g))
        .join(AdvanceNotice, AdvanceNotice.id == ReceiptLine.notice_id)
        .outerjoin(Lot, Lot.id == ReceiptLine.lot_id)
        .where(
            AdvanceNotice.verification_list_id == batch.verification_list_id,
            ReceiptLine.trade_item_id == batch.trade_item_id, Lot.lot_no.is_not_distinct_from(batch.lot_no),
            ReceiptLine.undone_at.is_(None),
        )
    )  # fmt: skip
    return int(found or 0)


def _release(session: Session, batch: MeatBatch, to_status: str, deed: Deed) -> None:
    number = list_queries.state_of(session, batch.verification_list_id)[0]
    holds = session.scalars(
        select(StockHold)
        .where(
            StockHold.state == "open", StockHold.reason == "customs",
            StockHold.document == meat_rules.hold_document(number, batch.lot_no),
            StockHold.trade_item_id == batch.trade_item_id,
        )
        .order_by(StockHold.id)
        .with_for_update(key_share=True)
    ).all()  # fmt: skip
    by_site: dict[tuple[int, int | None], list[StockHold]] = {}
    for held in holds:
        by_site.setdefault((held.site_id, held.lot_id), []).append(held)
    for (site_id, lot_id), held_there in by_site.items():
        goods = Hold(batch.owner_id, site_id, batch.trade_item_id, "customs", lot_id)
        wanted = sum(one.qty for one in held_there)
        changes = holding.held_goods(session, goods, wanted, to_status, _others(session, goods, held_there))
        said = Deed(f"{deed.key}:{site_id}:{lot_id}", deed.event_at, deed.device, batch.batch_no, deed.reason)
        posting_id = holding.post_status(session, said, changes, "meat") if changes else None
        for one in held_there:
            _end(session, one, to_status, batch.entry_certificate_no or batch.inspection_note, posting_id, deed)


def _others(session: Session, goods: Hold, ending: Sequence[StockHold]) -> int:
    """How many of the lot stay on hold for another reason (an inspection of the house)."""
    found = session.scalar(
        select(func.sum(StockHold.qty)).where(
            StockHold.state == "open", StockHold.site_id == goods.site_id,
            StockHold.trade_item_id == goods.trade_item_id, StockHold.lot_id.is_not_distinct_from(goods.lot_id),
            StockHold.id.not_in([one.id for one in ending]),
        )
    )  # fmt: skip
    return int(found or 0)


def _end(
    session: Session, held: StockHold, to_status: str, why: str | None, posting_id: int | None, deed: Deed
) -> None:
    held.state, held.to_status, held.release_reason = "released", to_status, why
    held.release_posting_id, held.released_at = posting_id, deed.event_at
    held.released_by = session.scalar(select(APP_PERSON))
    session.flush()
