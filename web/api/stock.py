"""Stock on hand, in base units, a page at a time."""

from dataclasses import asdict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from web.api.paging import page_of
from web.api.schemas import LARGEST, Page
from web.auth.policy import ROLES, policy
from web.context import unit_of_work
from wms.stock.queries import Stock, on_hand

bp = APIBlueprint("api_stock", __name__, url_prefix="/api/v1/stock", tag="Stock")


class StockQuery(Page):
    """Which stock; what is left out does not limit."""

    owner_id: int | None = Field(default=None, ge=1, le=LARGEST)
    trade_item_id: int | None = Field(default=None, ge=1, le=LARGEST)
    site_id: int | None = Field(default=None, ge=1, le=LARGEST)
    location_id: int | None = Field(default=None, ge=1, le=LARGEST)
    customs_status: str | None = None
    quality_status: str | None = None
    kind: str = "location"

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
    with unit_of_work() as session:
        rows = on_hand(session, query_data.stock(), after=query_data.after, limit=query_data.limit + 1)
    listed = [asdict(row) | {"available": row.available} for row in rows]
    return page_of(listed, after=query_data.after, limit=query_data.limit, key="account_id")
