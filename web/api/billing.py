"""Billing of storage and handling: rate cards, extra services, invoices with their lines traced back to postings."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from flask_babel import gettext as _
from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.papers import paper
from web.api.schemas import LARGEST, Body, Code, Count, Page, Query
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.downloads import csv_response, xlsx_response
from web.formats import money
from web.i18n import named
from web.paper.sheets import Barcode, Column, Sheet
from web.words import word
from wms.errors import NotFound
from wms.floor import billing_queries as queries
from wms.floor.billing_queries import Span
from wms.floor.rules import billing as rules
from wms.floor.service import billing
from wms.floor.tables.billing import Invoice, InvoiceLine, RateCard, RateRow
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_billing", __name__, url_prefix="/api/v1", tag="Billing")
MOST_TRACED = 500


class RateIn(Body):
    """One rate. ``price_milli``: thousandths of the currency's smallest unit for one ``unit``.

    Storage is charged by pallet_day, m3_day, kg_day or unit_day; handling of postings of kind ``name`` (receipt,
    put_away, pick, ship …) by touch, unit, kg or pallet; extra services by each.
    """

    service: Literal["storage", "handling", "extra"]
    name: Annotated[str, Field(max_length=60)] = ""
    unit: Code
    price_milli: Annotated[int, Field(strict=True, ge=0, le=10**12)]
    temperature_class: Literal["ambient", "chilled", "frozen"] | None = None
    site: Code | None = None
    free_days: Annotated[int, Field(strict=True, ge=0, le=366)] = 0


class RateCardIn(Body):
    """What an owner pays from a day on; ``source`` names the contract."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "owner": "LAKE", "valid_from_on": "2026-11-01", "currency": "CNY", "minimum_minor": 50000,
                "source": "contract 2026-117",
                "rates": [
                    {"service": "storage", "unit": "pallet_day", "price_milli": 250000, "free_days": 3},
                    {"service": "handling", "name": "receipt", "unit": "touch", "price_milli": 120000},
                ],
            }
        }
    )  # fmt: skip

    owner: Code
    valid_from_on: date
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"
    minimum_minor: Annotated[int, Field(strict=True, ge=0, le=LARGEST)] = 0
    source: Annotated[str, Field(min_length=1, max_length=200)]
    rates: Annotated[list[RateIn], Field(min_length=1, max_length=200)]


class ServiceIn(Body):
    """An extra service that was done for an owner at a site, so many times on a day."""

    owner: Code
    site: Code
    service: Code
    times: Count = 1
    done_on: date
    note: Annotated[str, Field(max_length=200)] = ""


class InvoiceIn(Body):
    """Whose days to bill, both ends included."""

    owner: Code
    since: date
    until: date


class InvoiceQuery(Query):
    """How the invoice is given."""

    format: Literal["json", "csv", "xlsx", "pdf"] = "json"


def company_id(session: Session, code: str) -> int:
    """Return the id of the company with that code. Raises NotFound."""
    found = session.scalar(select(Company.id).where(Company.code == code.upper()))
    if found is None:
        raise NotFound(field="owner", what=code)
    return found


def _site_id(session: Session, code: str | None) -> int | None:
    if code is None:
        return None
    found = session.scalar(select(Site.id).where(Site.code == code.upper()))
    if found is None:
        raise NotFound(field="site", what=code)
    return found


@bp.get("/rate-cards")
@policy(*READERS, firms=True)
@bp.input(Page, location="query", arg_name="query")
def rate_cards(query: Page) -> Response:
    """List rate cards with their rates."""
    with unit_of_work() as session:
        rows = session.execute(
            select(RateCard, Company.code).join(Company, Company.id == RateCard.owner_id)
            .where(RateCard.id > query.after).order_by(RateCard.id).limit(query.limit + 1)
        ).all()  # fmt: skip
        rates = list(
            session.scalars(select(RateRow).where(RateRow.rate_card_id.in_([card.id for card, _code in rows])))
        )
    names = ("id", "valid_from_on", "currency", "minimum_minor", "source")
    shown = ("service", "name", "unit", "price_milli", "temperature_class", "site_id", "free_days")
    listed = [
        {name: getattr(card, name) for name in names}
        | {"owner": code}
        | {"rates": [{name: getattr(r, name) for name in shown} for r in rates if r.rate_card_id == card.id]}
        for card, code in rows
    ]
    return page_of(listed, after=query.after, limit=query.limit)


