"""Kits, de-kitting and simple processing: a completion is one posting that consumes and produces.

Each item's own sum is zero: what is used goes to the transformation account, what is made comes out of it. Bonded goods
are first taken into process (account kind in_process, same book line); when a batch is done their line of the account
book is lowered and the product's is raised, so that book and shelf stay the same, line by line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wms.catalog import queries as catalog
from wms.catalog.queries import Item
from wms.codes.numbers import document_no
from wms.customs import accounts
from wms.floor import inside_queries as reads
from wms.floor.inside_queries import Pile
from wms.floor.rules import processing
from wms.floor.rules.processing import Part
from wms.floor.service import differences, tasks
from wms.floor.service.desk import lot_id
from wms.floor.service.inside_people import current_person, has_role
from wms.floor.service.tasks import NewTask
from wms.floor.tables.processing import (
    Bill,
    BillLine,
    ProcessingCompletion,
    ProcessingIssue,
    ProcessingOrder,
    ProcessingUse,
)
from wms.parties.tables import Location
from wms.stock import ledger
from wms.stock.accounts import account_ids
from wms.stock.ledger import AccountKey, Line, Posting
from wms.stock.tables import BookLine


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


@dataclass(frozen=True)
class Made:
    """A lot that was made of an output item, and for bonded goods its line of the account book."""

    lot_no: str | None = None
    expires_on: date | None = None
    book_line: tuple[str, int] | None = None


@dataclass(frozen=True)
class Complete:
    """``batches`` are finished; ``waste`` is what was spoilt besides, by item, in base units."""

    key: str
    order_no: str
    batches: int
    at: datetime
    waste: Mapping[int, int] = field(default_factory=dict)
    made: Mapping[int, Made] = field(default_factory=dict)


@dataclass(frozen=True)
class _Use:
    """Stock that goes into a batch, and how much of it is waste; the issue it came through where it is bonded."""

    account: AccountKey
    used: int
    waste: int
    at: datetime
    issue: ProcessingIssue | None = None


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

    Raises UnknownProcessingOrder, ProcessingClosed, FilingMissing, NotEnoughToProcess and what the ledger refuses.
    """
    made = _open(session, order_no)
    parts = [part for part in parts_of(session, made.bill_id) if part.direction == "in"]
    lines: list[Line] = []
    pairs: list[tuple[AccountKey, AccountKey, int]] = []
    for part in parts:
        piles = [pile for pile in _piles(session, made, part) if pile.is_bonded]
        if piles:
            _require_filing(made, piles[0].names)
            for pile, qty in _taken(session, made, part, piles, part.needed(batches)):
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


def _open(session: Session, order_no: str) -> ProcessingOrder:
    made = by_no(session, order_no)
    if made.state != "open":
        raise processing.ProcessingClosed(order=made.order_no, state=made.state)
    return made


def _require_filing(made: ProcessingOrder, names: object) -> None:
    if not made.filing_no:
        raise processing.FilingMissing(field="filing_no", item=names)


def _in_process(account: AccountKey) -> AccountKey:
    return replace(account, kind="in_process", location_id=None, handling_unit_id=None)


def _piles(session: Session, made: ProcessingOrder, part: Part) -> list[Pile]:
    found = reads.piles_of_items_at(session, [(made.location_id, part.trade_item_id)])
    return [pile for pile in found if pile.account.quality_status == "good"]


