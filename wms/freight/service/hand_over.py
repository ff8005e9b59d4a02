"""From a booked consignment to the work that it means: its goods named, an order whose stock is promised, papers.

Each consignment of a plan is handed over once; what could not be done stands there with its reason and is tried again
when somebody asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.customs import modes, verification_lists
from wms.customs.tables import AccountBook
from wms.customs.verification_lists import DrawUpList, ListLine
from wms.errors import N_, Kind, NotFound, WmsError
from wms.floor.rules.orders import OrderLineIn
from wms.floor.service.allocating import allocate
from wms.floor.service.orders import PlaceOrder, place_order
from wms.floor.tables.orders import Allocation, OrderLine
from wms.freight.rules import UnknownConsignment, check_open
from wms.freight.rules import papers as rules
from wms.freight.service.carrying import Task, adopt
from wms.freight.service.transfer_desk import acting_person
from wms.freight.tables import Consignment, TransportBooking
from wms.freight.tables.hand_over import ConsignmentGoods, ConsignmentPaper, ConsignmentWork
from wms.parties.tables import Site
from wms.record.service import append_leaf
from wms.stock.tables import Account, BookLine


class SeveralSites(WmsError):
    """A consignment is collected at one place."""

    code = "goods_at_several_sites"
    text = N_("The goods lie at several sites (%(sites)s): a consignment leaves from one.")


class UnknownPaper(NotFound):
    code = "unknown_consignment_paper"
    text = N_("Consignment %(consignment_no)s has no paper %(document)s under this plan.")


class PaperNumberMissing(WmsError):
    """A paper that is done has a number."""

    code = "paper_number_missing"
    kind = Kind.INVALID
    text = N_("Give the number of the document.")


class PaperInBooks(WmsError):
    """What we drafted ourselves is done when customs answers it, not when somebody says so."""

    code = "paper_in_books"
    kind = Kind.CONFLICT
    text = N_(
        "%(document)s of consignment %(consignment_no)s is drafted as %(number)s: it is done when customs answers it."
    )


@dataclass(frozen=True)
class GoodsLine:
    """Base units of an owner's item at a site."""

    site: str
    item: str
    qty: int


def name_goods(session: Session, consignment_no: str, lines: Sequence[GoodsLine]) -> None:
    """Say which goods in our warehouses an open consignment is; replaces what was said before.

    Raises UnknownConsignment, ConsignmentNotOpen, NotFound (site or item of that owner).
    """
    found = session.scalar(select(Consignment).where(Consignment.consignment_no == consignment_no).with_for_update())
    if found is None:
        raise UnknownConsignment(consignment_no=consignment_no)
    check_open(consignment_no, found.state)
    session.execute(delete(ConsignmentGoods).where(ConsignmentGoods.consignment_id == found.id))
    for number, line in enumerate(lines, 1):
        site_id = session.scalar(select(Site.id).where(Site.code == line.site))
        if site_id is None:
            raise NotFound(field=f"goods.{number}.site", what=line.site)
        item_id = session.scalar(
            select(TradeItem.id).where(TradeItem.owner_id == found.owner_id, TradeItem.code == line.item)
        )
        if item_id is None:
            raise NotFound(field=f"goods.{number}.item", what=line.item)
        session.add(
            ConsignmentGoods(
                consignment_id=found.id, line_no=number, site_id=site_id, trade_item_id=item_id, qty=line.qty
            )
        )
    session.flush()


def hand_over(session: Session, task: Task, now: datetime) -> ConsignmentWork | None:
    """Make order and papers of one booked consignment; what is done already stays, what failed is tried again.

    None where it is no longer booked under the task's plan: another plan has taken its place since the task was read.
    """
    one = session.get_one(Consignment, task.consignment_id, with_for_update=True)
    if not _is_booked(session, task):
        return None
    work = session.get(ConsignmentWork, (task.plan_id, one.id), with_for_update=True)
    if work is None and adopt(session, task):
        work = session.get_one(ConsignmentWork, (task.plan_id, one.id))
    if work is None:
        work = ConsignmentWork(
            plan_id=task.plan_id, consignment_id=one.id, box_no=task.box_no, stop_code=task.stop_code,
            loading_no=task.loading_no, state="elsewhere", tried=0,
        )  # fmt: skip
        session.add(work)
    if work.state != "reserved":
        work.tried += 1
        _work(session, work, one, task, now)
        session.flush()
    _papers(session, work, one, task, now)
    return work


