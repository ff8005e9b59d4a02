"""Billing over HTTP: from goods in the ledger to an invoice that stands, its postings, credit and late corrections."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pypdfium2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests import build
from tests.web.conftest import Cast, Doorman
from wms.db import Database, Scope
from wms.floor.service import billing
from wms.parties.tables import Company
from wms.stock.ledger import AccountKey, Posting, moved, post, reverse

HERE = ZoneInfo("Asia/Shanghai")
TODAY = datetime.now(HERE).date()
FIRST = TODAY - timedelta(days=20)  # the first day of the period that is billed
LAST = FIRST + timedelta(days=3)


def noon(on: date, hour: int = 12) -> datetime:
    return datetime(on.year, on.month, on.day, hour, tzinfo=HERE).astimezone(UTC)


class World:
    """A firm with one item (0.5 kg, one litre) at a site, and pallets to put it on."""

    def __init__(self, database: Database, scope: Scope, owner_id: int) -> None:
        self.database, self.scope = database, scope
        with database.unit_of_work(scope) as session:
            self.owner = session.get_one(Company, owner_id)
            self.site = build.make_site(session, "ordinary")
            self.place = build.make_location(session, self.site)
            self.item = build.make_item(session, self.owner)

    def pallet(self) -> int:
        with self.database.unit_of_work(self.scope) as session:
            return build.make_handling_unit(session, self.owner).id

    def shelf(self, unit_id: int | None) -> AccountKey:
        return AccountKey("location", self.owner.id, self.item.id, self.site.id, self.place.id, None, unit_id)

    def receive(self, qty: int, at: datetime, unit_id: int | None = None) -> int:
        return self._post("receipt", AccountKey("supplier", self.owner.id, self.item.id), self.shelf(unit_id), qty, at)

    def ship(self, qty: int, at: datetime, unit_id: int | None = None) -> int:
        return self._post("ship", self.shelf(unit_id), AccountKey("customer", self.owner.id, self.item.id), qty, at)

    def _post(self, kind: str, source: AccountKey, target: AccountKey, qty: int, at: datetime) -> int:
        with self.database.unit_of_work(self.scope) as session:
            key = f"b{build.number()}"
            return post(session, Posting(key, kind, at, moved(source, target, qty), source_doc=f"D{key}")).posting_id


@pytest.fixture
def world(database: Database, scope: Scope, cast: Cast) -> World:
    return World(database, scope, cast.firm_id)


def send(doorman: Doorman, path: str, body: dict[str, Any] | None = None, role: str = "supervisor") -> Any:
    headers = doorman.token(role) | {"Accept-Language": "en", "Idempotency-Key": f"k{build.number()}"}
    return doorman.app.test_client().post(f"/api/v1/{path}", headers=headers, json=body or {})


def ask(doorman: Doorman, path: str, company_id: int | None = None, **query: Any) -> Any:
    headers = doorman.token("supervisor" if company_id is None else "planner", company_id) | {"Accept-Language": "en"}
    return doorman.app.test_client().get(f"/api/v1/{path}", headers=headers, query_string=query)


def code_of(said: Any) -> str:
    return str(said.get_json()["type"]).rpartition(":")[2]


RATES = [
    {"service": "storage", "unit": "pallet_day", "price_milli": 250_000},
    {"service": "storage", "unit": "unit_day", "price_milli": 100},
    {"service": "handling", "name": "receipt", "unit": "touch", "price_milli": 120_000},
    {"service": "handling", "name": "ship", "unit": "unit", "price_milli": 1_500},
    {"service": "extra", "name": "label", "unit": "each", "price_milli": 5_000},
]


def card(doorman: Doorman, world: World, rates: list[dict[str, Any]] | None = None, **given: Any) -> Any:
    body = {"owner": world.owner.code, "valid_from_on": (FIRST - timedelta(days=400)).isoformat(), "source": "C-1",
            "rates": rates or RATES} | given  # fmt: skip
    said = send(doorman, "rate-cards", body)
    assert said.status_code == 201, said.text
    return said


def bill(doorman: Doorman, world: World, since: date = FIRST, until: date = LAST) -> Any:
    body = {"owner": world.owner.code, "since": since.isoformat(), "until": until.isoformat()}
    return send(doorman, "invoices", body)


def amounts(found: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {(line["service"], line["unit"]): line["amount_minor"] for line in found["lines"]}


def stocked(world: World) -> int:
    """100 pieces on a pallet from the first day on, 40 of them shipped on the third; the pallet's id."""
    pallet = world.pallet()
    world.receive(100, noon(FIRST), pallet)
    world.ship(40, noon(FIRST + timedelta(days=2)), pallet)
    return pallet


