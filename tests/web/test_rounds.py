"""Rounds in the browser and by API: ask, read, book, cancel; files; each fault by field; whose they are."""

import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pypdfium2
import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from playwright.sync_api import Browser

from routing.rounds.desk.booking import accept_rounds
from tests.build import make_company
from tests.routing.rounds.books import COUNTIES, HUB, booked, made, make_trucks, now, stored, stored_rounds, tomorrow
from tests.web.conftest import Cast, Doorman
from wms.db import Database, Scope
from wms.parties.tables import Company

Csrf = Callable[..., str]
URN = "urn:dongting:problem:"
TRUCK = {
    "plate": "湘F90001", "kind": "T42", "depot": HUB, "payload_g": 4_200_000, "volume_cm3": 17_000_000, "pallets": 7,
    "fixed_minor": 20_000, "km_minor": 190, "hour_minor": 4200, "speed_km_h": 45, "start_min": 360, "end_min": 1200,
    "shift_s": 43_200, "trips": 1,
}  # fmt: skip
FORM = {
    "plate": "湘F90002", "kind": "VAN", "depot": HUB, "payload_g": "1500.5", "volume_cm3": "9", "pallets": "",
    "fixed_minor": "120", "km_minor": "1.3", "hour_minor": "38", "speed_km_h": "45", "start_min": "06:30",
    "end_min": "20:00", "shift_s": "12", "trips": "1",
}  # fmt: skip


@pytest.fixture
def numbers(database: Database, scope: Scope) -> list[str]:
    """A consignment in each county, of two owners, and three trucks at the hub."""
    with database.unit_of_work(scope) as session:
        owners = [make_company(session, "owner_of_goods") for _ in range(2)]
        make_trucks(session, 3)
        return [booked(session, owners[at % 2], place) for at, place in enumerate(COUNTIES)]


def asking(**changes: Any) -> dict[str, Any]:
    return {"hub": HUB, "day": tomorrow().isoformat(), "mode": "joint", "seconds": 10} | changes


def post(client: FlaskClient, csrf: Csrf, path: str, key: str, **values: Any) -> Any:
    data = {"csrf_token": csrf(client, "/plan/rounds"), "idempotency_key": key, **values}
    return client.post(path, data=data, content_type="multipart/form-data")


def test_asking_answers_at_once_with_the_page_that_watches(
    doorman: Doorman, csrf: Csrf, numbers: list[str]
) -> None:
    planner = doorman.browser("planner")
    said = post(planner, csrf, "/plan/rounds", "k1", **asking())
    assert said.status_code == 302, said.text
    again = post(planner, csrf, "/plan/rounds", "k1", **asking())
    assert again.headers["Location"] == said.headers["Location"]
    page = planner.get(said.headers["Location"]).text
    assert 'hx-trigger="every 1s"' in page
    assert planner.get(f"{said.headers['Location']}/progress").status_code == 200


def test_made_rounds_are_read_booked_and_cancelled(
    doorman: Doorman, csrf: Csrf, database: Database, scope: Scope, numbers: list[str]
) -> None:
    plan_id = made(database, scope)
    planner = doorman.browser("planner")
    page = planner.get(f"/plan/rounds/{plan_id}").text
    for text in ("Accept and book the trucks", "adds up to the fen", "Time chart", "Every order is on a round", "R001"):
        assert text in page
    done = planner.get(f"/plan/rounds/{plan_id}/progress")
    assert done.headers["HX-Redirect"] == f"/plan/rounds/{plan_id}"
    assert post(planner, csrf, f"/plan/rounds/{plan_id}/acceptance", "a1").status_code == 302
    page = planner.get(f"/plan/rounds/{plan_id}").text
    assert "rounds are booked" in page
    assert "Cancel all rounds" in page
    sheet = planner.get(f"/plan/rounds/{plan_id}/sheets/R001").text
    assert "岳阳黄茶" in sheet
    assert any(name in sheet for name in numbers)
    assert planner.get(f"/plan/rounds/{plan_id}/sheets/R999").status_code == 404
    assert planner.get("/plan/rounds/mine").text.count("湘F") == len(numbers)
    post(planner, csrf, f"/plan/rounds/{plan_id}/cancellation", "c0", reason=" ")
    assert "Say why" in planner.get(f"/plan/rounds/{plan_id}").text
    post(planner, csrf, f"/plan/rounds/{plan_id}/cancellation", "c1", reason="typhoon warning")
    page = planner.get(f"/plan/rounds/{plan_id}").text
    assert "Cancelled: typhoon warning" in page
    assert "Accept and book" not in page


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("day", "soon", "Day: must be a day"), ("mode", "x", "Way of delivery: joint"), ("seconds", "9999", "10, 30"),
     ("hub", "XXXXX", "Hub: is no place of the network")],
)  # fmt: skip
def test_each_wrong_field_of_the_form_is_named(
    doorman: Doorman, csrf: Csrf, numbers: list[str], field: str, value: str, said: str
) -> None:
    page = post(doorman.browser("planner"), csrf, "/plan/rounds", "k1", **asking(**{field: value}))
    assert page.status_code == 422
    assert said in page.text


