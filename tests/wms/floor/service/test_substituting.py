"""Other goods instead of short ones: at once where the owner approved it before, else when a second person says so."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.outbound import Hall, build_hall, clean, days, now, state_of
from tests.wms.floor.service.test_picking import lines_of, open_lines, released, tote
from tests.wms.floor.service.test_picking_desk import Handheld, new_sscc, release
from wms.catalog.tables import TradeItem
from wms.db import Database, Scope
from wms.floor import pick_queries
from wms.floor.rules.orders import OrderLineIn
from wms.floor.rules.substitutes import (
    BadSubstitute,
    NotASubstitute,
    NothingToSubstitute,
    OwnSubstitution,
    SubstitutionDecided,
)
from wms.floor.service import shortage, substituting
from wms.floor.service.picking import Take, pick


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        return build_hall(session)


def other_tea(session: Session, hall: Hall, *, is_preapproved: bool, per_qty: int = 1) -> TradeItem:
    """Another tea that the owner accepts, with stock in the last bin."""
    other = build.make_item(session, hall.owner, name_en="Other tea")
    hall.put(session, other, hall.bins[5], 50)
    substituting.accept(
        session,
        hall.owner.id,
        hall.tea.id,
        other.id,
        per_qty=per_qty,
        is_preapproved=is_preapproved,
        valid_from_on=days(-1),
    )
    return other


def test_a_pre_approved_substitute_is_on_the_list_at_once(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        other = other_tea(session, hall, is_preapproved=True, per_qty=2)
        hall.put(session, hall.tea, hall.bins[0], 10)
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 10))
        row = released(session, hall)
        (line,) = lines_of(session, row)
        crate = tote(session, hall)
        pick(session, "part", Take(line.id, 4, crate.id), now())
        found = shortage.report_short(session, "short", [line.id], now())
        (asked,) = substituting.ask_all(session, "sub", found.given_up, now())
        assert (asked.state, asked.qty, asked.promised_qty) == ("approved", 6, 12)
        (new,) = open_lines(session, row)
        assert (new.item_code, new.qty, new.place) == (other.code, 12, "B-2-3")
        pick(session, "sub", Take(new.id, 12, crate.id), now())
        assert state_of(session, order_id) == "picked"
        assert pick_queries.pick_lists(session, list_no=row.list_no)[0].state == "done"
    assert clean(database, scope)


def test_others_wait_for_a_second_person(database: Database, scope: Scope, hall: Hall) -> None:
    clerk = Scope(scope.tenant_id, hall.person.id, "supervisor")
    supervisor = Scope(scope.tenant_id, hall.supervisor.id, "supervisor")
    with database.unit_of_work(clerk) as session:
        other_tea(session, hall, is_preapproved=False)
        hall.put(session, hall.tea, hall.bins[0], 10)
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 10))
        row = released(session, hall)
        (line,) = lines_of(session, row)
        found = shortage.report_short(session, "short", [line.id], now())
        (asked,) = substituting.ask_all(session, "sub", found.given_up, now())
        assert (asked.state, open_lines(session, row)) == ("asked", [])
        assert [one.id for one in substituting.waiting(session)] == [asked.substitution_id]
        with pytest.raises(OwnSubstitution):
            substituting.decide(session, "own", asked.substitution_id, now(), is_approved=True)
    with database.unit_of_work(supervisor) as session:
        done = substituting.decide(session, "ok", asked.substitution_id, now(), is_approved=True)
        assert (done.state, done.promised_qty) == ("approved", 10)
        (new,) = open_lines(session, row)
        pick(session, "other", Take(new.id, 10, tote(session, hall).id), now())
        assert state_of(session, order_id) == "picked"
        with pytest.raises(SubstitutionDecided):
            substituting.decide(session, "twice", asked.substitution_id, now(), is_approved=True)
    assert clean(database, scope)


def test_the_picker_is_told_by_scan(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        other = other_tea(session, hall, is_preapproved=True)
        hall.put(session, hall.tea, hall.bins[0], 10)
        hall.order(session, OrderLineIn(hall.tea.code, 10))
    picker = Handheld(database, Scope(scope.tenant_id, hall.person.id, "clerk"), hall, job="pick")  # type: ignore[arg-type]
    picker.scan(release(database, scope, hall))
    picker.scan(f"]C100{new_sscc()}")
    picker.scan("B-1-1")
    told = picker.scan("SHORT")
    assert (told.code, told.values["substitute"]["en"], told.values["place"]) == ("short", other.name_en, "B-2-3")
    picker.scan("B-2-3")
    picker.scan("QTY 10")
    assert picker.scan(other.gtin or "").code == "picked"
    assert clean(database, scope)


def test_names_what_cannot_stand_for_what(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        hall.order(session, OrderLineIn(hall.tea.code, 10))
        line_id = session.execute(text("SELECT id FROM order_line")).scalar_one()
        with pytest.raises(NothingToSubstitute):
            substituting.ask(session, "a", line_id, 1, now())
        session.execute(text("UPDATE order_line SET short_qty = 5"))
        with pytest.raises(NotASubstitute):
            substituting.ask(session, "b", line_id, 1, now())
        stranger = build.make_item(session, build.make_company(session, "owner_of_goods"))
        for other in (hall.tea.id, stranger.id):
            with pytest.raises(BadSubstitute):
                substituting.accept(
                    session,
                    hall.owner.id,
                    hall.tea.id,
                    other,
                    per_qty=1,
                    is_preapproved=True,
                    valid_from_on=days(0),
                )
