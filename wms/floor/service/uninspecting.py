"""Undo of a receipt that was set aside for inspection: the hold ends, the inspection counts without these goods."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.floor.queries import NoticeRow
from wms.floor.rules.mistakes import MovedSince
from wms.floor.rules.undo_mistakes import HoldEnded, LotDecided
from wms.floor.service import holding, inspecting, tasks
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.holding import Hold
from wms.floor.service.units import Deed
from wms.floor.tables import Inspection, InspectionPlan, ReceiptLine, Scan
from wms.stock import ledger
from wms.stock.rules import AlreadyReversed, SerialElsewhere, ShortInPast, ShortStock, WeightLeft
from wms.stock.tables import Balance, Entry, Posting, StockHold


def take_back(session: Session, notice: NoticeRow, scan: Scan, lines: Sequence[ReceiptLine], deed: Deed) -> None:
    """End the holds that a receiving scan placed, by compensating postings; its receipt can then be reversed.

    Raises LotDecided, HoldEnded, MovedSince.
    """
    keys = [f"status:scan:{scan.key}:inspect:{number}" for number in range(len(lines))]
    for line in lines:
        inspection = _inspection(session, notice, line)
        if inspection is None:
            continue
        if inspection.state in ("passed", "failed"):
            raise LotDecided(
                inspection=inspection.inspection_no, item=_names(session, line),
                **holding.by_whom(session, inspection.decided_by, inspection.decided_at),
            )  # fmt: skip
        for held in session.scalars(select(StockHold).where(_of_scan(notice, keys, line)).order_by(StockHold.id)):
            _end(session, held, line, deed)


def count_again(session: Session, notice: NoticeRow, lines: Sequence[ReceiptLine], deed: Deed) -> None:
    """Let the inspections of a receipt count what is left of it; what is left is sampled as a whole again."""
    for number, line in enumerate(lines):
        inspection = _inspection(session, notice, line)
        if inspection is None or inspection.state != "open":
            continue
        left = _received(session, notice, line)
        if left == 0:
            person_id = session.scalar(select(APP_PERSON))
            inspection.state, inspection.decided_at, inspection.decided_by = "void", deed.event_at, person_id
            session.flush()
            tasks.void_task(session, "inspect", inspection.id)
        else:
            plan = session.get_one(InspectionPlan, inspection.plan_id)
            sample = inspecting.sample_of(session, plan, left, deed.event_at.date())
            inspection.lot_qty, inspection.accept_max = left, sample.accept_max
            inspection.sample_qty = max(1, min(left, sample.qty))
            part = Deed(f"{deed.key}:again:{number}", deed.event_at, deed.device, notice.notice_no)
            _hold_the_rest(session, notice, inspection, left if plan.holds_lot else inspection.sample_qty, part)
        session.flush()


def _inspection(session: Session, notice: NoticeRow, line: ReceiptLine) -> Inspection | None:
    return session.scalars(
        select(Inspection)
        .where(
            Inspection.notice_id == notice.id,
            Inspection.trade_item_id == line.trade_item_id,
            Inspection.lot_id.is_not_distinct_from(line.lot_id),
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _of_scan(notice: NoticeRow, keys: Sequence[str], line: ReceiptLine) -> ColumnElement[bool]:
    """The holds that a scan placed: by the keys of their postings; of bonded goods, held anyway, by their moment."""
    posted = select(Posting.id).where(Posting.idem_key.in_(keys))
    unposted = and_(StockHold.posting_id.is_(None), StockHold.placed_at == line.received_at)
    return and_(
        StockHold.reason == "inspection",
        StockHold.document == notice.notice_no,
        StockHold.trade_item_id == line.trade_item_id,
        StockHold.lot_id.is_not_distinct_from(line.lot_id),
        StockHold.handling_unit_id.is_not_distinct_from(line.handling_unit_id),
        or_(StockHold.posting_id.in_(posted), unposted),
    )


def _end(session: Session, held: StockHold, line: ReceiptLine, deed: Deed) -> None:
    if held.state != "open":
        raise HoldEnded(
            item=_names(session, line), **holding.by_whom(session, held.released_by, held.released_at)
        )
    person_id = session.scalar(select(APP_PERSON))
    if held.posting_id is not None:
        held.release_posting_id = _reverse(session, held.posting_id, f"{deed.key}:aside:{held.id}", deed)
    held.state, held.to_status, held.release_reason = "released", "good", "receipt undone"
    held.released_at, held.released_by = deed.event_at, person_id
    session.flush()


def _reverse(session: Session, posting_id: int, key: str, deed: Deed) -> int:
    last = session.scalar(
        select(func.max(Balance.last_event_at))
        .join(Entry, Entry.account_id == Balance.account_id)
        .where(Entry.posting_id == posting_id, Entry.qty > 0)
    )
    at = max(deed.event_at, last or deed.event_at)
    try:
        return ledger.reverse(session, key, posting_id, reason="receipt undone", event_at=at).posting_id
    except (ShortStock, ShortInPast, AlreadyReversed, SerialElsewhere, WeightLeft) as refusal:
        raise MovedSince from refusal


def _received(session: Session, notice: NoticeRow, line: ReceiptLine) -> int:
    found = session.scalar(
        select(func.coalesce(func.sum(ReceiptLine.qty), 0)).where(
            ReceiptLine.notice_id == notice.id,
            ReceiptLine.trade_item_id == line.trade_item_id,
            ReceiptLine.lot_id.is_not_distinct_from(line.lot_id),
            ReceiptLine.undone_at.is_(None),
            ReceiptLine.quality_status.in_(("good", "hold")),
        )
    )
    return int(found or 0)


def _hold_the_rest(session: Session, notice: NoticeRow, inspection: Inspection, wanted: int, deed: Deed) -> None:
    """Set aside of what is left what the undone goods had been set aside for."""
    held = session.scalar(
        select(func.coalesce(func.sum(StockHold.qty), 0)).where(
            StockHold.state == "open",
            StockHold.reason == "inspection",
            StockHold.document == notice.notice_no,
            StockHold.trade_item_id == inspection.trade_item_id,
            StockHold.lot_id.is_not_distinct_from(inspection.lot_id),
        )
    )
    goods = Hold(
        inspection.owner_id, inspection.site_id, inspection.trade_item_id, "inspection", inspection.lot_id
    )
    free = sum(one.free_qty for one in holding.stock_of(session, goods, ("good",), exact=True))
    missing = min(wanted - int(held or 0), free)
    item = session.get_one(TradeItem, inspection.trade_item_id)
    if missing > 0 and not (item.is_serial_controlled or item.is_catch_weight):
        whole = Hold(**{**vars(goods), "qty": missing})
        holding.place_hold(session, whole, deed)


def _names(session: Session, line: ReceiptLine) -> dict[str, str]:
    item = session.get_one(TradeItem, line.trade_item_id)
    return {"zh": item.name_zh, "en": item.name_en}