def test_a_file_is_planned_and_its_faults_are_all_listed(doorman: Doorman, csrf: Csrf) -> None:
    planner = doorman.browser("planner")
    sheet = b"id,place,deliver_kg\nS1,XXXXX,-1\nS2,CNYYA,0\n"
    page = post(planner, csrf, "/plan/rounds", "k1", upload="file", stops=(io.BytesIO(sheet), "s.csv"), **asking())
    assert page.status_code == 422
    for text in ("stops.0(S1).place: is no place that is known", "is a negative amount", "stops.1(S2): moves nothing"):
        assert text in page.text
    page = post(planner, csrf, "/plan/rounds", "k2", upload="file", **asking())
    assert "Choose a file" in page.text
    other = (io.BytesIO(b"\xff\xfe"), "s.csv")
    page = post(planner, csrf, "/plan/rounds", "k3", upload="file", stops=other, **asking())
    assert "is not UTF-8" in page.text
    given = planner.get("/plan/rounds/template.csv").data.replace(b"YMBEAUTY", b"A")
    page = post(planner, csrf, "/plan/rounds", "k4", upload="file", stops=(io.BytesIO(given), "s.csv"), **asking())
    assert page.status_code == 302, page.text


@pytest.mark.parametrize(("locale", "words"), [("zh", "货主费用"), ("en", "Cost by owner")])
def test_pdf_and_spreadsheet_hold_the_round_sheets(
    doorman: Doorman, database: Database, scope: Scope, numbers: list[str], locale: str, words: str
) -> None:
    plan_id = made(database, scope)
    planner = doorman.browser("planner", locale=locale)
    said = planner.get(f"/plan/rounds/{plan_id}/report.pdf")
    assert said.mimetype == "application/pdf"
    paper = pypdfium2.PdfDocument(said.data)
    text = "\n".join(page.get_textpage().get_text_range() for page in paper)
    with database.unit_of_work(scope) as session:
        row = stored(session, plan_id)
        assert len(paper) >= 1 + (row.rounds or 0)
        cost = row.cost_minor
    assert words in text
    assert "岳阳黄茶" in text
    book = load_workbook(io.BytesIO(planner.get(f"/plan/rounds/{plan_id}/report.xlsx").data))
    assert len(book.sheetnames) == 5
    owners = list(book.worksheets[1].iter_rows(min_row=2, values_only=True))
    fen = [int(Decimal(str(row[2])) * 100) for row in owners]
    assert sum(fen[:-1]) == fen[-1] == cost
    cells = {str(cell) for row in book.worksheets[3].iter_rows(values_only=True) for cell in row}
    assert set(numbers) <= cells