def _is_booked(session: Session, task: Task) -> bool:
    found = select(TransportBooking.id).where(
        TransportBooking.consignment_id == task.consignment_id, TransportBooking.plan_id == task.plan_id,
        TransportBooking.ended_at.is_(None),
    )  # fmt: skip
    return session.scalar(found.limit(1)) is not None


def _work(session: Session, work: ConsignmentWork, one: Consignment, task: Task, now: datetime) -> None:
    """Place the order (once) and promise its goods, all or nothing."""
    goods = session.execute(
        select(TradeItem.code, ConsignmentGoods.qty, ConsignmentGoods.site_id, Site.code)
        .join(TradeItem, TradeItem.id == ConsignmentGoods.trade_item_id)
        .join(Site, Site.id == ConsignmentGoods.site_id)
        .where(ConsignmentGoods.consignment_id == one.id)
        .order_by(ConsignmentGoods.line_no)
    ).all()
    work.code, work.values = None, None
    if not goods:
        work.state = "elsewhere"
        return
    try:
        sites = {row[2]: row[3] for row in goods}
        if len(sites) > 1:
            raise SeveralSites(sites=", ".join(sorted(sites.values())))
        order_id, key = work.order_id, f"hand-over:{task.plan_id}:{one.id}:{work.tried}"
        with session.begin_nested():
            if order_id is None:
                lines = tuple(OrderLineIn(row[0], int(row[1])) for row in goods)
                order_id = place_order(session, _order(one, task, next(iter(sites)), lines), now)
            got = allocate(session, key, [order_id], now)
    except WmsError as refusal:
        work.state = "refused"
        work.code, work.values = refusal.code, {name: str(value) for name, value in refusal.values.items()}
        return
    work.order_id = order_id
    if got.lines_short or not _is_promised(session, work.order_id):
        work.state, work.code = "short", "stock_short"
        work.values = {"lines": got.lines, "short": got.lines_short}
    else:
        work.state = "reserved"
        append_leaf(
            session,
            "hand_over",
            {"consignment_no": one.consignment_no, "plan_id": task.plan_id, "box_no": task.box_no},
            one.id,
        )


def _order(one: Consignment, task: Task, site_id: int, lines: tuple[OrderLineIn, ...]) -> PlaceOrder:
    return PlaceOrder(
        order_no=f"PL{task.plan_id}-{one.consignment_no}"[:80], site_id=site_id, owner_id=one.owner_id,
        trade_mode=one.trade_mode, lines=lines, ship_by_at=task.ship_by_at, route=task.stop_code,
        ship_policy="complete",
    )  # fmt: skip


def _is_promised(session: Session, order_id: int | None) -> bool:
    left = select(func.sum(OrderLine.ordered_qty - OrderLine.allocated_qty)).where(OrderLine.order_id == order_id)
    return session.scalar(left) == 0


def _papers(session: Session, work: ConsignmentWork, one: Consignment, task: Task, now: datetime) -> None:
    """Write down each document; draft what can be drafted. What is drafted or done is left alone."""
    held = _book_lines(session, work.order_id) if work.state == "reserved" else {}
    books = tuple(sorted({line.book_no for line, _ in held.values()}))
    bonded = session.scalar(
        select(func.count())
        .select_from(ConsignmentGoods)
        .join(Site, Site.id == ConsignmentGoods.site_id)
        .where(ConsignmentGoods.consignment_id == one.id, Site.kind == "bonded")
    )
    facts = rules.Facts(
        one.trade_mode, task.direction, work.state != "elsewhere", work.state == "reserved", books, bool(bonded),
        task.exit_place,
    )  # fmt: skip
    known = {
        row.document: row
        for row in session.scalars(
            select(ConsignmentPaper)
            .where(ConsignmentPaper.plan_id == task.plan_id, ConsignmentPaper.consignment_id == one.id)
            .with_for_update()
        )
    }
    for step_no, paper in enumerate(rules.papers(facts, _steps(session, one, task, now)), 1):
        row = known.get(paper.document)
        if row is None:
            row = ConsignmentPaper(
                plan_id=task.plan_id, consignment_id=one.id, document=paper.document, step_no=step_no, state="todo",
                reason=paper.reason or "refused", values=dict(paper.values) or None,
            )  # fmt: skip
            session.add(row)
        if row.state != "todo":
            continue
        row.reason, row.values = paper.reason or "refused", dict(paper.values) or None
        if not paper.reason:
            _draft_list(session, row, one, task, held, books[0])
    session.flush()