@bp.post("/rate-cards")
@policy("supervisor")
@bp.input(RateCardIn, arg_name="body")
def new_rate_card(body: RateCardIn) -> Response:
    """Enter a rate card; it holds until the owner's next one begins."""

    def act(session: Session) -> Mapping[str, Any]:
        rates = tuple(
            rules.Rate(0, one.service, one.name, one.unit, one.price_milli, one.temperature_class,
                       _site_id(session, one.site), one.free_days)
            for one in body.rates
        )  # fmt: skip
        new = billing.NewCard(
            company_id(session, body.owner), body.valid_from_on, body.currency, body.minimum_minor, body.source, rates
        )
        return {"id": billing.add_card(session, new)}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/services-done")
@policy("clerk", "supervisor")
@bp.input(ServiceIn, arg_name="body")
def new_service(body: ServiceIn) -> Response:
    """Write down an extra service, to be billed with its period."""

    def act(session: Session) -> Mapping[str, Any]:
        site_id = _site_id(session, body.site)
        assert site_id is not None
        new = billing.NewService(
            company_id(session, body.owner), site_id, body.service, body.times, body.done_on, body.note
        )
        return {"id": billing.note_service(session, new)}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/invoices")
@policy(*READERS, firms=True)
@bp.input(Page, location="query", arg_name="query")
def invoices(query: Page) -> Response:
    """List invoices and credit notes."""
    with unit_of_work() as session:
        rows = session.execute(
            select(Invoice, Company).join(Company, Company.id == Invoice.owner_id)
            .where(Invoice.id > query.after).order_by(Invoice.id).limit(query.limit + 1)
        ).all()  # fmt: skip
    return page_of([head_of(*row) for row in rows], after=query.after, limit=query.limit)


def head_of(invoice: Invoice, owner: Company) -> dict[str, Any]:
    """Return an invoice without its lines."""
    names = ("id", "invoice_no", "kind", "state", "currency", "total_minor", "credits_id")
    days = {name: getattr(invoice, name).isoformat() for name in ("since_on", "until_on")}
    times = {name: at.isoformat() if (at := getattr(invoice, name)) else None for name in ("known_at", "issued_at")}
    whose = {"owner": owner.code, "owner_zh": owner.name_zh, "owner_en": owner.name_en}
    return {name: getattr(invoice, name) for name in names} | days | times | whose


def whole(session: Session, invoice_id: int) -> dict[str, Any]:
    """Return an invoice with its lines. Raises UnknownInvoice."""
    invoice = session.get(Invoice, invoice_id, populate_existing=True)
    if invoice is None:
        raise rules.UnknownInvoice(invoice=invoice_id)
    rows = session.execute(
        select(InvoiceLine, Site.code).outerjoin(Site, Site.id == InvoiceLine.site_id)
        .where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.line_no)
    )  # fmt: skip
    names = ("line_no", "service", "name", "unit", "qty_milli", "price_milli", "amount_minor", "note", "corrects_id")
    lines = [{name: getattr(line, name) for name in names} | {"site": site} for line, site in rows]
    return head_of(invoice, session.get_one(Company, invoice.owner_id)) | {"lines": lines}


