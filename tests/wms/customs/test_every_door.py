"""A bonded unit cannot be picked, moved out of the supervision, or leave, without the document that allows it.

Every door is tried on the same goods; each names its own refusal, and afterwards book and shelf are as they were.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests import build
from tests.build import now, number
from tests.wms.customs.doors import (
    Door,
    Zone,
    build_zone,
    deed,
    destroyed,
    display,
    driven_off_without_pass,
    found_outside,
    freed_by_hand,
    freed_by_unreleased_list,
    freed_in_the_ledger,
    given_away,
    handed_over_on_one_list,
    imported_outside,
    kitted,
    loaded_without_pass,
    moved_as_unit,
    moved_by_list,
    picked_for_a_free_order,
    posted_outside,
    set_aside_outside,
    shipped_in_the_ledger,
    transferred,
)
from tests.wms.floor.inside import Handheld, is_clean
from tests.wms.gate.world import GOODS_G, VEHICLE_G, crossing, new_plate, seen_of
from wms.customs import accounts, filing_rules, gate_passes, slips
from wms.customs.gate_pass_rules import NewPass, PassDocument, PassLine
from wms.customs.tables import GatePass, VerificationList
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor.rules.repacking import Wanted
from wms.floor.service import (
    changing_status,
    quarantining,
    undo_at_desk,
)
from wms.floor.service.changing_status import Goods
from wms.gate.service import decide_passage, register_vehicle
from wms.gate.tables import Lane
from wms.parties.tables import Location, Person, Site
from wms.stock import ledger
from wms.stock.queries import Stock, on_hand


@pytest.fixture
def zone(database: Database, scope: Scope) -> Zone:
    return build_zone(database, scope)


# --- the gate ---------------------------------------------------------------------------------------------------------


def application(zone: Zone, session: Session, **changes: object) -> NewPass:
    plate = new_plate()
    register_vehicle(session, plate, tare_g=VEHICLE_G)
    row = session.get_one(VerificationList, zone.list_id)
    given: dict[str, object] = {
        "internal_no": f"HF-{number()}", "owner_id": zone.hall.owner.id, "site_id": zone.hall.site.id,
        "direction": "E", "pass_type": "3", "vehicle_plate": plate, "vehicle_weight_g": VEHICLE_G,
        "valid_from_at": now() - timedelta(hours=1), "valid_until_at": now() + timedelta(hours=8),
        "lines": (PassLine(zone.hall.milk.id, 20, GOODS_G, zone.line_id),),
        "documents": (PassDocument("1", row.list_no or "", row.id),),
    }  # fmt: skip
    return NewPass(**(given | changes))  # type: ignore[arg-type]


def at_the_gate(session: Session, zone: Zone, gate_pass: GatePass) -> object:
    decided = decide_passage(session, crossing(session.get_one(Lane, zone.lane_id), seen_of(gate_pass)))
    raise Held(decided.hold_code or "lift")


class Held(WmsError):
    """What the gate answered, told as a refusal so that every door is read alike."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code


def out_unreleased(**changes: object) -> Door:
    def act(session: Session, zone: Zone) -> object:
        made = gate_passes.apply_for_pass(session, application(zone, session, **changes))
        gate_passes.move_to_waiting(session, made.id, {1: zone.shelf}, key=f"w{number()}", event_at=now())
        gate_passes.approve_pass(session, made.id, at=now())
        return at_the_gate(session, zone, made)

    return act


def out_without_pass(session: Session, zone: Zone) -> object:
    plate = new_plate()
    register_vehicle(session, plate, tare_g=VEHICLE_G)
    empty = gate_passes.apply_for_pass(
        session, application(zone, session, vehicle_plate=plate, pass_type="6", lines=(), documents=())
    )
    return at_the_gate(session, zone, empty)  # applied for, not approved: no pass


def out_unapproved_goods(session: Session, zone: Zone) -> object:
    made = gate_passes.apply_for_pass(session, application(zone, session))
    return gate_passes.approve_pass(session, made.id, at=now())


def out_as_registered_goods(session: Session, zone: Zone) -> object:
    return gate_passes.apply_for_pass(session, application(zone, session, pass_type="5", documents=()))


def out_in_an_empty_vehicle(session: Session, zone: Zone) -> object:
    return gate_passes.apply_for_pass(session, application(zone, session, pass_type="6", documents=()))


def out_before_declaring(session: Session, zone: Zone) -> object:
    return gate_passes.apply_for_pass(session, application(zone, session, pass_type="1"))


