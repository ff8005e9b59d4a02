"""The report of a plan and its files, by page and API: who sees what, and that the figures in each add up."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pypdfium2
import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from playwright.sync_api import Browser

from routing import desk
from routing.tables import StoredPlan
from tests.build import make_company
from tests.routing.stored import stored_plan
from tests.web.conftest import Cast, Doorman
from wms.db import Database, Scope
from wms.parties.tables import Company


@pytest.fixture
def plan_id(database: Database, scope: Scope) -> int:
    with database.unit_of_work(scope) as session:
        owner = make_company(session, "owner_of_goods")
        return stored_plan(session, owner).id


def document(database: Database, scope: Scope, plan_id: int) -> dict[str, object]:
    with database.unit_of_work(scope) as session:
        row = session.get_one(StoredPlan, plan_id)
        assert row.document is not None
        return dict(row.document)


def test_the_page_shows_costs_chart_boxes_requests_and_who_stays(doorman: Doorman, plan_id: int) -> None:
    planner = doorman.browser("planner")
    page = planner.get(f"/plan/{plan_id}/report")
    assert page.status_code == 200
    for text in ("adds up to the fen", "Time chart", "B0001 · 20GP", "Loading sequence: 2 steps", f"BR-{plan_id}-001",
                 "It has no volume or no weight"):  # fmt: skip
        assert text in page.text
    assert f"/plan/{plan_id}/report" in planner.get(f"/plan/{plan_id}").text
    picture = planner.get(f"/plan/{plan_id}/boxes/B0001.svg")
    assert (picture.status_code, picture.mimetype) == (200, "image/svg+xml")
    assert picture.text.count("<path") > 12
    assert planner.get(f"/plan/{plan_id}/boxes/B0002.svg").status_code == 404
    assert planner.get(f"/plan/{plan_id}/boxes/B9999.svg").status_code == 404


@pytest.mark.parametrize(("locale", "words"), [("zh", "货主费用"), ("en", "Cost by owner")])
def test_the_pdf_holds_the_same_in_the_readers_language(
    doorman: Doorman, plan_id: int, locale: str, words: str
) -> None:
    said = doorman.browser("planner", locale=locale).get(f"/plan/{plan_id}/report.pdf")
    assert (said.status_code, said.mimetype) == (200, "application/pdf")
    paper = pypdfium2.PdfDocument(said.data)
    text = "\n".join(page.get_textpage().get_text_range() for page in paper)
    assert words in text
    assert "瓷器" in text
    assert "B0001" in text
    assert f"BR-{plan_id}-001" in text


def test_the_spreadsheet_adds_up_to_the_fen(
    doorman: Doorman, database: Database, scope: Scope, plan_id: int
) -> None:
    said = doorman.browser("planner").get(f"/plan/{plan_id}/report.xlsx")
    book = load_workbook(io.BytesIO(said.data))
    assert book.sheetnames == [
        "Summary", "Cost by owner", "Boxes", "Consignments", "Loading sequence", "Departures", "Stay behind",
    ]  # fmt: skip
    head, *rows = book["Cost by owner"].iter_rows(values_only=True)
    total = head.index("Total (CNY)")
    fen = [int(Decimal(str(row[total])) * 100) for row in rows]
    assert sum(fen[:-1]) == fen[-1] == document(database, scope, plan_id)["cost_minor"]
    assert [row[:3] for row in book["Loading sequence"].iter_rows(min_row=2, values_only=True)] == [
        ("B0001", 1, 4), ("B0001", 5, 6),
    ]  # fmt: skip


def test_the_api_gives_bill_boxes_and_booking_requests(doorman: Doorman, client: FlaskClient, plan_id: int) -> None:
    head, at = doorman.token("planner"), f"/api/v1/plans/{plan_id}"
    bill = client.get(f"{at}/bill", headers=head).json
    assert bill["off_by_minor"] == {}
    assert sum(one["total_minor"] for one in bill["owners"]) == bill["cost_minor"]
    box = client.get(f"{at}/boxes/B0001", headers=head).json
    assert [(one["first"], one["count"]) for one in box["loading"]] == [(1, 4), (5, 2)]
    assert box["inner_mm"] == [5900, 2352, 2395]
    assert client.get(f"{at}/boxes/B0001.svg", headers=head).mimetype == "image/svg+xml"
    listed = client.get(f"{at}/booking-requests", headers=head).json
    assert [len(one["lines"]) for one in listed] == [2] * len(listed)
    number = listed[0]["request_no"]
    assert client.get(f"{at}/booking-requests/{number}", headers=head).json == listed[0]
    comma = client.get(f"{at}/booking-requests/{number}?format=csv", headers=head)
    assert comma.text.splitlines()[0].lstrip("\ufeff").startswith("request_no,service,mode")
    sheet = load_workbook(io.BytesIO(client.get(f"{at}/booking-requests/{number}?format=xlsx", headers=head).data))
    assert sheet.active.max_row == 3
    wrong = client.get(f"{at}/booking-requests/{number}?format=doc", headers=head)
    assert (wrong.status_code, wrong.json["field"]) == (422, "format")
    assert client.get(f"{at}/booking-requests/BR-0-000", headers=head).status_code == 404
    assert client.get(f"{at}/report.pdf", headers=head).data[:5] == b"%PDF-"


def test_a_firm_sees_its_own_share_of_the_operators_plan_and_nothing_else(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope, cast: Cast
) -> None:
    with database.unit_of_work(scope) as session:
        mine = session.get_one(Company, cast.firm_id)
        plan_id = stored_plan(session, mine).id
    head, at = doorman.token("planner", cast.firm_id), f"/api/v1/plans/{plan_id}"
    share = client.get(f"{at}/share", headers=head).json
    assert len(share["consignments"]) == 1
    assert share["total_minor"] == 266_668 + 43_100
    assert share["saving_minor"] == 3000
    for path in ("bill", "report.pdf", "report.xlsx", "boxes/B0001", "boxes/B0001.svg", "booking-requests"):
        assert client.get(f"{at}/{path}", headers=head).status_code == 404
    page = doorman.browser("planner", company_id=cast.firm_id).get(f"/plan/{plan_id}/share").text
    assert share["consignments"][0]["consignment_no"] in page
    other = doorman.token("planner", cast.other_firm_id)
    assert client.get(f"{at}/share", headers=other).status_code == 404


@pytest.mark.parametrize(("width", "locale"), [(1440, "zh"), (390, "en")])
def test_the_report_is_readable_in_a_browser(
    doorman: Doorman, chromium: Browser, live_server: str, plan_id: int, width: int, locale: str
) -> None:
    context = doorman.page_context(
        chromium, live_server, "planner", locale=locale, viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.goto(f"{live_server}/plan/{plan_id}/report")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.locator(".report-load img").first.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.report-load img').naturalWidth > 0", timeout=60_000)
    assert said == []
    context.close()


def test_an_event_is_reported_by_api_and_shown_where_the_consignment_is_tracked(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope, plan_id: int
) -> None:
    with database.unit_of_work(scope) as session:
        desk.accept_plan(session, plan_id)
        leg = desk.Plan.model_validate(session.get_one(StoredPlan, plan_id).document).legs[0]
    head = doorman.token("planner")
    body = {
        "departure": leg.departure, "event": "departure", "kind": "EST", "source": "carrier",
        "event_at": datetime.fromtimestamp(leg.depart_at + 7200, UTC).isoformat(),
    }  # fmt: skip
    said = client.post("/api/v1/milestones", json=body, headers=head | {"Idempotency-Key": "m1"})
    assert (said.status_code, said.json) == (201, {"consignments": 3, "new": 3})
    two = body | {"consignment_no": "X"}
    said = client.post("/api/v1/milestones", json=two, headers=head | {"Idempotency-Key": "2"})
    assert said.json["type"].endswith("milestone_of_one_subject")
    plain = client.post("/api/v1/milestones", json=body | {"kind": "PLN"}, headers=head | {"Idempotency-Key": "3"})
    assert plain.json["type"].endswith("planned_time_reported")
    number = client.get(f"/api/v1/plans/{plan_id}/boxes/B0001", headers=head).json["consignments"][0]
    way = client.get(f"/api/v1/consignments/{number}/milestones", headers=head).json["way"]
    first = next(one for one in way if one["event"] == "departure")
    assert (first["late_s"], set(first["times"])) == (7200, {"PLN", "EST"})
    page = doorman.browser("planner").get(f"/track?number={number}").text
    assert "2 h late" in page
    assert "the carrier" in page


def test_a_firm_does_not_speak_for_customs_or_the_gate(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope, cast: Cast
) -> None:
    with database.unit_of_work(scope) as session:
        plan = stored_plan(session, session.get_one(Company, cast.firm_id))
        desk.accept_plan(session, plan.id)
        number = next(iter(plan.versions or {}))
    body = {
        "consignment_no": number, "event": "departure", "kind": "EST", "leg_no": 1,
        "event_at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    firm = doorman.token("planner", cast.firm_id)
    for source in ("customs", "gate", "floor", "terminal"):
        said = client.post(
            "/api/v1/milestones", json=body | {"source": source}, headers=firm | {"Idempotency-Key": source}
        )
        assert (said.status_code, said.json["field"]) == (422, "source")
        assert said.json["type"].endswith("milestone_source_not_yours")
    own = client.post("/api/v1/milestones", json=body | {"source": "carrier"}, headers=firm | {"Idempotency-Key": "c"})
    assert (own.status_code, own.json) == (201, {"consignments": 1, "new": 1})
    ours = doorman.token("planner") | {"Idempotency-Key": "o"}
    assert client.post("/api/v1/milestones", json=body | {"source": "customs"}, headers=ours).status_code == 201
