"""The demo's data: drawn from a seed, valid to the last check digit, and true to the ledger once they are written."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from stdnum import ean
from stdnum.cn import uscc

from tests.conftest import Server, Urls, _urls
from tests.web.demo import papers
from web.auth import passwords
from web.auth.tables import Credential
from web.auth.tokens import check_token
from web.commands.verify import find
from web.demo import seed
from web.demo.counter.folders import Exchange
from web.demo.counter.habits import Habits
from web.demo.counter.journal import Journal
from web.demo.counter.window import Window
from web.demo.counter_file import JOURNAL
from web.demo.goods import draw_items
from web.demo.notice import PASS_NO
from web.demo.people import DEMO_USERS, company_rows
from web.demo.shops.config import read_shops
from web.demo.stock import Unit, draw_units
from web.demo.zone import location_rows
from wms.catalog.tables import TradeItem
from wms.codes import containers, customs_numbers, gs1_keys, plates
from wms.customs.tables import GatePass, GatePassDocument, VerificationList
from wms.db import Database, Scope
from wms.floor.tables import AdvanceNotice, NoticeLine
from wms.floor.tables.billing import RateCard
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import SortRule
from wms.floor.tables.picking import PickList
from wms.floor.tables.tasks import Task
from wms.freight.tables import Consignment
from wms.freight.tables.transfers import Transfer
from wms.parties.tables import COMPANY_ROLES, PERSON_ROLES, CompanyRole, Location, PersonRole, Site
from wms.settings import Settings, load_settings
from wms.stock.tables import Balance, HandlingUnit

DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def units() -> list[Unit]:
    return draw_units(2020, draw_items(2020), location_rows(), DAY)


def test_the_same_seed_and_day_give_the_same_content() -> None:
    first = seed.content_digest(7, DAY)
    assert first == seed.content_digest(7, DAY)
    assert first != seed.content_digest(8, DAY)


def test_items_have_valid_numbers_that_no_shop_sells() -> None:
    items = draw_items(2020)
    assert len(items) >= 3000
    assert all(ean.is_valid(item.gtin) and item.gtin.startswith("952") for item in items)
    assert all(customs_numbers.is_hs(item.hs_code) for item in items)
    assert len({item.gtin for item in items}) == len({item.code for item in items}) == len(items)
    assert len({item.name_zh for item in items}) == len(items)
    assert {item.temperature_class for item in items} == {"ambient", "frozen"}


def test_companies_have_valid_codes() -> None:
    for company in company_rows():
        assert uscc.is_valid(company["uscc"])
        assert company["customs_code"] is None or len(company["customs_code"]) == 10


def test_handling_units_have_valid_labels_and_fit_into_their_places(units: list[Unit]) -> None:
    assert len(units) == 10_000
    assert all(gs1_keys.is_sscc(unit.sscc) for unit in units)
    limits = {(place["site"], place["code"]): place for place in location_rows()}
    weight: Counter[tuple[str, str]] = Counter()
    volume: Counter[tuple[str, str]] = Counter()
    for unit in units:
        weight[unit.site, unit.place] += unit.weight_g
        volume[unit.site, unit.place] += unit.qty * unit.item.volume_mm3
        assert limits[unit.site, unit.place]["temperature_class"] == unit.item.temperature_class
    assert all(weight[place] <= limits[place]["max_weight_g"] for place in weight)
    assert all(volume[place] <= limits[place]["max_volume_mm3"] for place in volume)


def test_goods_are_received_in_the_past_and_keep_for_a_while(units: list[Unit]) -> None:
    assert all(unit.received_at.date() < DAY for unit in units)
    assert all(unit.expires_on is None or unit.expires_on > DAY for unit in units)


def test_passwords_of_the_demo_pass_the_house_rules() -> None:
    for user in DEMO_USERS:
        passwords.refuse_weak(user.password, user.login)
    assert {user.role for user in DEMO_USERS} == set(PERSON_ROLES) - {"device"}


@pytest.fixture(scope="module")
def seeded_urls(server: Server) -> Iterator[Urls]:
    name = server.clone()
    yield _urls(server, name)
    server.postgres.drop_database(name)


@pytest.fixture(scope="module")
def settings(seeded_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(
        {
            "DONGTING_DATABASE_URL": seeded_urls.app,
            "DONGTING_DATABASE_OWNER_URL": seeded_urls.owner,
            "DONGTING_DATA": str(tmp_path_factory.mktemp("seed")),
            "DONGTING_SECRET_KEY": "a secret of at least thirty-two characters",
        }
    )


@pytest.fixture(scope="module")
def seeded(seeded_urls: Urls, settings: Settings) -> Iterator[Database]:
    """A database with the demo data in it, filled in once for this module."""
    told = seed.seed(settings)
    assert not told.was_there
    database = Database(seeded_urls.app)
    yield database
    database.close()


@pytest.fixture
def opened(seeded: Database) -> Iterator[Session]:
    with seeded.unit_of_work(Scope.system()) as session:
        yield session


def count(session: Session, table: type) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


def test_writes_the_zone_and_its_people(opened: Session) -> None:
    kinds = Counter(opened.scalars(select(Site.kind)))
    assert kinds["overseas"] == 4
    assert kinds["inspection"] == 2
    assert {"bonded", "ordinary", "port", "rail", "airport", "shop"} <= set(kinds)
    assert count(opened, Location) > 3000
    assert set(opened.scalars(select(CompanyRole.role))) == set(COMPANY_ROLES)
    assert count(opened, Credential) == len(DEMO_USERS)
    assert set(opened.scalars(select(PersonRole.role))) == {user.role for user in DEMO_USERS}


def test_writes_stock_that_verifies_clean(seeded: Database) -> None:
    with seeded.unit_of_work(Scope.system()) as session:
        assert count(session, HandlingUnit) >= 10_000
        assert count(session, TradeItem) >= 3000
        held = session.scalars(select(func.count()).select_from(Balance).where(Balance.qty > 0)).one()
        assert held > 10_000
        assert set(session.scalars(select(VerificationList.state))) == {"booked", "pre_deducted"}
    assert find(seeded, Scope.system()) == []


def test_writes_a_notice_of_three_items_under_an_approved_list(opened: Session) -> None:
    notice = opened.scalars(select(AdvanceNotice)).one()
    assert notice.trade_mode == "1210"
    assert notice.verification_list_id is not None
    assert opened.scalars(select(func.count()).where(NoticeLine.notice_id == notice.id)).one() == 3


def test_writes_consignments_in_the_hands_of_two_firms(opened: Session) -> None:
    states = Counter(opened.scalars(select(Consignment.state)))
    assert states["open"] >= 300
    forwarders = Counter(opened.scalars(select(Consignment.forwarder_id)))
    assert len(forwarders) == 3


def test_writes_orders_out_of_every_free_warehouse_and_promises_stock_to_some(opened: Session) -> None:
    states = Counter(opened.scalars(select(OutboundOrder.state).where(OutboundOrder.order_no.startswith("DEMO-SO-"))))
    assert states.total() == 160
    assert states["allocated"] >= 30
    assert states["released"] + states["picking"] >= 10
    sites = opened.scalars(select(func.count(OutboundOrder.site_id.distinct()))).one()
    assert sites == 5


def test_a_floor_is_in_the_middle_of_its_work(opened: Session) -> None:
    kinds = set(opened.scalars(select(Task.kind).where(Task.state == "open")))
    assert kinds >= {"pick", "count", "load"}
    assert opened.scalars(select(func.count()).select_from(PickList).where(PickList.route_mm > 0)).one() >= 1
    assert opened.scalars(select(func.count()).select_from(SortRule)).one() >= 8
    assert opened.scalars(select(func.count()).select_from(RateCard)).one() == 4
    assert opened.scalars(select(Transfer.state)).all() == ["open"]


def test_writes_the_yard_with_every_story(opened: Session, settings: Settings) -> None:
    path = settings.data_dir / "yard.json"
    assert path.stat().st_mode & 0o077 == 0
    yard = json.loads(path.read_text(encoding="utf-8"))
    assert {truck["story"] for truck in yard["trucks"]} == {
        "approved", "arrival", "empty", "empty_in", "heavy", "wrong_plate",
    }  # fmt: skip
    assert all(plates.is_plate(truck["plate"]) for truck in yard["trucks"])
    assert all(containers.check(box) for truck in yard["trucks"] for box in truck["containers"])
    heavy = next(truck for truck in yard["trucks"] if truck["story"] == "heavy")
    total_g = opened.scalars(select(GatePass.total_weight_g).where(GatePass.pass_no == heavy["gate_pass"])).one()
    assert heavy["weight_g"] == pytest.approx(total_g * 1.09, abs=20_000)


def test_a_second_seed_adds_nothing_and_keeps_passes_valid(
    seeded: Database, settings: Settings, seeded_urls: Urls
) -> None:
    owner = Database(seeded_urls.owner)
    with owner.unit_of_work(Scope.system()) as session:
        session.execute(text("UPDATE gate_pass SET valid_until_at = now() WHERE state = 'approved'"))
        session.execute(
            text(
                "UPDATE consignment SET ready_at = ready_at - interval '90 days', due_at = due_at - interval '90 days'"
            )
        )
    owner.close()
    told = seed.seed(settings)
    assert (told.was_there, told.passes, told.consignments) == (True, 0, 0)
    with seeded.unit_of_work(Scope.system()) as session:
        expired = select(func.count()).where(GatePass.state == "approved", GatePass.valid_until_at < func.now())
        assert session.scalars(expired).one() == 0
        late = select(func.count()).where(Consignment.ready_at < func.now() - text("interval '2 days'"))
        assert session.scalars(late).one() == 0


def test_what_was_used_up_is_issued_anew(seeded: Database, settings: Settings) -> None:
    with seeded.unit_of_work(Scope.system()) as session:
        session.execute(text("UPDATE consignment SET state = 'cancelled' WHERE id % 2 = 0"))
    told = seed.seed(settings)
    assert told.consignments > 100
    with seeded.unit_of_work(Scope.system()) as session:
        assert session.scalars(select(func.count()).where(Consignment.state == "open")).one() >= 300


def test_another_data_folder_gets_the_same_devices(settings: Settings, tmp_path: Path, seeded: Database) -> None:
    from dataclasses import replace

    before = json.loads((settings.data_dir / "yard.json").read_text(encoding="utf-8"))["devices"]
    seed.seed(replace(settings, data_dir=tmp_path))
    assert json.loads((tmp_path / "yard.json").read_text(encoding="utf-8"))["devices"] == before


def test_the_shops_know_goods_with_tax_and_a_token_of_a_declarant(opened: Session, settings: Settings) -> None:
    shops = read_shops(settings.data_dir / "shops.json")
    assert len(shops.goods) >= 8
    assert any(one.consumption for one in shops.goods)
    assert check_token(opened, shops.token).role == "declarant"


def reported(settings: Settings, folder: Path, pass_numbers: list[str]) -> tuple[list[str], list[str]]:
    """Kinds of what the demo's counter answers when the gate reports these passes, and the steps it plans."""
    exchange, own = Exchange(folder / "exchange"), folder / "counter"
    own.mkdir()
    (own / "journal.jsonl").write_bytes((settings.data_dir / JOURNAL).read_bytes())
    window = Window(exchange, own, Habits(delay_low_ms=0, delay_high_ms=0))
    for n, number in enumerate(pass_numbers):
        exchange.put(exchange.outbox, f"SAS223_{n}.xml", papers.passage(number))
    window.turn()
    window.close()
    journal = Journal(own / "journal.jsonl")
    journal.close()
    kinds = sorted(path.name.split("_")[0] for path in exchange.inbox.iterdir())
    return kinds, [plan["step"] for plan in journal.plans.values() if "step" in plan]


def test_the_counter_books_the_notice_s_list_a_while_after_its_vehicle_came(
    opened: Session, settings: Settings, tmp_path: Path
) -> None:
    gate_pass = opened.scalars(select(GatePass).where(GatePass.internal_no == PASS_NO)).one()
    kinds, steps = reported(settings, tmp_path, [gate_pass.pass_no or ""])
    assert kinds == ["SAS223"]
    assert steps == ["list.book"]


def test_the_counter_books_an_outward_list_when_all_of_its_vehicles_left(
    opened: Session, settings: Settings, tmp_path: Path
) -> None:
    """What was approved while the data were filled in is known to the counter, as if it had been declared to it."""
    of_list = select(GatePassDocument.gate_pass_id).where(GatePassDocument.document_no.like("QD4902__E000000001"))
    found = opened.scalars(select(GatePass.pass_no).where(GatePass.id.in_(of_list))).all()
    assert found
    kinds, _steps = reported(settings, tmp_path, [number or "" for number in found])
    assert kinds == ["INV211", *["SAS223"] * len(found)]