def test_the_api_asks_reads_books_and_cancels(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope, numbers: list[str]
) -> None:
    head = doorman.token("planner")
    said = client.post("/api/v1/rounds", json=asking(seconds=5), headers=head | {"Idempotency-Key": "r1"})
    assert said.status_code == 202, said.text
    assert client.get(said.headers["Location"], headers=head).json["state"] == "queued"
    at = f"/api/v1/rounds/{made(database, scope)}"
    assert client.get("/api/v1/rounds?limit=1", headers=head).headers["Link"]
    row = client.get(at, headers=head).json
    bill = client.get(f"{at}/bill", headers=head).json
    assert sum(one["share_minor"] for one in bill["owners"]) == row["cost_minor"] == bill["cost_minor"]
    document = client.get(f"{at}/document", headers=head).json
    assert document["format"] == "dongting-rounds-plan/1"
    sheet = client.get(f"{at}/sheets/R001", headers=head).json
    assert [line["kind"] for line in sheet["lines"]] == [call["kind"] for call in document["rounds"][0]["calls"]]
    assert sheet["booking"] is None
    assert client.get(f"{at}/report.pdf", headers=head).data[:5] == b"%PDF-"
    assert client.get(f"{at}/report.xlsx", headers=head).data[:2] == b"PK"
    done = client.post(f"{at}/acceptance", headers=head | {"Idempotency-Key": "r2"})
    assert done.json["booked"] == row["rounds"]
    assert len(client.get("/api/v1/rounds/mine", headers=head).json) == len(numbers)
    wrong = client.post(f"{at}/cancellation", json={"reason": ""}, headers=head | {"Idempotency-Key": "r3"})
    assert (wrong.status_code, wrong.json["type"], wrong.json["field"]) == (422, f"{URN}round_reason_missing", "reason")
    body = {"reason": "flat tyre", "round_no": "R001"}
    done = client.post(f"{at}/cancellation", json=body, headers=head | {"Idempotency-Key": "r4"})
    assert done.json["cancelled"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"day": "soon"}, "day"), ({"mode": "x"}, "mode"), ({"seconds": 0}, "seconds"), ({"work": 0}, "work"),
        ({"hub": "XXXXX"}, "hub"), ({"seed": -1}, "seed"),
        ({"stops_csv": "id,place,deliver_kg\nS1,XXXXX,1\n"}, "stops.0(S1).place"),
        ({"stops_csv": " "}, "stops"),
        ({"problem": {"depots": []}}, "depots"),
        ({"problem": {}, "stops_csv": "id"}, "problem"),
        ({"stops_csv": "id,place,deliver_kg\nS1,CNYYA,1\n", "trucks_csv": "code\nT\n"}, "line 1"),
    ],
)  # fmt: skip
def test_each_wrong_field_of_a_request_is_named(
    doorman: Doorman, client: FlaskClient, body: dict[str, Any], field: str
) -> None:
    head = doorman.token("planner") | {"Idempotency-Key": "w1"}
    said = client.post("/api/v1/rounds", json=asking() | body, headers=head)
    assert said.status_code == 422, said.text
    assert said.json["field"] == field


def test_nothing_to_drive_is_refused_with_day_and_hub(doorman: Doorman, client: FlaskClient) -> None:
    said = client.post("/api/v1/rounds", json=asking(), headers=doorman.token("planner") | {"Idempotency-Key": "n1"})
    assert said.json["type"] == f"{URN}nothing_to_drive"
    assert HUB in said.json["detail"]


def test_the_fleet_by_page(doorman: Doorman, csrf: Csrf) -> None:
    planner, at = doorman.browser("planner"), "/plan/rounds/trucks"
    assert "has no truck yet" in planner.get(at).text
    assert post(planner, csrf, at, "t1", **FORM).status_code == 302
    page = planner.get(at).text
    assert "1,500.5 kg" in page
    assert "06:30–20:00" in page
    for number, (field, value, said) in enumerate(
        [("payload_g", "much", "Payload (kg): must be a number"), ("payload_g", "0", "more than nothing"),
         ("end_min", "05:00", "ends before it starts"), ("start_min", "late", "On duty from: is no time"),
         ("km_minor", "1.234", "has too many decimal places"), ("plate", "湘f90002", "is in a fleet already")]
    ):  # fmt: skip
        wrong = post(planner, csrf, at, f"w{number}", **(FORM | {"plate": "湘F90003"} | {field: value}))
        assert wrong.status_code == 422
        assert said in wrong.text
    assert "Change truck" in planner.get(at, query_string={"edit": "湘F90002"}).text
    assert post(planner, csrf, f"{at}/湘F90002", "t2", **(FORM | {"payload_g": "1600"})).status_code == 302
    assert "1,600 kg" in planner.get(at).text
    assert post(planner, csrf, f"{at}/湘F90002/withdrawal", "t3", reason="").status_code == 422
    assert post(planner, csrf, f"{at}/湘F90002/withdrawal", "t4", reason="sold").status_code == 302
    assert "sold" in planner.get(at).text
    auditor = doorman.browser("auditor").get(at).text
    assert "Add a truck" not in auditor


