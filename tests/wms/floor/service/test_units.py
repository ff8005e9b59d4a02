"""Handling units: nested, moved, split, merged, packed over; two at one unit; where goods came from."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests import build
from wms.catalog.tables import TradeItem
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor import unit_queries
from wms.floor.rules import mistakes
from wms.floor.rules import units as rules
from wms.floor.rules.repacking import Wanted
from wms.floor.service import repacking, units
from wms.floor.service.units import Deed, Done
from wms.parties.tables import Company, Location, Site
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Posting, moved
from wms.stock.tables import HandlingUnit
from wms.stock.verify import run as verify


class Hall:
    """An ordinary warehouse of one owner, with pallets on a dock."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self.database, self.scope = database, scope
        with database.unit_of_work(scope) as session:
            self.operator = build.make_company(session, "operator")
            self.person = build.make_person(session, self.operator, "clerk")
            self.owner: Company = build.make_company(session, "owner_of_goods")
            self.site: Site = build.make_site(session, "ordinary")
            self.dock: Location = build.make_location(session, self.site, kind="dock", code="DOCK-1")
            self.dock.is_bonded = True  # bonded goods come in here; A-1 lies outside the supervision
            self.bin: Location = build.make_location(session, self.site, code="A-1")
            self.item: TradeItem = build.make_item(session, self.owner)
        self.scope = Scope(scope.tenant_id, self.person.id, "clerk")

    def do(self, act: Callable[[Session], Done]) -> Done:
        return self.database.run(self.scope, act)

    def deed(self, **given: str) -> Deed:
        return Deed(f"d-{build.number()}", build.now(), **given)

    def pallet(self, qty: int = 0, *, bonded: bool = False, item: TradeItem | None = None) -> str:
        item = item or self.item
        with self.database.unit_of_work(self.scope) as session:
            unit = build.make_handling_unit(session, self.owner)
            if qty:
                line = build.make_book_line(session, item) if bonded else None
                account = AccountKey(
                    "location", self.owner.id, item.id, self.site.id, self.dock.id, None, unit.id,
                    "bonded" if bonded else "free", "good", line.id if line else None,
                )  # fmt: skip
                lines = moved(AccountKey("supplier", self.owner.id, item.id), account, qty)
                if line:
                    books = [
                        AccountKey(kind, self.owner.id, item.id, book_line_id=line.id)
                        for kind in ("customs_source", "not_yet_booked")
                    ]
                    lines = (*lines, *moved(*books, qty))
                ledger.post(session, Posting(f"in-{build.number()}", "receipt", build.now(), lines))
            return unit.sscc

    def nest(self, sscc: str, into: str) -> Done:
        return self.do(lambda session: units.nest(session, sscc, into, self.deed()))

    def move(self, sscc: str, to: Location, seen_at: str | None = None) -> Done:
        return self.do(lambda session: units.move(session, sscc, to, self.deed(), seen_at=seen_at))

    def holds(self, sscc: str) -> dict[str, int]:
        """What lies in a unit and in those in it, by place."""
        with self.database.unit_of_work(self.scope) as session:
            unit = units.known(session, sscc)
            tree = unit_queries.tree_of(session, [unit.id])
            found: dict[str, int] = {}
            for one in unit_queries.contents(session, [unit.id, *tree.below(unit.id)]):
                found[one.place_code] = found.get(one.place_code, 0) + one.qty
            return found

    def of(self, qty: int) -> Wanted:
        return Wanted(self.item.id, qty, item=self.item.code)


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    return Hall(database, scope)


def test_a_move_takes_along_all_that_stands_in_a_unit(hall: Hall, database: Database, scope: Scope) -> None:
    cage, pallet, carton = hall.pallet(), hall.pallet(10), hall.pallet(3)
    hall.nest(carton, pallet)
    hall.nest(pallet, cage)
    done = hall.move(cage, hall.bin)
    assert done.posting_id is not None
    assert hall.holds(cage) == {"A-1": 13}
    assert verify(database, scope) == []