def test_a_period_worked_by_hand(doorman: Doorman, world: World) -> None:
    """Day ends: 100, 100, 60, 60 = 320 piece-days at 0.001 yuan; 4 pallet-days at 2.50; one receipt at 1.20;
    40 pieces shipped at 0.015; 3 labels at 0.05. 0.32 + 10.00 + 1.20 + 0.60 + 0.15 = 12.27 yuan.
    """
    card(doorman, world)
    stocked(world)
    done = {"owner": world.owner.code, "site": world.site.code, "service": "label", "times": 3,
            "done_on": FIRST.isoformat()}  # fmt: skip
    assert send(doorman, "services-done", done, "clerk").status_code == 201
    found = bill(doorman, world).get_json()
    assert amounts(found) == {
        ("storage", "pallet_day"): 1_000, ("storage", "unit_day"): 32, ("handling", "touch"): 120,
        ("handling", "unit"): 60, ("extra", "each"): 15,
    }  # fmt: skip
    assert found["total_minor"] == 1_227 == sum(line["amount_minor"] for line in found["lines"])
    again = bill(doorman, world).get_json()
    assert again["lines"] == found["lines"]
    assert len(ask(doorman, "invoices").get_json()) == 1  # the draft was replaced


def test_a_day_ends_on_the_clock_of_the_site(doorman: Doorman, world: World) -> None:
    """What left at 01:00 in Yueyang, 17:00 UTC the day before, still stood there at the end of that day."""
    card(doorman, world, [{"service": "storage", "unit": "unit_day", "price_milli": 1_000_000}])
    world.receive(1, noon(FIRST, 23))
    world.ship(1, noon(FIRST + timedelta(days=1), 1))
    assert [line["qty_milli"] for line in bill(doorman, world).get_json()["lines"]] == [1_000]


def test_an_issued_invoice_stands_and_a_late_posting_corrects_the_next_one(
    doorman: Doorman, world: World, database: Database, scope: Scope
) -> None:
    card(doorman, world)
    stocked(world)
    first = bill(doorman, world).get_json()
    issued = send(doorman, f"invoices/{first['id']}/issue").get_json()
    assert (issued["state"], issued["invoice_no"][:2]) == ("issued", "IN")
    assert code_of(send(doorman, f"invoices/{first['id']}/issue")) == "invoice_not_draft"
    assert code_of(bill(doorman, world)) == "period_billed"
    world.receive(10, noon(FIRST + timedelta(days=1)))  # told late: 3 days × 10 pieces, one receipt
    second = bill(doorman, world, LAST + timedelta(days=1), LAST + timedelta(days=2)).get_json()
    late = {(line["service"], line["unit"]): (line["qty_milli"], line["amount_minor"], line["note"])
            for line in second["lines"] if line["corrects_id"] == first["id"]}  # fmt: skip
    assert late == {
        ("storage", "unit_day"): (30_000, 3, issued["invoice_no"]),
        ("handling", "touch"): (1_000, 120, issued["invoice_no"]),
    }
    send(doorman, f"invoices/{second['id']}/issue")
    third = bill(doorman, world, LAST + timedelta(days=3), LAST + timedelta(days=3)).get_json()
    assert not [line for line in third["lines"] if line["corrects_id"]]  # corrected once is corrected
    assert ask(doorman, f"invoices/{first['id']}").get_json()["lines"] == first["lines"]
    with pytest.raises(DBAPIError, match="stand"), database.unit_of_work(scope) as session:
        session.execute(text("UPDATE invoice_line SET amount_minor = 0 WHERE invoice_id = :id"), {"id": first["id"]})
    with pytest.raises(DBAPIError, match="is issued"), database.unit_of_work(scope) as session:
        session.execute(text("UPDATE invoice SET total_minor = 0 WHERE id = :id"), {"id": first["id"]})
    assert code_of(send(doorman, f"invoices/{first['id']}/credit")) == "corrected_later"


