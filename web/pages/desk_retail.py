"""Retail parcels as the declarant sees them: what disagrees, what is declared, what customs said, who is behind it."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.auth.policy import READERS, policy
from web.context import current_identity, customs_desk, unit_of_work, vault
from web.i18n import localised
from web.pages.deeds import do_and_say
from wms.codes.persons import is_identity_card
from wms.customs.clock import BEIJING
from wms.customs.parcels import buyers, privacy, queries, request_mail
from wms.customs.parcels.rules.declaring import MATCH_WORDS
from wms.customs.parcels.rules.states import WORDS
from wms.customs.tables.parcels import DECLARATION_STATES, MATCHES, RetailOrder
from wms.errors import N_
from wms.parties.private import KeyLost, Vault

bp = Blueprint("desk_retail", __name__, url_prefix="/desk")
SHOWN = 100
OPENS = frozenset({"declarant", "customs_officer"})
DECLARABLE = ("draft", "returned", "rejected")
BILL_WORDS = {"1": N_("issued"), "2": N_("summed up"), "3": N_("void")}
BILL_CHIPS = {"1": "busy", "2": "ok", "3": "none"}
ASKED_WORDS = {
    "applied": N_("asked for"), "approved": N_("approved"), "refused": N_("refused"), "completed": N_("done"),
    "expired": N_("too late"),
}  # fmt: skip
ASKED_CHIPS = {"applied": "busy", "approved": "warn", "refused": "stop", "completed": "ok", "expired": "stop"}
NEXT = {
    "draft": N_("It is drawn up and not declared yet."),
    "declared": N_("It is declared; customs answers by itself."),
    "returned": N_("Customs sent it back. Read its words below, mend what is wrong and declare it again."),
    "rejected": N_("Customs refused it. Read its words below, mend what is wrong and declare it again."),
    "released": N_("Customs let it go: the parcel may leave on a pass."),
    "cleared": N_("It is cleared: nothing is left to do."),
    "detained": N_("Customs holds it. Nothing may move until customs says so."),
    "shipped_back": N_("Customs sends the goods back to where they came from."),
    "cancelled": N_("It was cancelled; the order can be declared anew."),
}
CHIPS = {
    "draft": "none", "declared": "busy", "returned": "warn", "rejected": "stop", "released": "ok", "cleared": "ok",
    "detained": "stop", "shipped_back": "stop", "cancelled": "none", "waiting": "busy", "differs": "stop",
    "agrees": "ok",
}  # fmt: skip


@bp.get("/retail-orders")
@policy(*READERS, firms=True)
def orders() -> str:
    """List orders with what their documents disagree in."""
    match = request.args.get("match", "")
    with unit_of_work() as session:
        rows = queries.orders(
            session, match=match if match in MATCHES else None, after=_after(), limit=SHOWN + 1,
            order_no=request.args.get("order_no", "").strip() or None, newest_first=True,
        )  # fmt: skip
        standing = queries.standing(session, [row["id"] for row in rows])
    return render_template(
        "retail/orders.html", standing=standing, states=WORDS, may_work=_declares(), rows=rows[:SHOWN],
        more=rows[SHOWN - 1]["id"] if len(rows) > SHOWN else None,
        match=match, words=MATCH_WORDS, chips=CHIPS, rule=lambda text: localised(text, {}), kept=_kept("match"),
        shown=shown,
    )  # fmt: skip


@bp.get("/declarations")
@policy(*READERS, firms=True)
def declarations() -> str:
    """List parcel declarations by state or order."""
    state = request.args.get("state", "")
    with unit_of_work() as session:
        rows = queries.declarations(
            session, state=state if state in DECLARATION_STATES else None,
            order_no=request.args.get("order_no", "").strip() or None, after=_after(), limit=SHOWN + 1,
            newest_first=True,
        )  # fmt: skip
    return render_template(
        "retail/declarations.html", rows=rows[:SHOWN], more=rows[SHOWN - 1]["id"] if len(rows) > SHOWN else None,
        state=state, words=WORDS, chips=CHIPS, kept=_kept("state"), may_work=_declares(), declarable=DECLARABLE,
    )  # fmt: skip


@bp.get("/declarations/<number>")
@policy(*READERS, firms=True, subject="parcel_declaration")
def show(number: str) -> str:
    """Show a declaration: state, tax lines, receipts, requests; people masked."""
    return _page(number, None)


@bp.post("/declarations/<number>/people")
@policy(*sorted(OPENS), subject="parcel_declaration", per_minute=30)
def people(number: str) -> str:
    """Show the page with its people open: for a reason that is recorded."""
    reason = request.form.get("reason", "")
    keys = vault()
    try:
        with unit_of_work() as session:
            order = session.get_one(RetailOrder, queries.declaration(session, number).order_id)
            shown = privacy.reveal(session, keys, order, reason, datetime.now(UTC))
    except privacy.ReasonNeeded as refusal:
        flash(localised(refusal.text, refusal.values), "error")
        return _page(number, None)
    return _page(number, shown)


@bp.post("/declarations/<number>/cancellation")
@policy("declarant", subject="parcel_declaration")
def cancel(number: str) -> AnyResponse:
    """Ask customs to cancel a declaration, by message."""
    keys, desk = vault(), customs_desk()
    content = {"number": number, "reason": request.form.get("reason", "").strip()[:1000]}

    def act(session: Session) -> dict[str, Any]:
        row = queries.declaration(session, number)
        asked = request_mail.ask_to_cancel(session, keys, row.id, content["reason"], datetime.now(UTC), desk)
        return {"state": asked.state}

    do_and_say(content, act, _("Cancellation is asked for."))
    return redirect(url_for("desk_retail.show", number=number))


@bp.get("/parcel-returns")
@policy(*READERS)
def returned() -> str:
    """What buyers sent back: asked for, approved, back in the zone, the newest first."""
    state = request.args.get("state", "")
    with unit_of_work() as session:
        rows = queries.requests(
            session, kind="return", state=state if state in ASKED_WORDS else None, before=_after(), limit=SHOWN + 1
        )
        return render_template(
            "retail/returns.html", rows=rows[:SHOWN], more=_more(rows, "asked"), state=state, words=ASKED_WORDS,
            chips=ASKED_CHIPS, kept=_kept("state"),
        )  # fmt: skip


@bp.get("/tax-bills")
@policy(*READERS)
def bills() -> str:
    """Customs' tax bills of parcels, and where they are not what was worked out here."""
    status = request.args.get("status", "")
    with unit_of_work() as session:
        rows = queries.bills(
            session, status=status if status in BILL_WORDS else None, before=_after(), limit=SHOWN + 1
        )
        return render_template(
            "retail/bills.html", rows=rows[:SHOWN], more=_more(rows, "bill"), status=status, words=BILL_WORDS,
            chips=BILL_CHIPS, kept=_kept("status"),
        )  # fmt: skip


