"""A bonded unit cannot be picked, moved out of the supervision, or leave, without the document that allows it.

Every door is tried on the same goods; each names its own refusal, and afterwards book and shelf are as they were.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests import build
from tests.build import now, number
from tests.wms.floor.inside import Hall, Handheld, build_hall, is_clean
from tests.wms.floor.world import today
from tests.wms.gate.world import GOODS_G, VEHICLE_G, crossing, make_lane, new_plate, seen_of
from wms.customs import accounts, filing_rules, filings, gate_passes, handing_over, modes, slips, verification_lists
from wms.customs.gate_pass_rules import NewPass, PassDocument, PassLine
from wms.customs.tables import AccountBook, GatePass, VerificationLine, VerificationList
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor.rules.opening import Lying
from wms.floor.rules.orders import OrderLineIn
from wms.floor.rules.processing import Part
from wms.floor.rules.repacking import Wanted
from wms.floor.service import (
    adjusting,
    allocating,
    changing_status,
    departing,
    destroying,
    loading,
    moving,
    opening_loads,
    orders,
    processing,
    quarantining,
    undo_at_desk,
    units,
)
from wms.floor.service.acting import By
from wms.floor.service.changing_status import Agreement, Goods
from wms.floor.service.opening import Opening
from wms.floor.service.units import Deed
from wms.freight.rules.transfers import WantedLine
from wms.freight.service import transfers
from wms.gate.service import decide_passage, register_vehicle
from wms.gate.tables import Lane
from wms.parties.tables import Location, Person, Site
from wms.stock import ledger
from wms.stock.queries import Stock, on_hand
from wms.stock.tables import Posting


@dataclass
class Zone:
    """Forty bonded cartons of milk at A-1, booked, ten of them on a pallet, and nothing that lets them go."""

    hall: Hall
    sscc: str
    list_id: int
    line_id: int
    lane_id: int
    posting_id: int

    @property
    def shelf(self) -> ledger.AccountKey:
        return self.hall.account("A-1")

    @property
    def book_no(self) -> str:
        assert self.hall.book_line is not None
        return self.hall.book_line.book_no


@pytest.fixture
def zone(database: Database, scope: Scope) -> Zone:
    with database.unit_of_work(scope) as session:
        hall = build_hall(session, bonded=True)
        assert hall.book_line is not None
        session.add(
            AccountBook(
                book_no=hall.book_line.book_no, company_id=hall.owner.id, site_id=hall.site.id,
                valid_from_on=date(2026, 1, 1),
            )
        )  # fmt: skip
        hall.fill(session, "A-1", 30)
        pallet = build.make_handling_unit(session, hall.owner)
        hall.fill(session, "A-1", 10, handling_unit_id=pallet.id)
        posting_id = session.scalars(select(func.min(Posting.id)).where(Posting.kind == "receipt")).one()
        goods = (verification_lists.ListLine(hall.book_line.id, Decimal(20), "011", 20),)
        command = verification_lists.DrawUpList(
            f"O{number()}", hall.book_line.book_no, hall.owner.id, "E", "5000", goods
        )  # fmt: skip
        list_id = verification_lists.draw_up(session, command)
        verification_lists.declare(session, list_id, now())
        verification_lists.pre_deduct(session, list_id, f"QD490226E{number():09d}", now())
        line_id = session.scalars(
            select(VerificationLine.id).where(VerificationLine.verification_list_id == list_id)
        ).one()
        return Zone(hall, pallet.sscc, list_id, line_id, make_lane(session, hall.site.id).id, posting_id)


Door = Callable[[Session, Zone], object]


def deed(document: str | None = None) -> Deed:
    return Deed(f"d{number()}", now(), None, document, "tried")


def some(zone: Zone, session: Session, qty: int = 1) -> Goods:
    place = session.get_one(Location, zone.hall.places["A-1"].id)
    return Goods(zone.hall.owner.id, place, Wanted(zone.hall.milk.id, qty, zone.hall.lot.id))


# --- moves to a place outside the supervision -------------------------------------------------------------------------


def moved_by_list(session: Session, zone: Zone) -> object:
    hall = zone.hall
    line = moving.MoveLine("OUT", "A-1", owner=hall.owner.code, item=hall.milk.code, lot_no="L1", qty=1)
    (answer,) = moving.move_many(session, moving.MoveList(f"m{number()}", hall.site.id, (line,), now()))
    raise answer if isinstance(answer, WmsError) else AssertionError("moved")


def moved_as_unit(session: Session, zone: Zone) -> object:
    return units.move(session, zone.sscc, session.get_one(Location, zone.hall.places["OUT"].id), deed())


def set_aside_outside(session: Session, zone: Zone) -> object:
    outside = build.make_location(session, zone.hall.site, kind="quarantine", code=f"QX{number()}")
    outside.is_bonded = False
    session.flush()
    which = quarantining.Which(zone.hall.places["A-1"].id, zone.hall.milk.id, 1, "L1")
    command = quarantining.SetAside(f"q{number()}", zone.hall.site.id, which, "wet", now(), outside.id)
    return quarantining.set_aside(session, command)


def found_outside(session: Session, zone: Zone) -> object:
    line = adjusting.AdjustLine(
        zone.hall.places["OUT"].id, zone.hall.milk.id, 1, "L1", customs_status="bonded", quality_status="good"
    )
    command = adjusting.Adjust(f"P{number()}", zone.hall.site.id, "FOUND", (line,), now(), now())
    return adjusting.adjust(session, command)


def imported_outside(session: Session, zone: Zone) -> object:
    hall = zone.hall
    assert hall.book_line is not None
    row = Lying(
        1, hall.site.code, "OUT", hall.owner.code, hall.milk.code, 1, lot_no="L1", expires_on=hall.lot.expires_on,
        book_no=hall.book_line.book_no, book_line_no=hall.book_line.line_no,
    )  # fmt: skip
    (refused,) = Opening(session, f"o{number()}", "OB", now()).take([row])
    raise refused.refusal


def posted_outside(session: Session, zone: Zone) -> object:
    return post(session, zone.shelf, zone.hall.account("OUT"))


def post(session: Session, source: ledger.AccountKey, target: ledger.AccountKey, kind: str = "move") -> object:
    return ledger.post(session, ledger.Posting(f"x{number()}", kind, now(), ledger.moved(source, target, 1)))


# --- another status, another owner, another thing ---------------------------------------------------------------------


def freed_by_hand(session: Session, zone: Zone) -> object:
    return changing_status.change_customs(session, some(zone, session), "free", deed())


def freed_by_unreleased_list(session: Session, zone: Zone) -> object:
    number_of = session.get_one(VerificationList, zone.list_id).list_no
    return changing_status.change_customs(session, some(zone, session), "free", deed(number_of))


def freed_in_the_ledger(session: Session, zone: Zone) -> object:
    free = replace(zone.shelf, customs_status="free", book_line_id=None)
    return post(session, zone.shelf, free, "customs_change")


def given_away(session: Session, zone: Zone) -> object:
    other = build.make_company(session, "owner_of_goods")
    return changing_status.give(session, some(zone, session), other.id, Agreement("a", "b"), deed())


def handed_over_on_one_list(session: Session, zone: Zone) -> object:
    row = session.get_one(VerificationList, zone.list_id)
    command = handing_over.HandOver(f"h{number()}", row.internal_no, row.internal_no, 1, ((zone.shelf, 1),), now())
    return handing_over.hand_over(session, command)


def kitted(filing_no: str | None) -> Door:
    def act(session: Session, zone: Zone) -> object:
        hall = zone.hall
        box = build.make_item(session, hall.owner)
        bill = f"K{number()}"
        parts = (Part(hall.milk.id, "in", 1), Part(box.id, "out", 1))
        processing.file_bill(session, processing.NewBill(bill, 1, hall.owner.id, "process", parts, today()))
        number_of = display(session, zone).filing_no if filing_no == "display" else filing_no
        new = processing.NewOrder(
            bill, hall.owner.id, hall.site.id, hall.places["A-1"].id, 1, today(), filing_no=number_of
        )
        return processing.issue(session, f"i{number()}", processing.order(session, new).order_no, 1, now())

    return act


def destroyed(session: Session, zone: Zone) -> object:
    which = quarantining.Which(zone.hall.places["A-1"].id, zone.hall.milk.id, 1, "L1")
    command = destroying.Ask(f"k{number()}", zone.hall.site.id, (which,), "spoilt", "burnt", now())
    return destroying.ask(session, command)


# --- picks, vehicles, transfers ---------------------------------------------------------------------------------------


def picked_for_a_free_order(session: Session, zone: Zone) -> object:
    """An order of ordinary trade finds nothing to pick: bonded goods are promised to bonded orders alone."""
    line = OrderLineIn(zone.hall.milk.code, 1)
    command = orders.PlaceOrder(f"SO{number()}", zone.hall.site.id, zone.hall.owner.id, "0110", (line,))
    order_id = orders.place_order(session, command, now())
    done = allocating.allocate(session, f"a{number()}", [order_id], now())
    assert done.lines_met == 0
    return None


def loaded_without_pass(session: Session, zone: Zone) -> object:
    load = opening_loads.open_load(session, opening_loads.NewLoad(zone.hall.site.id, new_plate()))
    goods = loading.LooseGoods(zone.hall.places["A-1"].id, (zone.hall.milk.id,), 1, "L1")
    return loading.put_on_loose(session, load.id, goods, By(f"l{number()}", now()))


def driven_off_without_pass(session: Session, zone: Zone) -> object:
    load = opening_loads.open_load(session, opening_loads.NewLoad(zone.hall.site.id, new_plate()))
    post(session, zone.shelf, replace(zone.shelf, location_id=load.location_id), "load")
    departing.close_load(session, load.id, By(f"c{number()}", now()), seal_no="S1")
    return departing.depart(session, load.id, By(f"d{number()}", now()))


def transferred(kind: str) -> Door:
    def act(session: Session, zone: Zone) -> object:
        far = build.make_site(session, kind)
        values = transfers.DrawUp(
            owner_id=zone.hall.owner.id, from_site_id=zone.hall.site.id, to_site_id=far.id, mode="truck",
            depart_on=today(), due_on=today() + timedelta(days=3), lines=(WantedLine(zone.hall.milk.code, 1),),
            transfer_no=f"TR-{number()}",
        )  # fmt: skip
        made = transfers.draw_up(session, values, now())
        transfers.load(session, made.transfer_no, {}, now())
        return transfers.depart(session, transfers.Depart(made.transfer_no, now()))

    return act


def shipped_in_the_ledger(session: Session, zone: Zone) -> object:
    """Book and all, so that only the missing pass speaks against it."""
    customer = replace(zone.shelf, kind="customer", site_id=None, location_id=None)
    assert zone.shelf.book_line_id is not None
    book = accounts.deduct_provisionally(zone.hall.owner.id, zone.hall.milk.id, zone.shelf.book_line_id, 1)
    lines = (*ledger.moved(zone.shelf, customer, 1), *book)
    return ledger.post(session, ledger.Posting(f"x{number()}", "ship", now(), lines))


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


def display(session: Session, zone: Zone) -> filings.BusinessFiling:
    assert zone.hall.book_line is not None
    on = modes.beijing_day(now())
    new = filing_rules.NewFiling(
        f"F{number()}", zone.book_no, zone.hall.owner.id, "C", "E", on, on + timedelta(days=30),
        (filing_rules.FilingLine(zone.hall.book_line.id, 5, 100),), 500,
    )  # fmt: skip
    filed = filings.file_filing(session, new)
    return filings.approve(session, filed.internal_no, f"SB{number()}", now())


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
