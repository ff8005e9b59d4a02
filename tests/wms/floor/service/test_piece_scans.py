"""Parts of goods whose pieces are told apart, by scan: exactly these numbers and grams reach the ledger."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.inside import Handheld, build_hall, is_clean, lying, make_pallet
from wms.catalog.tables import TradeItem
from wms.codes import gs1_keys
from wms.db import Database, Scope
from wms.floor.service.counting_in import want_place
from wms.parties.tables import Location
from wms.stock.ledger import AccountKey, Posting, Reserve, moved, post, reserve
from wms.stock.tables import Account, Balance, Serial

GUN = Callable[..., Handheld]


class Goods:
    """A hall with cameras (kept by serial number) and hams (each piece its own weight)."""

    def __init__(self, session: Session) -> None:
        self.hall = build_hall(session)
        self.camera = build.make_item(session, self.hall.owner, name_en="Camera", is_serial_controlled=True)
        self.ham = build.make_item(session, self.hall.owner, name_en="Ham", is_catch_weight=True)
        self.hall.places["DOCK"] = build.make_location(session, self.hall.site, kind="dock", code="DOCK")

    def bring(
        self, session: Session, place: str, item: TradeItem, qty: int, *, serials: tuple[str, ...] = (),
        weight_g: int | None = None, unit_id: int | None = None,
    ) -> AccountKey:  # fmt: skip
        account = self.hall.account(place, item, handling_unit_id=unit_id)
        supplier = AccountKey("supplier", self.hall.owner.id, item.id)
        lines = moved(supplier, account, qty, weight_g=weight_g, serials=serials)
        post(session, Posting(f"bring-{build.number()}", "receipt", build.now(), lines))
        return account

    def serial(self, number: str) -> str:
        return f"]d201{gs1_keys.gtin14(self.camera.gtin or '')}21{number}"

    def weighed(self, grams: int) -> str:
        return f"]d201{gs1_keys.gtin14(self.ham.gtin or '')}3103{grams:06d}"


@pytest.fixture
def goods(database: Database, scope: Scope) -> Goods:
    with database.unit_of_work(scope) as session:
        made = Goods(session)
        made.bring(session, "A-1", made.camera, 4, serials=("S1", "S2", "S3", "S4"))
        made.bring(session, "A-1", made.ham, 3, weight_g=6_600)
        return made


@pytest.fixture
def gun(database: Database, scope: Scope, goods: Goods) -> GUN:
    def make(job: str = "move", person: object = None) -> Handheld:
        return Handheld(database, scope.tenant_id, goods.hall, person or goods.hall.clerk, job)  # type: ignore[arg-type]

    return make


def where(session: Session, item: TradeItem) -> dict[str, str]:
    rows = session.execute(
        select(Serial.serial_no, Location.code)
        .join(Account, Account.id == Serial.account_id)
        .join(Location, Location.id == Account.location_id)
        .where(Serial.trade_item_id == item.id)
    )
    return {row.serial_no: row.code for row in rows}


def grams(session: Session, goods: Goods, place: str) -> tuple[int, int]:
    rows = session.execute(
        select(Balance.qty, Balance.weight_g)
        .join(Account, Account.id == Balance.account_id)
        .where(Account.location_id == goods.hall.places[place].id, Account.trade_item_id == goods.ham.id)
    ).all()
    return sum(row[0] for row in rows), sum(row[1] or 0 for row in rows)


def test_serials_are_moved_one_by_one_until_done(database: Database, scope: Scope, goods: Goods, gun: GUN) -> None:
    handheld = gun()
    said = handheld.scans(goods.serial("S1"), goods.serial("S3"), "CONFIRM", "A-2")
    assert said == ["piece_in_hand", "piece_in_hand", "taken_in_hand", "moved"]
    with database.unit_of_work(scope) as session:
        assert where(session, goods.camera) == {"S1": "A-2", "S2": "A-1", "S3": "A-2", "S4": "A-1"}
        assert lying(session, goods.hall, "A-2", goods.camera) == 2
    assert handheld.scan("UNDO").code == "move_undone"
    with database.unit_of_work(scope) as session:
        assert set(where(session, goods.camera).values()) == {"A-1"}
    assert is_clean(database, scope)


def test_weights_are_moved_piece_by_piece(database: Database, scope: Scope, goods: Goods, gun: GUN) -> None:
    said = gun().scans("A-1", goods.weighed(2_150), goods.weighed(2_250), "A-2")
    assert said == ["place_chosen", "piece_in_hand", "piece_in_hand", "moved"]
    with database.unit_of_work(scope) as session:
        assert grams(session, goods, "A-1") == (1, 2_200)
        assert grams(session, goods, "A-2") == (2, 4_400)
    assert is_clean(database, scope)


def test_pieces_are_taken_off_a_pallet(database: Database, scope: Scope, goods: Goods, gun: GUN) -> None:
    with database.unit_of_work(scope) as session:
        pallet = make_pallet(session, goods.hall)
        goods.bring(session, "A-3", goods.ham, 3, weight_g=3_000, unit_id=pallet.id)
        other = make_pallet(session, goods.hall)
        goods.bring(session, "A-3", goods.camera, 2, serials=("T1", "T2"), unit_id=other.id)
    handheld = gun()
    asked = handheld.scan("QTY 2"), handheld.scan(f"]C100{pallet.sscc}")
    assert [one.code for one in asked] == ["quantity_set", "pieces_wanted"]
    said = handheld.scans(goods.weighed(900), goods.weighed(1_000), goods.weighed(1_100), "A-2")
    assert said == ["piece_in_hand", "piece_in_hand", "place_first", "moved"]
    assert handheld.scans(goods.serial("T2"), "A-2") == ["piece_in_hand", "moved"]
    with database.unit_of_work(scope) as session:
        assert grams(session, goods, "A-3") == (1, 1_100)
        assert where(session, goods.camera)["T1"] == "A-3"
        assert where(session, goods.camera)["T2"] == "A-2"
    assert is_clean(database, scope)


def test_each_mistake_of_a_piece_has_its_own_answer_and_way_out(
    database: Database, scope: Scope, goods: Goods, gun: GUN
) -> None:
    with database.unit_of_work(scope) as session:
        goods.bring(session, "A-3", goods.camera, 1, serials=("E1",))
        sold = goods.bring(session, "A-3", goods.camera, 1, serials=("G1",))
        customer = AccountKey("customer", goods.hall.owner.id, goods.camera.id)
        post(session, Posting("sold", "ship", build.now(), moved(sold, customer, 1, serials=("G1",))))
    handheld = gun()
    scans = {
        "unknown": handheld.scan(goods.serial("NOBODY")),
        "gone": handheld.scan(goods.serial("G1")),
        "in hand": handheld.scan(goods.serial("S1")),
        "twice": handheld.scan(goods.serial("S1")),
        "elsewhere": handheld.scan(goods.serial("E1")),
        "other goods": handheld.scan(goods.weighed(100)),
        "unnamed": handheld.scan(f"]E0{goods.camera.gtin}"),
    }
    assert {name: one.code for name, one in scans.items()} == {
        "unknown": "unknown_serial", "gone": "serial_gone", "in hand": "piece_in_hand", "twice": "serial_in_hand",
        "elsewhere": "serial_not_here", "other goods": "place_first", "unnamed": "serial_missing",
    }  # fmt: skip
    assert scans["elsewhere"].values["place"] == "A-3"
    assert scans["elsewhere"].values["here"] == "A-1"
    stops = [one for one in scans.values() if one.outcome == "stop"]
    assert len({one.way_out for one in stops}) == len(stops)
    assert handheld.scans("BACK", "DONE") == ["put_down", "nothing_to_confirm"]
    assert handheld.scans("QTY 2", goods.serial("S1"))[-1] == "one_serial_at_a_time"
    assert gun().scans("A-3", goods.serial("S1"))[-1] == "serial_not_here"
    assert is_clean(database, scope)


def test_a_part_without_numbers_or_weights_is_not_moved(goods: Goods, gun: GUN) -> None:
    assert gun().scans("A-1", "QTY 2", f"]E0{goods.camera.gtin}")[-1] == "serial_missing"
    assert gun().scans("A-1", "QTY 2", f"]E0{goods.ham.gtin}")[-1] == "weight_not_scanned"
    assert gun().scans("A-1", "QTY 2", goods.weighed(2_000))[-1] == "weight_of_one"
    assert gun().scans("A-1", "QTY 3", f"]E0{goods.ham.gtin}", "A-2")[-1] == "moved"


def test_weights_that_cannot_be_are_told_with_what_the_books_say(goods: Goods, gun: GUN) -> None:
    handheld = gun()
    said = handheld.scans("A-1", goods.weighed(6_000), goods.weighed(600), "DONE")
    assert said[-1] == "taken_in_hand"
    differ = handheld.scan("A-2")
    assert (differ.code, differ.values["held"], differ.values["held_g"]) == ("weights_differ", 3, 6_600)
    assert handheld.scans("BACK", "BACK", goods.weighed(2_200), "A-2")[-1] == "moved"


def test_a_piece_in_hand_that_another_moves_is_told_by_whom(
    database: Database, scope: Scope, goods: Goods, gun: GUN
) -> None:
    one, two = gun(), gun(person=goods.hall.other_clerk)
    assert one.scan(goods.serial("S1")).code == two.scan(goods.serial("S1")).code == "piece_in_hand"
    assert one.scan("A-2").code == "moved"
    said = two.scan("A-3")
    assert said.code == "already_moved"
    assert said.values["person"]["en"] == goods.hall.clerk.name_en
    assert is_clean(database, scope)


def test_a_promised_piece_stays(database: Database, scope: Scope, goods: Goods, gun: GUN) -> None:
    with database.unit_of_work(scope) as session:
        account = goods.hall.account("A-1", goods.camera)
        reserve(session, Reserve("r1", account, 4, build.now() + timedelta(hours=1), "SO-9"))
    said = gun().scan(goods.serial("S1"))
    assert (said.code, said.values["document"]) == ("reserved_for", "SO-9")


@pytest.fixture
def waiting(database: Database, scope: Scope, goods: Goods) -> Goods:
    with database.unit_of_work(scope) as session:
        cameras = goods.bring(session, "DOCK", goods.camera, 3, serials=("D1", "D2", "D3"))
        hams = goods.bring(session, "DOCK", goods.ham, 3, weight_g=6_000)
        for account in (cameras, hams):
            want_place(session, goods.hall.site.id, account, 3)
    return goods


def test_serials_are_put_away_one_by_one(database: Database, scope: Scope, waiting: Goods, gun: GUN) -> None:
    handheld = gun("put_away")
    said = handheld.scans(waiting.serial("D1"), waiting.serial("D3"), "CONFIRM")
    assert said == ["piece_in_hand", "piece_in_hand", "place_suggested"]
    place = handheld.scans("A-2", "REASON NEARER")
    assert place[-1] == "put_away"
    with database.unit_of_work(scope) as session:
        found = where(session, waiting.camera)
        assert {found[one] for one in ("D1", "D3")} == {"A-2"}
        assert found["D2"] == "DOCK"
    assert handheld.scan("UNDO").code == "undone"
    with database.unit_of_work(scope) as session:
        assert {where(session, waiting.camera)[one] for one in ("D1", "D2", "D3")} == {"DOCK"}
    assert handheld.scans(f"]E0{waiting.camera.gtin}", "A-2", "REASON NEARER")[-1] == "put_away"
    with database.unit_of_work(scope) as session:
        assert {where(session, waiting.camera)[one] for one in ("D1", "D2", "D3")} == {"A-2"}
    assert is_clean(database, scope)


def test_weights_are_put_away_piece_by_piece(database: Database, scope: Scope, waiting: Goods, gun: GUN) -> None:
    handheld = gun("put_away")
    said = handheld.scans("A-2", "QTY 2", f"]E0{waiting.ham.gtin}", waiting.weighed(1_900), waiting.weighed(2_050))
    assert said[2:] == ["pieces_wanted", "piece_in_hand", "piece_in_hand"]
    assert handheld.scans("DONE", "REASON NEARER")[-1] == "put_away"
    with database.unit_of_work(scope) as session:
        assert grams(session, waiting, "A-2") == (2, 3_950)
        assert grams(session, waiting, "DOCK") == (1, 2_050)
    assert is_clean(database, scope)


def test_each_mistake_at_put_away_has_its_own_answer(waiting: Goods, gun: GUN) -> None:
    handheld = gun("put_away")
    codes = [waiting.serial("S1"), waiting.serial("NO"), waiting.serial("D1"), waiting.serial("D1"), "BACK"]
    assert handheld.scans(*codes) == [
        "serial_not_waiting", "unknown_serial", "piece_in_hand", "serial_in_hand", "put_down",
    ]  # fmt: skip
    assert handheld.scans("QTY 2", f"]E0{waiting.camera.gtin}", "DONE")[-2:] == ["pieces_wanted", "no_piece_yet"]
    handheld.scan("BACK")
    assert handheld.scans(*[waiting.weighed(1_500)] * 4)[-1] == "too_many"
    differ = handheld.scans("A-2", "REASON NEARER")[-1]
    assert differ == "weights_differ"
