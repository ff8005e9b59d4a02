"""Orders, promises and picks against each other on a living database; stock itself is checked by ``wms.stock.verify``.

A promise that the ledger ended by itself (goods held, the time run out) is no finding: the picker is told, and other
goods are looked for.
"""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from wms.errors import N_
from wms.stock.verify import Check, Finding, found_by

CHECKS = (
    Check(
        "I3",
        N_("The allocation says that %(promised)s are still promised, its reservation holds %(reserved)s."),
        "SELECT 'allocation ' || a.id AS place, a.qty - a.picked_qty - a.void_qty AS promised, r.qty_open AS reserved"
        " FROM allocation a JOIN reservation r ON r.id = a.reservation_id"
        " WHERE r.state = 'held' AND r.qty_open <> a.qty - a.picked_qty - a.void_qty ORDER BY a.id",
    ),
    Check(
        "I3",
        N_("The allocation promises goods of another account than its reservation holds."),
        "SELECT 'allocation ' || a.id AS place FROM allocation a JOIN reservation r ON r.id = a.reservation_id"
        " WHERE r.account_id <> a.account_id ORDER BY a.id",
    ),
    Check(
        "I1",
        N_("The order line says %(allocated)s promised and %(picked)s picked, its allocations %(sum)s and %(taken)s."),
        "SELECT 'order line ' || l.id AS place, l.allocated_qty AS allocated, l.picked_qty AS picked,"
        " coalesce(s.promised, 0) AS sum, coalesce(s.taken, 0) AS taken FROM order_line l LEFT JOIN ("
        "SELECT order_line_id, sum(qty - void_qty) AS promised, sum(picked_qty) AS taken FROM allocation"
        " GROUP BY order_line_id) s ON s.order_line_id = l.id"
        " WHERE l.allocated_qty <> coalesce(s.promised, 0) OR l.picked_qty <> coalesce(s.taken, 0) ORDER BY l.id",
    ),
    Check(
        "I1",
        N_("The pick line says %(picked)s picked, its picks that stand sum to %(sum)s."),
        "SELECT 'pick line ' || k.id AS place, k.picked_qty AS picked, coalesce(p.qty, 0) AS sum FROM pick_line k"
        " LEFT JOIN (SELECT pick_line_id, sum(qty) AS qty FROM pick WHERE undone_at IS NULL GROUP BY pick_line_id) p"
        " ON p.pick_line_id = k.id WHERE k.picked_qty <> coalesce(p.qty, 0) ORDER BY k.id",
    ),
    Check(
        "I3",
        N_("Open pick lines ask for %(asked)s of an allocation that has %(left)s left."),
        "SELECT 'allocation ' || a.id AS place, sum(k.qty - k.picked_qty - k.short_qty) AS asked,"
        " a.qty - a.picked_qty - a.void_qty AS left FROM pick_line k JOIN allocation a ON a.id = k.allocation_id"
        " WHERE k.state = 'open' GROUP BY a.id"
        " HAVING sum(k.qty - k.picked_qty - k.short_qty) > a.qty - a.picked_qty - a.void_qty ORDER BY a.id",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """Everything that is wrong with orders and picks, in a snapshot that the caller holds."""
    for check in CHECKS:
        yield from found_by(session, check)
