"""Goods that wait for papers of customs: no other hold that ends, and no change by hand, makes them good."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wms.customs.meat_rules import HOLD_WORD, HeldForPapers
from wms.stock.rules import AccountKey
from wms.stock.tables import Lot, StockHold


def refuse_by_hand(session: Session, held: StockHold) -> None:
    """Raise HeldForPapers for a hold that only the certificate ends."""
    if (held.document or "").startswith(HOLD_WORD):
        raise HeldForPapers(lot=_lot_no(session, held.lot_id))


def refuse_good(session: Session, changes: Sequence[tuple[AccountKey, int]], to_status: str) -> None:
    """Raise HeldForPapers when goods would be made good that wait for papers."""
    for account, _ in changes if to_status == "good" else ():
        if account.quality_status != "good" and kept(session, account.site_id, account.trade_item_id, account.lot_id):
            raise HeldForPapers(lot=_lot_no(session, account.lot_id))


def kept(session: Session, site_id: int | None, trade_item_id: int, lot_id: int | None) -> int:
    """Return how many of a lot at a site wait for papers."""
    found = session.scalar(
        select(func.sum(StockHold.qty)).where(
            StockHold.state == "open", StockHold.document.startswith(HOLD_WORD), StockHold.site_id == site_id,
            StockHold.trade_item_id == trade_item_id, StockHold.lot_id.is_not_distinct_from(lot_id),
        )
    )  # fmt: skip
    return int(found or 0)


def _lot_no(session: Session, lot_id: int | None) -> str:
    return session.scalar(select(Lot.lot_no).where(Lot.id == lot_id)) or "-"
