"""Bonded goods from the first document to the booked list, against the customs counter over a real exchange.

The same stories are told with a quiet counter and with one that loses, repeats and reorders a tenth of all messages.
"""

import pytest
from sqlalchemy import select

from tests import build
from tests.web.demo.zone import BOTH, QTY, Zone, stock_in, stock_out
from wms.customs import list_queries
from wms.customs.tables import CustomsMessage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]  # seconds: for a machine that is busy


@pytest.mark.parametrize(
    ("inward", "outward"), [("5034", "5000"), ("5000", "5034"), ("5100", "5100"), ("5034", "0110")]
)
@BOTH
def test_goods_come_in_and_leave_under_each_mode_of_the_zone(zone: Zone, inward: str, outward: str) -> None:
    """First line and second line, goods and finished goods; under 0110 they leave as an ordinary import, tax paid."""
    came = stock_in(zone, inward)
    assert zone.run(lambda session: list_queries.booked_qty(session, zone.shelf.book_line_id)) == QTY
    left = stock_out(zone, outward)
    zone.write_off(came, left)
    zone.end()
    assert zone.run(lambda session: list_queries.booked_qty(session, zone.shelf.book_line_id)) == 0


def test_a_booking_that_comes_before_the_goods_were_counted_waits_for_them(zone: Zone) -> None:
    list_id = zone.declare("I", "1210")
    zone.drive("I", zone.apply("I", list_id))
    waiting = select(CustomsMessage.id).where(CustomsMessage.kind == "INV211", CustomsMessage.state == "waiting")
    zone.until(lambda session: session.scalar(waiting.limit(1)) is not None)
    zone.run(lambda session: build.receive_bonded(session, zone.shelf, QTY))
    zone.booked(list_id)
    zone.end()
