"""Stock on hand, in base units, a page at a time."""

from dataclasses import asdict
from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from web.api.paging import page_of
from web.api.schemas import LARGEST, Instant, Page
from web.auth.policy import ROLES, policy
from web.context import unit_of_work
from wms.stock.lookups import account_names
from wms.stock.queries import Stock, on_hand, stock_at

bp = APIBlueprint("api_stock", __name__, url_prefix="/api/v1/stock", tag="Stock")


class StockQuery(Page):
    """Which stock; what is left out does not limit. ``at``: as of that instant; ``known_at``: as was known then."""

    owner_id: int | None = Field(default=None, ge=1, le=LARGEST)
    trade_item_id: int | None = Field(default=None, ge=1, le=LARGEST)
    site_id: int | None = Field(default=None, ge=1, le=LARGEST)
    location_id: int | None = Field(default=None, ge=1, le=LARGEST)
    customs_status: str | None = None
    quality_status: str | None = None
    kind: str = "location"
    at: Instant | None = None
    known_at: Instant | None = None

    def stock(self) -> Stock:
        """Return it in the ledger's words."""
        return Stock(
            owner_id=self.owner_id, trade_item_id=self.trade_item_id, site_id=self.site_id,
            location_id=self.location_id, kinds=(self.kind,),
            customs_statuses=(self.customs_status,) if self.customs_status else None,
            quality_statuses=(self.quality_status,) if self.quality_status else None,
        )  # fmt: skip


@bp.get("")
@policy(*ROLES, firms=True)
@bp.input(StockQuery, location="query")
def stock(query_data: StockQuery) -> Response:
    """List stock on hand by account; quantities are whole numbers of the item's base unit."""
    if query_data.at is not None:
        return _then(query_data, query_data.at)
    with unit_of_work() as session:
        rows = on_hand(session, query_data.stock(), after=query_data.after, limit=query_data.limit + 1)
    listed = [asdict(row) | {"available": row.available} for row in rows]
    return page_of(listed, after=query_data.after, limit=query_data.limit, key="account_id")


def _then(query: StockQuery, at: datetime) -> Response:
    """Stock at an instant, by account, as it was known at ``known_at`` (now, if left out)."""
    with unit_of_work() as session:
        rows = stock_at(session, at, query.stock(), known_at=query.known_at, after=query.after, limit=query.limit + 1)
        names = account_names(session, [row.account_id for row in rows])
    listed = [asdict(row) | names[row.account_id] for row in rows]
    return page_of(listed, after=query.after, limit=query.limit, key="account_id")