def test_the_fleet_by_api(doorman: Doorman, client: FlaskClient) -> None:
    head, at = doorman.token("planner"), "/api/v1/trucks"
    made_one = client.post(at, json=TRUCK, headers=head | {"Idempotency-Key": "t1"})
    assert made_one.status_code == 201, made_one.text
    wrong = client.post(at, json=TRUCK | {"depot": "XXXXX"}, headers=head | {"Idempotency-Key": "t2"})
    assert (wrong.status_code, wrong.json["type"], wrong.json["field"]) == (422, f"{URN}truck_wrong", "depot")
    figures = {name: value for name, value in TRUCK.items() if name != "plate"}
    changed = client.put(
        f"{at}/湘F90001", json=figures | {"trips": 2}, headers=head | {"Idempotency-Key": "t3"}
    )  # fmt: skip
    assert changed.json["version"] == 2
    assert client.get(f"{at}/湘F90001", headers=head).json["trips"] == 2
    gone = client.post(
        f"{at}/湘F90001/withdrawal", json={"reason": "sold"}, headers=head | {"Idempotency-Key": "t4"}
    )  # fmt: skip
    assert gone.json["state"] == "withdrawn"
    again = client.put(f"{at}/湘F90001", json=figures, headers=head | {"Idempotency-Key": "t5"})
    assert (again.status_code, again.json["type"]) == (409, f"{URN}truck_withdrawn")
    assert [one["withdrawn_reason"] for one in client.get(at, headers=head).json] == ["sold"]


def test_a_firm_sees_its_own_share_of_the_operators_rounds_and_nothing_else(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope, cast: Cast
) -> None:
    with database.unit_of_work(scope) as session:
        plan_id = stored_rounds(session, session.get_one(Company, cast.firm_id)).id
        accept_rounds(session, plan_id, person_id=None, now=now())
    head, at = doorman.token("planner", cast.firm_id), f"/api/v1/rounds/{plan_id}"
    share = client.get(f"{at}/share", headers=head).json
    assert [one["order_no"] for one in share["orders"]] == ["ORDER-1"]
    assert share["total_minor"] > 0
    assert [one["plate"] for one in client.get("/api/v1/rounds/mine", headers=head).json] == ["T42-1"]
    for path in ("", "/document", "/bill", "/sheets/R001", "/report.pdf", "/report.xlsx"):
        assert client.get(f"{at}{path}", headers=head).status_code == 404
    page = doorman.browser("planner", company_id=cast.firm_id).get(f"/plan/rounds/{plan_id}/share").text
    assert "ORDER-1" in page
    assert "T42-1" in page
    other = doorman.token("planner", cast.other_firm_id)
    assert client.get(f"{at}/share", headers=other).status_code == 404
    assert client.get("/api/v1/rounds/mine", headers=other).json == []


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_pages_fit_telephone_and_desk(
    doorman: Doorman, database: Database, scope: Scope, numbers: list[str], chromium: Browser, live_server: str,
    width: int, locale: str,
) -> None:  # fmt: skip
    with database.unit_of_work(scope) as session:
        heavy = booked(session, make_company(session, "owner_of_goods"), weight_g=9_000_000)
    plan_id = made(database, scope)
    context = doorman.page_context(
        chromium, live_server, "planner", locale=locale, viewport={"width": width, "height": 844}
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    for path in ("", f"/{plan_id}", f"/{plan_id}/sheets/R001", "/trucks", "/mine"):
        page.goto(f"{live_server}/plan/rounds{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        if path == f"/{plan_id}":
            assert page.get_by_text(heavy).count() == 1
            assert page.locator(".rounds-map path").count() > 0
            assert page.locator("rect.round-drive").count() > 0
        if path.endswith("R001"):
            assert page.locator(".round-call").count() >= 3
    context.close()
    assert faults == []
