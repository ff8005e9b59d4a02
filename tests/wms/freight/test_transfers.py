"""Transfers from their first document to the ledger, on PostgreSQL: goods are always somewhere, and sums stay zero."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.freight.builders import form
from tests.wms.freight.sites import Ends, draw_up, make_ends, sent, stock, sum_of
from web.commands.verify import find
from wms.db import Database, Scope, set_scope
from wms.floor.tables import PutAwayTask
from wms.floor.tables.tasks import Task
from wms.freight.queries import transfers as queries
from wms.freight.rules.transfers import (
    ArrivesBeforeDeparture,
    CurrencyMixed,
    LoadedMoreThanReserved,
    LotNotOfItem,
    MoreThanOnTheWay,
    NotEnoughForTransfer,
    NothingArrived,
    NothingLoaded,
    PlaceOfAnotherSite,
    ReasonMissing,
    SameSite,
    TransferExists,
    TransferNotInState,
    UnknownLine,
    UnknownTransfer,
    WantedLine,
    WrongSettlement,
)
from wms.freight.service import announce, transfers
from wms.freight.service.transfer_arrivals import Counted, Receive, receive, turn_back
from wms.freight.service.transfer_differences import Settle, settle
from wms.freight.tables import Consignment
from wms.freight.tables.transfers import TransferDiscrepancy, TransferLine
from wms.stock.ledger import Posting, moved, post
from wms.stock.tables import Reservation


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def ends(session: Session) -> Ends:
    return make_ends(session)


@pytest.fixture
def clean(database: Database, scope: Scope) -> Iterator[None]:
    """After the test, verify finds nothing."""
    yield  # the session, asked for later, is committed before this goes on
    assert [str(finding) for finding in find(database, scope)] == []


def arrive(session: Session, number: str, *counted: Counted, is_last: bool = False) -> None:
    receive(session, Receive(number, counted, now(), is_last))


def open_discrepancy(session: Session) -> TransferDiscrepancy:
    return session.scalars(select(TransferDiscrepancy).where(TransferDiscrepancy.settlement.is_(None))).one()


def as_person(session: Session, scope: Scope, person_id: int) -> Session:
    set_scope(session, Scope(scope.tenant_id, person_id, "supervisor"))
    return session


def test_goods_are_somewhere_at_every_step(clean: None, session: Session, ends: Ends) -> None:
    shelf = stock(session, ends, 100)
    made = sent(session, ends, 60)
    assert made.state == "in_transit"
    assert sum_of(session, ends, "location", site_id=ends.origin.id) == 40
    assert sum_of(session, ends, "in_transit", site_id=ends.destination.id) == 60
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=25))
    assert (made.state, sum_of(session, ends, "in_transit")) == ("arriving", 35)
    arrive(session, made.transfer_no, Counted(1, ends.dock.code.lower(), good_qty=30, damaged_qty=5))
    assert made.state == "received"
    assert sum_of(session, ends, "location", site_id=ends.destination.id, quality_status="good") == 55
    assert sum_of(session, ends, "location", site_id=ends.destination.id, quality_status="damaged") == 5
    assert sum_of(session, ends, "in_transit") == 0
    assert shelf.location_id == ends.shelf.id


def test_what_arrives_at_a_dock_waits_to_be_put_away(clean: None, session: Session, ends: Ends) -> None:
    stock(session, ends, 10)
    made = sent(session, ends, 10)
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=6, damaged_qty=2))
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=2))
    waiting = session.execute(select(PutAwayTask.is_blocked, PutAwayTask.qty).order_by(PutAwayTask.is_blocked)).all()
    assert [tuple(row) for row in waiting] == [(False, 8), (True, 2)]


def test_turned_back_goods_arrive_where_they_came_from(clean: None, session: Session, ends: Ends) -> None:
    stock(session, ends, 30)
    made = sent(session, ends, 30)
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=10))
    turn_back(session, made.transfer_no, "the border is closed", now())
    assert sum_of(session, ends, "in_transit", site_id=ends.origin.id) == 20
    with pytest.raises(PlaceOfAnotherSite):
        arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=20))
    arrive(session, made.transfer_no, Counted(1, ends.shelf.code, good_qty=20))
    assert made.state == "returned"
    assert sum_of(session, ends, "location", site_id=ends.origin.id) == 20


def test_a_short_pick_frees_the_rest(clean: None, session: Session, ends: Ends) -> None:
    stock(session, ends, 40)
    made = draw_up(session, ends, 40)
    transfers.load(session, made.transfer_no, {1: 25}, now())
    transfers.depart(session, transfers.Depart(made.transfer_no, now(), vehicle_plate="湘F12345"))
    assert sum_of(session, ends, "in_transit") == 25
    assert session.scalars(select(Reservation.state)).all() == ["void"]
    line = session.scalars(select(TransferLine)).one()
    assert (line.qty, line.loaded_qty, line.departed_qty) == (40, 25, 25)


def test_cancelling_frees_the_stock(clean: None, session: Session, ends: Ends) -> None:
    stock(session, ends, 10)
    made = draw_up(session, ends, 10)
    with pytest.raises(NotEnoughForTransfer):
        draw_up(session, ends, 1)
    transfers.cancel(session, made.transfer_no, "not needed any more", now())
    assert draw_up(session, ends, 10).state == "open"
    tasks = session.scalars(select(Task.state).where(Task.kind == "load").order_by(Task.id)).all()
    assert tasks == ["void", "open"]


def test_takes_what_expires_first(clean: None, session: Session, ends: Ends) -> None:
    late = build.make_lot(session, ends.item, "LATE", expires_on=date(2030, 1, 1))
    soon = build.make_lot(session, ends.item, "SOON", expires_on=date(2028, 1, 1))
    gone = build.make_lot(session, ends.item, "GONE", expires_on=date(2020, 1, 1))
    for lot in (late, soon, gone):
        stock(session, ends, 10, lot_id=lot.id)
    made = draw_up(session, ends, 12)
    assert [(one.lot_no, one.qty) for one in queries.pieces(session, made.id)] == [("SOON", 10), ("LATE", 2)]


def test_pallets_keep_their_number_and_are_received_by_it(clean: None, session: Session, ends: Ends) -> None:
    pallets = [build.make_handling_unit(session, ends.owner) for _ in range(2)]
    for pallet in pallets:
        stock(session, ends, 10, handling_unit_id=pallet.id)
    made = sent(session, ends, 20)
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=10, sscc=pallets[1].sscc))
    with pytest.raises(MoreThanOnTheWay):
        arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=1, sscc=pallets[1].sscc))
    assert sum_of(session, ends, "location", site_id=ends.destination.id, handling_unit_id=pallets[1].id) == 10


def test_a_hold_in_transit_arrives_on_hold(clean: None, session: Session, ends: Ends) -> None:
    stock(session, ends, 10)
    made = sent(session, ends, 10)
    transit = replace(ends.at(ends.shelf), kind="in_transit", site_id=ends.destination.id, location_id=None)
    held = moved(transit, replace(transit, quality_status="hold"), 4)
    post(session, Posting(f"hold-{build.number()}", "hold", now(), held))
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=10))
    assert sum_of(session, ends, "location", site_id=ends.destination.id, quality_status="hold") == 4
    assert sum_of(session, ends, "location", site_id=ends.destination.id, quality_status="good") == 6


def test_days_are_those_of_each_site(session: Session) -> None:
    ends = make_ends(session, zones=("Asia/Shanghai", "America/Los_Angeles"))
    stock(session, ends, 10, at=datetime(2026, 11, 1, 2, tzinfo=UTC))
    made = draw_up(session, ends, 10, depart_on=date(2026, 11, 11), due_on=date(2026, 11, 10))  # over the date line
    transfers.load(session, made.transfer_no, {}, now())
    transfers.depart(session, transfers.Depart(made.transfer_no, datetime(2026, 11, 10, 17, tzinfo=UTC)))
    receive(
        session,
        Receive(made.transfer_no, (Counted(1, ends.dock.code, good_qty=10),), datetime(2026, 11, 11, 6, tzinfo=UTC)),
    )
    row = queries.transfer(session, made.transfer_no, now())
    assert row is not None
    assert (row.departed_on, row.arrived_on) == (date(2026, 11, 11), date(2026, 11, 10))


def test_is_late_by_the_day_of_the_destination(session: Session) -> None:
    ends = make_ends(session, zones=("Asia/Shanghai", "America/Los_Angeles"))
    stock(session, ends, 10)
    made = draw_up(session, ends, 10, due_on=date(2026, 12, 1), depart_on=date(2026, 11, 20))
    in_shanghai_already_the_second = datetime(2026, 12, 2, 2, tzinfo=UTC)
    row = queries.transfer(session, made.transfer_no, in_shanghai_already_the_second)
    assert row is not None
    assert not row.is_late
    row = queries.transfer(session, made.transfer_no, in_shanghai_already_the_second + timedelta(hours=6))
    assert row is not None
    assert row.is_late


def test_values_are_never_added_over_currencies(session: Session, ends: Ends) -> None:
    other = build.make_item(session, ends.owner, unit_value_minor=1_000, currency="EUR")
    stock(session, ends, 10)
    foreign = Ends(**{**vars(ends), "item": other})
    stock(session, foreign, 5)
    lines = (WantedLine(ends.item.code, 10), WantedLine(other.code, 5, currency="EUR"))
    made = draw_up(session, ends, 1, lines=lines)
    sums = queries.values_by_currency(queries.lines(session, made.id), "qty")
    assert sums == {"CNY": 2_500, "EUR": 5_000}
    with pytest.raises(CurrencyMixed, match="EUR"):
        draw_up(session, ends, 1, lines=(WantedLine(other.code, 1, currency="USD"),))


def test_its_consignment_is_under_way_and_then_delivered(clean: None, session: Session, ends: Ends) -> None:
    one = form(ends.owner.id)
    announce(session, one)
    stock(session, ends, 10)
    made = sent(session, ends, 10, consignment_no=one.consignment_no)
    found = session.get_one(Consignment, made.consignment_id)
    assert found.state == "under_way"
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=10))
    assert found.state == "delivered"


def test_two_who_load_the_last_goods_one_is_told(database: Database, scope: Scope, session: Session) -> None:
    ends = make_ends(session)
    stock(session, ends, 10)
    session.commit()

    def attempt(_n: int) -> str:
        try:
            with database.unit_of_work(scope) as mine:
                return draw_up(mine, ends, 10).state
        except NotEnoughForTransfer as refusal:
            return refusal.code

    with ThreadPoolExecutor(8) as pool:
        said = sorted(pool.map(attempt, range(8)))
    assert said == ["not_enough_for_transfer"] * 7 + ["open"]


def test_the_second_departure_is_told_who_was_first(session: Session, ends: Ends, scope: Scope) -> None:
    stock(session, ends, 10)
    made = draw_up(session, ends, 10)
    as_person(session, scope, ends.clerk.id)
    transfers.load(session, made.transfer_no, {}, now())
    transfers.depart(session, transfers.Depart(made.transfer_no, now()))
    with pytest.raises(TransferNotInState, match=ends.clerk.name_en):
        transfers.depart(session, transfers.Depart(made.transfer_no, now()))


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"to_site_id": "origin"}, SameSite),
        ({"depart_on": date(2026, 11, 20), "due_on": date(2026, 11, 18)}, ArrivesBeforeDeparture),
        ({"lines": "lot"}, LotNotOfItem),
        ({"lines": "many"}, NotEnoughForTransfer),
        ({"transfer_no": "twice"}, TransferExists),
    ],
)
def test_refuses_what_cannot_be_drawn_up(
    session: Session, ends: Ends, given: dict[str, object], refusal: type[Exception]
) -> None:
    stock(session, ends, 10)
    values: dict[object, object] = {
        "origin": ends.origin.id,
        "lot": (WantedLine(ends.item.code, 1, "NONE"),),
        "many": (WantedLine(ends.item.code, 11),),
        "twice": draw_up(session, ends, 1).transfer_no,
    }
    real = {name: values.get(value, value) if isinstance(value, str) else value for name, value in given.items()}
    with pytest.raises(refusal):
        draw_up(session, ends, 1, **real)


def test_refuses_counts_that_cannot_be(session: Session, ends: Ends) -> None:
    stock(session, ends, 10)
    made = draw_up(session, ends, 10)
    with pytest.raises(LoadedMoreThanReserved):
        transfers.load(session, made.transfer_no, {1: 11}, now())
    with pytest.raises(UnknownLine):
        transfers.load(session, made.transfer_no, {2: 1}, now())
    with pytest.raises(NothingLoaded):
        transfers.load(session, made.transfer_no, {1: 0}, now())
    with pytest.raises(TransferNotInState, match="open"):
        arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=1))
    transfers.load(session, made.transfer_no, {}, now())
    transfers.depart(session, transfers.Depart(made.transfer_no, now()))
    with pytest.raises(MoreThanOnTheWay, match="11 were counted, 10"):
        arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=11))
    with pytest.raises(NothingArrived):
        arrive(session, made.transfer_no)
    with pytest.raises(PlaceOfAnotherSite):
        arrive(session, made.transfer_no, Counted(1, "NOWHERE", good_qty=1))
    with pytest.raises(ReasonMissing):
        turn_back(session, made.transfer_no, " no ", now())
    with pytest.raises(TransferNotInState):
        transfers.cancel(session, made.transfer_no, "too late now", now())
    with pytest.raises(UnknownTransfer):
        turn_back(session, "NONE", "nothing is there", now())
    arrive(session, made.transfer_no, is_last=True)
    with pytest.raises(WrongSettlement, match="found, lost"):
        settle(session, Settle(made.transfer_no, open_discrepancy(session).id, "accepted", "as surplus", now()))
