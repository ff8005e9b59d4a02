"""Customs' documents of bonded goods, to be read by everybody: lists, passes, filings, slips."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.i18n import localised
from wms.customs import document_queries as documents
from wms.customs import list_queries, modes, rules
from wms.customs.filing_rules import KIND_WORDS
from wms.customs.tables import VerificationList
from wms.customs.tables.kinds import FILING_STATES, LIST_STATES, PASS_STATES
from wms.errors import N_, WmsError

bp = Blueprint("desk_bonded", __name__, url_prefix="/desk")
SHOWN = 50
LIST_TYPES = {
    "0": N_("ordinary"), "1": N_("declared together"), "3": N_("into the zone first, declared afterwards"),
    "4": N_("simple processing"), "5": N_("display and sale"), "6": N_("handed over inside the zone"),
    "7": N_("zone and port together"), "8": N_("retail parcels"), "9": N_("sold inland"),
}  # fmt: skip
PASS_TYPES = {
    "1": N_("into the zone first, declared afterwards"), "2": N_("first line, in one step"), "3": N_("second line"),
    "4": N_("without a declaration"), "5": N_("registered at the gate"), "6": N_("empty vehicle"),
}  # fmt: skip
BIND_TYPES = {
    "1": N_("one vehicle, many documents"), "2": N_("one document, one vehicle"),
    "3": N_("one document, many vehicles"),
}  # fmt: skip
DOCUMENT_KINDS = {"1": N_("verification list"), "2": N_("movement slip"), "3": N_("bill of lading")}
CHIPS = {
    "draft": "none", "declared": "busy", "pre_deducted": "lake", "booked": "ok", "written_off": "ok",
    "returned": "warn", "deleted": "none", "applied": "busy", "approved": "lake", "passed_first": "lake",
    "passed": "ok", "void": "none", "ended": "none", "refused": "stop", "collected": "ok", "requested": "busy",
}  # fmt: skip
FILING_WORDS = {
    "declared": N_("declared"), "approved": N_("approved"), "ended": N_("ended"), "refused": N_("refused by customs")
}  # fmt: skip
WAITS = {
    "draft": N_("It is drawn up and not declared yet."),
    "declared": N_("It is declared; customs has not answered yet."),
    "returned": N_("Customs sent it back: mend it and declare it again, or delete it."),
    "booked": N_("It is booked in the account book."),
    "written_off": N_("It was written off with its period."),
    "deleted": N_("It was deleted."),
}


@bp.get("/verification-lists")
@policy(*READERS, firms=True)
def lists() -> str:
    """Verification lists, the newest first, by number, state or account book."""
    asked = _asked("number", "state", "book_no")
    with unit_of_work() as session:
        state = asked.get("state", "")
        rows = documents.lists(
            session, number=asked.get("number", ""), state=state if state in LIST_STATES else "",
            book_no=asked.get("book_no", ""), before=_before(), limit=SHOWN + 1,
        )  # fmt: skip
        return render_template(
            "bonded/lists.html", rows=rows[:SHOWN], more=_more(rows), asked=asked, states=LIST_STATES, chips=CHIPS,
            types=LIST_TYPES,
        )  # fmt: skip


@bp.get("/verification-lists/<number>")
@policy(*READERS, firms=True, subject="verification_list")
def one_list(number: str) -> str:
    """One list: its lines, how far its goods are, its passes, and what it still waits for."""
    with unit_of_work() as session:
        page = documents.list_page(session, number)
        return render_template(
            "bonded/list.html", page=page, row=page["row"], chips=CHIPS, types=LIST_TYPES,
            waits=_waits(session, page["row"]),
        )


def _waits(session: Session, row: VerificationList) -> str:
    """What has to happen before the list is booked, in words."""
    if row.state != "pre_deducted":
        return localised(WAITS[row.state], {})
    try:
        rules.check_booking(list_queries.facts(session, row.id))
    except WmsError as refusal:
        return localised(refusal.text, refusal.values)
    return localised(N_("Nothing is left to do: customs books it by itself."), {})


@bp.get("/gate-passes")
@policy(*READERS, firms=True)
def passes() -> str:
    """Gate passes, the newest first, by number, state or plate."""
    asked = _asked("number", "state", "plate")
    with unit_of_work() as session:
        state = asked.get("state", "")
        rows = documents.passes(
            session, number=asked.get("number", ""), state=state if state in PASS_STATES else "",
            plate=asked.get("plate", "").upper(), before=_before(), limit=SHOWN + 1,
        )  # fmt: skip
        return render_template(
            "bonded/passes.html", rows=rows[:SHOWN], more=_more(rows), asked=asked, states=PASS_STATES, chips=CHIPS,
            types=PASS_TYPES, now=datetime.now(UTC),
        )  # fmt: skip


@bp.get("/gate-passes/<number>")
@policy(*READERS, firms=True, subject="gate_pass")
def one_pass(number: str) -> str:
    """One pass: vehicle and weights, goods, documents behind it."""
    with unit_of_work() as session:
        page = documents.pass_page(session, number)
        return render_template(
            "bonded/pass.html", page=page, row=page["row"], chips=CHIPS, types=PASS_TYPES, binds=BIND_TYPES,
            kinds=DOCUMENT_KINDS,
        )  # fmt: skip


@bp.get("/filings")
@policy(*READERS, firms=True)
def filings() -> str:
    """Business filings, the newest first."""
    asked = _asked("number")
    with unit_of_work() as session:
        rows = documents.filings(session, number=asked.get("number", ""), before=_before(), limit=SHOWN + 1)
        return render_template(
            "bonded/filings.html", rows=rows[:SHOWN], more=_more(rows), asked=asked, chips=CHIPS, kinds=KIND_WORDS,
            words=FILING_WORDS, states=FILING_STATES, today=modes.beijing_day(datetime.now(UTC)),
        )  # fmt: skip


@bp.get("/filings/<number>")
@policy(*READERS, firms=True, subject="business_filing")
def one_filing(number: str) -> str:
    """One filing: what may move, what moved, guarantee and slips."""
    with unit_of_work() as session:
        page = documents.filing_page(session, number)
        return render_template(
            "bonded/filing.html", page=page, row=page["row"], chips=CHIPS, kinds=KIND_WORDS, words=FILING_WORDS
        )


@bp.get("/slips/<number>")
@policy(*READERS, firms=True, subject="movement_slip")
def one_slip(number: str) -> str:
    """One movement slip with its goods, and until when they are to be declared."""
    with unit_of_work() as session:
        page = documents.slip_page(session, number)
        return render_template("bonded/slip.html", page=page, row=page["slip"], filing=page["filing"], chips=CHIPS)


def _asked(*names: str) -> dict[str, str]:
    return {name: value for name in names if (value := request.args.get(name, "").strip()[:60])}


def _before() -> int:
    given = request.args.get("before", "0")
    return int(given) if given.isdecimal() and len(given) < 19 else 0


def _more(rows: list[dict[str, Any]]) -> int | None:
    return rows[SHOWN - 1]["row"].id if len(rows) > SHOWN else None
