"""A small bonded zone, and the doors of the floor and of the ledger through which its goods could go."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests import build
from tests.build import now, number
from tests.wms.floor.inside import Hall, build_hall
from tests.wms.floor.world import today
from tests.wms.gate.world import make_lane, new_plate
from wms.customs import accounts, filing_rules, filings, handing_over, modes, verification_lists
from wms.customs.tables import AccountBook, VerificationLine, VerificationList
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
    units,
)
from wms.floor.service.acting import By
from wms.floor.service.changing_status import Agreement, Goods
from wms.floor.service.opening import Opening
from wms.floor.service.units import Deed
from wms.freight.rules.transfers import WantedLine
from wms.freight.service import transfers
from wms.parties.tables import Location
from wms.stock import ledger
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


def build_zone(database: Database, scope: Scope) -> Zone:
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


def display(session: Session, zone: Zone) -> filings.BusinessFiling:
    assert zone.hall.book_line is not None
    on = modes.beijing_day(now())
    new = filing_rules.NewFiling(
        f"F{number()}", zone.book_no, zone.hall.owner.id, "C", "E", on, on + timedelta(days=30),
        (filing_rules.FilingLine(zone.hall.book_line.id, 5, 100),), 500,
    )  # fmt: skip
    filed = filings.file_filing(session, new)
    return filings.approve(session, filed.internal_no, f"SB{number()}", now())


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
