"""Billing: invoices, a draft from the ledger, issuing and crediting."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.api import billing as api
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.pages.deeds import do_and_say
from wms.errors import InvalidField, NotFound
from wms.floor.service import billing
from wms.floor.tables.billing import Invoice
from wms.parties.tables import Company

bp = Blueprint("billing", __name__, url_prefix="/desk/billing")
SHOWN = 100


@bp.get("")
@policy(*READERS, firms=True)
def show() -> str:
    """Invoices, newest first, and the form for a draft."""
    with unit_of_work() as session:
        rows = session.execute(
            select(Invoice, Company)
            .join(Company, Company.id == Invoice.owner_id)
            .order_by(Invoice.id.desc())
            .limit(SHOWN)
        ).all()
        owners = api.owners(session)
    return render_template("desk/billing.html", invoices=[api.head_of(*row) for row in rows], owners=owners)


@bp.get("/<int:invoice_id>")
@policy(*READERS, firms=True, subject="invoice")
def invoice(invoice_id: int) -> str:
    """One invoice with its lines; a line leads to its postings."""
    with unit_of_work() as session:
        found = api.whole(session, invoice_id)
        line_no = request.args.get("line", "")
        trace = None
        if line_no.isdecimal() and len(line_no) < 7:
            trace = api.traced(session, invoice_id, int(line_no))
    return render_template(
        "desk/invoice.html", invoice=found, trace=trace, milli=api.milli, price=api.price, service_word=api.service_word
    )


@bp.post("")
@policy("supervisor")
def draft() -> AnyResponse:
    """Compute a draft."""
    form = request.form
    given = {name: form.get(name, "")[:40] for name in ("owner", "since", "until")}

    def act(session: Session) -> dict[str, Any]:
        owner_id = api.company_id(session, given["owner"])
        since, until = _day("since", given["since"]), _day("until", given["until"])
        return {"id": billing.draft(session, owner_id, since, until, datetime.now(UTC))}

    return _done(given, act)


def _day(name: str, given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise InvalidField(field=name, name=name, rule=_("must be a day like 2026-01-31")) from None


@bp.post("/<int:invoice_id>")
@policy("supervisor")
def change(invoice_id: int) -> AnyResponse:
    """Issue or credit an invoice (``deed`` says which)."""
    deed = request.form.get("deed", "")
    deeds: dict[str, Callable[[Session], dict[str, Any]]] = {
        "issue": lambda session: {"id": invoice_id, "no": billing.issue(session, invoice_id, datetime.now(UTC))},
        "credit": lambda session: {"id": billing.credit(session, invoice_id, datetime.now(UTC))},
    }
    if deed not in deeds:
        raise NotFound(field="deed", what=deed[:40])
    return _done({"invoice_id": invoice_id, "deed": deed}, deeds[deed])


def _done(content: dict[str, Any], act: Callable[[Session], dict[str, Any]]) -> AnyResponse:
    body = do_and_say(content, act)
    if body is None:
        return redirect(url_for("billing.show"))
    return redirect(url_for("billing.invoice", invoice_id=body["id"]))
