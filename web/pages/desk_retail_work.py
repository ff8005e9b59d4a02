"""What a declarant does with parcels by page: enters documents, mends them, declares, takes goods back."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.auth.policy import READERS, policy
from web.context import current_identity, customs_desk, unit_of_work, vault
from web.i18n import localised
from web.pages import retail_forms as forms
from web.pages.deeds import do_and_say, do_once
from web.pages.desk_retail import CHIPS, shown
from wms.customs import parcel_mail
from wms.customs.clock import BEIJING
from wms.customs.messages import post_office
from wms.customs.outgoing import Desk
from wms.customs.parcels import declaring, order_view, queries, request_mail, requests
from wms.customs.parcels.rules.declaring import MATCH_WORDS, Terms
from wms.customs.parcels.rules.documents import BadDocument
from wms.customs.parcels.rules.requests import ReturnLine
from wms.customs.tables.parcels import ParcelRequest, RetailOrder
from wms.errors import N_, InvalidField, NotFound, WmsError

bp = Blueprint("desk_retail_work", __name__, url_prefix="/desk")
MOST, MOST_BYTES = 100, 5_000_000
OUTCOMES = {
    "taken": N_("taken"), "amended": N_("taken as a change"), "repeated": N_("was there already"),
    "older": N_("older than what is there, not used"), "deleted": N_("deleted"), "refused": N_("refused"),
}  # fmt: skip
FIELD_WORDS = {
    "orderNo": N_("Order number"), "amountPaid": N_("Amount paid"), "currency": N_("Currency"),
    "buyerIdNumber": N_("Identity number of the buyer"), "buyerName": N_("Name of the buyer"),
    "consignee": N_("Consignee"), "consigneeTelephone": N_("Telephone of the consignee"),
    "consigneeAddress": N_("Address of the consignee"),
}  # fmt: skip
ADVICE = {
    "order/payment": N_(
        "Ask the platform or the payment firm which of the two is right. The one that was wrong is sent again as a "
        "change, or entered here from their paper."
    ),
    "order/waybill": N_(
        "Ask the platform or the carrier which of the two is right. The one that was wrong is sent again as a change, "
        "or entered here from their paper."
    ),
}
TERM_WORDS = {
    "trade_mode": N_("Trade mode"), "customs_code": N_("Customs office"), "port_code": N_("Port (customs office)"),
    "agent_code": N_("Declarant: customs number"), "agent_name": N_("Declarant: name"),
    "assure_code": N_("Surety: customs number"), "traf_mode": N_("Transport (customs code)"),
    "country": N_("Country in the head (customs code)"), "ems_no": N_("Account book"),
    "area_code": N_("Zone enterprise: customs number"), "area_name": N_("Zone enterprise: name"),
    "traf_no": N_("Name of the means of transport"), "voyage_no": N_("Voyage"), "bill_no": N_("Bill of lading"),
}  # fmt: skip
ZONE_TERMS, DIRECT_TERMS = ("ems_no", "area_code", "area_name"), ("traf_no", "voyage_no", "bill_no")


@bp.get("/retail-orders/<int:order_id>")
@policy(*READERS, firms=True, subject="retail_order")
def order(order_id: int) -> str:
    """One order with its payment and waybill, what disagrees, and what can be done."""
    keys = vault()
    with unit_of_work() as session:
        seen = order_view.view(session, keys, order_id)
        return render_template(
            "retail/order.html", seen=seen, order=seen.order, words=MATCH_WORDS, fields=FIELD_WORDS, advice=ADVICE,
            outcomes=OUTCOMES, titles=forms.TITLES, rule=lambda text: localised(text, {}), may_work=_works(),
            shown=shown, chips=CHIPS, plain=lambda text: forms.plain(Decimal(text)),
        )  # fmt: skip


@bp.get("/retail-orders/document")
@policy("declarant")
def document_form() -> str:
    """The form of an order, a payment or a waybill; ``order`` fills in what stands already."""
    kind = request.args.get("kind", "order")
    return _document_page(kind, _seen(request.args.get("order", "")), None, None, None)


@bp.post("/retail-orders/document")
@policy("declarant")
def enter_document() -> AnyResponse | tuple[str, int]:
    """Take a document as filled in; a mistake is shown beside its field."""
    kind, order_id = request.form.get("kind", ""), request.form.get("order", "")
    if kind not in forms.FORMS:
        raise NotFound(what=kind)
    goods = forms.given_goods(request.form)
    keys = vault()
    try:
        read = forms.read(kind, request.form, goods, is_change=request.form.get("change") == "1")
    except BadDocument as refusal:
        return _document_page(kind, _seen(order_id), request.form, goods, refusal), 422

    def act(session: Session) -> dict[str, Any]:
        (taken,) = forms.TAKES[kind](session, keys, [read])
        found = queries.orders(session, order_no=read.order_no, limit=1)
        return {"outcome": taken.outcome, "reason": taken.reason, "order_id": found[0]["id"] if found else None}

    body = do_and_say({name: value for name, value in request.form.items() if name != "csrf_token"}, act)
    if body is None:
        return redirect(url_for("desk_retail_work.document_form", kind=kind))
    words = OUTCOMES[body["outcome"]]
    said = localised(body["reason"], {}) if body["reason"] else _(words)
    title = forms.TITLES[kind]
    flash(_("%(document)s: %(outcome)s.", document=_(title), outcome=said),
          "ok" if body["outcome"] in ("taken", "amended", "repeated") else "warn")  # fmt: skip
    if body["order_id"] is None:
        return redirect(url_for("desk_retail.orders"))
    return redirect(url_for("desk_retail_work.order", order_id=body["order_id"]))


def _document_page(
    kind: str, seen: order_view.OrderView | None, given: Mapping[str, str] | None,
    goods: list[dict[str, str]] | None, refusal: BadDocument | None,
) -> str:  # fmt: skip
    if kind not in forms.FORMS:
        raise NotFound(what=kind)
    error = None
    if refusal is not None:
        error = {"field": (refusal.field or "").removeprefix("head."), "said": _said(refusal)}
    stands = {"order": True, "payment": seen is not None and seen.payment is not None,
              "waybill": seen is not None and seen.waybill is not None}[kind]  # fmt: skip
    change = given.get("change") if given is not None else "1" if seen is not None and stands else "0"
    return render_template(
        "retail/document.html", kind=kind, titles=forms.TITLES, fields=forms.FORMS[kind], goods_fields=forms.GOODS,
        values=given if given is not None else forms.filled(kind, seen), seen=seen, change=change, error=error,
        goods=[*goods, *({} for _n in range(max(1, forms.LINES - len(goods))))] if goods else forms.goods_of(seen),
    )  # fmt: skip


def _seen(order_id: str) -> order_view.OrderView | None:
    if not order_id.isdecimal() or len(order_id) > 18:
        return None
    keys = vault()
    with unit_of_work() as session:
        seen = order_view.view(session, keys, int(order_id))
        session.expunge_all()
    return seen


@bp.post("/retail-orders/file")
@policy("declarant")
def upload() -> AnyResponse:
    """Take a message as a file: kept, read and matched as if it had come over the line."""
    given = request.files.get("file")
    raw = given.stream.read(MOST_BYTES + 1) if given is not None else b""
    name = (given.filename or "")[:120] if given is not None else ""
    if not raw or len(raw) > MOST_BYTES:
        flash(_("Choose a message of customs (XML) of at most %(most)s MB.", most=MOST_BYTES // 1_000_000), "error")
        return redirect(url_for("desk_retail_work.document_form"))

    def act(session: Session) -> dict[str, Any]:
        taken = post_office.take(session, raw, name)
        if taken.state == "taken":
            post_office.take_up_again(session)
        return {"id": taken.id, "state": taken.state}

    body = do_and_say({"name": name, "size": len(raw), "digest": hashlib.sha256(raw).hexdigest()}, act)
    if body is None:
        return redirect(url_for("desk_retail_work.document_form"))
    return redirect(url_for("desk_customs_messages.show", message_id=body["id"]))


@bp.get("/declarations/new")
@policy("declarant")
def terms_form() -> AnyResponse | str:
    """The terms under which chosen orders are declared: as last time, to be changed."""
    if not request.args.getlist("order"):
        flash(_("Choose at least one order."), "error")
        return redirect(url_for("desk_retail.orders", match="agrees"))
    with unit_of_work() as session:
        return _terms_page(session, request.args.getlist("order"), None, None)


@bp.post("/declarations/new")
@policy("declarant")
def draw_up() -> AnyResponse | str | tuple[str, int]:
    """Draw up the declarations of chosen orders and, where asked, declare them; each answer stands with its order.

    The signed message is queued in the same transaction.
    """
    chosen, keys = request.form.getlist("order"), vault()
    terms = Terms("I", **{name: request.form.get(name, "").strip() for name in TERM_WORDS})
    with_declaring = request.form.get("deed") == "declare"

    def act(session: Session) -> dict[str, Any]:
        rows = _orders(session, chosen)
        drawn = declaring.draw_up(session, rows, terms, datetime.now(BEIJING).date())
        answers = [_drawn(session, one) for one in drawn]
        if with_declaring:
            ids = [one.declaration_id for one in drawn if one.declaration_id is not None]
            _declare(session, keys, ids, [one for one in answers if one["number"]])
        return {"answers": answers}

    content = {"orders": chosen, "terms": asdict(terms), "declare": with_declaring}
    body, problem = do_once(content, act)
    if problem is not None:
        error = {"field": problem.get("field") or "", "said": problem["detail"]}
        with unit_of_work() as session:
            return _terms_page(session, chosen, request.form, error), 422
    return render_template("retail/answers.html", answers=body["answers"])


def _terms_page(
    session: Session, chosen: list[str], given: Mapping[str, str] | None, error: Mapping[str, str] | None
) -> str:
    rows = _orders(session, chosen)
    last = queries.last_head(session)
    values = given if given is not None else {name: str(last.get(name, "")) for name in TERM_WORDS}
    return render_template(
        "retail/terms.html", orders=rows, values=values, words=TERM_WORDS, zone=ZONE_TERMS, direct=DIRECT_TERMS,
        error=error, is_first=not last,
    )  # fmt: skip


def _orders(session: Session, chosen: list[str]) -> list[RetailOrder]:
    ids = [int(one) for one in chosen[:MOST] if one.isdecimal() and len(one) < 19]
    if not ids:
        raise InvalidField(field="order", name=_("Order"), rule=_("choose at least one order"))
    found = [session.get(RetailOrder, one) for one in dict.fromkeys(ids)]
    rows = [row for row in found if row is not None]
    if len(rows) < len(found):
        raise NotFound(what=", ".join(chosen[:MOST]))
    return rows


def _drawn(session: Session, one: declaring.Drawn) -> dict[str, Any]:
    if one.refusal is not None:
        return {"order_no": one.order_no, "number": None, "state": "refused", "said": _said(one.refusal)}
    number = queries.number_of(session, one.declaration_id or 0)
    return {"order_no": one.order_no, "number": number, "state": "draft", "said": ""}


def _declare(session: Session, keys: Any, ids: list[int], answers: list[dict[str, Any]]) -> None:
    refused = parcel_mail.declare(session, keys, ids, datetime.now(UTC), customs_desk())
    for answer, refusal in zip(answers, refused, strict=True):
        if refusal is None:
            answer["state"] = "declared"
        else:
            answer["said"] = _said(refusal)


@bp.post("/declarations/declare")
@policy("declarant")
def declare() -> AnyResponse | str:
    """Declare chosen drafts, and again those that customs sent back; each answer stands with its number."""
    numbers, keys = list(dict.fromkeys(request.form.getlist("number")))[:MOST], vault()

    def act(session: Session) -> dict[str, Any]:
        rows = [queries.declaration(session, number) for number in numbers]
        answers = [{"order_no": row.order_no, "number": row.cop_no, "state": row.state, "said": ""} for row in rows]
        _declare(session, keys, [row.id for row in rows], answers)
        return {"answers": answers}

    if not numbers:
        flash(_("Choose at least one declaration."), "error")
        return redirect(url_for("desk_retail.declarations"))
    body = do_and_say({"numbers": numbers}, act)
    if body is None:
        return redirect(url_for("desk_retail.declarations"))
    return render_template("retail/answers.html", answers=body["answers"])


@bp.post("/declarations/<number>/returns")
@policy("declarant", subject="parcel_declaration")
def take_back(number: str) -> AnyResponse:
    """Apply for the return of goods of a released parcel."""
    reason = request.form.get("reason", "").strip()[:1000]
    given = {name[4:]: value.strip() for name, value in request.form.items() if name.startswith("qty-")}
    keys, desk = vault(), customs_desk()

    def act(session: Session) -> dict[str, Any]:
        row = queries.declaration(session, number)
        lines = [
            ReturnLine(line["line_no"], line["gcode"], qty)
            for line in queries.whole(session, row)["lines"]
            if (qty := _qty(given.get(str(line["line_no"]), ""))) > 0
        ]
        if not lines or not reason:
            raise InvalidField(
                field="qty" if reason else "reason", name=_("Quantity") if reason else _("Reason"),
                rule=_("must be given"),
            )  # fmt: skip
        # How an export comes back is told over the API; a return of one that is entered here is told by hand.
        by = desk if row.direction == "I" else Desk(is_by_hand=True)
        return {"id": request_mail.ask_to_return(session, keys, row.id, lines, reason, datetime.now(UTC), by).id}

    if do_and_say({"number": number, "reason": reason, "lines": given}, act) is not None:
        flash(_("The return is asked for. Customs answers it; then tell when the goods are back."), "ok")
    return redirect(url_for("desk_retail.show", number=number))


def _qty(text: str) -> Decimal:
    try:
        qty = Decimal(text or "0")
    except InvalidOperation:
        qty = Decimal("NaN")
    if not qty.is_finite() or qty < 0 or qty > 10**9:
        raise InvalidField(field="qty", name=_("Quantity"), rule=_("must be a number above 0"))
    return qty


@bp.post("/parcel-returns/<int:request_id>/back")
@policy("declarant", "customs_officer", subject="parcel_return")
def back(request_id: int) -> AnyResponse:
    """The goods of an approved return are back: tax and quota are restored."""
    area = request.form.get("area", "").strip()[:30]

    def act(session: Session) -> dict[str, Any]:
        requests.goods_back(session, request_id, area, datetime.now(UTC))
        return {}

    if do_and_say({"request": request_id, "area": area}, act) is not None:
        flash(_("The goods are back; tax and quota are restored."), "ok")
    with unit_of_work() as session:
        asked = session.get(ParcelRequest, request_id)
        number = queries.number_of(session, asked.declaration_id) if asked is not None else None
    return redirect(url_for("desk_retail.show", number=number) if number else url_for("desk_retail.declarations"))


def _said(refusal: WmsError) -> str:
    words = {name: localised(value, {}) if isinstance(value, str) else value for name, value in refusal.values.items()}
    return localised(refusal.text, words)


def _works() -> bool:
    who = current_identity()
    return who is not None and who.sees_all and "declarant" in who.roles