def shown(value: str) -> str:
    """A value that disagrees; amounts as people write them, with two places where that is all."""
    whole, point, places = value.partition(".")
    if not point or not whole.isdecimal() or not places.isdecimal():
        return value
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def _more(rows: list[dict[str, Any]], name: str) -> int | None:
    return rows[SHOWN - 1][name].id if len(rows) > SHOWN else None


@bp.get("/quota")
@policy(*sorted(OPENS))
def quota() -> str:
    """What a buyer may still buy this year: asked by identity number, which no address holds."""
    return render_template("retail/quota.html", found=None, id_number="", error="")


@bp.post("/quota")
@policy(*sorted(OPENS), per_minute=30)
def ask_quota() -> str | tuple[str, int]:
    """Tell what the buyer with an identity number has used of the limit of this year."""
    number = request.form.get("id_number", "").strip().upper()
    if not is_identity_card(number):
        error = _("This is no identity number: it has 18 characters, and the last one checks the others.")
        return render_template("retail/quota.html", found=None, id_number=number[:30], error=error), 422
    keys, on = vault(), datetime.now(BEIJING).date()
    with unit_of_work() as session:
        found = buyers.year_of(session, keys, number, on)
    return render_template("retail/quota.html", found=found, id_number="", error="")


def _declares() -> bool:
    who = current_identity()
    return who is not None and who.sees_all and "declarant" in who.roles


def _page(number: str, shown: privacy.People | None) -> str:
    keys = vault()
    with unit_of_work() as session:
        row = queries.declaration(session, number)
        whole = queries.whole(session, row)
        order = session.get(RetailOrder, row.order_id)
        who = shown or _masked(session, keys, order)
        bills = queries.bills_of(session, row.id)
        session.expunge_all()
    caller = current_identity()
    may = caller is not None and caller.sees_all and bool(OPENS & caller.roles)
    return render_template(
        "retail/declaration.html", row=whole, people=who, is_open=shown is not None, may_open=may, words=WORDS,
        chips=CHIPS, may_cancel=_declares() and row.state not in ("cancelled", "cleared", "shipped_back"),
        rule=lambda text: localised(text, {}), bills=bills, bill_words=BILL_WORDS, bill_chips=BILL_CHIPS, next=NEXT,
        asked_words=ASKED_WORDS, asked_chips=ASKED_CHIPS, may_declare=_declares() and row.state in DECLARABLE,
        may_return=_declares() and row.direction == "I" and row.state in ("released", "cleared"),
        order_id=row.order_id,
    )  # fmt: skip


def _masked(session: Session, keys: Vault, order: RetailOrder | None) -> privacy.People | None:
    """The people of an order, masked; None where their key is gone: the rest of the page is still of use."""
    try:
        return privacy.masked(session, keys, order) if order is not None else None
    except KeyLost:
        return None


def _after() -> int:
    after = request.args.get("after", "0")
    return int(after) if after.isdecimal() and len(after) < 19 else 0


def _kept(*names: str) -> dict[str, str]:
    return {name: value for name, value in request.args.items() if name in {*names, "order_no"}}