@bp.post("/invoices")
@policy("supervisor")
@bp.input(InvoiceIn, arg_name="body")
def new_invoice(body: InvoiceIn) -> Response:
    """Compute a draft from the ledger; the same period again replaces the draft."""

    def act(session: Session) -> Mapping[str, Any]:
        owner_id = company_id(session, body.owner)
        made = billing.draft(session, owner_id, body.since, body.until, datetime.now(UTC))
        return whole(session, made)

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/invoices/<int:invoice_id>")
@policy(*READERS, firms=True, subject="invoice")
@bp.input(InvoiceQuery, location="query", arg_name="query")
def invoice(invoice_id: int, query: InvoiceQuery) -> Response:
    """Show an invoice with its lines, as JSON, CSV, XLSX or PDF."""
    with unit_of_work() as session:
        found = whole(session, invoice_id)
    name = found["invoice_no"] or f"draft-{invoice_id}"
    if query.format == "pdf":
        return paper(sheet_of(found), name)
    if query.format == "json":
        return jsonify(found)
    columns = (
        "line_no", "service", "name", "site", "unit", "quantity", "price", "amount", "currency", "note",
    )  # fmt: skip
    make = csv_response if query.format == "csv" else xlsx_response
    return make(
        name, columns, ([cells[column] for column in columns] for cells in map(_cells_of(found), found["lines"]))
    )


def _cells_of(found: Mapping[str, Any]) -> Any:
    def cells(line: Mapping[str, Any]) -> dict[str, Any]:
        return {**line, "quantity": milli(line["qty_milli"]), "price": price(line["price_milli"]),
                "amount": exact(line["amount_minor"], 2), "currency": found["currency"]}  # fmt: skip

    return cells


def exact(value: int, places: int) -> str:
    """Return an integer of the smallest part as a decimal text, every digit kept."""
    return f"{Decimal(value).scaleb(-places):.{places}f}"


def milli(qty_milli: int) -> str:
    """Return thousandths as a text without noughts at its end."""
    return f"{Decimal(qty_milli).scaleb(-3).normalize():f}"


def price(price_milli: int) -> str:
    """Return thousandths of a fen as yuan: five places, no more noughts than two."""
    text = exact(price_milli, 5).rstrip("0")
    return text + "0" * max(0, 2 - len(text.partition(".")[2]))


def sheet_of(found: Mapping[str, Any]) -> Sheet:
    """Return an invoice as a paper."""
    title = _("Invoice") if found["kind"] == "invoice" else _("Credit note")
    number = found["invoice_no"] or f"DRAFT-{found['id']}"
    owner = Named(found["owner_zh"], found["owner_en"])
    facts = [
        (_("Owner of goods"), f"{found['owner']} {named(owner)}"),
        (_("State"), word("invoice_state", found["state"])),
        (_("First day"), found["since_on"]),
        (_("Last day"), found["until_on"]),
        (_("Total"), money(found["total_minor"], found["currency"])),
        (_("Issued"), (found["issued_at"] or "–")[:10]),
    ]
    columns = [
        Column("#", 5), Column(_("Service"), 34), Column(_("Site"), 12), Column(_("Unit"), 14),
        Column(_("Quantity"), 14, is_number=True), Column(_("Price"), 14, is_number=True),
        Column(_("Amount"), 18, is_number=True),
    ]  # fmt: skip
    rows = [
        [str(line["line_no"]), service_word(line), line["site"] or "", word("rate_unit", line["unit"]),
         milli(line["qty_milli"]), price(line["price_milli"]), exact(line["amount_minor"], 2)]
        for line in found["lines"]
    ]  # fmt: skip
    return Sheet(title, Barcode(number, data=number), facts, columns, rows,
                 (f"{_('Total')}: {money(found['total_minor'], found['currency'])}",))  # fmt: skip


class Named:
    """Names in two languages."""

    def __init__(self, name_zh: str, name_en: str) -> None:
        self.name_zh, self.name_en = name_zh, name_en


