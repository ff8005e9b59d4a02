"""The desk: stock on hand, filtered; what the address says is what is shown, so a page can be sent to a colleague."""

from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from web.auth.policy import PEOPLE, policy
from web.context import unit_of_work
from web.downloads import csv_response
from web.pages.desk_ways import desk_groups, is_open
from wms.catalog.tables import TradeItem
from wms.codes import gs1_keys
from wms.parties import queries
from wms.stock.queries import OnHand, Stock, on_hand
from wms.stock.tables import CUSTOMS_STATUSES, QUALITY_STATUSES

bp = Blueprint("desk", __name__)
bp.add_app_template_global(desk_groups, "desk_groups")
bp.add_app_template_global(is_open, "desk_is_open")
SHOWN, EXPORTED, ITEMS = 50, 20_000, 20
COLUMNS = (
    "account_id", "item_code", "gtin", "item_name_zh", "item_name_en", "site_code", "location_code", "sscc", "lot_no",
    "expires_on", "customs_status", "quality_status", "qty", "qty_reserved", "available", "base_unit",
)  # fmt: skip


@bp.get("/desk")
@policy(*PEOPLE, firms=True)
def show() -> str:
    """Stock on hand, a page at a time."""
    after = _whole(request.args.get("after")) or 0
    with unit_of_work() as session:
        rows = _rows(session, after=after, limit=SHOWN + 1)
        sites = queries.sites(session)
        owners = [row for row in queries.companies(session, limit=500) if "owner_of_goods" in row.roles]
    more = rows[SHOWN - 1].account_id if len(rows) > SHOWN else None
    kept = {name: value for name, value in request.args.items() if value and name != "after"}
    return render_template(
        "desk/stock.html", rows=rows[:SHOWN], more=more, sites=sites, owners=owners, kept=kept, after=after,
        customs_statuses=CUSTOMS_STATUSES, quality_statuses=QUALITY_STATUSES,
    )  # fmt: skip


@bp.get("/desk/stock.csv")
@policy(*PEOPLE, firms=True, per_minute=10)
def export() -> Response:
    """The same list as a file for a spreadsheet, at most 20,000 rows."""
    with unit_of_work() as session:
        rows = list(_all_rows(session))
    return csv_response("stock", COLUMNS, ([getattr(row, name) for name in COLUMNS] for row in rows))


def _rows(session: Session, *, after: int, limit: int) -> list[OnHand]:
    """Return stock as the address filters it. An item is named by its code or GTIN; several owners may use one code."""
    items = _item_ids(session, request.args.get("item", "").strip())
    if items is None:
        return on_hand(session, _stock(None), after=after, limit=limit)
    found = [row for item in items for row in on_hand(session, _stock(item), after=after, limit=limit)]
    return sorted(found, key=lambda row: row.account_id)[:limit]


def _all_rows(session: Session) -> Iterator[OnHand]:
    after, left = 0, EXPORTED
    while left > 0 and (rows := _rows(session, after=after, limit=min(1000, left))):
        yield from rows
        after, left = rows[-1].account_id, left - len(rows)


def _stock(trade_item_id: int | None) -> Stock:
    args = request.args
    customs, quality = args.get("customs"), args.get("quality")
    return Stock(
        trade_item_id=trade_item_id, site_id=_whole(args.get("site")), owner_id=_whole(args.get("owner")),
        customs_statuses=(customs,) if customs else None, quality_statuses=(quality,) if quality else None,
    )  # fmt: skip


def _item_ids(session: Session, given: str) -> list[int] | None:
    if not given:
        return None
    spellings = gs1_keys.gtin_spellings(given) if gs1_keys.is_gtin(given) else (given,)
    named = or_(TradeItem.code == given, TradeItem.gtin.in_(spellings))
    return list(session.scalars(select(TradeItem.id).where(named).order_by(TradeItem.id).limit(ITEMS)))


def _whole(given: str | None) -> int | None:
    """Return a row's number from the address; nonsense is no filter that finds anything."""
    if not given:
        return None
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else -1