def _steps(session: Session, one: Consignment, task: Task, now: datetime) -> tuple[tuple[str, ...], ...] | None:
    if task.direction == "D" and not task.exit_place and one.trade_mode == "0110":
        return ()  # ordinary goods inside the country: customs has no part in it
    try:
        subject = rules.subject_of(one.trade_mode, task.direction)
        return modes.known(session, one.trade_mode, subject, modes.beijing_day(now)).documents
    except modes.UnknownTradeMode:
        return None


def _book_lines(session: Session, order_id: int | None) -> dict[int, tuple[BookLine, int]]:
    """Account book lines of what is promised to an order, with base units."""
    rows = session.execute(
        select(BookLine, func.sum(Allocation.qty - Allocation.void_qty))
        .join(Account, Account.book_line_id == BookLine.id)
        .join(Allocation, Allocation.account_id == Account.id)
        .join(OrderLine, OrderLine.id == Allocation.order_line_id)
        .where(OrderLine.order_id == order_id)
        .group_by(BookLine.id)
        .order_by(BookLine.id)
    )
    return {line.id: (line, int(qty)) for line, qty in rows if qty}


def _draft_list(
    session: Session, row: ConsignmentPaper, one: Consignment, task: Task, held: dict[int, tuple[BookLine, int]],
    book_no: str,
) -> None:  # fmt: skip
    """A draft 核注清单 of what is promised, in base units; what customs counts otherwise the declarant changes."""
    items = {
        item.id: item
        for item in session.scalars(
            select(TradeItem).where(TradeItem.id.in_({line.trade_item_id for line, _ in held.values()}))
        )
    }
    lines = tuple(
        ListLine(
            line.id, Decimal(qty), line.customs_unit, qty,
            items[line.trade_item_id].unit_value_minor, items[line.trade_item_id].currency,
        )
        for line, qty in held.values()
    )  # fmt: skip
    number = f"PL{task.plan_id}-{one.id}"
    try:
        with session.begin_nested():
            if session.scalar(select(AccountBook.id).where(AccountBook.book_no == book_no)) is None:
                raise NotFound(what=book_no)
            verification_lists.draw_up(session, DrawUpList(number, book_no, one.owner_id, "E", one.trade_mode, lines))
    except WmsError as refusal:
        row.reason, row.values = "refused", {"text": str(refusal)}
    else:
        row.state, row.document_no, row.reason, row.values = "drafted", number, None, None


def note_paper(session: Session, plan_id: int, consignment_no: str, document: str, number: str, now: datetime) -> None:
    """The declarant has made a document elsewhere: its number is noted.

    Raises UnknownPaper, PaperNumberMissing, PaperInBooks.
    """
    row = session.scalar(
        select(ConsignmentPaper)
        .join(Consignment, Consignment.id == ConsignmentPaper.consignment_id)
        .where(
            ConsignmentPaper.plan_id == plan_id, Consignment.consignment_no == consignment_no,
            ConsignmentPaper.document == document,
        )
        .with_for_update(of=ConsignmentPaper)
    )  # fmt: skip
    if row is None:
        raise UnknownPaper(consignment_no=consignment_no, document=document)
    if not number.strip():
        raise PaperNumberMissing(field="number")
    if row.state == "drafted":
        raise PaperInBooks(document=document, consignment_no=consignment_no, number=row.document_no)
    row.state, row.document_no, row.done_at, row.done_by = "done", number.strip(), now, acting_person(session)
    append_leaf(session, "consignment_paper", {"document": document, "number": number.strip()}, row.consignment_id)
    session.flush()