def _taken(
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
        name = _names(catalog.item(session, part.trade_item_id))
        raise processing.NotEnoughToProcess(item=name, left=wanted - left, place=place, wanted=wanted)
    return taken


def _names(item: Item | None) -> dict[str, str]:
    return {"zh": item.name_zh, "en": item.name_en} if item else {"zh": "-", "en": "-"}


def complete(session: Session, command: Complete) -> ProcessingCompletion:
    """Finish batches: one posting consumes the inputs with their waste and produces the outputs.

    Raises UnknownProcessingOrder, ProcessingClosed, TooManyBatches, NotInBill, TooMuchWaste, NotEnoughToProcess,
    NotIssued, MixedStatus, FilingMissing, ProducedLotMissing, BookLineForProduct and what the ledger refuses.
    """
    made = _open(session, command.order_no)
    left = made.planned - made.done
    if not 0 < command.batches <= left:
        raise processing.TooManyBatches(field="batches", order=made.order_no, left=left, wanted=command.batches)
    parts = parts_of(session, made.bill_id)
    names: dict[int, object] = {
        part.trade_item_id: _names(catalog.item(session, part.trade_item_id)) for part in parts
    }
    supervises = has_role(session, current_person(session), ("supervisor",), made.site_id)
    processing.check_waste(parts, command.waste, command.batches, names, is_supervisor=supervises)
    uses = [use for part in parts if part.direction == "in" for use in _uses(session, made, part, command)]
    bonded = {use.account.customs_status == "bonded" for use in uses}
    if len(bonded) > 1:
        free = next(use for use in uses if use.account.customs_status != "bonded")
        raise processing.MixedStatus(item=names[free.account.trade_item_id])
    outputs = [
        (part, _product(session, made, part, command, is_bonded=bonded == {True}))
        for part in parts
        if part.direction == "out"
    ]
    lines = [line for use in uses for line in _consumed(use)]
    lines += [line for part, account in outputs for line in _produced(account, part.needed(command.batches))]
    at = max([command.at, *(use.at for use in uses)])
    posting = Posting(f"process:{command.key}", "process", at, tuple(lines), made.order_no, made.filing_no)
    posted = ledger.post(session, posting)
    return _record(session, made, command, posted.posting_id, uses, outputs)


def _uses(session: Session, made: ProcessingOrder, part: Part, command: Complete) -> list[_Use]:
    waste = command.waste.get(part.trade_item_id, 0)
    wanted = part.needed(command.batches) + waste
    issued = session.scalars(
        select(ProcessingIssue)
        .where(ProcessingIssue.order_id == made.id, ProcessingIssue.used_qty < ProcessingIssue.qty)
        .order_by(ProcessingIssue.id)
    ).all()
    accounts_of = [(one, differences.key_of(session, one.account_id)) for one in issued]
    own = [(one, key) for one, key in accounts_of if key.trade_item_id == part.trade_item_id]
    piles = _piles(session, made, part)
    if own or (piles and all(pile.is_bonded for pile in piles)):
        if piles:
            _require_filing(made, piles[0].names)
        return _from_process(session, part, own, wanted, waste, command.at)
    taken = _taken(session, made, part, [pile for pile in piles if not pile.is_bonded], wanted)
    return _split([(pile.account, qty, pile.last_event_at, None) for pile, qty in taken], waste)


def _from_process(
    session: Session, part: Part, own: list[tuple[ProcessingIssue, AccountKey]], wanted: int, waste: int, at: datetime
) -> list[_Use]:  # fmt: skip
    taken: list[tuple[AccountKey, int, datetime, ProcessingIssue | None]] = []
    left = wanted
    for one, key in own:
        here = min(left, one.qty - one.used_qty)
        if here > 0:
            taken.append((key, here, at, one))
            left -= here
    if left > 0:
        name = _names(catalog.item(session, part.trade_item_id))
        raise processing.NotIssued(item=name, left=wanted - left, wanted=wanted)
    return _split(taken, waste)


def _split(taken: list[tuple[AccountKey, int, datetime, ProcessingIssue | None]], waste: int) -> list[_Use]:
    """Say of each part how much of it is waste: what was taken last is spoilt first."""
    uses: list[_Use] = []
    for account, qty, at, one in reversed(taken):
        spoilt = min(qty, waste)
        waste -= spoilt
        uses.append(_Use(account, qty - spoilt, spoilt, at, one))
    return uses[::-1]


def _consumed(use: _Use) -> tuple[Line, ...]:
    account, qty = use.account, use.used + use.waste
    into = AccountKey("transformation", account.owner_id, account.trade_item_id)
    if account.customs_status != "bonded":
        return ledger.moved(account, into, qty)
    assert account.book_line_id is not None
    names = (account.owner_id, account.trade_item_id, account.book_line_id)
    book, source = accounts.book_side("book", *names), accounts.book_side("customs_source", *names)
    return (*ledger.moved(account, into, qty), *ledger.moved(book, source, qty))


def _produced(account: AccountKey, qty: int) -> tuple[Line, ...]:
    out_of = AccountKey("transformation", account.owner_id, account.trade_item_id)
    if account.customs_status != "bonded":
        return ledger.moved(out_of, account, qty)
    assert account.book_line_id is not None
    entered = accounts.enter_books(account.owner_id, account.trade_item_id, account.book_line_id, qty)
    return (*ledger.moved(out_of, account, qty), *entered)


def _product(
    session: Session, made: ProcessingOrder, part: Part, command: Complete, *, is_bonded: bool
) -> AccountKey:  # fmt: skip
    item = catalog.item(session, part.trade_item_id)
    assert item is not None
    said = command.made.get(part.trade_item_id, Made())
    if item.is_lot_controlled and not said.lot_no:
        raise processing.ProducedLotMissing(field="made", item=_names(item))
    lot = lot_id(session, item.id, said.lot_no, said.expires_on, command.at.date() if said.lot_no else None)
    account = AccountKey("location", item.owner_id, item.id, made.site_id, made.location_id, lot)
    if not is_bonded:
        return account
    found = None
    if said.book_line is not None:
        book_no, number = said.book_line
        query = select(BookLine.id).where(BookLine.book_no == book_no, BookLine.line_no == number)
        found = session.scalar(query.where(BookLine.trade_item_id == item.id))
    if found is None:
        raise processing.BookLineForProduct(field="made", item=_names(item))
    return replace(account, customs_status="bonded", book_line_id=found)


def _record(
    session: Session, made: ProcessingOrder, command: Complete, posting_id: int, uses: list[_Use],
    outputs: list[tuple[Part, AccountKey]],
) -> ProcessingCompletion:  # fmt: skip
    done = ProcessingCompletion(
        order_id=made.id, batches=command.batches, posting_id=posting_id, person_id=current_person(session)
    )
    session.add(done)
    session.flush()
    ids = account_ids(session, {*(use.account for use in uses), *(account for _, account in outputs)})
    rows = [("used", use.account, use.used) for use in uses] + [("waste", use.account, use.waste) for use in uses]
    rows += [("made", account, part.needed(command.batches)) for part, account in outputs]
    session.add_all(
        ProcessingUse(
            completion_id=done.id, kind=kind, trade_item_id=account.trade_item_id, lot_id=account.lot_id,
            account_id=ids[account], qty=qty,
        )
        for kind, account, qty in rows
        if qty > 0
    )  # fmt: skip
    for use in uses:
        if use.issue is not None:
            use.issue.used_qty += use.used + use.waste
    made.done += command.batches
    if made.done == made.planned:
        made.state = "done"
        tasks.finish(session, "process", made.id)
    session.flush()
    return done


def cancel(session: Session, key: str, order_no: str, at: datetime) -> ProcessingOrder:
    """Call the rest of an order off; bonded goods still in process go back to the work place."""
    made = _open(session, order_no)
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
