"""The page of handling units: a list, and one unit with its tree and where its goods came from."""

from tests.web.conftest import Doorman
from tests.wms.floor.service.test_units import Hall
from wms.db import Database, Scope
from wms.floor.service import repacking


def test_shows_a_unit_with_what_stands_in_it_and_its_genealogy(
    doorman: Doorman, database: Database, scope: Scope
) -> None:
    hall = Hall(database, scope)
    pallet, carton = hall.pallet(10), hall.pallet(3)
    hall.nest(carton, pallet)
    part = hall.do(lambda session: repacking.split(session, pallet, [hall.of(4)], hall.deed(), "crate")).sscc
    browser = doorman.browser("clerk")
    listed = browser.get("/desk/units").text
    assert all(sscc in listed for sscc in (pallet, carton, part))
    shown = browser.get(f"/desk/units?sscc={pallet}").text
    assert carton in shown
    assert f"sscc={part}" in shown
    assert "split off" in shown
    assert f"sscc={pallet}" in browser.get(f"/desk/units?sscc={part}").text
    assert "There is no unit like this." in browser.get("/desk/units?sscc=nothing").text
