"""Labels, papers and printers over HTTP, from goods in the ledger to bytes on a printer's socket."""

import io
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from sqlalchemy import update

from tests import build
from tests.web.conftest import Cast, Doorman
from tests.web.paper.zpl_printer import print_zpl
from tests.wms.floor.leaving import build_yard, by
from tests.wms.floor.outbound import build_hall, now, promise
from web.out import jobs
from wms.catalog.tables import PackagingLevel
from wms.db import Database, Scope
from wms.floor import packing_queries, pick_queries
from wms.floor.rules.orders import OrderLineIn
from wms.floor.rules.waves import WaveRule
from wms.floor.service import packing, waves
from wms.floor.service.packing import OpenParcel, PutIn
from wms.floor.service.printing import SEND
from wms.floor.tables.printing import PrintJob
from wms.parties.tables import Company
from wms.stock.ledger import AccountKey, Posting, moved, post
from wms.stock.tables import HandlingUnit


class World:
    """A pallet of 24 pieces in two cartons, one lot, standing in a bin of a firm's."""

    def __init__(self, database: Database, scope: Scope, owner_id: int) -> None:
        with database.unit_of_work(scope) as session:
            owner = session.get_one(Company, owner_id)
            self.site = build.make_site(session, "ordinary")
            self.place = build.make_location(session, self.site, code="A-01-02")
            self.empty = build.make_location(session, self.site, code="A-01-03")
            self.item = build.make_item(session, owner, name_zh="冷冻牛肉", name_en="Frozen beef")
            self.carton_gtin = build.check_digit(f"169{build.number():010d}")
            session.add(PackagingLevel(trade_item_id=self.item.id, unit="carton", gtin=self.carton_gtin, base_qty=12))
            self.lot = build.make_lot(session, self.item, "L7", expires_on=build.now().date().replace(year=2031))
            self.unit = build.make_handling_unit(session, owner)
            self.child = build.make_handling_unit(session, owner, "carton")
            session.execute(update(HandlingUnit).where(HandlingUnit.id == self.child.id).values(parent_id=self.unit.id))
            for unit in (self.unit, self.child):
                account = AccountKey(
                    "location", owner.id, self.item.id, self.site.id, self.place.id, self.lot.id, unit.id
                )
                supplier = AccountKey("supplier", owner.id, self.item.id)
                post(session, Posting(f"p{build.number()}", "receipt", build.now(), moved(supplier, account, 12)))


@pytest.fixture
def world(database: Database, scope: Scope, cast: Cast) -> World:
    return World(database, scope, cast.firm_id)


def ask(doorman: Doorman, path: str, role: str = "clerk", **query: Any) -> Any:
    headers = doorman.token(role) | {"Accept-Language": "en"}
    return doorman.app.test_client().get(f"/api/v1/{path}", headers=headers, query_string=query)


def send(doorman: Doorman, path: str, body: dict[str, Any], role: str = "supervisor", method: str = "POST") -> Any:
    headers = doorman.token(role) | {"Accept-Language": "en", "Idempotency-Key": f"k{build.number()}"}
    return doorman.app.test_client().open(f"/api/v1/{path}", method=method, headers=headers, json=body)


def read(content: bytes) -> list[str]:
    """Every barcode of every page, by its text."""
    document = pypdfium2.PdfDocument(content)
    pictures = [document[n].render(scale=12 * 25.4 / 72).to_pil() for n in range(len(document))]
    return [one.text for page in pictures for one in zxingcpp.read_barcodes(page, text_mode=zxingcpp.TextMode.Plain)]