def service_word(line: Mapping[str, Any]) -> str:
    """Return what a line charges for, in words."""
    head = word("service", line["service"])
    name = word("posting", line["name"]) if line["service"] == "handling" else line["name"]
    if line["service"] in ("storage", "minimum"):
        name = ""
    note = f" ({_('correction of')} {line['note']})" if line["corrects_id"] else ""
    return f"{head} {name}".strip() + note


@bp.post("/invoices/<int:invoice_id>/issue")
@policy("supervisor")
def issue(invoice_id: int) -> Response:
    """Give a draft its number. From then on nothing in it changes."""

    def act(session: Session) -> Mapping[str, Any]:
        billing.issue(session, invoice_id, datetime.now(UTC))
        return whole(session, invoice_id)

    return write(act, {"invoice_id": invoice_id})


@bp.post("/invoices/<int:invoice_id>/credit")
@policy("supervisor")
def credit(invoice_id: int) -> Response:
    """Take an issued invoice back by a credit note that mirrors it."""
    return write(
        lambda session: whole(session, billing.credit(session, invoice_id, datetime.now(UTC))),
        {"invoice_id": invoice_id},
        status=201,
    )


@bp.get("/invoices/<int:invoice_id>/lines/<int:line_no>")
@policy(*READERS, firms=True, subject="invoice_line")
def line(invoice_id: int, line_no: int) -> Response:
    """Trace a line back: the postings behind it, and for storage what was counted at the end of each day."""
    with unit_of_work() as session:
        return jsonify(traced(session, invoice_id, line_no))


def traced(session: Session, invoice_id: int, line_no: int) -> dict[str, Any]:
    """Return a line with its postings, at most 500 of them, newest first for storage. Raises NotFound."""
    found = session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id, InvoiceLine.line_no == line_no)
    ).one_or_none()
    if found is None:
        raise NotFound(what=f"line {line_no}")
    bill = session.get_one(Invoice, found.corrects_id or invoice_id)
    known_at = session.get_one(Invoice, invoice_id).known_at
    span = Span(bill.owner_id, bill.since_on, bill.until_on, known_at)
    answer: dict[str, Any] = {"line_no": line_no, "service": found.service, "amount_minor": found.amount_minor}
    if found.service == "handling":
        return answer | {"postings": queries.touched(session, span, found.name, found.site_id, MOST_TRACED)}
    if found.service == "storage" and found.site_id is not None:
        return answer | {
            "days": _days(session, span, found),
            "postings": queries.moved(session, span, found.site_id, MOST_TRACED),
        }
    return answer | {"postings": []}


def _days(session: Session, span: Span, found: InvoiceLine) -> list[dict[str, Any]]:
    row = session.get_one(RateRow, found.rate_id)
    rate = rules.Rate(row.id, row.service, row.name, row.unit, row.price_milli, row.temperature_class, row.site_id,
                      row.free_days)  # fmt: skip
    sums: dict[date, int] = {}
    if rate.unit == "pallet_day":
        seen: set[tuple[date, int]] = set()
        for pallet in queries.pallet_days(session, span):
            fits = pallet.site_id == found.site_id and rate.temperature_class in (None, pallet.temperature_class)
            if fits and pallet.age_days >= rate.free_days and (pallet.on, pallet.handling_unit_id) not in seen:
                seen.add((pallet.on, pallet.handling_unit_id))
                sums[pallet.on] = sums.get(pallet.on, 0) + 1
    else:
        for goods in queries.goods_days(session, span, rate.free_days):
            if goods.site_id == found.site_id and rate.temperature_class in (None, goods.temperature_class):
                sums[goods.on] = sums.get(goods.on, 0) + rules.measured(rate, goods)
    return [{"on": on.isoformat(), "counted": counted} for on, counted in sorted(sums.items()) if counted]


def owners(session: Session) -> list[Company]:
    """Return the companies that have a rate card."""
    having = select(RateCard.owner_id).distinct()
    return list(session.scalars(select(Company).where(Company.id.in_(having)).order_by(func.lower(Company.code))))
