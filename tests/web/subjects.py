"""Things that URLs name, made for one company: the access tests ask for one's own and for another's.

A route with parameters says ``@policy(..., subject="name")``; its builder stands here, takes an open session and the
company, and returns the URL's values. A subject that belongs to the installation and not to a company ignores the
company (such routes are closed to firms).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from routing.tables import StoredCurve, StoredPlan
from tests.build import (
    make_company,
    make_handling_unit,
    make_item,
    make_location,
    make_lot,
    make_person,
    make_shelf,
    make_site,
    now,
    number,
    receive,
)
from tests.routing.rounds.books import make_trucks, stored_rounds
from tests.routing.stored import stored_plan
from tests.web.customs_subjects import CUSTOMS
from tests.wms.freight.builders import form
from web.auth.tokens import create_token
from web.imports.tables import ImportRun
from web.out.tables import WebhookDelivery, WebhookSubscription
from web.out.webhooks import new_secret
from wms.floor.service import finding
from wms.floor.service.cartons import carton_types
from wms.floor.tables import AdvanceNotice, Inspection, InspectionPlan, OutboundOrder, Parcel, PutAwayRule
from wms.floor.tables.billing import Invoice, InvoiceLine
from wms.freight.rules.demand import forecast
from wms.freight.rules.replenish import LeadTime, Situation, Terms, advise
from wms.freight.service import announce
from wms.freight.service.proposals import explain
from wms.freight.tables.supply import Proposal
from wms.freight.tables.transfers import Transfer
from wms.gate.service.booking import BookSlot, book
from wms.parties.tables import Company
from wms.stock.tables import StockHold
from wms.watch.tables.temperatures import TemperaturePlace

Values = dict[str, object]
Builder = Callable[[Session, Company], Values]


def person(session: Session, company: Company) -> Values:
    return {"person_id": make_person(session, company).id}


def token(session: Session, company: Company) -> Values:
    return {"token_id": create_token(session, role="clerk", label="test", company=company.code).id}


def company(session: Session, _owner: Company) -> Values:
    return {"company_id": make_company(session).id}


def site(session: Session, _owner: Company) -> Values:
    return {"site_id": make_site(session).id}


def tracked(session: Session, owner: Company) -> Values:
    return {"number": make_handling_unit(session, owner).sscc}


def plan(session: Session, owner: Company) -> Values:
    made = StoredPlan(company_id=owner.id, seconds_limit=5, weeks=1, seed=1)
    session.add(made)
    session.flush()
    return {"plan_id": made.id}


def curve(session: Session, owner: Company) -> Values:
    made = StoredCurve(company_id=owner.id, seconds_limit=50, weeks=1, seed=1)
    session.add(made)
    session.flush()
    session.add(
        StoredPlan(
            company_id=owner.id, seconds_limit=5, weeks=1, seed=1, curve_id=made.id,
            weighting={"weights": {"time": 1, "carbon": 1}},
        )
    )  # fmt: skip
    session.flush()
    return {"curve_id": made.id}


def made_plan(session: Session, owner: Company) -> Values:
    """A plan that the company asked for, with its answer: one box, one loose bill."""
    made = stored_plan(session, owner, company_id=owner.id)
    return {"plan_id": made.id, "box_no": "B0001", "request_no": f"BR-{made.id}-001"}


def plan_pair(session: Session, owner: Company) -> Values:
    """Two made plans of the company."""
    first, second = (stored_plan(session, owner, company_id=owner.id) for _ in range(2))
    return {"plan_id": first.id, "other_id": second.id}


def plan_share(session: Session, owner: Company) -> Values:
    """A plan of the operator in which goods of the company travel."""
    return {"plan_id": stored_plan(session, owner).id}


def rounds(session: Session, owner: Company) -> Values:
    """Rounds that the company asked for, with their answer."""
    return {"plan_id": stored_rounds(session, owner, company_id=owner.id).id, "round_no": "R001"}


def rounds_share(session: Session, owner: Company) -> Values:
    """Rounds of the operator that serve an order of the company."""
    return {"plan_id": stored_rounds(session, owner).id}


def truck(session: Session, owner: Company) -> Values:
    """A truck of the company's own."""
    return {"plate": make_trucks(session, 1, company_id=owner.id)[0]}


