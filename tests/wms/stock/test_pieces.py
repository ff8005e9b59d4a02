"""Serial numbers and catch weight: a piece is at one place once, and no grams lie without pieces."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests import build
from tests.build import Shelf
from tests.conftest import Urls
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.stock import ledger
from wms.stock.ledger import Posting, moved
from wms.stock.rules import (
    SerialElsewhere,
    SerialHereAlready,
    SerialsMissing,
    WeightLeft,
    WeightMissing,
    WeightUnbalanced,
)
from wms.stock.tables import Account, Balance, Serial
from wms.stock.verify import run as verify


@dataclass
class Clerk:
    """Posts what it is told, each posting a unit of work of its own."""

    database: Database
    scope: Scope
    shelf: Shelf

    def post(self, *lines: ledger.Line, kind: str = "move", key: str | None = None) -> int:
        posting = Posting(key or f"k-{build.number()}", kind, build.now(), lines)
        with self.database.unit_of_work(self.scope) as session:
            result = ledger.post_many(session, [posting])[0]
        if isinstance(result, WmsError):
            raise result
        return result.posting_id

    def receive(self, qty: int, *, weight_g: int | None = None, serials: tuple[str, ...] = ()) -> int:
        shelf = self.shelf
        return self.post(
            *moved(shelf.supplier, shelf.free, qty, weight_g=weight_g, serials=serials), kind="receipt"
        )

    def carry(self, qty: int, *, weight_g: int | None = None, serials: tuple[str, ...] = ()) -> int:
        return self.post(*moved(self.shelf.free, self.shelf.other, qty, weight_g=weight_g, serials=serials))


def clerk_with(database: Database, scope: Scope, **columns: object) -> Clerk:
    with database.unit_of_work(scope) as session:
        owner = build.make_company(session, "owner_of_goods")
        item, site = build.make_item(session, owner, **columns), build.make_site(session, "ordinary")
        bins = [build.make_location(session, site) for _ in range(2)]
        shelf = Shelf(owner.id, item.id, site.id, bins[0].id, bins[1].id, 0)
    return Clerk(database, scope, shelf)


@pytest.fixture
def numbered(database: Database, scope: Scope) -> Clerk:
    return clerk_with(database, scope, is_serial_controlled=True)


@pytest.fixture
def weighed(database: Database, scope: Scope) -> Clerk:
    return clerk_with(database, scope, is_catch_weight=True)


def serials_at(session: Session, location_id: int) -> list[str]:
    query = select(Serial.serial_no).join(Account, Account.id == Serial.account_id)
    return list(session.scalars(query.where(Account.location_id == location_id).order_by(Serial.serial_no)))


def weights(session: Session, shelf: Shelf) -> dict[int, tuple[int, int | None]]:
    query = select(Account.location_id, Balance.qty, Balance.weight_g).join(Balance, Balance.account_id == Account.id)
    return {
        row[0]: (row[1], row[2]) for row in session.execute(query.where(Account.trade_item_id == shelf.trade_item_id))
    }


def test_serials_are_registered_at_receipt_and_follow_their_pieces(
    numbered: Clerk, database: Database, scope: Scope
) -> None:
    numbered.receive(3, serials=("S1", "S2", "S3"))
    numbered.carry(2, serials=("S1", "S3"))
    with database.unit_of_work(scope) as session:
        assert serials_at(session, numbered.shelf.location_id) == ["S2"]
        assert serials_at(session, numbered.shelf.other_location_id) == ["S1", "S3"]
    assert verify(database, scope) == []


@pytest.mark.parametrize("serials", [(), ("S1",), ("S1", "S2", "S3")])
def test_refuses_pieces_without_exactly_their_numbers(numbered: Clerk, serials: tuple[str, ...]) -> None:
    with pytest.raises(SerialsMissing):
        numbered.receive(2, serials=serials)


def test_refuses_a_number_that_lies_elsewhere(numbered: Clerk) -> None:
    numbered.receive(2, serials=("S1", "S2"))
    numbered.carry(1, serials=("S1",))
    with pytest.raises(SerialElsewhere) as refused:
        numbered.carry(1, serials=("S1",))
    assert refused.value.values["serial_no"] == "S1"


def test_refuses_to_receive_a_number_twice(numbered: Clerk) -> None:
    numbered.receive(1, serials=("S1",))
    with pytest.raises(SerialHereAlready):
        numbered.receive(1, serials=("S1",))


def test_whoever_takes_all_takes_all_numbers(numbered: Clerk, database: Database, scope: Scope) -> None:
    numbered.receive(2, serials=("S1", "S2"))
    numbered.carry(2)
    with database.unit_of_work(scope) as session:
        assert serials_at(session, numbered.shelf.other_location_id) == ["S1", "S2"]
    assert verify(database, scope) == []


def test_a_number_that_was_sold_may_come_back(numbered: Clerk, database: Database, scope: Scope) -> None:
    shelf = numbered.shelf
    numbered.receive(1, serials=("S1",))
    numbered.post(*moved(shelf.free, shelf.customer, 1, serials=("S1",)), kind="ship")
    numbered.post(*moved(shelf.customer, shelf.other, 1, serials=("S1",)), kind="return")
    with database.unit_of_work(scope) as session:
        assert serials_at(session, shelf.other_location_id) == ["S1"]
    assert verify(database, scope) == []


def test_a_reversal_brings_the_numbers_back(numbered: Clerk, database: Database, scope: Scope) -> None:
    numbered.receive(3, serials=("S1", "S2", "S3"))
    posting_id = numbered.carry(1, serials=("S2",))
    with database.unit_of_work(scope) as session:
        ledger.reverse(session, f"r-{build.number()}", posting_id, reason="mistake", event_at=build.now())
    with database.unit_of_work(scope) as session:
        assert serials_at(session, numbered.shelf.location_id) == ["S1", "S2", "S3"]
    assert verify(database, scope) == []


def race(*works: Callable[[], object]) -> list[object]:
    def run(work: Callable[[], object]) -> object:
        try:
            return work()
        except WmsError as refusal:
            return refusal

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_one_serial_moved_twice_at_once_one_wins(numbered: Clerk, database: Database, scope: Scope) -> None:
    numbered.receive(9, serials=tuple(f"S{n}" for n in range(9)))
    for n in range(8):
        said = race(*[lambda n=n: numbered.carry(1, serials=(f"S{n}",))] * 4)  # type: ignore[misc]
        assert sum(isinstance(one, int) for one in said) == 1, said
        assert sum(isinstance(one, SerialElsewhere) for one in said) == 3, said
    assert verify(database, scope) == []


def test_one_new_serial_received_twice_at_once_one_wins(numbered: Clerk, database: Database, scope: Scope) -> None:
    for n in range(6):
        said = race(*[lambda n=n: numbered.receive(1, serials=(f"S{n}",))] * 4)  # type: ignore[misc]
        assert sum(isinstance(one, int) for one in said) == 1, said
        assert sum(isinstance(one, SerialHereAlready) for one in said) == 3, said
    assert verify(database, scope) == []


def test_the_login_cannot_write_serials_by_itself(numbered: Clerk, database: Database, scope: Scope) -> None:
    numbered.receive(1, serials=("S1",))
    with pytest.raises(Exception, match="permission denied"), database.unit_of_work(scope) as session:
        session.execute(text("UPDATE serial SET account_id = NULL"))


def test_weights_are_kept_by_account(weighed: Clerk, database: Database, scope: Scope) -> None:
    shelf = weighed.shelf
    weighed.receive(3, weight_g=3_120)
    weighed.carry(1, weight_g=1_005)
    with database.unit_of_work(scope) as session:
        assert weights(session, shelf) == {shelf.location_id: (2, 2_115), shelf.other_location_id: (1, 1_005)}
    weighed.carry(2)
    with database.unit_of_work(scope) as session:
        assert weights(session, shelf) == {shelf.location_id: (0, 0), shelf.other_location_id: (3, 3_120)}
    assert verify(database, scope) == []


def test_refuses_pieces_without_weight(weighed: Clerk) -> None:
    with pytest.raises(WeightMissing):
        weighed.receive(3)
    weighed.receive(3, weight_g=3_000)
    with pytest.raises(WeightMissing):
        weighed.carry(1)


@pytest.mark.parametrize(("qty", "weight_g"), [(1, 3_000), (1, 3_001), (3, 2_999)])
def test_refuses_grams_without_pieces_and_pieces_without_grams(weighed: Clerk, qty: int, weight_g: int) -> None:
    weighed.receive(3, weight_g=3_000)
    with pytest.raises(WeightLeft):
        weighed.carry(qty, weight_g=weight_g)


def test_refuses_weights_that_do_not_balance(weighed: Clerk) -> None:
    weighed.receive(3, weight_g=3_000)
    out, into = moved(weighed.shelf.free, weighed.shelf.other, 1, weight_g=1_000)
    with pytest.raises(WeightUnbalanced):
        weighed.post(out, replace(into, weight_g=999))


def test_a_reversal_brings_the_grams_back(weighed: Clerk, database: Database, scope: Scope) -> None:
    weighed.receive(3, weight_g=3_000)
    posting_id = weighed.carry(1, weight_g=900)
    with database.unit_of_work(scope) as session:
        ledger.reverse(session, f"r-{build.number()}", posting_id, reason="mistake", event_at=build.now())
    with database.unit_of_work(scope) as session:
        assert weights(session, weighed.shelf)[weighed.shelf.location_id] == (3, 3_000)
    assert verify(database, scope) == []


def test_the_database_holds_grams_and_pieces_together(
    fresh_urls: Urls, fresh_database: Database
) -> None:
    scope = Scope.system(1)
    weighed = clerk_with(fresh_database, scope, is_catch_weight=True)
    weighed.receive(3, weight_g=3_000)
    superuser = Database(fresh_urls.superuser, pool_size=1)
    with pytest.raises(IntegrityError), superuser.engine.begin() as connection:
        connection.execute(text("UPDATE balance SET weight_g = 0 WHERE qty = 3"))
    with superuser.engine.begin() as connection:
        connection.execute(text("UPDATE balance SET weight_g = 2999 WHERE qty = 3"))
    superuser.close()
    assert [finding.invariant for finding in verify(fresh_database, scope)] == ["I1"]


def test_a_list_with_both_sorts_of_pieces_posts_each_by_its_own_rules(
    numbered: Clerk, weighed: Clerk, database: Database, scope: Scope
) -> None:
    one, other = numbered.shelf, weighed.shelf
    numbered.post(
        *moved(one.supplier, one.free, 2, serials=("A", "B")), *moved(other.supplier, other.free, 2, weight_g=1_900)
    )
    with database.unit_of_work(scope) as session:
        assert serials_at(session, one.location_id) == ["A", "B"]
        assert weights(session, other)[other.location_id] == (2, 1_900)
    assert verify(database, scope) == []
