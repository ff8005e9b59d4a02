"""Kits, de-kitting and simple processing: a completion is one posting that consumes and produces.

Each item's own sum is zero: what is used goes to the transformation account, what is made comes out of it. Bonded goods
are first taken into process (account kind in_process, same book line); when a batch is done their line of the account
book is lowered and the product's is raised, so that book and shelf stay the same, line by line.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wms.catalog import queries as catalog
from wms.catalog.queries import Item
from wms.codes.numbers import document_no
from wms.customs import filings
from wms.floor import inside_queries as reads
from wms.floor.inside_queries import Pile
from wms.floor.rules import processing
from wms.floor.rules.processing import Part
from wms.floor.service import differences, tasks
from wms.floor.service.inside_people import current_person
from wms.floor.service.tasks import NewTask
from wms.floor.tables.processing import (
    Bill,
    BillLine,
    ProcessingIssue,
    ProcessingOrder,
)
from wms.parties.tables import Location
from wms.stock import ledger
from wms.stock.accounts import account_ids
from wms.stock.ledger import AccountKey, Line, Posting


@dataclass(frozen=True)
class NewBill:
    """A version of a bill, from a day on."""

    bill_no: str
    version: int
    owner_id: int
    kind: str
    parts: tuple[Part, ...]
    valid_from_on: date
    valid_until_on: date | None = None


@dataclass(frozen=True)
class NewOrder:
    """So many batches of the bill's version that holds on ``on``, at a work place."""

    bill_no: str
    owner_id: int
    site_id: int
    location_id: int
    batches: int
    on: date
    filing_no: str | None = None


def file_bill(session: Session, new: NewBill) -> Bill:
    """File a version of a bill. Raises BadBill, WrongKitShape, BadBillDays, BillExists."""
    processing.check_bill(new.kind, new.parts, new.valid_from_on, new.valid_until_on)
    known = select(Bill.id).where(Bill.bill_no == new.bill_no, Bill.version == new.version)
    if session.scalar(known) is not None:
        raise processing.BillExists(field="version", bill=new.bill_no, version=new.version)
    made = Bill(
        bill_no=new.bill_no,
        version=new.version,
        owner_id=new.owner_id,
        kind=new.kind,
        valid_from_on=new.valid_from_on,
        valid_until_on=new.valid_until_on,
    )
    session.add(made)
    session.flush()
    session.add_all(BillLine(bill_id=made.id, **vars(part)) for part in new.parts)
    session.flush()
    return made


def order(session: Session, new: NewOrder) -> ProcessingOrder:
    """Order batches; they become a task. Raises UnknownBill."""
    bill = session.scalars(
        select(Bill)
        .where(
            Bill.bill_no == new.bill_no,
            Bill.owner_id == new.owner_id,
            Bill.valid_from_on <= new.on,
            Bill.valid_until_on.is_(None) | (Bill.valid_until_on >= new.on),
        )
        .order_by(Bill.version.desc())
        .limit(1)
    ).one_or_none()
    if bill is None:
        raise processing.UnknownBill(field="bill", bill=new.bill_no, on=new.on.isoformat())
    number: int = session.execute(text("SELECT nextval('processing_order_id_seq')")).scalar_one()
    made = ProcessingOrder(
        id=number,
        order_no=document_no("WO", number),
        bill_id=bill.id,
        site_id=new.site_id,
        location_id=new.location_id,
        planned=new.batches,
        done=0,
        state="open",
        filing_no=new.filing_no,
        requested_by=current_person(session),
    )
    session.add(made)
    session.flush()
    tasks.offer(
        session,
        NewTask(
            new.site_id, "process", made.id, made.order_no, owner_id=new.owner_id, location_id=new.location_id,
            qty=new.batches,
        ),
    )  # fmt: skip
    return made


def by_no(session: Session, order_no: str) -> ProcessingOrder:
    """Return an order by its number, locked. Raises UnknownProcessingOrder."""
    query = select(ProcessingOrder).where(ProcessingOrder.order_no == order_no.strip().upper())
    found = session.scalars(query.with_for_update()).one_or_none()
    if found is None:
        raise processing.UnknownProcessingOrder(order=order_no)
    return found


