"""A processing order is completed: what was used and what was made of it, in one posting."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.catalog import queries as catalog
from wms.customs import accounts
from wms.floor.rules import processing
from wms.floor.rules.processing import Part
from wms.floor.service import differences, tasks
from wms.floor.service.desk import lot_id
from wms.floor.service.inside_people import current_person, has_role
from wms.floor.service.processing import names_of, open_order, parts_of, piles_for, require_filing, taken_for
from wms.floor.tables.processing import (
    ProcessingCompletion,
    ProcessingIssue,
    ProcessingOrder,
    ProcessingUse,
)
from wms.stock import ledger
from wms.stock.accounts import account_ids
from wms.stock.ledger import AccountKey, Line, Posting
from wms.stock.tables import BookLine


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


def complete(session: Session, command: Complete) -> ProcessingCompletion:
    """Finish batches: one posting consumes the inputs with their waste and produces the outputs.

    Raises UnknownProcessingOrder, ProcessingClosed, TooManyBatches, NotInBill, TooMuchWaste, NotEnoughToProcess,
    NotIssued, MixedStatus, FilingMissing, ProducedLotMissing, BookLineForProduct and what the ledger refuses.
    """
    made = open_order(session, command.order_no)
    left = made.planned - made.done
    if not 0 < command.batches <= left:
        raise processing.TooManyBatches(field="batches", order=made.order_no, left=left, wanted=command.batches)
    parts = parts_of(session, made.bill_id)
    names: dict[int, object] = {
        part.trade_item_id: names_of(catalog.item(session, part.trade_item_id)) for part in parts
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
    piles = piles_for(session, made, part)
    if own or (piles and all(pile.is_bonded for pile in piles)):
        if piles:
            require_filing(session, made, piles[0], command.at)
        return _from_process(session, part, own, wanted, waste, command.at)
    taken = taken_for(session, made, part, [pile for pile in piles if not pile.is_bonded], wanted)
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
        name = names_of(catalog.item(session, part.trade_item_id))
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
        raise processing.ProducedLotMissing(field="made", item=names_of(item))
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
        raise processing.BookLineForProduct(field="made", item=names_of(item))
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
