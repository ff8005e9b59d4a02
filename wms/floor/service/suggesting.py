"""Which place is suggested for goods, and why."""

from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.floor import place_queries, place_search
from wms.floor.place_queries import Waiting
from wms.floor.rules import putaway
from wms.floor.rules.putaway import Goods, Suggestion, may_take
from wms.parties import dated

_STANDS = text(
    "SELECT a.location_id FROM account a JOIN balance b ON b.account_id = a.id"
    " WHERE a.handling_unit_id = :unit AND a.kind = 'location' AND a.site_id = :site AND a.location_id <> :dock"
    " AND b.qty > 0 ORDER BY b.qty DESC LIMIT 1"
)


def with_its_pallet(session: Session, waiting: Waiting, goods: Goods) -> Suggestion | None:
    """Return the storage place where the rest of a mixed pallet stands already; None for what comes off its pallet."""
    if waiting.handling_unit_id is None or goods.qty < waiting.left_qty:
        return None
    found = session.scalar(
        _STANDS, {"unit": waiting.handling_unit_id, "site": waiting.site_id, "dock": waiting.from_location_id}
    )
    if found is None:
        return None
    place = place_queries.place(session, found)
    return Suggestion(place, "same_unit") if may_take(goods, place) else None


def suggest(session: Session, site_id: int, goods: Goods, on: date) -> Suggestion | None:
    """Return the place that the strategies of a day give goods at a site; None where no place may take them."""
    customs_status = "bonded" if goods.is_bonded else "free"
    strategies = place_search.strategies(session, site_id, goods, customs_status, on)
    across = str(dated.value(session, "crossdock.zone", on))
    search = place_search.Search(session, site_id, goods, kept_zone=across)
    return putaway.suggest_by(goods, strategies, search.look)