def parts_of(session: Session, bill_id: int) -> list[Part]:
    """Return the items of a bill."""
    rows = session.scalars(select(BillLine).where(BillLine.bill_id == bill_id).order_by(BillLine.id))
    return [Part(row.trade_item_id, row.direction, row.qty, row.waste_per_mille) for row in rows]


def issue(session: Session, key: str, order_no: str, batches: int, at: datetime) -> list[ProcessingIssue]:
    """Take the bonded inputs of ``batches`` from the work place into process.

    Raises UnknownProcessingOrder, ProcessingClosed, FilingMissing, what the filing refuses, NotEnoughToProcess and
    what the ledger refuses.
    """
    made = open_order(session, order_no)
    parts = [part for part in parts_of(session, made.bill_id) if part.direction == "in"]
    lines: list[Line] = []
    pairs: list[tuple[AccountKey, AccountKey, int]] = []
    for part in parts:
        piles = [pile for pile in piles_for(session, made, part) if pile.is_bonded]
        if piles:
            require_filing(session, made, piles[0], at)
            for pile, qty in taken_for(session, made, part, piles, part.needed(batches)):
                process = _in_process(pile.account)
                lines += ledger.moved(pile.account, process, qty)
                pairs.append((pile.account, process, qty))
                at = max(at, pile.last_event_at)
    posting = Posting(f"issue:{key}", "process_issue", at, tuple(lines), made.order_no, made.filing_no)
    posted = ledger.post(session, posting)
    ids = account_ids(session, {account for taken, process, _ in pairs for account in (taken, process)})
    issued = [
        ProcessingIssue(
            order_id=made.id, from_account_id=ids[taken], account_id=ids[process], qty=qty, used_qty=0,
            posting_id=posted.posting_id,
        )
        for taken, process, qty in pairs
    ]  # fmt: skip
    session.add_all(issued)
    session.flush()
    return issued


def open_order(session: Session, order_no: str) -> ProcessingOrder:
    made = by_no(session, order_no)
    if made.state != "open":
        raise processing.ProcessingClosed(order=made.order_no, state=made.state)
    return made


def require_filing(session: Session, made: ProcessingOrder, pile: Pile, at: datetime) -> None:
    if not made.filing_no:
        raise processing.FilingMissing(field="filing_no", item=pile.names)
    filings.check_processing(session, made.filing_no, pile.account.owner_id, pile.account.book_line_id, at)


def _in_process(account: AccountKey) -> AccountKey:
    return replace(account, kind="in_process", location_id=None, handling_unit_id=None)


def piles_for(session: Session, made: ProcessingOrder, part: Part) -> list[Pile]:
    found = reads.piles_of_items_at(session, [(made.location_id, part.trade_item_id)])
    return [pile for pile in found if pile.account.quality_status == "good"]


def taken_for(
    session: Session, made: ProcessingOrder, part: Part, piles: list[Pile], wanted: int
) -> list[tuple[Pile, int]]:  # fmt: skip
    taken, left = [], wanted
    for pile in piles:
        here = min(left, pile.free)
        if here > 0:
            taken.append((pile, here))
            left -= here
    if left > 0:
        place = session.get_one(Location, made.location_id).code
        name = names_of(catalog.item(session, part.trade_item_id))
        raise processing.NotEnoughToProcess(item=name, left=wanted - left, place=place, wanted=wanted)
    return taken


def names_of(item: Item | None) -> dict[str, str]:
    return {"zh": item.name_zh, "en": item.name_en} if item else {"zh": "-", "en": "-"}


def cancel(session: Session, key: str, order_no: str, at: datetime) -> ProcessingOrder:
    """Call the rest of an order off; bonded goods still in process go back to the work place."""
    made = open_order(session, order_no)
    issued = session.scalars(
        select(ProcessingIssue).where(
            ProcessingIssue.order_id == made.id, ProcessingIssue.used_qty < ProcessingIssue.qty
        )
    ).all()
    lines = [
        line
        for one in issued
        for line in ledger.moved(
            differences.key_of(session, one.account_id),
            differences.key_of(session, one.from_account_id),
            one.qty - one.used_qty,
        )
    ]
    if lines:
        ledger.post(session, Posting(f"unissue:{key}", "process_return", at, tuple(lines), made.order_no))
        for one in issued:
            one.used_qty = one.qty
    made.state = "cancelled"
    tasks.void_task(session, "process", made.id)
    session.flush()
    return made
