"""Which place is suggested, by which strategy and why; also among tens of thousands of places."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests import build
from wms.db import Database, Scope
from wms.floor.rules.putaway import Goods, Suggestion
from wms.floor.service import storing_rules, suggesting
from wms.floor.service.storing_rules import NewRule
from wms.parties.tables import Location
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Posting, moved

TODAY = date(2026, 6, 1)


class Floor:
    """An ordinary site with five bins in a row."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.owner = build.make_company(session, "owner_of_goods")
        self.site = build.make_site(session, "ordinary")
        self.item = build.make_item(session, self.owner, velocity_class="A")
        self.other = build.make_item(session, self.owner)
        self.bins = [build.make_location(session, self.site, code=f"A-{n}") for n in range(5)]
        for n, place in enumerate(self.bins):
            place.pick_sequence = n
        session.flush()
        self.goods = Goods(
            "Milk", self.item.id, None, 10, 5_000, 10_000_000, "ambient", False, False, self.owner.id, "A"
        )

    def put(self, place: Location, qty: int = 1, *, item_id: int | None = None, lot_id: int | None = None) -> None:
        item_id = item_id or self.item.id
        account = AccountKey("location", self.owner.id, item_id, self.site.id, place.id, lot_id)
        lines = moved(AccountKey("supplier", self.owner.id, item_id), account, qty)
        ledger.post(self.session, Posting(f"put-{build.number()}", "receipt", build.now(), lines))

    def empty(self, place: Location, qty: int = 1, *, item_id: int | None = None) -> None:
        item_id = item_id or self.item.id
        account = AccountKey("location", self.owner.id, item_id, self.site.id, place.id)
        lines = moved(account, AccountKey("adjustment", self.owner.id, item_id), qty)
        ledger.post(self.session, Posting(f"out-{build.number()}", "adjust", build.now(), lines))

    def rule(self, strategy: str, **given: object) -> int:
        return storing_rules.enter(self.session, NewRule(10, strategy, TODAY, self.site.id, **given))  # type: ignore[arg-type]

    def suggest(self, goods: Goods | None = None) -> Suggestion | None:
        return suggesting.suggest(self.session, self.site.id, goods or self.goods, TODAY)

    def says(self, goods: Goods | None = None) -> tuple[str, str] | None:
        found = self.suggest(goods)
        return (found.place.code, found.strategy) if found else None


@pytest.fixture
def floor(session: Session) -> Floor:
    return Floor(session)


def test_the_nearest_free_place_and_the_reason_for_it(floor: Floor) -> None:
    floor.put(floor.bins[0], item_id=floor.other.id)
    found = floor.suggest()
    assert found is not None
    assert (found.place.code, found.strategy, found.why) == ("A-1", "empty", "it is the nearest free place")


def test_one_lot_stays_together(floor: Floor) -> None:
    lots = [build.make_lot(floor.session, floor.item) for _ in range(2)]
    floor.put(floor.bins[3], lot_id=lots[0].id)
    assert floor.says(replace(floor.goods, lot_id=lots[0].id)) == ("A-3", "same_lot")
    assert floor.says(replace(floor.goods, lot_id=lots[1].id)) == ("A-0", "empty")


def test_a_fixed_place_goes_first_while_it_has_room(floor: Floor) -> None:
    floor.bins[4].max_count = 12
    floor.rule("fixed", trade_item_id=floor.item.id, location_id=floor.bins[4].id)
    assert floor.says() == ("A-4", "fixed")
    floor.put(floor.bins[4], 5)
    assert floor.says() == ("A-0", "empty")


def test_goods_that_move_often_go_to_places_for_them(floor: Floor) -> None:
    floor.bins[2].velocity_class = "A"
    floor.rule("velocity")
    assert floor.says() == ("A-2", "velocity")
    assert floor.says(replace(floor.goods, velocity_class="C")) == ("A-0", "empty")


def test_a_zone_for_an_owner(floor: Floor) -> None:
    floor.bins[3].zone = floor.bins[4].zone = "VIP"
    floor.rule("zone", owner_id=floor.owner.id, zone="VIP")
    assert floor.says() == ("A-3", "zone")