def out_on_another_line(session: Session, zone: Zone) -> object:
    made = gate_passes.apply_for_pass(session, application(zone, session))
    other = build.make_book_line(session, zone.hall.milk, zone.book_no)
    return gate_passes.move_to_waiting(
        session, made.id, {1: replace(zone.shelf, book_line_id=other.id)}, key=f"w{number()}", event_at=now()
    )


def more_than_declared(session: Session, zone: Zone) -> object:
    line = PassLine(zone.hall.milk.id, 21, GOODS_G, zone.line_id)
    return gate_passes.apply_for_pass(session, application(zone, session, lines=(line,)))


# --- display ----------------------------------------------------------------------------------------------------------


def displayed_on_an_unapproved_slip(session: Session, zone: Zone) -> object:
    filed = display(session, zone)
    new = filing_rules.NewSlip(f"S{number()}", filed.filing_no or "", "E", (filing_rules.SlipLine(1, 5),))
    slip = slips.draw(session, new, now())
    ((line, _),) = slips.parts(session, slip.id)
    return out_unreleased(
        pass_type="4", lines=(PassLine(zone.hall.milk.id, 5, GOODS_G, slip_line_id=line.id),),
        documents=(PassDocument("2", slip.internal_no, movement_slip_id=slip.id),),
    )(session, zone)  # fmt: skip


def displayed_above_the_guarantee(session: Session, zone: Zone) -> object:
    filed = display(session, zone)
    filed.guarantee_minor = 100
    new = filing_rules.NewSlip(f"S{number()}", filed.filing_no or "", "E", (filing_rules.SlipLine(1, 5),))
    return slips.draw(session, new, now())


# --- undo -------------------------------------------------------------------------------------------------------------


def undone_at_the_desk(session: Session, zone: Zone) -> object:
    return undo_at_desk.undo(session, zone.posting_id, "never came", now())


DOORS: dict[str, tuple[Door, str]] = {
    "moved by list to an open place": (moved_by_list, "not_bonded"),
    "moved as a unit to an open place": (moved_as_unit, "not_bonded"),
    "set aside at an open place": (set_aside_outside, "not_bonded"),
    "found as surplus at an open place": (found_outside, "not_supervised"),
    "imported at an open place": (imported_outside, "bonded_outside"),
    "posted to an open place": (posted_outside, "not_supervised"),
    "made free by hand": (freed_by_hand, "status_needs_document"),
    "made free by a list that is not released": (freed_by_unreleased_list, "status_document_not_released"),
    "made free in the ledger": (freed_in_the_ledger, "book_shelf_differ"),
    "given to another owner": (given_away, "bonded_keeps_owner"),
    "handed over on one list": (handed_over_on_one_list, "not_intra_zone"),
    "kitted without a filing": (kitted(None), "filing_missing"),
    "kitted under a filing nobody knows": (kitted("S49022600001"), "unknown_filing"),
    "kitted under a filing for display": (kitted("display"), "filing_not_for_this"),
    "destroyed without a document": (destroyed, "needs_customs_document"),
    "loaded without a pass": (loaded_without_pass, "needs_pass"),
    "driven off without a pass": (driven_off_without_pass, "needs_pass"),
    "transferred to an ordinary site": (transferred("ordinary"), "bonded_leaves_zone"),
    "transferred to a shop": (transferred("shop"), "bonded_leaves_zone"),
    "transferred overseas by hand": (transferred("overseas"), "bonded_leaves_zone"),
    "shipped in the ledger": (shipped_in_the_ledger, "leaves_without_pass"),
    "out on a list that is not released": (out_unreleased(), "not_released"),
    "out as a move without declaration": (out_unreleased(pass_type="4"), "not_released"),
    "out on a pass that is not approved": (out_without_pass, "empty_needs_pass"),
    "out with goods that were not declared": (out_unapproved_goods, "goods_not_moved"),
    "out as registered goods": (out_as_registered_goods, "pass_type_forbids"),
    "out in an empty vehicle": (out_in_an_empty_vehicle, "bad_gate_pass"),
    "out first, declared later": (out_before_declaring, "pass_type_forbids"),
    "out on another line of the book": (out_on_another_line, "goods_not_of_document"),
    "out with more than is declared": (more_than_declared, "more_than_declared"),
    "out for display on a slip that is not approved": (displayed_on_an_unapproved_slip, "not_released"),
    "out for display above the guarantee": (displayed_above_the_guarantee, "over_guarantee"),
    "undone at the desk": (undone_at_the_desk, "undone_where_made"),
}