def consignment(session: Session, owner: Company) -> Values:
    one = form(owner.id)
    announce(session, one)
    return {"consignment_no": one.consignment_no}


def notice(session: Session, owner: Company) -> Values:
    made = AdvanceNotice(
        notice_no=f"ASN-{number()}", site_id=make_site(session).id, owner_id=owner.id, trade_mode="0110"
    )
    session.add(made)
    session.flush()
    return {"notice_no": made.notice_no}


def found_goods(session: Session, _owner: Company) -> Values:
    site = make_site(session)
    command = finding.Note(site.id, make_location(session, site).id, "a carton without a label", 1, now())
    return {"number": finding.note(session, command).found_no}


def found_photo(session: Session, owner: Company) -> Values:
    values = found_goods(session, owner)
    sha256 = finding.add_photo(session, str(values["number"]), b"\xff\xd8\xff and so on")
    return values | {"sha256": sha256}


def import_run(session: Session, _owner: Company) -> Values:
    made = ImportRun(
        kind="items", file_name="list.csv", sha256=f"{number():064x}", size_bytes=10, is_dry_run=True,
        keep_existing=False, event_at=now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return {"run_id": made.id}


def order(session: Session, owner: Company) -> Values:
    made = OutboundOrder(
        order_no=f"SO-{number()}", site_id=make_site(session).id, owner_id=owner.id, trade_mode="0110",
        customs_status="free",
    )  # fmt: skip
    session.add(made)
    session.flush()
    return {"order_no": made.order_no}


def handling_unit(session: Session, owner: Company) -> Values:
    return {"sscc": make_handling_unit(session, owner).sscc}


def lot(session: Session, owner: Company) -> Values:
    return {"lot_id": make_lot(session, make_item(session, owner)).id}


def put_away_rule(session: Session, owner: Company) -> Values:
    made = PutAwayRule(priority=1, strategy="empty", owner_id=owner.id, valid_from_on=date(2026, 1, 1))
    session.add(made)
    session.flush()
    return {"rule_id": made.id}


def transfer(session: Session, owner: Company) -> Values:
    made = Transfer(
        transfer_no=f"TR-{number()}", owner_id=owner.id, from_site_id=make_site(session).id,
        to_site_id=make_site(session, "overseas").id, mode="rail", depart_on=date(2026, 1, 1),
        due_on=date(2026, 2, 1), state_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return {"transfer_no": made.transfer_no, "discrepancy_id": 1}


def invoice(session: Session, owner: Company) -> Values:
    made = invoice_line(session, owner)
    return {"invoice_id": made["invoice_id"]}


def invoice_line(session: Session, owner: Company) -> Values:
    made = Invoice(
        owner_id=owner.id, since_on=date(2026, 1, 1), until_on=date(2026, 1, 31), currency="CNY", total_minor=0,
        known_at=now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    line = InvoiceLine(
        invoice_id=made.id, line_no=1, service="extra", name="label", unit="each", qty_milli=0, price_milli=0,
        amount_minor=0,
    )  # fmt: skip
    session.add(line)
    session.flush()
    made.invoice_no, made.state = f"IN{number()}", "issued"
    session.flush()
    return {"invoice_id": made.id, "line_no": 1}


def webhook(session: Session, owner: Company) -> Values:
    made = WebhookSubscription(
        name=f"W{number()}", owner_id=owner.id, url="https://example.com/", secret=new_secret(), last_xid=1
    )
    session.add(made)
    session.flush()
    return {"webhook_id": made.id}


def webhook_delivery(session: Session, owner: Company) -> Values:
    shelf = make_shelf(session)
    made = WebhookDelivery(
        subscription_id=webhook(session, owner)["webhook_id"], posting_id=receive(session, shelf, 1).posting_id,
        event_id="posting_1", event_type="stock.receipt", body="{}",
    )  # fmt: skip
    session.add(made)
    session.flush()
    return {"delivery_id": made.id}


def trade_item(session: Session, owner: Company) -> Values:
    return {"item_id": make_item(session, owner).id}


def temperature_place(session: Session, _owner: Company) -> Values:
    made = TemperaturePlace(
        site_id=make_site(session).id,
        code=f"TP-{number()}",
        name_zh="冷库",
        name_en="Store",
        temperature_class="frozen",
    )
    session.add(made)
    session.flush()
    return {"code": made.code, "member_id": 1, "sensor": "none"}


def temperature_breach(_session: Session, _owner: Company) -> Values:
    return {"breach_id": 1}  # the installation's, closed to firms


def temperature_finding(_session: Session, _owner: Company) -> Values:
    return {"finding_id": 1}


def parcel(session: Session, owner: Company) -> Values:
    place = make_location(session, make_site(session), kind="packing")
    carton = carton_types(session, date(2026, 12, 1))[0]
    unit = make_handling_unit(session, owner, "parcel")
    session.add(
        Parcel(
            handling_unit_id=unit.id, site_id=place.site_id, owner_id=owner.id, carton_type_id=carton.id,
            location_id=place.id,
        )
    )  # fmt: skip
    session.flush()
    return {"sscc": unit.sscc}


def inspection(session: Session, owner: Company) -> Values:
    site, item = make_site(session), make_item(session, owner)
    plan = InspectionPlan(sampling="share", share_permille=100, source="test", valid_from_on=date(2026, 1, 1))
    received = AdvanceNotice(notice_no=f"ASN-{number()}", site_id=site.id, owner_id=owner.id, trade_mode="0110")
    session.add_all([plan, received])
    session.flush()
    made = Inspection(
        owner_id=owner.id, site_id=site.id, notice_id=received.id, plan_id=plan.id, trade_item_id=item.id,
        location_id=make_location(session, site).id, lot_qty=1, sample_qty=1, opened_at=datetime.now(UTC),
        inspection_no=f"IN{number()}",
    )  # fmt: skip
    session.add(made)
    session.flush()
    return {"inspection_id": made.id}


def hold(session: Session, owner: Company) -> Values:
    made = StockHold(
        owner_id=owner.id, site_id=make_site(session).id, trade_item_id=make_item(session, owner).id, qty=1,
        reason="other", placed_at=datetime.now(UTC),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return {"hold_id": made.id}


def proposal(session: Session, owner: Company) -> Values:
    sites = [make_site(session).id, make_site(session, "overseas").id]
    why = explain(
        Situation(forecast([]), LeadTime(1_000, 0, "test"), 7_000, 950, 0, 0, 0, Terms(), 120),
        advise(Situation(forecast([]), LeadTime(1_000, 0, "test"), 7_000, 950, 0, 0, 0, Terms(), 120)),
    )
    made = Proposal(
        owner_id=owner.id, from_site_id=sites[0], to_site_id=sites[1], trade_item_id=make_item(session, owner).id,
        mode="rail", computed_on=date(2026, 1, 1), qty=0, risk_permille=0, overstock_qty=0, why=why,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return {"proposal_id": made.id}


def appointment(session: Session, owner: Company) -> Values:
    at = (datetime.now(UTC) + timedelta(days=2)).astimezone(ZoneInfo("Asia/Shanghai"))
    slot = at.replace(hour=9, minute=0, second=0, microsecond=0)
    plate = f"湘F{number() % 100_000:05d}"
    made = book(session, BookSlot(owner.id, make_site(session).id, plate, "deliver", slot, now()))
    return {"appointment_id": made.id}


SUBJECTS: dict[str, Builder] = {
    "appointment": appointment,
    **CUSTOMS,
    "import_run": import_run,
    "found_goods": found_goods,
    "found_photo": found_photo,
    "person": person,
    "token": token,
    "company": company,
    "site": site,
    "tracked": tracked,
    "plan": plan,
    "curve": curve,
    "made_plan": made_plan,
    "plan_pair": plan_pair,
    "plan_share": plan_share,
    "rounds": rounds,
    "rounds_share": rounds_share,
    "truck": truck,
    "consignment": consignment,
    "notice": notice,
    "order": order,
    "handling_unit": handling_unit,
    "lot": lot,
    "inspection": inspection,
    "hold": hold,
    "put_away_rule": put_away_rule,
    "transfer": transfer,
    "trade_item": trade_item,
    "temperature_place": temperature_place,
    "temperature_breach": temperature_breach,
    "temperature_finding": temperature_finding,
    "parcel": parcel,
    "invoice": invoice,
    "invoice_line": invoice_line,
    "webhook": webhook,
    "webhook_delivery": webhook_delivery,
    "proposal": proposal,
}
