"""Which place is suggested for goods, and why."""

from datetime import date

from sqlalchemy.orm import Session

from wms.floor import place_search
from wms.floor.rules import putaway
from wms.floor.rules.putaway import Goods, Suggestion
from wms.parties import dated


def suggest(session: Session, site_id: int, goods: Goods, on: date) -> Suggestion | None:
    """Return the place that the strategies of a day give goods at a site; None where no place may take them."""
    customs_status = "bonded" if goods.is_bonded else "free"
    strategies = place_search.strategies(session, site_id, goods, customs_status, on)
    across = str(dated.value(session, "crossdock.zone", on))
    search = place_search.Search(session, site_id, goods, kept_zone=across)
    return putaway.suggest_by(goods, strategies, search.look)
