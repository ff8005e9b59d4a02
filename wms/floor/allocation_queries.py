"""Reads for allocation: what orders still want, by which policy, and the good stock that could serve it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.floor.rules.allocation import Policy, Stock, Strategy, Wish, policy_of
from wms.stock.rules import AccountKey

PICKED_FROM = ("bin", "shop_floor")  # what stands at a dock, in quarantine or in a tote is not promised to anybody
POLICY = "allocation.policy"

WANTED = text("""
    SELECT l.id AS line_id, o.id AS order_id, o.order_no, o.site_id, o.owner_id, l.trade_item_id,
           l.ordered_qty - l.allocated_qty - l.short_qty AS qty, o.ship_policy, o.ship_by_at, s.time_zone,
           o.customs_status, l.min_life_days, l.lot_nos, l.countries, l.strategy, c.code AS owner_code,
           i.code AS item_code, i.velocity_class
      FROM outbound_order o
      JOIN order_line l ON l.order_id = o.id
      JOIN site s ON s.id = o.site_id
      JOIN company c ON c.id = o.owner_id
      JOIN trade_item i ON i.id = l.trade_item_id
     WHERE o.id = ANY (:orders) AND l.ordered_qty > l.allocated_qty + l.short_qty
     ORDER BY o.priority, o.ship_by_at NULLS LAST, o.id, l.line_no
""")
CAME = "coalesce((extract(epoch FROM b.since_at) * 1000000)::bigint, 0)"  # a move does not make goods younger
STOCK = """
    SELECT a.id, a.owner_id, a.trade_item_id, a.location_id, a.lot_id, a.handling_unit_id, a.customs_status,
           a.book_line_id, b.qty - b.qty_reserved AS free_qty, coalesce(l.pick_sequence, l.id) AS sequence, t.lot_no,
           t.expires_on, coalesce(t.country_of_origin, i.country_of_origin) AS country,
           a.handling_unit_id IS NOT NULL AND b.qty_reserved = 0 AND NOT EXISTS (
             SELECT 1 FROM account o JOIN balance ob ON ob.account_id = o.id
              WHERE o.handling_unit_id = a.handling_unit_id AND o.id <> a.id AND ob.qty > 0) AS is_whole,
           {came} AS came
      FROM account a
      JOIN balance b ON b.account_id = a.id
      JOIN location l ON l.id = a.location_id
      JOIN trade_item i ON i.id = a.trade_item_id
      LEFT JOIN lot t ON t.id = a.lot_id
     WHERE a.tenant_id = app_tenant() AND a.owner_id = :owner AND a.trade_item_id = ANY (:items)
       AND a.site_id = :site AND a.kind = 'location' AND a.quality_status = 'good'
       AND b.qty > b.qty_reserved AND l.kind = ANY (:kinds)
"""
STOCK_BY_DATE, STOCK_BY_ARRIVAL = text(STOCK.format(came="0")), text(STOCK.format(came=CAME))
POLICIES = text("""
    SELECT DISTINCT ON (is_shipped, subject) is_shipped, subject, value FROM (
      SELECT false AS is_shipped, subject, value, valid_from_on FROM dated_value
       WHERE name = :name AND valid_from_on <= :on
      UNION ALL
      SELECT true, subject, value, valid_from_on FROM shipped_value WHERE name = :name AND valid_from_on <= :on) known
     ORDER BY is_shipped, subject, valid_from_on DESC
""")


@dataclass(frozen=True)
class Wanted:
    """An order line that wants stock: the wish, and the order that decides what happens when it cannot be met."""

    wish: Wish
    order_id: int
    order_no: str
    is_complete_only: bool
    ship_by_at: datetime | None
    site_id: int
    owner_id: int
    trade_item_id: int

    @property
    def shelf(self) -> tuple[int, int, int]:
        """Site, owner and item: lines of one shelf compete."""
        return (self.site_id, self.owner_id, self.trade_item_id)


def wanted(session: Session, order_ids: Sequence[int], now: datetime) -> list[Wanted]:
    """Return the lines of orders that want more stock, the most urgent first."""
    policies = read_policies(session, now.date())
    found = []
    for row in session.execute(WANTED, {"orders": list(order_ids)}):
        here = ZoneInfo(row.time_zone)
        ships_on = max(now, row.ship_by_at or now).astimezone(here).date()
        policy = policy_for(policies, row.owner_code, row.item_code, row.velocity_class)
        if row.strategy:
            policy = Policy(Strategy(row.strategy), policy.whole_units, policy.min_life_days)
        wish = Wish(
            row.line_id,
            row.qty,
            ships_on,
            row.customs_status,
            row.min_life_days,
            frozenset(row.lot_nos or ()),
            frozenset(row.countries or ()),
            policy,
        )
        found.append(
            Wanted(
                wish, row.order_id, row.order_no, row.ship_policy == "complete", row.ship_by_at, row.site_id,
                row.owner_id, row.trade_item_id,
            )
        )  # fmt: skip
    return found


def read_policies(session: Session, on: date) -> dict[str, Policy]:
    """Return every allocation policy that holds on a day by its subject; an installation's own before the shipped."""
    rows = session.execute(POLICIES, {"name": POLICY, "on": on}).all()
    read = {row.subject: policy_of(row.value) for row in rows if row.is_shipped}
    return read | {row.subject: policy_of(row.value) for row in rows if not row.is_shipped}


def policy_for(policies: dict[str, Policy], owner: str, item: str, item_class: str | None) -> Policy:
    """Return the policy for an owner's item: its own, else its class's, else the owner's, else the general one."""
    for subject in (f"{owner}:{item}", f"{owner}:{item_class}" if item_class else owner, owner, ""):
        if subject in policies:
            return policies[subject]
    return Policy()


def stock(
    session: Session, site_id: int, owner_id: int, item_ids: Collection[int], *, by_arrival: bool
) -> dict[int, list[tuple[Stock, AccountKey]]]:
    """Return the good stock of items that nobody was promised, by item, each with the account it lies in."""
    found: dict[int, list[tuple[Stock, AccountKey]]] = {}
    values = {"site": site_id, "owner": owner_id, "items": sorted(item_ids), "kinds": list(PICKED_FROM)}
    for row in session.execute(STOCK_BY_ARRIVAL if by_arrival else STOCK_BY_DATE, values):
        key = AccountKey(
            "location", row.owner_id, row.trade_item_id, site_id, row.location_id, row.lot_id, row.handling_unit_id,
            row.customs_status, "good", row.book_line_id,
        )  # fmt: skip
        one = Stock(
            row.id, row.location_id, row.free_qty, row.sequence, row.lot_id, row.lot_no, row.expires_on,
            (row.lot_id or 0, row.came if row.lot_id is None else 0), row.country, row.customs_status,
            row.handling_unit_id, row.is_whole,
        )  # fmt: skip
        found.setdefault(row.trade_item_id, []).append((one, key))
    return found
