"""Picking goods whose pieces are told apart: what the label says goes to the pick line and to the ledger."""

from typing import Any

import pytest
from sqlalchemy import select, text

from tests import build
from tests.wms.floor.outbound import Hall, build_hall, clean, now
from tests.wms.floor.service.test_picking_desk import Handheld, new_sscc, release
from wms.catalog.tables import TradeItem
from wms.codes import gs1_keys
from wms.db import Database, Scope
from wms.floor.rules.orders import OrderLineIn
from wms.stock.ledger import AccountKey, Posting, moved, post
from wms.stock.tables import Account, Serial


class Stock:
    """Cameras by serial number and hams by weight, each in a bin of its own, with an order for two of each."""

    def __init__(self, database: Database, scope: Scope) -> None:
        with database.unit_of_work(scope) as session:
            self.hall = hall = build_hall(session)
            self.camera = build.make_item(session, hall.owner, name_en="Camera", is_serial_controlled=True)
            self.ham = build.make_item(session, hall.owner, name_en="Ham", is_catch_weight=True)
            self._bring(session, hall, self.camera, 0, 3, serials=("C1", "C2", "C3"))
            self._bring(session, hall, self.camera, 3, 1, serials=("FAR",))
            self._bring(session, hall, self.ham, 1, 3, weight_g=6_000)
            hall.order(session, OrderLineIn(self.camera.code, 2), OrderLineIn(self.ham.code, 2))

    def _bring(self, session: Any, hall: Hall, item: TradeItem, place: int, qty: int, **pieces: Any) -> None:
        supplier = AccountKey("supplier", hall.owner.id, item.id)
        lines = moved(supplier, hall.account(item, hall.bins[place]), qty, **pieces)
        post(session, Posting(f"bring-{build.number()}", "receipt", now(), lines))

    def camera_label(self, serial: str) -> str:
        return f"]d201{gs1_keys.gtin14(self.camera.gtin or '')}21{serial}"

    def ham_label(self, grams: int) -> str:
        return f"]d201{gs1_keys.gtin14(self.ham.gtin or '')}3103{grams:06d}"


@pytest.fixture
def goods(database: Database, scope: Scope) -> Stock:
    return Stock(database, scope)


@pytest.fixture
def picker(database: Database, scope: Scope, goods: Stock) -> Handheld:
    clerk = Scope(scope.tenant_id, goods.hall.person.id, "clerk")
    made = Handheld(database, clerk, goods.hall, job="pick")  # type: ignore[arg-type]
    made.scan(release(database, scope, goods.hall))
    assert made.scan(f"]C100{new_sscc()}").code == "tote_bound"
    return made


def places(database: Database, scope: Scope, item: TradeItem) -> dict[str, int | None]:
    """Which unit each serial number lies in."""
    with database.unit_of_work(scope) as session:
        rows = session.execute(
            select(Serial.serial_no, Account.handling_unit_id)
            .join(Account, Account.id == Serial.account_id)
            .where(Serial.trade_item_id == item.id)
        )
        return {row.serial_no: row.handling_unit_id for row in rows}


def line_weights(database: Database, scope: Scope, item: TradeItem) -> list[tuple[int, int | None]]:
    with database.unit_of_work(scope) as session:
        rows = session.execute(
            text("SELECT picked_qty, weight_g FROM pick_line WHERE trade_item_id = :item AND picked_qty > 0"),
            {"item": item.id},
        )
        return [(row[0], row[1]) for row in rows]


def test_scanned_serials_and_weights_reach_line_and_ledger_and_are_undone(
    database: Database, scope: Scope, goods: Stock, picker: Handheld
) -> None:
    assert picker.scan("B-1-1").code == "place_chosen"
    assert [picker.scan(goods.camera_label(one)).code for one in ("C3", "C1")] == ["picked", "picked"]
    lies = places(database, scope, goods.camera)
    assert lies["C1"] == lies["C3"] is not None
    assert lies["C2"] is None
    assert picker.scan("B-1-2").code == "place_chosen"
    assert [picker.scan(goods.ham_label(one)).code for one in (1_950, 2_010)] == ["picked", "picked"]
    assert line_weights(database, scope, goods.ham) == [(2, 3_960)]
    assert clean(database, scope)
    assert picker.scan("UNDO").code == "undone"
    assert picker.scan("B-1-2").code == "place_chosen"
    assert picker.scan(goods.ham_label(2_020)).code == "picked"
    with database.unit_of_work(scope) as session:
        left = session.execute(
            text(
                "SELECT b.qty, b.weight_g FROM balance b JOIN account a ON a.id = b.account_id"
                " WHERE a.location_id = :place AND a.trade_item_id = :item"
            ),
            {"place": goods.hall.bins[1].id, "item": goods.ham.id},
        ).one()
    assert tuple(left) == (1, 6_000 - 1_950 - 2_020)
    assert clean(database, scope)


def test_each_mistake_of_a_picked_piece_has_its_own_answer(
    database: Database, scope: Scope, goods: Stock, picker: Handheld
) -> None:
    gtin = f"]E0{goods.camera.gtin}"
    picker.scan("B-1-1")
    two_at_once = (picker.scan("QTY 2"), picker.scan(goods.camera_label("C2")))[1]
    picker.scan("QTY 1")
    first = picker.scan(goods.camera_label("C1"))
    said = {
        "twice": picker.scan(goods.camera_label("C1")),
        "elsewhere": picker.scan(goods.camera_label("FAR")),
        "unknown": picker.scan(goods.camera_label("NOBODY")),
        "unnamed": picker.scan(gtin),
        "two at once": two_at_once,
    }
    assert first.code == "picked"
    assert {name: one.code for name, one in said.items()} == {
        "twice": "serial_not_wanted", "elsewhere": "serial_not_wanted", "unknown": "unknown_serial",
        "unnamed": "serial_missing", "two at once": "one_serial_at_a_time",
    }  # fmt: skip
    assert (said["elsewhere"].values["place"], said["elsewhere"].values["wanted"]) == ("B-2-1", "B-1-1")
    assert picker.scan(goods.camera_label("C2")).code == "picked"
    picker.scan("B-1-2")
    assert picker.scan(f"]E0{goods.ham.gtin}").code == "weight_needed"
    assert picker.scan(goods.ham_label(7_000)).code == "weights_differ"
    assert [picker.scan(goods.ham_label(2_000)).code for _ in range(2)] == ["picked", "picked"]
    assert clean(database, scope)