def test_weighed_goods_are_stored_by_the_grams_on_the_shelf(
    doorman: Doorman, world: World, database: Database, scope: Scope
) -> None:
    """Two pieces of 11.2 and 10.3 kg (0.5 kg by the list); the first leaves on the third day: 21.5 × 2 + 10.3 × 2."""
    card(doorman, world, [{"service": "storage", "unit": "kg_day", "price_milli": 1_000_000}])
    with database.unit_of_work(scope) as session:
        meat = build.make_item(session, world.owner, is_catch_weight=True)
    shelf = AccountKey("location", world.owner.id, meat.id, world.site.id, world.place.id)
    supplier, customer = (AccountKey(kind, world.owner.id, meat.id) for kind in ("supplier", "customer"))
    with database.unit_of_work(scope) as session:
        came = moved(supplier, shelf, 2, weight_g=21_500)
        post(session, Posting(f"b{build.number()}", "receipt", noon(FIRST), came))
        left = moved(shelf, customer, 1, weight_g=11_200)
        post(session, Posting(f"b{build.number()}", "ship", noon(FIRST + timedelta(days=2)), left))
    (line,) = bill(doorman, world).get_json()["lines"]
    assert line["qty_milli"] == 21_500 * 2 + 10_300 * 2


def test_only_periods_that_something_late_reaches_are_computed_again(
    doorman: Doorman, world: World, database: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    card(doorman, world)
    stocked(world)
    computed: list[date] = []
    real = billing.compute

    def listening(session: Any, owner_id: int, since: date, until: date, known_at: datetime) -> Any:
        computed.append(since)
        return real(session, owner_id, since, until, known_at)

    days = [FIRST + timedelta(days=n) for n in range(6)]
    for day in days[:3]:
        draft = bill(doorman, world, day, day).get_json()
        send(doorman, f"invoices/{draft['id']}/issue")
    monkeypatch.setattr(billing, "compute", listening)
    bill(doorman, world, days[3], days[3])
    assert computed == [days[3]]
    wrong = world.receive(10, noon(days[5]))  # a later day changes nothing of what was billed
    bill(doorman, world, days[3], days[3])
    assert computed == [days[3]] * 2
    computed.clear()
    with database.unit_of_work(scope) as session:
        reverse(session, f"r{build.number()}", wrong, reason="counted twice", event_at=noon(days[5]))
    bill(doorman, world, days[3], days[3])
    assert computed == [days[3]]
    computed.clear()
    world.receive(10, noon(days[1]))
    late = bill(doorman, world, days[3], days[3]).get_json()
    # Two days around an instant may be its day on some clock: computed to be sure, found unchanged.
    assert set(computed) <= {days[3], *days[:3]}
    corrected = {line["note"] for line in late["lines"] if line["corrects_id"]}
    assert len(corrected) == 2
    send(doorman, f"invoices/{late['id']}/issue")
    computed.clear()
    bill(doorman, world, days[4], days[4])
    assert computed == [days[4]]
    done = {"owner": world.owner.code, "site": world.site.code, "service": "label", "times": 1,
            "done_on": days[2].isoformat()}  # fmt: skip
    send(doorman, "services-done", done, "clerk")
    again = bill(doorman, world, days[4], days[4]).get_json()
    assert [(line["service"], line["amount_minor"]) for line in again["lines"] if line["corrects_id"]] == [("extra", 5)]


def test_a_transaction_beside_it_makes_no_period_be_computed_again(
    doorman: Doorman, world: World, database: Database, scope: Scope
) -> None:
    card(doorman, world)
    stocked(world)
    with database.unit_of_work(scope) as beside:
        beside.execute(text("SELECT pg_current_xact_id()"))
        for day in (FIRST, FIRST + timedelta(days=1)):
            draft = bill(doorman, world, day, day).get_json()
            send(doorman, f"invoices/{draft['id']}/issue")
        with database.unit_of_work(scope) as session:
            assert billing.reached(session, world.owner.id) == []


def test_what_was_undone_costs_nothing(doorman: Doorman, world: World, database: Database, scope: Scope) -> None:
    card(doorman, world)
    wrong = world.receive(50, noon(FIRST))
    with database.unit_of_work(scope) as session:
        at = noon(FIRST + timedelta(days=1))
        reverse(session, f"r{build.number()}", wrong, reason="counted twice", event_at=at)
    assert bill(doorman, world).get_json()["lines"] == []


def test_a_credit_note_mirrors_its_invoice_and_frees_its_days(doorman: Doorman, world: World) -> None:
    card(doorman, world)
    stocked(world)
    first = bill(doorman, world).get_json()
    send(doorman, f"invoices/{first['id']}/issue")
    note = send(doorman, f"invoices/{first['id']}/credit").get_json()
    assert (note["kind"], note["total_minor"], note["invoice_no"][:2]) == ("credit_note", -first["total_minor"], "CN")
    assert [line["amount_minor"] for line in note["lines"]] == [-line["amount_minor"] for line in first["lines"]]
    assert code_of(send(doorman, f"invoices/{first['id']}/credit")) == "invoice_not_issued"
    assert bill(doorman, world).get_json()["total_minor"] == first["total_minor"]


def test_each_line_is_traced_to_its_postings(doorman: Doorman, world: World) -> None:
    card(doorman, world)
    stocked(world)
    found = bill(doorman, world).get_json()
    by_unit = {(line["service"], line["unit"]): line["line_no"] for line in found["lines"]}
    receipt = ask(doorman, f"invoices/{found['id']}/lines/{by_unit['handling', 'touch']}").get_json()
    assert [(row["kind"], row["qty"]) for row in receipt["postings"]] == [("receipt", 100)]
    stored = ask(doorman, f"invoices/{found['id']}/lines/{by_unit['storage', 'unit_day']}").get_json()
    assert [day["counted"] for day in stored["days"]] == [100, 100, 60, 60]
    assert [row["qty"] for row in stored["postings"]] == [-40, 100]
    assert ask(doorman, f"invoices/{found['id']}/lines/99").status_code == 404


def test_free_days_a_minimum_and_a_card_that_changes(doorman: Doorman, world: World) -> None:
    free = [{"service": "storage", "unit": "unit_day", "price_milli": 1_000_000, "free_days": 2}]
    card(doorman, world, free, minimum_minor=100_000)
    world.receive(10, noon(FIRST))
    found = bill(doorman, world).get_json()
    assert amounts(found) == {("storage", "unit_day"): 20_000, ("minimum", "each"): 80_000}
    dear = [{"service": "storage", "unit": "unit_day", "price_milli": 3_000_000}]
    card(doorman, world, dear, valid_from_on=LAST.isoformat())
    found = bill(doorman, world).get_json()
    prices = sorted((line["price_milli"], line["qty_milli"]) for line in found["lines"])
    assert prices == [(1_000_000, 10_000), (3_000_000, 10_000)]


@pytest.mark.parametrize("form", ["csv", "xlsx", "pdf"])
def test_an_invoice_is_a_file_too(doorman: Doorman, world: World, form: str) -> None:
    card(doorman, world)
    stocked(world)
    found = bill(doorman, world).get_json()
    content = ask(doorman, f"invoices/{found['id']}", format=form).data
    if form == "csv":
        assert "10.00,CNY" in content.decode("utf-8-sig")
    elif form == "xlsx":
        assert content.startswith(b"PK")
    else:
        text_ = pypdfium2.PdfDocument(content)[0].get_textpage().get_text_bounded()
        assert f"DRAFT-{found['id']}" in text_
        assert "10.00" in text_


def test_a_firm_sees_its_issued_invoices_alone(doorman: Doorman, world: World, cast: Cast) -> None:
    card(doorman, world)
    stocked(world)
    first = bill(doorman, world).get_json()
    assert ask(doorman, "invoices", cast.firm_id).get_json() == []
    send(doorman, f"invoices/{first['id']}/issue")
    assert len(ask(doorman, "invoices", cast.firm_id).get_json()) == 1
    assert ask(doorman, f"invoices/{first['id']}", cast.other_firm_id).status_code == 404


def test_says_what_cannot_be_billed(doorman: Doorman, world: World) -> None:
    assert code_of(bill(doorman, world)) == "unknown_rate_card"
    card(doorman, world)
    assert code_of(bill(doorman, world, LAST, FIRST)) == "bad_invoice_period"
    assert code_of(bill(doorman, world, FIRST - timedelta(days=366), LAST)) == "bad_invoice_period"
    assert code_of(bill(doorman, world, FIRST, TODAY)) == "period_not_over"
    body = {"owner": "NOBODY", "since": FIRST.isoformat(), "until": LAST.isoformat()}
    assert send(doorman, "invoices", body).status_code == 404
    assert code_of(send(doorman, "invoices/999999999/issue")) == "unknown_invoice"
    assert bill(doorman, world).get_json()["total_minor"] == 0
    done = {"owner": world.owner.code, "site": world.site.code, "service": "wash", "done_on": FIRST.isoformat()}
    assert code_of(send(doorman, "services-done", done)) == "bad_service_line"


@pytest.mark.parametrize(
    ("rates", "code"),
    [
        ([{"service": "storage", "unit": "touch", "price_milli": 1}], "bad_rate"),
        ([{"service": "storage", "unit": "unit_day", "price_milli": 1}] * 2, "rate_twice"),
        ([{"service": "storage", "unit": "unit_day", "price_milli": -1}], "invalid_field"),
        ([{"service": "storage", "unit": "unit_day", "price_milli": 1.5}], "invalid_field"),
        ([{"service": "gift", "unit": "each", "price_milli": 1}], "invalid_field"),
        ([{"service": "storage", "unit": "unit_day", "price_milli": 1, "site": "NOWHERE"}], "not_found"),
        ([], "invalid_field"),
    ],
)
def test_says_what_is_wrong_with_a_rate_card(doorman: Doorman, world: World, rates: Any, code: str) -> None:
    body = {"owner": world.owner.code, "valid_from_on": FIRST.isoformat(), "source": "C-1", "rates": rates}
    assert code_of(send(doorman, "rate-cards", body)) == code


def test_two_cards_do_not_begin_on_one_day(doorman: Doorman, world: World) -> None:
    card(doorman, world)
    body = {"owner": world.owner.code, "valid_from_on": (FIRST - timedelta(days=400)).isoformat(), "source": "C-2",
            "rates": RATES}  # fmt: skip
    assert code_of(send(doorman, "rate-cards", body)) == "rate_card_exists"
    (listed,) = ask(doorman, "rate-cards").get_json()
    assert [rate["unit"] for rate in listed["rates"]] == ["pallet_day", "unit_day", "touch", "unit", "each"]
