"""Files of the console on the desk of rounds, and the firm's trucks: each fault named, each change with its reason."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from routing.rounds.desk import refusals
from routing.rounds.desk.asking import Upload, request_upload, text_of
from routing.rounds.desk.booking import accept_rounds
from routing.rounds.desk.fleet import add_truck, amend_truck, free_trucks, truck, trucks, withdraw_truck
from routing.rounds.desk.reading import whole_rounds
from routing.rounds.tables import RoundOrder
from tests.build import make_company
from tests.routing.rounds.books import (
    HUB,
    TRUCK,
    ask,
    made,
    make_trucks,
    now,
    stored,
    tomorrow,
)
from wms.db import Database, Scope

# --- files of the console -----------------------------------------------------------------------------------

SHEET = "id,owner,place,deliver_kg,deliver_m3\nS1,A,CN430626,100,1\nS2,B,CN430681,200,2\n"


def test_a_sheet_of_stops_takes_the_fleet_of_the_day(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        owner = make_company(session, "owner_of_goods")
        make_trucks(session, 2)
    upload = Upload("stops.csv", SHEET.replace(",A,", f",{owner.code},"))
    plan_id = made(database, scope, ask(mode="unified"), upload)
    with database.unit_of_work(scope) as session:
        row = stored(session, plan_id)
        assert (row.state, row.source, row.mode, row.hub) == ("solved", "upload", "unified", HUB)
        assert set(row.fleet) == {"T42"}
        assert session.get_one(RoundOrder, (plan_id, "S1")).owner_id == owner.id
        assert accept_rounds(session, plan_id, person_id=None, now=now()) == row.rounds


def test_a_firm_writes_into_nobodys_list_but_its_own(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        mine, other = (make_company(session, "owner_of_goods") for _ in range(2))
        make_trucks(session, 2, company_id=mine.id)
    upload = Upload("stops.csv", SHEET.replace(",A,", f",{other.code},"))
    plan_id = made(database, scope, ask(company_id=mine.id), upload)
    with database.unit_of_work(scope) as session:
        assert {one.owner_id for one in whole_rounds(session, plan_id).orders} == {None}


def test_more_kinds_of_truck_than_a_plan_takes_are_refused(session: Session) -> None:
    for number in range(25):
        make_trucks(session, 1, payload_g=4_000_000 + number)
    with pytest.raises(refusals.RoundsFileRefused):
        request_upload(session, ask(), Upload("stops.csv", SHEET), now())


def test_a_whole_problem_brings_its_own_trucks(database: Database, scope: Scope) -> None:
    day = tomorrow().isoformat()
    document = {
        "depots": [
            {"code": HUB, "place": HUB, "open_at": f"{day}T00:00:00+08:00", "close_at": f"{day}T23:00:00+08:00"}
        ],
        "trucks": [
            {
                "code": "OWN", "count": 1, "depot": HUB, "payload_g": 10**6, "volume_cm3": 10**7, "fixed_minor": 100,
                "km_minor": 10, "hour_minor": 10, "speed_km_h": 50, "start_at": f"{day}T06:00:00+08:00",
                "end_at": f"{day}T20:00:00+08:00", "shift_s": 40_000,
            }
        ],
        "stops": [{"id": "S+1", "owner": "A+B", "lat_udeg": 29_000_000, "lon_udeg": 113_000_000,
                   "collect": {"weight_g": 5000}}],
    }  # fmt: skip
    plan_id = made(database, scope, upload=Upload("rounds.json", json.dumps(document)))
    with database.unit_of_work(scope) as session:
        assert accept_rounds(session, plan_id, person_id=None, now=now()) == 1
        assert whole_rounds(session, plan_id).driven["R001"].plate == "OWN-1"
        assert session.get_one(RoundOrder, (plan_id, "S+1")).place == "29.0000, 113.0000"


@pytest.mark.parametrize(
    ("name", "content", "field", "rule"),
    [
        ("a.csv", "id,place,deliver_kg\nS1,XXXXX,1\n", "stops.0(S1).place", "unknown_place"),
        ("a.csv", "id,place,deliver_kg\nS1,CNYYA,x\n", "line 2: deliver_kg", "not_a_number"),
        ("a.csv", "id,place,deliver_kg\nS1,CNYYA,-1\n", "stops.0(S1).deliver.weight_g", "negative_amount"),
        ("a.csv", "id,place,deliver_kg\nS1,CNYYA,0\n", "stops.0(S1)", "nothing_to_do"),
        ("a.csv", "id,place,deliver_kg\nS1,CNYYA,1\nS1,CNYYA,1\n", "stops", "duplicate"),
        ("a.csv", "id,place,deliver_kg,open,close\nS1,CNYYA,1,9:00,8:00\n", "stops.0(S1).windows.0",
         "closes_before_opens"),
        ("a.csv", "id,place,deliver_kg,open,close\nS1,CNYYA,1,25:00,8:00\n", "line 2: open", "not_a_time"),
        ("a.csv", "id,where\nS1,CNYYA\n", "line 1", "unknown_column"),
        ("a.csv", "place\nCNYYA\n", "line 1", "missing_column"),
        ("a.json", "[]", "(file)", "not_object"),
        ("a.json", "{", "(file)", "not_json"),
        ("a.json", '{"stops": 1.5}', "(file)", "not_integer"),
        ("a.json", '{"depots": [], "trucks": []}', "depots", None),
    ],
)  # fmt: skip
def test_each_fault_of_a_file_is_named_by_field_and_rule(
    session: Session, name: str, content: str, field: str, rule: str | None
) -> None:
    with pytest.raises(refusals.RoundsFileRefused) as refused:
        request_upload(session, ask(), Upload(name, content), now())
    assert refused.value.field == field
    assert refused.value.values["rule"] == (refusals.RULES[rule] if rule is not None else refusals.OTHER)


def test_several_faults_come_together(session: Session) -> None:
    sheet = "id,place,deliver_kg\nS1,XXXXX,-1\nS2,CNYYA,0\n"
    with pytest.raises(refusals.RoundsFileRefused) as refused:
        request_upload(session, ask(), Upload("a.csv", sheet), now())
    assert {one.field for one in refused.value.parts} == {
        "stops.0(S1).place", "stops.0(S1).deliver.weight_g", "stops.1(S2)",
    }  # fmt: skip


def test_an_empty_file_or_one_of_other_signs_is_refused(session: Session) -> None:
    with pytest.raises(refusals.FileMissing):
        request_upload(session, ask(), Upload("a.csv", " \n"), now())
    with pytest.raises(refusals.RoundsFileRefused, match="not UTF-8"):
        text_of(b"\xff\xfe\x00")


# --- the fleet ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("plate", " "), ("plate", "X" * 17), ("kind", ""), ("depot", "XXXXX"), ("payload_g", 0), ("payload_g", -5),
        ("volume_cm3", 0), ("pallets", -1), ("fixed_minor", -1), ("km_minor", -1), ("hour_minor", -1),
        ("speed_km_h", 0), ("speed_km_h", 500), ("start_min", -1), ("end_min", 1441), ("end_min", 300),
        ("shift_s", 0), ("trips", 0), ("trips", 9),
    ],
)  # fmt: skip
def test_a_truck_is_refused_by_field(session: Session, field: str, value: object) -> None:
    with pytest.raises(refusals.TruckWrong) as refused:
        add_truck(session, replace(TRUCK, **({"plate": "湘F12345"} | {field: value})), company_id=None, person_id=None)
    assert refused.value.field == field


def test_a_truck_is_added_amended_and_withdrawn_with_a_reason(session: Session) -> None:
    [plate] = make_trucks(session, 1)
    with pytest.raises(refusals.PlateTaken):
        make_trucks(session, 1, plate=plate.lower())
    amend_truck(session, plate, replace(TRUCK, shift_s=36_000), person_id=None)
    assert truck(session, plate).shift_s == 36_000
    with pytest.raises(refusals.ReasonMissing):
        withdraw_truck(session, plate, " ", person_id=None, now=now())
    withdraw_truck(session, plate, "sold", person_id=None, now=now())
    assert free_trucks(session, HUB, tomorrow(), company_id=None) == []
    with pytest.raises(refusals.TruckWithdrawn):
        amend_truck(session, plate, TRUCK, person_id=None)
    with pytest.raises(refusals.UnknownTruck):
        withdraw_truck(session, "湘Z0000", "sold", person_id=None, now=now())
    make_trucks(session, 1, plate=plate)  # it may come back
    assert [one.withdrawn_reason for one in trucks(session, company_id=None)] == [None, "sold"]
    leaves = session.execute(text("SELECT kind FROM leaf WHERE kind LIKE 'fleet_truck%' ORDER BY id")).scalars().all()
    assert leaves[-4:] == [
        "fleet_truck_added", "fleet_truck_amended", "fleet_truck_withdrawn", "fleet_truck_added",
    ]  # fmt: skip


def test_a_truck_with_rounds_to_drive_is_not_withdrawn(database: Database, scope: Scope, numbers: list[str]) -> None:
    plan_id = made(database, scope)
    with database.unit_of_work(scope) as session:
        accept_rounds(session, plan_id, person_id=None, now=now())
        plate = whole_rounds(session, plan_id).driven["R001"].plate
        with pytest.raises(refusals.TruckBusy, match=plate):
            withdraw_truck(session, plate, "sold", person_id=None, now=now())
