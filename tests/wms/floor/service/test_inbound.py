"""Blind receipts, pieces told apart at the dock, nested pallets, whole lists: from the document to the ledger."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from tests import build
from tests.wms.floor.world import GS, Scanner, World, build_world, stock, today
from wms.codes import gs1_keys
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor import queries, receipt_report
from wms.floor.rules import mistakes
from wms.floor.rules import notices as notice_rules
from wms.floor.rules.list_receipt import ListLine, NothingLeft
from wms.floor.rules.notices import LineIn
from wms.floor.service import notices
from wms.floor.service.despatch import UnitIn, take_advice
from wms.floor.service.notices import Announce, Change, OpenBlind
from wms.floor.service.receiving_lists import ReceiveList, receive_list
from wms.floor.tables import PutAwayTask, ReceiptLine, Task
from wms.parties.tables import Company
from wms.stock.tables import Balance
from wms.stock.verify import run as verify


@pytest.fixture
def plain(database: Database, scope: Scope) -> World:
    """An ordinary warehouse."""
    with database.unit_of_work(scope) as session:
        return build_world(session, mode="0110")


@pytest.fixture
def gun(database: Database, scope: Scope, plain: World) -> Scanner:
    return Scanner(database, Scope(scope.tenant_id, plain.person.id, "clerk"), plain)


def open_blind(database: Database, scope: Scope, world: World, mode: str = "0110") -> str:
    with database.unit_of_work(scope) as session:
        return notices.open_blind(session, OpenBlind(world.site.id, world.owner.id, mode, "DN-77"))


def sscc() -> str:
    return gs1_keys.make_sscc(4, "6901234", build.number())


def test_goods_that_nobody_announced_are_received_blind(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    number = open_blind(database, scope, plain)
    gun.scan("dock-1", notice_no=number)
    answer = gun.scan(plain.label(plain.milk), notice_no=number)
    assert (answer.code, answer.outcome) == ("received", "ok")
    gun.scan("QTY 2", notice_no=number)
    gun.scan(plain.cream.gtin or "", notice_no=number)
    assert gun.scan("CONFIRM", notice_no=number).code == "close_blind"
    assert gun.scan("CONFIRM", notice_no=number).code == "receipt_closed"
    with database.unit_of_work(scope) as session:
        assert stock(session, plain) == {("Milk", "good"): 1, ("Hand cream", "good"): 2}
        closed = queries.notice_by_no(session, number)
        assert closed is not None
        assert (closed.state, closed.kind, closed.delivery_no) == ("received", "blind", "DN-77")
        assert queries.differences(session, closed.id) == ()
        report = receipt_report.of(session, closed.id)
    assert [(row["item"], row["qty"]) for row in report["counted"]] == sorted(
        [(plain.milk.code, 1), (plain.cream.code, 2)]
    )
    assert report["counters"][0]["name_en"] == plain.person.name_en
    assert verify(database, scope) == []


def test_damaged_goods_of_a_blind_receipt_are_a_difference(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    number = open_blind(database, scope, plain)
    for code in ("dock-1", "DAMAGED", plain.cream.gtin or "", "CONFIRM", "CONFIRM"):
        gun.scan(code, notice_no=number)
    with database.unit_of_work(scope) as session:
        found = queries.notice_by_no(session, number)
        assert found is not None
        assert [(row.kind, row.qty) for row in queries.differences(session, found.id)] == [("damaged", 1)]


def test_bonded_goods_are_not_received_without_a_document(database: Database, scope: Scope, world: World) -> None:
    with pytest.raises(notice_rules.BondedWithoutDocument, match="verification list"):
        open_blind(database, scope, world, "1210")


def test_goods_of_an_account_book_are_not_received_blind(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    number = open_blind(database, scope, world)
    scanner.scan("dock-1", notice_no=number)
    answer = scanner.scan(world.label(world.milk), notice_no=number)
    assert (answer.code, answer.outcome) == ("blind_bonded", "stop")
    assert answer.way_out is not None
    assert "verification list" in answer.way_out


def test_who_counts_blind_is_not_told_what_is_expected(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    with database.unit_of_work(scope) as session:
        notices.change(session, plain.notice_no, Change(is_blind=True))
    gun.at_dock()
    answer = gun.scan(plain.label(plain.milk))
    assert (answer.text, answer.values["expected"]) == ("%(qty)s × %(item)s received.", 0)
    assert answer.progress is not None
    assert {line["expected_qty"] for line in answer.progress["lines"]} == {None}
    assert gun.scan(plain.pallet_label()).code == "blind_pallet"
    gun.scan("QTY 98")
    assert gun.scan(plain.pallet_label()).code == "received"
    asked = gun.scan("CONFIRM")
    assert asked.code == "close_blind"
    assert "missing" not in asked.values
    gun.scan("CONFIRM")
    with database.unit_of_work(scope) as session:
        found = {row.item_code: (row.kind, row.qty) for row in queries.differences(session, plain.notice_id)}
    assert found[plain.meat.code] == ("short", -2)


def blind_with(database: Database, scope: Scope, world: World, **columns: object) -> tuple[str, str]:
    """A blind receipt, and the GTIN of an item of its owner."""
    with database.unit_of_work(scope) as session:
        item = build.make_item(session, session.get_one(Company, world.owner.id), **columns)
        return open_blind(database, scope, world), gs1_keys.gtin14(item.gtin or "")


def test_a_serial_number_is_registered_at_receipt_once(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    number, gtin = blind_with(database, scope, plain, is_serial_controlled=True)
    gun.scan("dock-1", notice_no=number)
    assert gun.scan(f"01{gtin}", notice_no=number).code == "serial_missing"
    assert gun.scan(f"01{gtin}21S-1", notice_no=number).code == "received"
    again = gun.scan(f"01{gtin}21S-1", notice_no=number)
    assert (again.code, again.values["serial"]) == ("serial_twice", "S-1")
    gun.scan("QTY 2", notice_no=number)
    assert gun.scan(f"01{gtin}21S-2", notice_no=number).code == "one_serial_at_a_time"
    assert verify(database, scope) == []


def test_a_serial_number_that_was_received_by_mistake_is_taken_back(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    number, gtin = blind_with(database, scope, plain, is_serial_controlled=True)
    for code in ("dock-1", f"01{gtin}21S-1"):
        gun.scan(code, notice_no=number)
    assert gun.scan("UNDO", notice_no=number).code == "undone"
    assert gun.scan(f"01{gtin}21S-1", notice_no=number).code == "received"
    assert verify(database, scope) == []


def test_the_net_weight_on_the_label_is_read_at_receipt(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    number, gtin = blind_with(database, scope, plain, is_catch_weight=True)
    gun.scan("dock-1", notice_no=number)
    assert gun.scan(f"01{gtin}", notice_no=number).code == "weight_not_scanned"
    assert gun.scan(f"01{gtin}3103001250", notice_no=number).code == "received"
    assert gun.scan(f"01{gtin}3102000098", notice_no=number).code == "received"
    assert gun.scan(f"01{gtin}3105000098", notice_no=number).code == "weight_not_whole"
    gun.scan("QTY 2", notice_no=number)
    assert gun.scan(f"01{gtin}3103001250", notice_no=number).code == "weight_of_one"
    with database.unit_of_work(scope) as session:
        weight = session.scalar(select(func.sum(Balance.weight_g)).where(Balance.owner_id == plain.owner.id))
        assert weight == 1_250 + 980
        assert session.scalar(select(func.sum(ReceiptLine.weight_g))) == 1_250 + 980
    assert verify(database, scope) == []


def advise(database: Database, scope: Scope, world: World) -> tuple[str, str, list[str]]:
    """A despatch advice of a pallet with two cartons; its number and the labels."""
    pallet, cartons, number = sscc(), [sscc(), sscc()], f"DES-{build.number()}"
    lines = tuple(LineIn(world.cream.code, 12, sscc=one) for one in cartons)
    units = [UnitIn(pallet, "pallet", None, "u"), *(UnitIn(one, "carton", pallet, "u") for one in cartons)]
    with database.unit_of_work(scope) as session:
        assert take_advice(session, Announce(number, world.site.id, world.owner.id, "0110", lines), units) == []
    return number, pallet, cartons


def test_one_scan_of_a_pallet_receives_the_cartons_on_it(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    number, pallet, cartons = advise(database, scope, plain)
    gun.scan("dock-1", notice_no=number)
    gun.scan(f"00{cartons[0]}", notice_no=number)
    answer = gun.scan(f"00{pallet}", notice_no=number)
    assert (answer.code, answer.values["qty"]) == ("received", 12)
    again = gun.scan(f"00{pallet}", notice_no=number)
    assert (again.code, again.values["person"]["en"]) == ("already_received", plain.person.name_en)
    with database.unit_of_work(scope) as session:
        assert stock(session, plain) == {("Hand cream", "good"): 24}


def receive(database: Database, scope: Scope, **given: object) -> object:
    values: dict[str, object] = {"key": f"k-{build.number()}", "dock": "DOCK-1", "event_at": datetime.now(UTC)}
    with database.unit_of_work(scope) as session:
        return receive_list(session, ReceiveList(**(values | given)))  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["0110", "1210"])
def test_a_whole_notice_is_received_in_one_call(database: Database, scope: Scope, mode: str) -> None:
    with database.unit_of_work(scope) as session:
        world = build_world(session, mode=mode)
        notices.change(
            session, world.notice_no,
            Change((LineIn(world.meat.code, 100, "L1", today() + timedelta(days=99), world.pallet),
                    LineIn(world.cream.code, 24))),
        )  # fmt: skip
    done = receive(database, scope, notice_no=world.notice_no, close=True)
    assert (done.n_lines, done.qty) == (2, 124)  # type: ignore[attr-defined]
    quality = "hold" if mode == "1210" else "good"
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Beef", quality): 100, ("Hand cream", quality): 24}
        assert queries.notice(session, world.notice_id).state == "received"
        assert session.scalar(select(func.sum(PutAwayTask.qty)).where(PutAwayTask.site_id == world.site.id)) == 124
        waiting = select(Task.subject_id, Task.qty).where(Task.site_id == world.site.id, Task.state == "open")
        put_away = select(PutAwayTask.id, PutAwayTask.qty).where(PutAwayTask.site_id == world.site.id)
        assert set(session.execute(waiting)) == set(session.execute(put_away))
    assert verify(database, scope) == []


def test_one_unit_with_all_in_it_is_received_in_one_call(database: Database, scope: Scope, plain: World) -> None:
    number, pallet, _ = advise(database, scope, plain)
    done = receive(database, scope, notice_no=number, sscc=pallet)
    assert done.qty == 24  # type: ignore[attr-defined]
    with pytest.raises(NothingLeft):
        receive(database, scope, notice_no=number, sscc=pallet)


def test_a_list_names_every_bad_line_and_receives_none(database: Database, scope: Scope, plain: World) -> None:
    lines = (
        ListLine(plain.cream.code, 5),
        ListLine("NOTHING", 1),
        ListLine(plain.milk.code, 1),
        ListLine(plain.milk.code, 1, "L9", today() + timedelta(days=40_000)),
        ListLine(plain.cream.code, 1, sscc="0" * 17 + "1"),
    )
    done = receive(database, scope, notice_no=plain.notice_no, lines=lines)
    found = {fault.row: fault.refusal.code for fault in done.faults}  # type: ignore[attr-defined]
    assert found == {2: "unknown_label", 3: "lot_missing", 4: "expiry_too_far", 5: "broken_check_digit"}
    with database.unit_of_work(scope) as session:
        assert stock(session, plain) == {}


def test_two_clerks_receive_one_pallet_by_list_one_wins_and_the_other_is_told_who_and_when(
    database: Database, scope: Scope, plain: World
) -> None:
    clerk = Scope(scope.tenant_id, plain.person.id, "clerk")
    lines = (ListLine(plain.meat.code, 100, "L1", plain.expires_on, plain.pallet),)

    def one() -> object:
        try:
            return receive(database, clerk, notice_no=plain.notice_no, lines=lines)
        except WmsError as refusal:
            return refusal

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda _: one(), range(2)))
    lost = [answer for answer in said if isinstance(answer, mistakes.AlreadyReceived)]
    assert len(lost) == 1, said
    assert lost[0].values["person"]["en"] == plain.person.name_en
    assert str(lost[0].values["at"]).startswith(datetime.now(UTC).date().isoformat())
    with database.unit_of_work(scope) as session:
        assert stock(session, plain) == {("Beef", "good"): 100}


def test_serials_and_weights_come_in_by_list(database: Database, scope: Scope, plain: World) -> None:
    with database.unit_of_work(scope) as session:
        owner = session.get_one(Company, plain.owner.id)
        phone = build.make_item(session, owner, is_serial_controlled=True).code
        cheese = build.make_item(session, owner, is_catch_weight=True).code
    good = (ListLine(phone, 2, serials=("S1", "S2")), ListLine(cheese, 3, weight_g=3_456))
    number = open_blind(database, scope, plain)
    done = receive(database, scope, notice_no=number, lines=good)
    assert done.faults == ()  # type: ignore[attr-defined]
    bad = receive(database, scope, notice_no=number, lines=(ListLine(phone, 1), ListLine(cheese, 1)))
    assert [one.refusal.code for one in bad.faults] == ["serial_missing", "weight_not_scanned"]  # type: ignore[attr-defined]
    assert verify(database, scope) == []


def test_a_notice_is_changed_until_goods_are_counted(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    with database.unit_of_work(scope) as session:
        notices.change(session, plain.notice_no, Change((LineIn(plain.cream.code, 2, unit="carton"),)))
        assert [line.expected_qty for line in queries.notice_lines(session, plain.notice_id)] == [24]
    gun.at_dock().scan(plain.cream.gtin or "")
    for act in (
        lambda session: notices.change(session, plain.notice_no, Change(is_blind=True)),
        lambda session: notices.cancel(session, plain.notice_no, "late", datetime.now(UTC)),
    ):
        with pytest.raises(notice_rules.NoticeNotOpen), database.unit_of_work(scope) as session:
            act(session)


def test_a_cancelled_notice_is_not_received(database: Database, scope: Scope, gun: Scanner, plain: World) -> None:
    with database.unit_of_work(scope) as session:
        notices.cancel(session, plain.notice_no, "sent next week", datetime.now(UTC))
    assert gun.scan("dock-1").code == "notice_closed"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"unit": "barrel"}, "unknown_unit"),
        ({"expires_on": today() + timedelta(days=40_000)}, "announced_expiry_too_far"),
        ({"sscc": "0" * 17 + "1"}, "bad_notice_line"),
        ({"order_no": "SO-NOTHING"}, "unknown_order_line"),
    ],
)
def test_each_bad_line_has_its_own_message(
    database: Database, scope: Scope, plain: World, line: dict[str, object], code: str
) -> None:
    given = LineIn(plain.cream.code, 2, **line)  # type: ignore[arg-type]
    with pytest.raises(WmsError) as refused, database.unit_of_work(scope) as session:
        notices.announce(session, Announce(f"N-{build.number()}", plain.site.id, plain.owner.id, "0110", (given,)))
    assert refused.value.code == code


def test_a_pallet_is_announced_once(database: Database, scope: Scope, gun: Scanner, plain: World) -> None:
    def announce() -> None:
        line = LineIn(plain.cream.code, 2, sscc=plain.pallet)
        with database.unit_of_work(scope) as session:
            notices.announce(session, Announce(f"N-{build.number()}", plain.site.id, plain.owner.id, "0110", (line,)))

    with pytest.raises(notice_rules.UnitAnnounced) as refused:
        announce()
    assert refused.value.values["notice"] == plain.notice_no
    gun.at_dock().scan(plain.pallet_label())
    for _ in range(2):
        gun.scan("CONFIRM")
    with pytest.raises(notice_rules.UnitInStock):
        announce()


def test_a_label_with_separators_names_lot_serial_and_weight_together(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    number, gtin = blind_with(
        database, scope, plain, is_serial_controlled=True, is_catch_weight=True, is_lot_controlled=True
    )
    gun.scan("dock-1", notice_no=number)
    assert gun.scan(f"]d201{gtin}310300075010L7{GS}21S-9", notice_no=number).code == "received"
    assert verify(database, scope) == []
