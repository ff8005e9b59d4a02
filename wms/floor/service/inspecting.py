"""Use cases of inspection: plans, units set aside on receipt, the verdict that releases or blocks exactly that lot."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

from sqlalchemy import BigInteger, cast, func, or_, select, update
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.codes.numbers import document_no
from wms.errors import N_, InvalidField
from wms.floor import queries
from wms.floor.queries import NoticeRow
from wms.floor.rules import quality as rules
from wms.floor.rules.quality import Sample
from wms.floor.service import holding, tasks
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.holding import Hold
from wms.floor.service.units import Deed
from wms.floor.tables import Inspection, InspectionPlan, ReceiptLine
from wms.parties import dated
from wms.record.service import append_leaf
from wms.stock.ledger import AccountKey
from wms.stock.tables import StockHold


@dataclass(frozen=True)
class NewPlan:
    """A plan and the goods it is for; None does not narrow."""

    sampling: str
    source: str
    valid_from_on: date
    owner_id: int | None = None
    trade_item_id: int | None = None
    supplier: str | None = None
    share_permille: int | None = None
    sample_table: str | None = None
    holds_lot: bool = False
    valid_until_on: date | None = None


@dataclass(frozen=True)
class Decide:
    """What an inspection found. ``result`` None: what the count of defects means; ``pictures`` are SHA-256 in hex."""

    inspection_id: int
    defects: int
    result: str | None = None
    grade: str | None = None
    pictures: tuple[str, ...] = ()


def enter_plan(session: Session, new: NewPlan) -> int:
    """Enter an inspection plan and return its id. Raises InvalidField, NoDatedValue for a table that is not there."""
    if (new.sampling == "share") != (new.share_permille is not None):
        raise InvalidField(field="share_permille", name="share_permille", rule=N_("belongs to a sampling by share"))
    if (new.sampling == "table") != (new.sample_table is not None):
        raise InvalidField(field="sample_table", name="sample_table", rule=N_("belongs to a sampling by table"))
    if new.valid_until_on is not None and new.valid_until_on < new.valid_from_on:
        raise InvalidField(field="valid_until_on", name="valid_until_on", rule=N_("lies before the first day"))
    if new.sample_table is not None:
        dated.value(session, new.sample_table, new.valid_from_on)
    plan = InspectionPlan(**asdict(new))
    session.add(plan)
    session.flush()
    append_leaf(session, "inspection_plan", {"plan_id": plan.id, "sampling": new.sampling}, plan.id)
    return plan.id


def plan_for(session: Session, notice: NoticeRow, trade_item_id: int, on: date) -> InspectionPlan | None:
    """Return the plan for received goods on a day: the narrowest (item, then supplier, then owner), newest first."""
    plan = InspectionPlan
    return session.scalars(
        select(plan)
        .where(
            or_(plan.owner_id.is_(None), plan.owner_id == notice.owner_id),
            or_(plan.trade_item_id.is_(None), plan.trade_item_id == trade_item_id),
            or_(plan.supplier.is_(None), plan.supplier == notice.supplier),
            plan.valid_from_on <= on,
            or_(plan.valid_until_on.is_(None), plan.valid_until_on >= on),
        )
        .order_by(
            plan.trade_item_id.is_(None), plan.supplier.is_(None), plan.owner_id.is_(None),
            plan.valid_from_on.desc(), plan.id.desc(),
        )
        .limit(1)
    ).one_or_none()  # fmt: skip


def set_aside(session: Session, notice: NoticeRow, goods: Sequence[tuple[AccountKey, int]], deed: Deed) -> list[int]:
    """Put on hold as many of the goods just received as their plans ask for; return the inspections.

    The lot of a receipt is sampled as a whole: the more of it is counted in, the more is set aside.
    """
    touched: list[int] = []
    for number, (account, qty) in enumerate(goods):
        if account.quality_status not in {"good", "hold"}:
            continue
        plan = plan_for(session, notice, account.trade_item_id, deed.event_at.date())
        if plan is not None:
            part = replace(deed, key=f"{deed.key}:inspect:{number}", document=notice.notice_no, reason=None)
            touched += _of_goods(session, notice, plan, account, qty, part)
    return touched


def _of_goods(
    session: Session, notice: NoticeRow, plan: InspectionPlan, account: AccountKey, qty: int, deed: Deed
) -> list[int]:
    received = _received(session, notice.id, account)
    sample = sample_of(session, plan, received, deed.event_at.date())
    inspection = _opened(session, notice, account)
    before = inspection.sample_qty if inspection else 0
    if inspection is not None and inspection.state == "void":  # the receipt was undone, and is made anew
        inspection.state, inspection.decided_at, inspection.decided_by = "open", None, None
        before = 0
    if inspection is not None and inspection.state != "open":
        return []
    wanted = qty if plan.holds_lot else max(0, min(qty, sample.qty - before))
    if wanted and account.quality_status == "good" and _is_told_apart(session, account.trade_item_id):
        # Nobody said which pieces: the account is set aside as it is, with all its numbers and grams.
        of_item = Hold(account.owner_id, account.site_id or 0, account.trade_item_id, "inspection")
        lying = holding.stock_of(session, of_item, ("good",))
        wanted = sum(one.free_qty for one in lying if one.account == account)
    if wanted:
        hold = Hold(
            account.owner_id, account.site_id or 0, account.trade_item_id, "inspection", account.lot_id,
            account.handling_unit_id, wanted,
        )  # fmt: skip
        # Bonded goods are on hold already; the entry alone keeps customs' booking from lifting it.
        posting_id = _post_aside(session, account, hold, deed) if account.quality_status == "good" else None
        holding.register(session, hold, deed, posting_id)
    if inspection is None:
        inspection = Inspection(
            owner_id=account.owner_id, site_id=account.site_id, notice_id=notice.id, plan_id=plan.id,
            trade_item_id=account.trade_item_id, lot_id=account.lot_id, location_id=account.location_id,
            lot_qty=received, sample_qty=max(1, sample.qty), accept_max=sample.accept_max, opened_at=deed.event_at,
        )  # fmt: skip
        session.add(inspection)
        session.flush()
        inspection.inspection_no = document_no("IN", inspection.id)
    else:
        inspection.lot_qty, inspection.accept_max = received, sample.accept_max
        inspection.sample_qty = max(before, sample.qty)
    session.flush()
    tasks.offer(
        session,
        tasks.NewTask(
            inspection.site_id, "inspect", inspection.id, inspection.inspection_no or "", 3, inspection.owner_id,
            inspection.location_id, qty=inspection.sample_qty,
        ),
    )  # fmt: skip
    return [inspection.id]


def _is_told_apart(session: Session, trade_item_id: int) -> bool:
    item = session.get_one(TradeItem, trade_item_id)
    return item.is_serial_controlled or item.is_catch_weight


def _post_aside(session: Session, account: AccountKey, hold: Hold, deed: Deed) -> int:
    of_account = [one for one in holding.stock_of(session, hold, ("good",), exact=True) if one.account == account]
    taken = holding.take(of_account, hold.qty or 0)
    return holding.post_status(session, deed, [(one, part, "hold") for one, part in taken], "inspection")


def sample_of(session: Session, plan: InspectionPlan, lot_qty: int, on: date) -> Sample:
    """Return how many units of a lot are looked at. Raises BadSampleTable, NoDatedValue."""
    if plan.sampling == "share":
        return rules.by_share(lot_qty, plan.share_permille or 0)
    name = plan.sample_table or ""
    return rules.by_table(lot_qty, dated.value(session, name, on), name)


def _received(session: Session, notice_id: int, account: AccountKey) -> int:
    found = session.scalar(
        select(cast(func.sum(ReceiptLine.qty), BigInteger)).where(
            ReceiptLine.notice_id == notice_id,
            ReceiptLine.trade_item_id == account.trade_item_id,
            ReceiptLine.lot_id.is_not_distinct_from(account.lot_id),
            ReceiptLine.undone_at.is_(None),
            ReceiptLine.quality_status.in_(("good", "hold")),
        )
    )
    return int(found or 0)


def _opened(session: Session, notice: NoticeRow, account: AccountKey) -> Inspection | None:
    return session.scalars(
        select(Inspection)
        .where(
            Inspection.notice_id == notice.id,
            Inspection.trade_item_id == account.trade_item_id,
            Inspection.lot_id.is_not_distinct_from(account.lot_id),
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def decide(session: Session, command: Decide, deed: Deed) -> Inspection:
    """Write the verdict. Passed: what was set aside is released. Failed: exactly that lot is blocked, all that is here.

    Raises UnknownInspection, InspectionDecided, MoreDefectsThanUnits, VerdictNeedsReason, or a refusal of the ledger.
    """
    inspection = session.scalars(
        select(Inspection)
        .where(Inspection.id == command.inspection_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if inspection is None:
        raise rules.UnknownInspection(inspection=command.inspection_id)
    if inspection.state != "open":
        raise rules.InspectionDecided(
            inspection=inspection.inspection_no,
            **holding.by_whom(session, inspection.decided_by, inspection.decided_at),
        )
    sample = Sample(inspection.sample_qty, inspection.accept_max)
    state = rules.verdict(command.defects, sample, command.result, deed.reason)
    said = replace(deed, document=inspection.inspection_no)
    posting_id = _release_all(session, inspection, said, "good" if state == "passed" else "quarantine")
    if state == "failed":
        posting_id = _block_rest(session, inspection, said) or posting_id
    session.execute(
        update(Inspection)
        .where(Inspection.id == inspection.id)
        .values(
            state=state, defects=command.defects, grade=command.grade, note=deed.reason,
            pictures=list(command.pictures), decided_by=APP_PERSON, decided_at=deed.event_at, posting_id=posting_id,
        )
    )  # fmt: skip
    tasks.finish(session, "inspect", inspection.id)
    verdict = {"no": inspection.inspection_no, "state": state, "defects": command.defects, "grade": command.grade}
    append_leaf(session, "inspection", {**verdict, "pictures": list(command.pictures)}, inspection.id)
    session.refresh(inspection)
    return inspection


def _release_all(session: Session, inspection: Inspection, deed: Deed, to_status: str) -> int | None:
    posting_id = None
    holds = session.scalars(
        select(StockHold.id)
        .where(
            StockHold.state == "open",
            StockHold.reason == "inspection",
            StockHold.document == _document(session, inspection),
            StockHold.trade_item_id == inspection.trade_item_id,
            StockHold.lot_id.is_not_distinct_from(inspection.lot_id),
        )
        .order_by(StockHold.id)
    ).all()
    for hold_id in holds:
        part = replace(deed, key=f"{deed.key}:{hold_id}")
        posting_id = holding.release(session, hold_id, to_status, part) or posting_id
    return posting_id


def _document(session: Session, inspection: Inspection) -> str:
    return queries.notice(session, inspection.notice_id).notice_no


def _block_rest(session: Session, inspection: Inspection, deed: Deed) -> int | None:
    """Block what else of the lot lies at the site; goods without lots: what of this receipt lies there in its units."""
    goods = Hold(
        inspection.owner_id, inspection.site_id, inspection.trade_item_id, "inspection", inspection.lot_id
    )
    units = None
    if inspection.lot_id is None:
        units = set(
            session.scalars(
                select(ReceiptLine.handling_unit_id).where(
                    ReceiptLine.notice_id == inspection.notice_id,
                    ReceiptLine.trade_item_id == inspection.trade_item_id,
                    ReceiptLine.undone_at.is_(None),
                )
            )
        )
    lying = [
        one
        for one in holding.stock_of(session, goods, ("good", "hold"), exact=True)
        if one.free_qty and (units is None or one.account.handling_unit_id in units)
    ]
    if not lying:
        return None
    changes = [(one, one.free_qty, "quarantine") for one in lying]
    return holding.post_status(session, replace(deed, key=f"{deed.key}:lot"), changes, "inspection failed")
