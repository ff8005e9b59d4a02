"""Use cases of movement slips: draw, approve, void, take back on the shelf, declare together (集报).

A slip draws on its filing under the filing's lock: ceiling, guarantee, what can go back, yield. Outward, its approval
promises the goods on the account book, as the approval of a list does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wms.customs import accounts, filings, promises, slip_lots, verification_lists
from wms.customs import filing_rules as rules
from wms.customs.modes import beijing_day
from wms.customs.tables import (
    AccountBook,
    BusinessFiling,
    BusinessFilingLine,
    MovementSlip,
    MovementSlipLine,
    VerificationLine,
)
from wms.parties import dated
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.ledger import AccountKey
from wms.stock.tables import BookLine


def draw(session: Session, new: rules.NewSlip, at: datetime) -> MovementSlip:
    """Apply for a slip; what it moves is taken from the filing at once.

    Raises UnknownFiling, FilingNotInState, FilingNotValid, SlipWithoutLines, NotOnFiling, OverCeiling, OverGuarantee,
    ReturnsNothing, OverReturnable, OverYield.
    """
    filed = filings.locked(session, new.filing_no)
    filings.check_valid(filed, at)
    if not new.lines:
        raise rules.SlipWithoutLines(number=new.internal_no)
    slip = MovementSlip(
        internal_no=new.internal_no, business_filing_id=filed.id, owner_id=filed.owner_id, direction=new.direction
    )
    session.add(slip)
    session.flush()
    of_filing = filings.lines_of(session, filed.id)
    for line_no, line in enumerate(new.lines, 1):
        filing_line = of_filing.get(line.filing_line_no)
        if filing_line is None:
            raise rules.NotOnFiling(field="lines", number=new.filing_no, line_no=line.filing_line_no)
        returns_id = _draw_on(session, filed, filing_line, new.direction, line)
        session.add(
            MovementSlipLine(
                movement_slip_id=slip.id, line_no=line_no, filing_line_id=filing_line.id, qty=line.qty,
                returns_line_id=returns_id,
            )
        )  # fmt: skip
        session.flush()
    return slip


def _draw_on(
    session: Session, filed: BusinessFiling, of: BusinessFilingLine, direction: str, line: rules.SlipLine
) -> int | None:  # fmt: skip
    if direction != filed.direction and of.role != "product":
        return _take_returnable(session, line)
    if of.moved_qty + line.qty > of.ceiling_qty:
        raise rules.OverCeiling(line_no=of.line_no, left=of.ceiling_qty - of.moved_qty, wanted=line.qty)
    if of.role == "product":
        _check_yield(session, of, line.qty)
    value, left = line.qty * of.unit_value_minor, filed.guarantee_minor - filed.guarantee_used_minor
    if direction == filed.direction:
        if value > left:
            raise rules.OverGuarantee(number=filed.filing_no, left=left, wanted=value)
        filed.guarantee_used_minor += value
    of.moved_qty += line.qty
    session.flush()
    return None


def _take_returnable(session: Session, line: rules.SlipLine) -> int:
    if line.returns is None:
        raise rules.ReturnsNothing(field="lines")
    number, line_no = line.returns
    source = session.scalars(
        select(MovementSlipLine)
        .where(MovementSlipLine.movement_slip_id == by_no(session, number).id, MovementSlipLine.line_no == line_no)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    left = source.passed_qty - source.returned_qty if source else 0
    if source is None or line.qty > left or by_no(session, number).state == "collected":
        raise rules.OverReturnable(line_no=line_no, left=left, wanted=line.qty)
    source.returned_qty += line.qty
    session.flush()
    return source.id


def _check_yield(session: Session, product: BusinessFilingLine, qty: int) -> None:
    assert product.material_per_mille is not None
    material = session.get_one(BusinessFilingLine, product.material_line_id, populate_existing=True)
    rivals = session.scalars(
        select(BusinessFilingLine).where(
            BusinessFilingLine.material_line_id == material.id, BusinessFilingLine.id != product.id
        )
    )
    used = sum(one.moved_qty * (one.material_per_mille or 0) for one in rivals)
    free = max(0, material.moved_qty * 1000 - used)
    possible = free // product.material_per_mille
    if product.moved_qty + qty > possible:
        raise rules.OverYield(line_no=product.line_no, possible=possible, wanted=product.moved_qty + qty)


def approve(session: Session, number: str, slip_no: str, at: datetime) -> MovementSlip:
    """Take customs' approval; outward, promise the goods on the book. Said twice, it stands.

    Raises UnknownSlip, SlipNotInState, BookShort.
    """
    slip = locked(session, number)
    if slip.state == "approved" and slip.slip_no == slip_no:
        return slip
    _check_state(slip, "applied")
    slip.state, slip.slip_no, slip.approved_at = "approved", slip_no, at
    session.flush()
    if slip.direction == "E":
        for line, of in parts(session, slip.id):
            wanted = promises.Wanted(line.line_no, slip.owner_id, of.trade_item_id, of.book_line_id, line.qty)
            line.promise_id = promises.promise(session, f"prevd:{slip_no}:{line.line_no}", wanted, slip_no)
        session.flush()
    append_leaf(session, "movement_slip", {"no": slip_no, "state": "approved"}, slip.id)
    return slip


def void(session: Session, number: str, reason: str) -> MovementSlip:
    """Void a slip that is on no pass: ceiling, guarantee, book and what could go back are as before.

    Raises UnknownSlip, SlipNotInState, SlipInUse.
    """
    filed = _filing_locked(session, number)
    slip = locked(session, number)
    if slip.state not in ("applied", "approved"):
        raise rules.SlipNotInState(number=number, state=slip.state, wanted="applied, approved")
    rows = parts(session, slip.id)
    if any(line.on_passes_qty for line, _ in rows):
        raise rules.SlipInUse(number=number)
    for line, of in rows:
        _give_back(session, filed, of, slip.direction, line)
    promises.give_back(session, [line.promise_id for line, _ in rows])
    slip.state = "void"
    session.flush()
    append_leaf(session, "movement_slip", {"no": number, "state": "void", "reason": reason}, slip.id)
    return slip


def _give_back(
    session: Session, filed: BusinessFiling, of: BusinessFilingLine, direction: str, line: MovementSlipLine
) -> None:  # fmt: skip
    if line.returns_line_id is not None:
        session.execute(
            update(MovementSlipLine)
            .where(MovementSlipLine.id == line.returns_line_id)
            .values(returned_qty=MovementSlipLine.returned_qty - line.qty)
        )
        return
    of.moved_qty -= line.qty
    if direction == filed.direction:
        filed.guarantee_used_minor -= line.qty * of.unit_value_minor


def note_passed(session: Session, line_ids: Sequence[int], at: datetime) -> None:
    """Note which slips are through the gate with all their goods, and until when they must be declared."""
    ids = select(MovementSlipLine.movement_slip_id).where(MovementSlipLine.id.in_(line_ids))
    for slip in session.scalars(select(MovementSlip).where(MovementSlip.id.in_(ids), MovementSlip.state == "approved")):
        if all(line.passed_qty == line.qty for line, _ in parts(session, slip.id)):
            on = beijing_day(at)
            days = dated.value(session, "customs.collect_days", on)
            slip.state, slip.passed_at = "passed", at
            slip.collect_by_on = on + timedelta(days=days) if slip.direction == "E" else None
    session.flush()


@dataclass(frozen=True)
class TakeBack:
    """Goods of an inward slip line that are put on the shelf again: from the account they left into, to ``placed``.

    ``placed`` names their lot, unless they left in one lot only. ``weight_g`` and ``serials`` as in the ledger.
    """

    key: str
    slip_no: str
    line_no: int
    placed: AccountKey
    qty: int
    at: datetime
    weight_g: int | None = None
    serials: tuple[str, ...] = ()


def take_back(session: Session, command: TakeBack) -> int:
    """Put goods that came back through the gate on the shelf and on the book again; return the posting's id.

    Raises UnknownSlip, SlipNotInState, MoreThanPassed, LotMissing, LotNotOut.
    """
    filed = _filing_locked(session, command.slip_no)
    slip = locked(session, command.slip_no)
    found = next((pair for pair in parts(session, slip.id) if pair[0].line_no == command.line_no), None)
    if slip.direction != "I" or found is None:
        raise rules.UnknownSlip(number=f"{command.slip_no} / {command.line_no}")
    line, of = found
    # Of a returning slip, returned_qty counts what of it stands on the shelf again.
    left = line.passed_qty - line.returned_qty
    if command.qty > left:
        raise rules.MoreThanPassed(line_no=line.line_no, left=left, wanted=command.qty)
    if line.returns_line_id is not None:
        lot_id = slip_lots.lot_back(session, line.returns_line_id, command.placed.lot_id, command.qty)
        command = replace(command, placed=replace(command.placed, lot_id=lot_id))
    line.returned_qty += command.qty
    if line.returns_line_id is not None or of.role == "product":
        filed.guarantee_used_minor -= min(filed.guarantee_used_minor, command.qty * of.unit_value_minor)
    came = _made_elsewhere if line.returns_line_id is None else _gone_before
    lines = came(command, slip.owner_id, of)
    reason = f"line {line.line_no}"  # which of the slip's lines: lots are counted by it
    posting = ledger.Posting(command.key, "slip_return", command.at, lines, slip.slip_no, reason)
    session.flush()
    return ledger.post(session, posting).posting_id


def _gone_before(command: TakeBack, owner_id: int, of: BusinessFilingLine) -> tuple[ledger.Line, ...]:
    """The goods come back as they left: from outside to the shelf, and from the pending deduction to the book."""
    source = replace(command.placed, kind="customer", site_id=None, location_id=None, handling_unit_id=None)
    out, pending = accounts.deduct_provisionally(owner_id, of.trade_item_id, of.book_line_id, command.qty)
    back = (replace(out, qty=-out.qty), replace(pending, qty=-pending.qty))
    return (*_physical(source, command), *back)


def _made_elsewhere(command: TakeBack, owner_id: int, of: BusinessFilingLine) -> tuple[ledger.Line, ...]:
    """Goods that never were here (a product, goods to be repaired) enter: their line of the book waits for a list.

    Until that is booked they are on hold (IN-g). A product's material stays deducted provisionally.
    """
    source = AccountKey("supplier", owner_id, of.trade_item_id)
    entered = accounts.enter_books(owner_id, of.trade_item_id, of.book_line_id, command.qty)
    return (*_physical(source, replace(command, placed=replace(command.placed, quality_status="hold"))), *entered)


def _physical(source: AccountKey, command: TakeBack) -> tuple[ledger.Line, ledger.Line]:
    return ledger.moved(source, command.placed, command.qty, weight_g=command.weight_g, serials=command.serials)


def collect(
    session: Session, filing_no: str, internal_no: str, trade_mode: str, only: Sequence[str] = ()
) -> int:  # fmt: skip
    """Draw up the list (集报, invtType 1) that declares all that left on slips and did not come back; return its id.

    ``only`` names the slips, where not all of them are declared now.

    Raises UnknownFiling, NothingToCollect, LineNotOfBook.
    """
    filed = filings.locked(session, filing_no)
    slips = session.scalars(
        select(MovementSlip)
        .where(
            MovementSlip.business_filing_id == filed.id, MovementSlip.state == "passed", MovementSlip.direction == "E",
            *((MovementSlip.slip_no.in_(only),) if only else ()),
        )
        .order_by(MovementSlip.id)
        .with_for_update(key_share=True)
    ).all()  # fmt: skip
    left: dict[int, int] = {}
    for slip in slips:
        for line, of in parts(session, slip.id):
            left[of.book_line_id] = left.get(of.book_line_id, 0) + line.passed_qty - line.returned_qty
    left = {book_line_id: qty for book_line_id, qty in left.items() if qty > 0}
    if not left:
        raise rules.NothingToCollect(number=filing_no)
    goods = tuple(
        verification_lists.ListLine(
            book_line_id, Decimal(qty), session.get_one(BookLine, book_line_id).customs_unit, qty
        )
        for book_line_id, qty in sorted(left.items())
    )
    book_no = session.get_one(AccountBook, filed.account_book_id).book_no
    command = verification_lists.DrawUpList(internal_no, book_no, filed.owner_id, "E", trade_mode, goods, "1")
    list_id = verification_lists.draw_up(session, command)
    session.execute(
        update(VerificationLine)
        .where(VerificationLine.verification_list_id == list_id)
        .values(
            on_passes_qty=VerificationLine.declared_base_qty, passed_qty=VerificationLine.declared_base_qty,
            collected_qty=VerificationLine.declared_base_qty,
        )
    )  # fmt: skip
    for slip in slips:
        slip.state, slip.collected_by_id = "collected", list_id
        for line, of in parts(session, slip.id):
            filed.guarantee_used_minor -= (line.passed_qty - line.returned_qty) * of.unit_value_minor
    session.flush()
    append_leaf(session, "slips_collected", {"filing": filing_no, "list": internal_no, "slips": len(slips)}, list_id)
    return list_id


def overdue(session: Session, today: date) -> list[MovementSlip]:
    """Return the slips whose goods left and that should have been declared before ``today``."""
    late = select(MovementSlip).where(MovementSlip.state == "passed", MovementSlip.collect_by_on < today)
    return list(session.scalars(late.order_by(MovementSlip.collect_by_on, MovementSlip.id)))


def parts(session: Session, slip_id: int) -> list[tuple[MovementSlipLine, BusinessFilingLine]]:
    """Return the lines of a slip with the filing's lines, in order of the slip's."""
    rows = session.execute(
        select(MovementSlipLine, BusinessFilingLine)
        .join(BusinessFilingLine, BusinessFilingLine.id == MovementSlipLine.filing_line_id)
        .where(MovementSlipLine.movement_slip_id == slip_id)
        .order_by(MovementSlipLine.line_no)
        .execution_options(populate_existing=True)
    )
    return [(row[0], row[1]) for row in rows]


def by_no(session: Session, number: str) -> MovementSlip:
    """Return a slip by customs' number or our own. Raises UnknownSlip."""
    named = (MovementSlip.slip_no == number) | (MovementSlip.internal_no == number)
    found = session.scalars(select(MovementSlip).where(named).order_by(MovementSlip.id)).first()
    if found is None:
        raise rules.UnknownSlip(number=number)
    return found


def _filing_locked(session: Session, number: str) -> BusinessFiling:
    """Lock the filing of a slip: before its slips, always, so that rivals cannot wait in a circle."""
    filing_id = by_no(session, number).business_filing_id
    return session.get_one(BusinessFiling, filing_id, with_for_update={"key_share": True}, populate_existing=True)


def locked(session: Session, number: str) -> MovementSlip:
    """Return a slip with its row locked and fresh. Raises UnknownSlip."""
    return session.get_one(
        MovementSlip, by_no(session, number).id, with_for_update={"key_share": True}, populate_existing=True
    )


def _check_state(slip: MovementSlip, wanted: str) -> None:
    if slip.state != wanted:
        raise rules.SlipNotInState(number=slip.slip_no or slip.internal_no, state=slip.state, wanted=wanted)