def test_a_unit_that_is_moved_alone_leaves_the_one_it_stood_in(hall: Hall) -> None:
    pallet, carton = hall.pallet(10), hall.pallet(3)
    hall.nest(carton, pallet)
    hall.move(carton, hall.bin)
    assert (hall.holds(pallet), hall.holds(carton)) == ({"DOCK-1": 10}, {"A-1": 3})
    with hall.database.unit_of_work(hall.scope) as session:
        assert units.known(session, carton).parent_sscc is None


def test_refuses_a_ring(hall: Hall) -> None:
    one, two, three = hall.pallet(), hall.pallet(), hall.pallet()
    hall.nest(two, one)
    hall.nest(three, two)
    for inner in (one, two):
        with pytest.raises(rules.UnitInItself):
            hall.nest(inner, three)
    with pytest.raises(rules.UnitInItself):
        hall.nest(one, one)


def test_the_database_refuses_a_ring_by_itself(hall: Hall) -> None:
    one, two = hall.pallet(), hall.pallet()
    hall.nest(two, one)
    ring = text(
        "UPDATE handling_unit SET parent_id = (SELECT id FROM handling_unit WHERE sscc = :into) WHERE sscc = :sscc"
    )
    with pytest.raises(DBAPIError, match="stand in itself"), hall.database.unit_of_work(hall.scope) as session:
        session.execute(ring, {"sscc": one, "into": two})


def test_two_who_nest_crosswise_at_once_close_no_ring(hall: Hall) -> None:
    for _ in range(5):
        one, two = hall.pallet(), hall.pallet()
        said = race(lambda: hall.nest(one, two), lambda: hall.nest(two, one))  # noqa: B023 - run before the next round
        assert sum(isinstance(answer, rules.UnitInItself) for answer in said) == 1, said
        with hall.database.unit_of_work(hall.scope) as session:
            parents = session.scalars(select(HandlingUnit.parent_id).where(HandlingUnit.sscc.in_((one, two)))).all()
        assert sum(parent is not None for parent in parents) == 1


def race(*works: Callable[[], Done]) -> list[object]:
    def run(work: Callable[[], Done]) -> object:
        try:
            return work()
        except WmsError as refusal:
            return refusal

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_refuses_to_nest_deeper_than_the_house_allows(hall: Hall) -> None:
    outer = hall.pallet()
    for _ in range(7):
        inner = hall.pallet()
        hall.nest(inner, outer)
        outer = inner
    with pytest.raises(rules.NestedTooDeep):
        hall.nest(hall.pallet(), outer)


def test_refuses_to_nest_what_stands_elsewhere(hall: Hall) -> None:
    here, there = hall.pallet(1), hall.pallet(1)
    hall.move(there, hall.bin)
    with pytest.raises(rules.UnitsApart):
        hall.nest(here, there)


def test_refuses_to_nest_in_the_unit_of_another_owner_but_not_in_the_operators(hall: Hall) -> None:
    pallet = hall.pallet(1)
    with hall.database.unit_of_work(hall.scope) as session:
        stranger = build.make_handling_unit(session, build.make_company(session, "owner_of_goods")).sscc
        container = build.make_handling_unit(session, hall.operator, "container").sscc
    with pytest.raises(rules.UnitOfOther):
        hall.nest(pallet, stranger)
    hall.nest(pallet, container)


def test_two_clerks_one_unit_one_wins_and_the_other_is_told_who_and_when(hall: Hall) -> None:
    pallet = hall.pallet(5)
    with hall.database.unit_of_work(hall.scope) as session:
        other = build.make_location(session, hall.site, code="A-2")
    said = race(lambda: hall.move(pallet, hall.bin, "DOCK-1"), lambda: hall.move(pallet, other, "DOCK-1"))
    lost = [one for one in said if isinstance(one, rules.UnitMoved)]
    assert len(lost) == 1, said
    assert lost[0].values["person"]["en"] == hall.person.name_en
    assert lost[0].values["place"] in {"A-1", "A-2"}
    assert lost[0].values["at"].startswith(build.now().date().isoformat())


def test_refuses_to_move_bonded_goods_to_a_place_outside_customs_supervision(hall: Hall) -> None:
    pallet = hall.pallet(5, bonded=True)
    with pytest.raises(mistakes.NotBonded):
        hall.move(pallet, hall.bin)


