"""What is wrong between parcels, buyers and lines is found and named; a day of parcels leaves nothing to find."""

from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import AT, TERMS, sale
from wms.customs.parcels import requests
from wms.customs.parcels.rules.requests import ReturnLine
from wms.customs.parcels.verify import findings


def found(session: Session) -> list[tuple[str, str]]:
    session.flush()
    return [(one.invariant, one.where) for one in findings(session)]


def test_a_day_of_parcels_is_clean(session: Session) -> None:
    made = world.released(session, sale(goods=(("MILK", 3, "33.37"),), tax="0"))
    line = [ReturnLine(1, "1901101090", Decimal(1))]
    asked = requests.ask_to_return(session, made, line, "unwanted", AT)
    world.receipt(session, made, "399", kind="CEB626")
    requests.goods_back(session, asked.id, TERMS.area_code, AT)
    world.receipt(session, world.declared(session, sale()), "100")
    requests.ask_to_cancel(session, world.drawn_up(session, sale()), "mistake", AT)
    world.drawn_up(session, sale(buyer_id="440524188001010014"))
    assert found(session) == []


def test_a_year_that_is_not_what_was_taken_is_named(session: Session) -> None:
    buyer_id = world.row(session, world.declared(session, sale())).buyer_id
    session.execute(text("UPDATE buyer_year SET used_minor = 1 WHERE buyer_id = :id"), {"id": buyer_id})
    assert found(session) == [("P1", f"buyer {buyer_id} 2026")]


def test_tax_that_is_not_its_lines_and_a_release_without_receipt_are_named(session: Session) -> None:
    row = world.row(session, world.declared(session, sale()))
    row.vat, row.state, row.released_at = Decimal(1), "released", AT
    assert found(session) == [("P2", f"parcel {row.cop_no}"), ("P3", f"parcel {row.cop_no}")]