def words(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    return "\n".join(document[n].get_textpage().get_text_bounded() for n in range(len(document)))


def test_the_label_of_a_pallet_says_what_the_ledger_knows_of_it(doorman: Doorman, world: World) -> None:
    said = ask(doorman, f"labels/units/{world.unit.sscc}")
    assert said.mimetype == "application/pdf"
    assert set(read(said.data)) == {
        f"02{world.carton_gtin}372",  # two cartons of twelve
        f"17{world.lot.expires_on:%y%m%d}10L7",
        f"00{world.unit.sscc}",
    }
    (printed,) = print_zpl(ask(doorman, f"labels/units/{world.unit.sscc}", format="zpl", copies=2).data)
    assert (printed.copies, f">;>800{world.unit.sscc}" in printed.bar_fields) == (2, True)


def test_places_and_items_have_labels(doorman: Doorman, world: World) -> None:
    assert read(ask(doorman, f"labels/locations/{world.place.id}").data) == ["A-01-02"]
    many = ask(doorman, "labels/locations", site_id=world.site.id, since="A-01-02", until="A-01-03").data
    assert read(many) == ["A-01-02", "A-01-03"]
    item = ask(doorman, f"labels/items/{world.item.id}", lot_no="L7", expires_on="2031-05-06", serial="S1")
    assert read(item.data) == [f"01{world.item.gtin.zfill(14)}1731050610L7\x1d21S1"]  # type: ignore[union-attr]


def test_a_parcel_has_a_label(doorman: Doorman) -> None:
    body = {"sscc": "369012340000000437", "sender": ["岳阳一号仓"], "receiver": ["张三", "长沙"], "order_no": "SO1"}
    said = send(doorman, "labels/parcels", body, "clerk")
    assert sorted(read(said.data)) == ["00369012340000000437", "SO1"]
    assert "张三" in words(said.data)


def test_a_packing_list_names_everything_on_the_pallet(doorman: Doorman, world: World) -> None:
    content = ask(doorman, f"papers/packing-lists/{world.unit.sscc}").data
    assert read(content) == [f"00{world.unit.sscc}"]
    text = words(content)
    assert {world.unit.sscc, world.child.sscc, world.item.code, "L7"} <= set(text.split())
    assert "12.000 kg" in text


@pytest.mark.parametrize("is_blind", [True, False])
def test_a_count_sheet_leads_through_the_places_and_may_be_blind(
    doorman: Doorman, world: World, is_blind: bool
) -> None:
    said = ask(doorman, "papers/count-sheets", site_id=world.site.id, blind=str(is_blind).lower())
    assert {"A-01-02", "A-01-03"} <= set(read(said.data))
    text = words(said.data)
    assert ("In the books" in text) == (not is_blind)
    assert "empty" in text


def test_a_long_sheet_goes_on_over_pages(doorman: Doorman, world: World, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        codes = [build.make_location(session, world.site, code=f"B-{n:03d}").code for n in range(60)]
    content = ask(doorman, "papers/count-sheets", site_id=world.site.id, since="B").data
    assert len(pypdfium2.PdfDocument(content)) > 2
    assert set(codes) <= set(read(content))
    assert "Page 2 of" in words(content)


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("labels/units/000000000000000000", {}, 404, "not_found"),
        ("labels/locations/999999999", {}, 404, "not_found"),
        ("labels/locations", {"site_id": 999999999}, 404, "not_found"),
        ("labels/items/999999999", {}, 404, "not_found"),
        ("papers/packing-lists/1", {}, 404, "not_found"),
        ("papers/count-sheets", {"site_id": 999999999}, 404, "not_found"),
        ("labels/units/1", {"copies": 0}, 422, "invalid_field"),
        ("labels/units/1", {"format": "gif"}, 422, "invalid_field"),
        ("labels/items/1", {"lot_no": "^XA 洞"}, 422, "invalid_field"),
        ("papers/count-sheets", {}, 422, "invalid_field"),
    ],
)
def test_says_what_cannot_be_made(doorman: Doorman, path: str, query: dict[str, Any], status: int, code: str) -> None:
    said = ask(doorman, path, **query)
    assert (said.status_code, said.get_json()["type"].rpartition(":")[2]) == (status, code)


