"""A seeded drift between orders, promises and picks is found and named."""

import pytest
from sqlalchemy import text

from tests.wms.floor.outbound import build_hall, now
from tests.wms.floor.service.test_picking import lines_of, released, tote
from wms.db import Database, Scope
from wms.floor import verify
from wms.floor.rules.orders import OrderLineIn
from wms.floor.service.picking import Take, pick
from wms.stock.verify import snapshot


@pytest.mark.parametrize(
    ("damage", "place", "finding"),
    [
        ("SELECT 1", None, None),
        ("UPDATE allocation SET picked_qty = 4", "allocation", "its reservation holds 5"),
        ("UPDATE order_line SET allocated_qty = 9", "order line", "The order line says 9 promised and 5 picked"),
        ("UPDATE pick_line SET picked_qty = 6", "pick line", "its picks that stand sum to 5"),
        ("UPDATE pick_line SET qty = 12, picked_qty = 5", "allocation", "Open pick lines ask for 7"),
    ],
)
def test_drift_is_found(database: Database, scope: Scope, damage: str, place: str | None, finding: str | None) -> None:
    with database.unit_of_work(scope) as session:
        hall = build_hall(session)
        hall.put(session, hall.tea, hall.bins[0], 30)
        hall.order(session, OrderLineIn(hall.tea.code, 10))
        row = released(session, hall)
        (line,) = lines_of(session, row)
        pick(session, "some", Take(line.id, 5, tote(session, hall).id), now())
        session.execute(text(damage))
    with snapshot(database, scope) as session:
        found = list(verify.findings(session))
    if finding is None:
        assert found == []
    else:
        assert any(one.where.startswith(place or "") and finding in str(one) for one in found), found