def test_refuses_to_move_what_is_empty_or_unknown(hall: Hall) -> None:
    with pytest.raises(rules.UnitEmpty):
        hall.move(hall.pallet(), hall.bin)
    with pytest.raises(rules.UnknownHandlingUnit):
        hall.move("0" * 18, hall.bin)


def test_split_gives_the_part_a_label_of_its_own(hall: Hall, database: Database, scope: Scope) -> None:
    pallet = hall.pallet(10)
    carton = hall.do(lambda session: repacking.split(session, pallet, [hall.of(4)], hall.deed(), "carton")).sscc
    assert (hall.holds(pallet), hall.holds(carton)) == ({"DOCK-1": 6}, {"DOCK-1": 4})
    assert verify(database, scope) == []


@pytest.mark.parametrize(("qty", "refusal"), [(11, rules.NotSoManyInUnit), (10, rules.NothingLeftInUnit)])
def test_refuses_to_split_off_too_much(hall: Hall, qty: int, refusal: type[WmsError]) -> None:
    pallet = hall.pallet(10)
    with pytest.raises(refusal):
        hall.do(lambda session: repacking.split(session, pallet, [hall.of(qty)], hall.deed()))


def test_refuses_to_split_off_what_is_promised(hall: Hall) -> None:
    pallet = hall.pallet(10)
    with hall.database.unit_of_work(hall.scope) as session:
        lying = unit_queries.contents(session, [units.known(session, pallet).id])[0]
        wanted = ledger.Reserve(f"r-{build.number()}", lying.account, 8, build.now().replace(year=2030))
        ledger.reserve(session, wanted)
    with pytest.raises(rules.NotSoManyInUnit):
        hall.do(lambda session: repacking.split(session, pallet, [hall.of(4)], hall.deed()))


def test_merge_puts_all_into_one(hall: Hall, database: Database, scope: Scope) -> None:
    one, two, into = hall.pallet(3), hall.pallet(4), hall.pallet(5)
    hall.do(lambda session: repacking.merge(session, [one, two], into, hall.deed()))
    assert (hall.holds(one), hall.holds(two), hall.holds(into)) == ({}, {}, {"DOCK-1": 12})
    assert verify(database, scope) == []


def test_unpack_and_pack_are_the_way_there_and_back(hall: Hall) -> None:
    pallet = hall.pallet(10)
    hall.do(lambda session: repacking.unpack(session, pallet, [], hall.deed()))
    assert hall.holds(pallet) == {}
    hall.do(lambda session: repacking.pack(session, hall.dock, [hall.of(7)], pallet, hall.deed()))
    assert hall.holds(pallet) == {"DOCK-1": 7}


def test_genealogy_follows_goods_up_and_down_through_every_unit(hall: Hall) -> None:
    first = hall.pallet(10)
    second = hall.do(lambda session: repacking.split(session, first, [hall.of(6)], hall.deed())).sscc
    third = hall.do(lambda session: repacking.split(session, second, [hall.of(2)], hall.deed())).sscc
    with hall.database.unit_of_work(hall.scope) as session:
        up = unit_queries.came_from(session, units.known(session, third).id)
        down = unit_queries.went_to(session, units.known(session, first).id)
    assert [(row.from_sscc, row.to_sscc, row.qty, row.depth) for row in up] == [
        (second, third, 2, 1), (first, second, 6, 2),
    ]  # fmt: skip
    assert [(row.to_sscc, row.depth) for row in down] == [(second, 1), (third, 2)]
    assert up[0].person_en == hall.person.name_en


def test_what_came_in_later_is_no_ancestor(hall: Hall) -> None:
    early, middle, late = hall.pallet(5), hall.pallet(5), hall.pallet(5)
    child = hall.do(lambda session: repacking.split(session, middle, [hall.of(2)], hall.deed())).sscc
    hall.do(lambda session: repacking.repack(session, late, [hall.of(1)], middle, hall.deed()))
    with hall.database.unit_of_work(hall.scope) as session:
        up = unit_queries.came_from(session, units.known(session, child).id)
    assert {row.from_sscc for row in up} == {middle}
    assert early not in {row.from_sscc for row in up}
