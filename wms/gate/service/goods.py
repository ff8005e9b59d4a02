"""Which lines let a pass's goods leave: waiting → customer or in transit; where bonded, book → deduction pending."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs import gate_passes, promises
from wms.customs.gate_pass_rules import GoodsNotMoved
from wms.customs.gate_passes import account_key, beyond_gate, goods_of_line, is_kept_by_weight, pass_lines
from wms.customs.tables import GatePass, GatePassLine
from wms.stock.ledger import AccountKey, Line, Posting, moved
from wms.stock.rules import ShortStock
from wms.stock.tables import Account, Balance


def gate_out_posting(session: Session, gate_pass: GatePass, key: str, at: datetime) -> Posting:
    """The posting by which everything on the pass leaves; formal deduction follows when customs books the list.

    Raises:
        GoodsNotMoved: a line's goods were never moved to those waiting to leave.
        ShortStock: the account book holds less than the pass lets out.
    """
    lines: list[Line] = []
    taken: dict[int, int] = {}  # what earlier lines of this pass take of each book account, and of each promise
    for line in pass_lines(session, gate_pass.id):
        goods = goods_of_line(session, line)
        if not goods:
            raise GoodsNotMoved(number=gate_pass.pass_no)
        for account_id, qty, weight_g in goods:
            waiting = account_key(session, account_id)
            own = is_kept_by_weight(session, waiting.trade_item_id)
            lines += _physical(waiting, line, qty, None if own else weight_g)
            if waiting.customs_status == "bonded":
                promised = _promised(session, line, qty, taken)
                lines += promised
                lines += _book(session, waiting, qty + sum(one.qty for one in promised if one.reservation_id), taken)
    return Posting(key, "gate_out", at, tuple(lines), source_doc=f"gate-pass:{gate_pass.internal_no}")


def _physical(waiting: AccountKey, line: GatePassLine, qty: int, weight_g: int | None) -> tuple[Line, Line]:
    return moved(waiting, beyond_gate(waiting, line.transit_site_id), qty, weight_g=weight_g)


def _promised(session: Session, line: GatePassLine, qty: int, taken: dict[int, int]) -> list[Line]:
    """Take what the document behind the pass line pre-deducted, out of its own promise on the book."""
    promise_id = gate_passes.promise_of(session, line)
    account_id, held = promises.open_qty(session, promise_id)
    take = min(qty, held - taken.get(-(promise_id or 0), 0))
    if account_id is None or promise_id is None or take <= 0:
        return []
    taken[-promise_id] = taken.get(-promise_id, 0) + take
    book = account_key(session, account_id)
    return [Line(book, -take, reservation_id=promise_id), Line(replace(book, kind="deduction_pending"), take)]


def _book(session: Session, waiting: AccountKey, qty: int, taken: dict[int, int]) -> list[Line]:
    """Take ``qty`` that no document promised from the book accounts of the line, the oldest account first."""
    held = session.execute(
        select(Account.id, Balance.qty - Balance.qty_reserved)
        .join(Balance, Balance.account_id == Account.id)
        .where(Account.kind == "book", Account.book_line_id == waiting.book_line_id, Balance.qty > Balance.qty_reserved)
        .order_by(Account.id)
    )
    lines: list[Line] = []
    for account_id, on_hand in held if qty > 0 else ():
        take = min(qty, on_hand - taken.get(account_id, 0))
        if take <= 0:
            continue
        taken[account_id] = taken.get(account_id, 0) + take
        book = account_key(session, account_id)
        lines += [Line(book, -take), Line(replace(book, kind="deduction_pending"), take)]
        qty -= take
    if qty > 0:
        raise ShortStock(wanted=qty, on_hand=0, reserved=0)
    return lines