@pytest.mark.parametrize("door", DOORS)
def test_no_door_lets_a_bonded_unit_go_without_its_document(
    database: Database, scope: Scope, zone: Zone, door: str
) -> None:
    act, refusal = DOORS[door]
    with pytest.raises(WmsError) as refused, database.unit_of_work(as_boss(scope, zone.hall.boss)) as session:
        act(session, zone)
    assert refused.value.code == refusal, str(refused.value)
    with database.unit_of_work(scope) as session:
        rows = on_hand(session, Stock(trade_item_id=zone.hall.milk.id))
        assert {row.location_code: row.customs_status for row in rows} == {"A-1": "bonded"}
        assert sum(row.qty for row in rows) == 40
    assert is_clean(database, scope)


def as_boss(scope: Scope, person: Person) -> Scope:
    return Scope(scope.tenant_id, person.id, "supervisor")


def test_a_handheld_does_not_carry_bonded_goods_to_an_open_place(database: Database, scope: Scope, zone: Zone) -> None:
    gun = Handheld(database, scope.tenant_id, zone.hall, zone.hall.clerk, "move")
    assert gun.scans("A-1", "QTY 1", zone.hall.label(), "OUT")[-1] == "not_bonded"


def test_an_order_of_ordinary_trade_is_not_met_from_bonded_goods(database: Database, scope: Scope, zone: Zone) -> None:
    with database.unit_of_work(scope) as session:
        picked_for_a_free_order(session, zone)


def test_goods_that_no_booked_list_covers_are_made_good_through_no_door(
    database: Database, scope: Scope, zone: Zone
) -> None:
    """IN-g: what was received and is not booked yet stays on hold, whoever says otherwise."""
    hall = zone.hall
    with database.unit_of_work(scope) as session:
        held = replace(hall.account("A-2"), quality_status="hold")
        assert hall.book_line is not None
        lines = (
            *ledger.moved(ledger.AccountKey("supplier", hall.owner.id, hall.milk.id), held, 5),
            *accounts.enter_books(hall.owner.id, hall.milk.id, hall.book_line.id, 5),
        )
        ledger.post(session, ledger.Posting(f"r{number()}", "receipt", now(), lines))

    def by_status(session: Session) -> None:
        place = session.get_one(Location, hall.places["A-2"].id)
        goods = Goods(hall.owner.id, place, Wanted(hall.milk.id, 5, hall.lot.id))
        changing_status.change_quality(session, goods, "good", deed())

    def through_quarantine(session: Session) -> None:
        which = quarantining.Which(hall.places["A-2"].id, hall.milk.id, 5, "L1")
        quarantining.set_aside(session, quarantining.SetAside(f"q{number()}", hall.site.id, which, "look", now()))

    with pytest.raises(WmsError) as refused, database.unit_of_work(as_boss(scope, hall.boss)) as session:
        by_status(session)
    assert refused.value.code == "not_booked_yet"
    with database.unit_of_work(as_boss(scope, hall.boss)) as session:
        through_quarantine(session)
    with pytest.raises(WmsError) as refused, database.unit_of_work(as_boss(scope, hall.other_boss)) as session:
        quarantining.decide(session, f"q{number()}", _quarantine_no(session), "good", now())
    assert refused.value.code == "not_booked_yet"
    assert is_clean(database, scope)


def _quarantine_no(session: Session) -> str:
    from wms.floor.tables.destruction import Quarantine

    return session.scalars(select(Quarantine.quarantine_no)).one()


def test_the_database_itself_keeps_bonded_goods_under_supervision(
    database: Database, scope: Scope, zone: Zone
) -> None:
    """For hand-written SQL too: no account at an open place, and no place is withdrawn that held bonded goods."""
    outside, inside = zone.hall.places["OUT"].id, zone.hall.places["A-1"].id
    by_hand = text(
        "INSERT INTO account (kind, owner_id, trade_item_id, site_id, location_id, customs_status, quality_status,"
        " book_line_id) VALUES ('location', :owner, :item, :site, :place, 'bonded', 'good', :line)"
    )
    assert zone.hall.book_line is not None
    values = {
        "owner": zone.hall.owner.id, "item": zone.hall.milk.id, "site": zone.hall.site.id, "place": outside,
        "line": zone.hall.book_line.id,
    }  # fmt: skip
    with pytest.raises(DBAPIError, match="outside the supervision"), database.unit_of_work(scope) as session:
        session.execute(by_hand, values)
    with pytest.raises(DBAPIError, match="stays under the supervision"), database.unit_of_work(scope) as session:
        session.execute(update(Location).where(Location.id == inside).values(is_bonded=False))
    with database.unit_of_work(scope) as session:
        assert session.get_one(Site, zone.hall.site.id).kind == "bonded"