def test_an_item_without_a_gtin_has_no_gs1_label(
    doorman: Doorman, cast: Cast, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        item = build.make_item(session, session.get_one(Company, cast.firm_id), gtin=None)
    said = ask(doorman, f"labels/items/{item.id}")
    assert said.get_json()["type"].endswith(":no_gtin")


def test_a_packed_parcel_has_its_label(doorman: Doorman, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        yard = build_yard(session)
        order_id, number, tote = yard.picked_order(session, (yard.tea, 2), consignee_name="张三", consignee_region="HN")
        parcel = packing.open_parcel(session, OpenParcel(yard.packing.id, yard.owner.id, "P5", order_id), by())
        packing.put_in(session, PutIn(parcel.id, tote.id, yard.tea.id, 2), by())
        sscc = packing_queries.sscc_of(session, parcel)
    said = ask(doorman, f"labels/parcels/{sscc}")
    assert sorted(read(said.data)) == sorted([f"00{sscc}", number])
    assert {"张三", "HN", "1/1"} <= set(words(said.data).split())
    (printed,) = print_zpl(ask(doorman, f"labels/parcels/{sscc}", format="zpl").data)
    assert f">;>800{sscc}" in printed.bar_fields
    assert ask(doorman, "labels/parcels/000000000000000000").status_code == 404


def test_a_pick_list_leads_through_the_aisles(doorman: Doorman, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        hall = build_hall(session)
        for place in (hall.bins[5], hall.bins[0], hall.bins[2]):
            hall.put(session, hall.tea, place, 4)
        order_id, _number = hall.order(session, OrderLineIn(hall.tea.code, 12))
        promise(session, [order_id])
        made = waves.gather(session, hall.site.id, "discrete", WaveRule())
        waves.release(session, made.wave_no, now())
        (row,) = pick_queries.pick_lists(session, wave=made.wave_no)
        walked = [line.place for line in pick_queries.list_lines(session, row.id)]
    content = ask(doorman, f"papers/pick-lists/{row.list_no}").data
    assert set(read(content)) == {row.list_no, *walked}
    text = words(content)
    assert [text.index(place) for place in walked] == sorted(text.index(place) for place in walked)
    assert hall.tea.code in text
    assert ask(doorman, "papers/pick-lists/NOTHING").status_code == 404


class Paper(socketserver.TCPServer):
    """A printer on a real socket that keeps what it was sent."""

    allow_reuse_address = True

    def __init__(self) -> None:
        self.sheets: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Reader)


class _Reader(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        sent = io.BytesIO()
        while block := self.request.recv(4096):
            sent.write(block)
        self.server.sheets.append(sent.getvalue())  # type: ignore[attr-defined]


@pytest.fixture
def printer() -> Iterator[Paper]:
    server = Paper()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def enter(doorman: Doorman, world: World, port: int, **given: Any) -> str:
    name = f"P{build.number()}"
    body = {"name": name, "site": world.site.code, "kind": "zpl", "host": "127.0.0.1", "port": port} | given
    assert send(doorman, "printers", body).status_code == 201
    return name


def run_job(database: Database, scope: Scope, job_id: int) -> PrintJob:
    jobs.TASKS[SEND](database, tenant_id=scope.tenant_id, print_job_id=job_id)
    with database.unit_of_work(scope) as session:
        return session.get_one(PrintJob, job_id)


def test_a_label_goes_to_its_printer_once(
    doorman: Doorman, world: World, printer: Paper, database: Database, scope: Scope
) -> None:
    name = enter(doorman, world, printer.server_address[1], dots_per_mm=12)
    of = f"/api/v1/labels/units/{world.unit.sscc}?copies=2"
    job_id = send(doorman, "prints", {"printer": name, "of": of}, "clerk").get_json()["id"]
    assert run_job(database, scope, job_id).state == "printed"
    run_job(database, scope, job_id)  # delivery is at least once, paper is not
    (sheet,) = printer.sheets
    (label,) = print_zpl(sheet)
    assert (label.copies, label.picture.width) == (2, 1200)
    assert f">;>800{world.unit.sscc}" in label.bar_fields
    listed = ask(doorman, "prints").get_json()
    assert [(one["id"], one["state"], one["printer"]) for one in listed] == [(job_id, "printed", name)]


def test_a_printer_that_is_away_is_tried_again_and_then_given_up(
    doorman: Doorman, world: World, printer: Paper, database: Database, scope: Scope
) -> None:
    name = enter(doorman, world, 9)  # nobody listens there
    of = f"/api/v1/labels/locations/{world.place.id}"
    job_id = send(doorman, "prints", {"printer": name, "of": of}, "clerk").get_json()["id"]
    for tries in range(1, 7):
        job = run_job(database, scope, job_id)
        assert (job.tries, job.state) == (tries, "failed" if tries == 6 else "queued")
    assert "refused" in (job.error or "").lower()
    assert send(doorman, f"prints/{job_id}/again", {}, "clerk").status_code == 200
    said = send(doorman, f"prints/{job_id}/again", {}, "clerk")
    assert said.get_json()["type"].endswith(":still_queued")


def test_a_list_goes_to_a_pdf_printer_and_not_to_a_label_printer(
    doorman: Doorman, world: World, printer: Paper, database: Database, scope: Scope
) -> None:
    of = f"/api/v1/papers/packing-lists/{world.unit.sscc}"
    zpl = enter(doorman, world, printer.server_address[1])
    assert send(doorman, "prints", {"printer": zpl, "of": of}, "clerk").get_json()["type"].endswith(":no_paper_in_zpl")
    name = enter(doorman, world, printer.server_address[1], kind="pdf")
    job_id = send(doorman, "prints", {"printer": name, "of": of}, "clerk").get_json()["id"]
    run_job(database, scope, job_id)
    assert printer.sheets[0].startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("of", "code"),
    [
        ("/api/v1/stock", "cannot_print"),
        ("/desk", "cannot_print"),
        ("http://elsewhere.example/api/v1/labels/units/1", "cannot_print"),
        ("/api/v1/labels/units/000000000000000000", "not_found"),
    ],
)
def test_prints_labels_and_papers_alone(doorman: Doorman, world: World, of: str, code: str) -> None:
    name = enter(doorman, world, 9100)
    said = send(doorman, "prints", {"printer": name, "of": of}, "clerk")
    assert said.get_json()["type"].rpartition(":")[2] == code


def test_a_printer_out_of_use_prints_nothing(doorman: Doorman, world: World) -> None:
    name = enter(doorman, world, 9100)
    (printer,) = [one for one in ask(doorman, "printers").get_json() if one["name"] == name]
    assert send(doorman, f"printers/{printer['id']}", {"is_active": False}, method="PATCH").status_code == 200
    said = send(doorman, "prints", {"printer": name, "of": "/api/v1/labels/locations/1"}, "clerk")
    assert (said.status_code, said.get_json()["type"].rpartition(":")[2]) == (404, "unknown_printer")


def test_two_printers_do_not_answer_to_one_name(doorman: Doorman, world: World) -> None:
    name = enter(doorman, world, 9100)
    body = {"name": name, "site": world.site.code, "kind": "pdf", "host": "10.0.0.1"}
    assert send(doorman, "printers", body).get_json()["type"].endswith(":printer_exists")
    assert send(doorman, "printers", body | {"site": "NOWHERE"}).status_code == 404
    assert send(doorman, "printers", body | {"host": "a b"}).status_code == 422


def test_the_label_of_another_firm_is_not_there(doorman: Doorman, world: World, cast: Cast) -> None:
    headers = doorman.token("clerk", cast.other_firm_id)
    said = doorman.app.test_client().get(f"/api/v1/labels/units/{world.unit.sscc}", headers=headers)
    assert said.status_code == 404
