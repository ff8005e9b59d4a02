"""From sales in the ledger to a proposal, its transfer, and what was sold where: on PostgreSQL."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.freight.sites import Ends, draw_up, make_ends, stock
from wms.catalog.tables import PackagingLevel
from wms.db import Database, Scope
from wms.errors import NotFound
from wms.freight import jobs
from wms.freight.queries import proposals as queries
from wms.freight.queries import supply
from wms.freight.queries.sell_through import BadPeriod, sell_through
from wms.freight.rules.replenish import BadServiceLevel, NothingToSend, NotOverseas, ProposalDecided, UnknownProposal
from wms.freight.rules.transfers import NotEnoughForTransfer, ReasonMissing
from wms.freight.service import transfers
from wms.freight.service.proposals import Propose, accept, dismiss, lead_time, propose
from wms.freight.service.transfer_arrivals import Counted, Receive, receive
from wms.freight.tables.supply import Proposal
from wms.freight.tables.transfers import Transfer, TransferLine
from wms.parties import dated
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Posting, moved, post, post_many

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


def ago(days: int, hour: int = 12) -> datetime:
    return NOON.replace(hour=hour) - timedelta(days=days)


def day(days: int) -> date:
    return ago(days).date()


@pytest.fixture
def ends(session: Session) -> Ends:
    made = make_ends(session)
    made.destination.unlocode = "DEDUI"
    session.flush()
    return made


def test_seasons_reach_the_proposal_with_their_years(session: Session, ends: Ends) -> None:
    """Two years of ten a day, twice that in the two months around today: what is to come is told by them."""
    fill(session, ends, 20_000, ago(731))
    customer = AccountKey("customer", ends.owner.id, ends.item.id)
    here = {(NOON.date() + timedelta(days=n)).month for n in range(-15, 45)}
    postings = [
        Posting(
            f"season-{build.number()}", "ship", ago(n),
            moved(ends.at(ends.dock), customer, 20 if ago(n).month in here else 10),
        )
        for n in range(730, -1, -1)
    ]  # fmt: skip
    for start in range(0, len(postings), 200):
        post_many(session, postings[start : start + 200])
    (made,) = propose(session, Propose(ends.owner.id, ends.origin.id, ends.destination.id, "air"), datetime.now(UTC))
    demand = made.why["demand"]
    assert demand["season_years"] == 2
    assert demand["season_permille"] > 1000


def test_the_clock_works_out_proposals_for_the_ways_in_use(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        ends = make_ends(session)
        ends.destination.kind = "overseas"
        session.flush()
        steady(session, ends)
        way = (ends.owner.id, ends.origin.id, ends.destination.id, "rail")
        propose(session, Propose(*way), datetime.now(UTC))
        owner, to_site = ends.owner.code, ends.destination.code
    with database.unit_of_work(scope) as session:
        assert way in supply.ways(session)
    assert jobs.propose_all(database) >= 1
    with database.unit_of_work(scope) as session:
        (found,) = queries.newest_runs(session, to_site=to_site)
        assert (found.mode, found.is_scheduled, found.n_items, found.owner_code) == ("rail", True, 1, owner)
        standing = select(Proposal).where(Proposal.state == "proposed", Proposal.owner_id == way[0])
        assert session.scalars(standing).one().run_id == found.id
    assert jobs.EVERY["freight.propose_all"].split()[2:] == ["*", "*", "*"]


def sell(session: Session, ends: Ends, qty: int, at: datetime) -> int:
    customer = AccountKey("customer", ends.owner.id, ends.item.id)
    posting = Posting(f"sell-{build.number()}", "ship", at, moved(ends.at(ends.dock), customer, qty))
    return post(session, posting).posting_id


def fill(session: Session, ends: Ends, qty: int, at: datetime) -> None:
    """Goods come to the destination from a supplier."""
    source = AccountKey("supplier", ends.owner.id, ends.item.id)
    post(session, Posting(f"fill-{build.number()}", "receipt", at, moved(source, ends.at(ends.dock), qty)))


def steady(session: Session, ends: Ends, days: int = 60, a_day: int = 10, left: int = 100) -> None:
    """``a_day`` sold each day of the last ``days``; ``left`` lie there now."""
    fill(session, ends, days * a_day + left, ago(days + 1))
    for n in range(days, 0, -1):
        sell(session, ends, a_day, ago(n))


def command(ends: Ends, **given: object) -> Propose:
    values: dict[str, object] = {
        "owner_id": ends.owner.id, "from_site_id": ends.origin.id, "to_site_id": ends.destination.id, "mode": "rail",
    }  # fmt: skip
    return Propose(**(values | given))  # type: ignore[arg-type]


def test_proposes_from_the_ledgers_own_demand_and_explains_each_number(session: Session, ends: Ends) -> None:
    steady(session, ends)
    stock(session, ends, 1_000)
    (one,) = propose(session, command(ends), ago(0))
    why = one.why
    assert why["demand"]["pattern"] == "smooth"
    assert 9_990 <= why["demand"]["mean_milli_per_day"] <= 10_000  # nothing was sold on the day on which goods came
    assert why["lead_time"] == {"mean_md": 20_000, "deviation_md": 4_000, "source": "replenish.lead_time rail"}
    assert (why["on_hand_qty"], why["available_at_origin_qty"]) == (100, 1_000)
    assert one.qty == why["advice"]["order_up_to_qty"] - 100 > 200
    assert one.risk_permille > 900  # a hundred pieces for twenty days of ten


def test_accepting_draws_up_the_transfer_once(session: Session, ends: Ends) -> None:
    steady(session, ends)
    stock(session, ends, 1_000)
    (one,) = propose(session, command(ends), ago(0))
    transfer = accept(session, one.id, datetime.now(UTC))
    line = session.scalars(select(TransferLine).where(TransferLine.transfer_id == transfer.id)).one()
    assert (line.qty, transfer.mode, (transfer.due_on - transfer.depart_on).days) == (one.qty, "rail", 20)
    with pytest.raises(ProposalDecided, match="accepted"):
        accept(session, one.id, datetime.now(UTC))
    (again,) = propose(session, command(ends), datetime.now(UTC))  # what is drawn up is on its way
    assert (again.qty, again.why["on_the_way_qty"]) == (0, one.qty)
    with pytest.raises(NothingToSend):
        accept(session, again.id, datetime.now(UTC))


def test_a_newer_run_supersedes_what_nobody_decided_on(session: Session, ends: Ends) -> None:
    steady(session, ends)
    (first,) = propose(session, command(ends), ago(0))
    (second,) = propose(session, command(ends, service_permille=990), ago(0))
    session.refresh(first)
    assert (first.state, second.state) == ("superseded", "proposed")
    assert second.why["advice"]["order_up_to_qty"] > first.why["advice"]["order_up_to_qty"]
    dismiss(session, second.id, "the season is over", datetime.now(UTC))
    with pytest.raises(ReasonMissing):
        dismiss(session, second.id, "", datetime.now(UTC))
    assert session.get_one(Proposal, second.id).state == "dismissed"


def test_rounds_to_packs_and_pallets_and_to_the_least_order(session: Session, ends: Ends) -> None:
    steady(session, ends)
    stock(session, ends, 5_000)
    session.add_all(
        PackagingLevel(trade_item_id=ends.item.id, unit=unit, base_qty=qty)
        for unit, qty in (("carton", 24), ("pallet", 960))
    )
    session.flush()
    (one,) = propose(session, command(ends), ago(0))
    assert one.qty % 24 == 0
    subject = f"{ends.owner.code}/{ends.item.code}"
    dated.set_value(session, "replenish.least_order", 800, valid_from_on=day(400), source="contract", subject=subject)
    (one,) = propose(session, command(ends), ago(0))
    assert (one.qty, one.why["advice"]["rounding"]) == (960, "whole_pallet")


def test_slow_movers_and_dead_stock(session: Session, ends: Ends) -> None:
    fill(session, ends, 20, ago(100))
    for n in (90, 70, 55, 30, 12):
        sell(session, ends, 1, ago(n))
    (one,) = propose(session, command(ends), ago(0))
    assert one.why["demand"]["method"] == "croston_sba"
    assert (one.qty, one.overstock_qty > 0) == (0, True)


def test_a_reversed_sale_is_no_demand_and_empty_days_are_left_out(session: Session, ends: Ends) -> None:
    fill(session, ends, 5, ago(30))
    sold = sell(session, ends, 5, ago(20))
    ledger.reverse(session, f"undo-{build.number()}", sold, reason="wrong box", event_at=ago(20, 13))
    sell(session, ends, 5, ago(10))
    found = supply.demand(session, ends.owner.id, ends.destination.id, [ends.item.id], since=day(40), until=day(0))
    history = found[ends.item.id]
    assert sum(one.sold for one in history) == 5
    assert sum(not one.was_in_stock for one in history) == 9


def test_days_of_demand_are_those_of_the_site(session: Session) -> None:
    ends = make_ends(session, zones=("Asia/Shanghai", "America/Los_Angeles"))
    at = ago(5).replace(hour=3)  # the evening before in Los Angeles
    fill(session, ends, 5, ago(9))
    sell(session, ends, 5, at)
    found = supply.demand(session, ends.owner.id, ends.destination.id, [ends.item.id], since=day(8), until=day(0))
    sold_on = [n for n, one in enumerate(found[ends.item.id]) if one.sold]
    assert sold_on == [(day(6) - day(8)).days]


def test_transfers_of_ones_own_replace_the_dated_lead_time(session: Session, ends: Ends) -> None:
    for n, took in enumerate((18, 20, 22, 20, 20)):
        session.add(
            Transfer(
                transfer_no=f"OLD-{build.number()}", owner_id=ends.owner.id, from_site_id=ends.origin.id,
                to_site_id=ends.destination.id, mode="rail", state="received", depart_on=day(60 + n),
                due_on=day(30 + n), state_at=ago(30), departed_at=ago(60 + n), arrived_at=ago(60 + n - took),
            )
        )  # fmt: skip
    session.flush()
    found = lead_time(session, ends.origin, ends.destination, "rail", day(0))
    assert (found.mean_md, found.deviation_md, found.source) == (20_000, 1_264, "5 transfers")
    way = f"{ends.origin.code}>{ends.destination.code}:air"
    dated.set_value(
        session, "replenish.lead_time", {"mean_md": 4_000, "deviation_md": 500}, valid_from_on=day(300),
        source="contract", subject=way,
    )  # fmt: skip
    assert lead_time(session, ends.origin, ends.destination, "air", day(0)).mean_md == 4_000


def test_refuses_what_cannot_be_proposed(session: Session, ends: Ends) -> None:
    with pytest.raises(NotOverseas):
        propose(session, command(ends, to_site_id=ends.origin.id), ago(0))
    with pytest.raises(NotFound):
        propose(session, command(ends, item_codes=("NONE",)), ago(0))
    with pytest.raises(BadServiceLevel):
        propose(session, command(ends, service_permille=1_000), ago(0))
    with pytest.raises(UnknownProposal):
        accept(session, 0, ago(0))


def test_another_quantity_may_be_accepted_but_not_more_than_there_is(session: Session, ends: Ends) -> None:
    steady(session, ends)
    stock(session, ends, 50)
    (one,) = propose(session, command(ends), ago(0))
    assert one.qty == 50
    with pytest.raises(NotEnoughForTransfer), session.begin_nested():
        accept(session, one.id, datetime.now(UTC), qty=51)
    session.refresh(one)
    assert accept(session, one.id, datetime.now(UTC), qty=20).state == "open"


def test_sell_through_by_site_country_and_region(session: Session, ends: Ends) -> None:
    fill(session, ends, 40, ago(40))
    sell(session, ends, 10, ago(35))
    fill(session, ends, 70, ago(20))
    for n in (14, 10, 7):
        sell(session, ends, 15, ago(n))
    rows = sell_through(session, since=day(28), until=day(0), by="site", period="all", regions={})
    (row,) = rows
    assert (row.place, row.opening_qty, row.received_qty, row.sold_qty, row.closing_qty) == (
        ends.destination.code, 30, 70, 45, 55,
    )  # fmt: skip
    assert (row.permille, row.cover_weeks_tenths) == (450, 48)  # 55 left, 45 sold in four weeks
    for by, place in (("country", "DE"), ("region", "EU")):
        (row,) = sell_through(session, since=day(28), until=day(0), by=by, period="all", regions={"DE": "EU"})
        assert (row.place, row.sold_qty) == (place, 45)


def test_each_period_opens_with_what_the_one_before_closed_with(session: Session, ends: Ends) -> None:
    fill(session, ends, 40, ago(40))
    for n in (25, 18, 11, 4):
        sell(session, ends, 5, ago(n))
    rows = sell_through(session, since=day(28), until=day(0), by="site", period="week", regions={})
    assert rows[0].opening_qty == 40
    assert all(later.opening_qty == earlier.closing_qty for earlier, later in pairwise(rows))
    assert (sum(row.sold_qty for row in rows), rows[-1].closing_qty, sum(row.days for row in rows)) == (20, 20, 28)


def test_goods_of_a_transfer_count_as_received_where_they_arrive(session: Session, ends: Ends) -> None:
    stock(session, ends, 30)
    made = draw_up(session, ends, 30)
    transfers.load(session, made.transfer_no, {}, datetime.now(UTC))
    transfers.depart(session, transfers.Depart(made.transfer_no, datetime.now(UTC)))
    receive(session, Receive(made.transfer_no, (Counted(1, ends.dock.code, good_qty=30),), datetime.now(UTC)))
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    (row,) = sell_through(session, since=day(3), until=tomorrow, by="site", period="all", regions={})
    assert (row.received_qty, row.sold_qty, row.permille) == (30, 0, 0)
    with pytest.raises(BadPeriod):
        sell_through(session, since=tomorrow, until=day(3), by="site", period="all", regions={})