def test_a_rule_holds_in_its_period_only(floor: Floor) -> None:
    rule_id = floor.rule("fixed", trade_item_id=floor.item.id, location_id=floor.bins[4].id)
    storing_rules.end(floor.session, rule_id, TODAY)
    assert floor.says() == ("A-4", "fixed")
    later = suggesting.suggest(floor.session, floor.site.id, floor.goods, date(2026, 6, 2))
    assert later is not None
    assert later.place.code == "A-0"


def test_rules_for_other_goods_are_passed_over(floor: Floor) -> None:
    floor.rule("fixed", trade_item_id=floor.other.id, location_id=floor.bins[4].id)
    floor.rule("fixed", customs_status="bonded", location_id=floor.bins[4].id)
    assert floor.says() == ("A-0", "empty")


@pytest.mark.parametrize("column", ["max_weight_g", "max_volume_mm3", "max_count"])
def test_a_place_takes_what_it_bears_and_no_more(floor: Floor, column: str) -> None:
    setattr(floor.bins[0], column, 1)
    assert floor.says() == ("A-1", "empty")


@pytest.mark.parametrize(
    ("column", "same_item"), [("mixes_items", False), ("mixes_lots", True), ("mixes_owners", True)]
)
def test_goods_that_may_not_share_a_place_do_not(floor: Floor, column: str, same_item: bool) -> None:
    for place in floor.bins:
        setattr(place, column, False)
        lot = build.make_lot(floor.session, floor.item) if same_item else None
        floor.put(place, item_id=None if same_item else floor.other.id, lot_id=lot.id if lot else None)
    wanted = replace(floor.goods, owner_id=floor.owner.id + 1) if column == "mixes_owners" else floor.goods
    assert floor.says(wanted) is None


def test_beside_other_goods_when_nothing_is_free(floor: Floor) -> None:
    for place in floor.bins:
        floor.put(place, item_id=floor.other.id)
    floor.bins[0].max_count = 1
    assert floor.says() == ("A-1", "beside")


def test_a_place_that_was_emptied_is_found_again(floor: Floor) -> None:
    for place in floor.bins[:3]:
        floor.put(place, item_id=floor.other.id)
    assert floor.says() == ("A-3", "empty")
    floor.empty(floor.bins[1], item_id=floor.other.id)
    assert floor.says() == ("A-1", "empty")


def test_free_goods_leave_bonded_places_to_those_that_need_them(session: Session) -> None:
    floor = Floor(session)
    for place in floor.bins[:4]:
        place.is_bonded = True
    session.flush()
    assert floor.says() == ("A-4", "empty")
    assert floor.says(replace(floor.goods, is_bonded=True)) == ("A-0", "empty")


def test_finds_the_nearest_free_place_among_fifty_thousand(fresh_database: Database) -> None:
    scope = Scope.system(1)
    with fresh_database.unit_of_work(scope) as session:
        floor = Floor(session)
        session.execute(
            text(
                "INSERT INTO location (site_id, code, kind, pick_sequence)"
                " SELECT :site, 'B-' || n, 'bin', 10 + n FROM generate_series(1, 50000) n"
            ),
            {"site": floor.site.id},
        )
        session.execute(
            text(
                "INSERT INTO account (kind, owner_id, trade_item_id, site_id, location_id)"
                " SELECT 'location', :owner, :item, l.site_id, l.id FROM location l"
                " WHERE l.site_id = :site AND coalesce(l.pick_sequence, 0) < 45000"
            ),
            {"site": floor.site.id, "owner": floor.owner.id, "item": floor.other.id},
        )
        taken = session.scalars(text("SELECT location_id FROM account WHERE kind = 'location' ORDER BY id")).all()
        for start in range(0, len(taken), 5_000):
            lines = [
                line
                for place_id in taken[start : start + 5_000]
                for line in moved(
                    AccountKey("supplier", floor.owner.id, floor.other.id),
                    AccountKey("location", floor.owner.id, floor.other.id, floor.site.id, place_id),
                    1,
                )
            ]
            ledger.post(session, Posting(f"fill-{start}", "receipt", build.now(), tuple(lines)))
    with fresh_database.unit_of_work(scope) as session:
        floor.session = session
        assert floor.says() == ("B-44990", "empty")  # looks at the whole way once
        for _ in range(3):
            assert floor.says() == ("B-44990", "empty")  # and from then on at what lies around it
