"""Which lines let a pass's goods leave: waiting → customer or in transit; where bonded, book → deduction pending."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

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
    taken: dict[int, int] = {}  # what earlier lines of this pass take of each book account
    for line in pass_lines(session, gate_pass.id):
        goods = goods_of_line(session, line)
        if not goods:
            raise GoodsNotMoved(number=gate_pass.pass_no)
        for account_id, qty, weight_g in goods:
            waiting = account_key(session, account_id)
            own = is_kept_by_weight(session, waiting.trade_item_id)
            lines += _physical(waiting, line, qty, None if own else weight_g)
            if waiting.customs_status == "bonded":
                lines += _book(session, waiting, qty, taken)
    return Posting(key, "gate_out", at, tuple(lines), source_doc=f"gate-pass:{gate_pass.internal_no}")


def _physical(waiting: AccountKey, line: GatePassLine, qty: int, weight_g: int | None) -> tuple[Line, Line]:
    return moved(waiting, beyond_gate(waiting, line.transit_site_id), qty, weight_g=weight_g)


def _book(session: Session, waiting: AccountKey, qty: int, taken: dict[int, int]) -> list[Line]:
    """Take ``qty`` from the book accounts of the line, the oldest account first."""
    held = session.execute(
        select(Account.id, Balance.qty)
        .join(Balance, Balance.account_id == Account.id)
        .where(Account.kind == "book", Account.book_line_id == waiting.book_line_id, Balance.qty > 0)
        .order_by(Account.id)
    )
    lines: list[Line] = []
    for account_id, on_hand in held:
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
