"""Bonded goods from the first document to the booked list, against the customs counter over a real exchange.

The same stories are told with a quiet counter and with one that loses, repeats and reorders a tenth of all messages.
"""

import pytest
from sqlalchemy import select

from tests import build
from tests.web.demo.zone import BOTH, QTY, Zone, stock_in, stock_out
from wms.customs import list_queries
from wms.customs.tables import CustomsMessage


@pytest.mark.slow
@BOTH
def test_5034_comes_in_over_the_first_line_and_leaves_as_5000_over_the_second(zone: Zone) -> None:
    stock_in(zone, "5034")
    assert zone.run(lambda session: list_queries.booked_qty(session, zone.shelf.book_line_id)) == QTY
    stock_out(zone, "5000")
    zone.end()
    assert zone.run(lambda session: list_queries.booked_qty(session, zone.shelf.book_line_id)) == 0


@pytest.mark.slow
def test_a_booking_that_comes_before_the_goods_were_counted_waits_for_them(zone: Zone) -> None:
    list_id = zone.declare("I", "1210")
    zone.drive("I", zone.apply("I", list_id))
    waiting = select(CustomsMessage.id).where(CustomsMessage.kind == "INV211", CustomsMessage.state == "waiting")
    zone.until(lambda session: session.scalar(waiting.limit(1)) is not None)
    zone.run(lambda session: build.receive_bonded(session, zone.shelf, QTY))
    zone.booked(list_id)
    zone.end()
