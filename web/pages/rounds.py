"""Truck rounds: asked for from the books or a file, read, booked, cancelled; the driver's sheet; one's own share."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from routing.network import yueyang
from routing.rounds.desk import asking, booking, fleet, reading
from routing.rounds.desk.refusals import UnknownRounds
from routing.rounds.reading import HUB, MOST_BYTES
from routing.rounds.words import WEAK_PPM
from web import rounds_files, rounds_view
from web import rounds_words as words
from web.auth.policy import READERS, policy
from web.context import current_scope, planning_company, unit_of_work
from web.pages import plan_words
from web.pages.deeds import do_and_say, do_once
from web.pages.plan import may_plan
from wms.errors import N_, InvalidField

bp = Blueprint("rounds", __name__, url_prefix="/plan/rounds")
SECONDS = (10, 30, 60, 120)
FIELDS = ("hub", "day", "mode", "seconds", "name")
DEPOT_KINDS = {"port", "city", "rail", "airport"}


@bp.get("")
@policy(*READERS, firms=True)
def index() -> str:
    """The form that asks for rounds, and the rounds asked for so far."""
    return _index()


def _index(problem: Mapping[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        rows = reading.rounds_plans(session)
        trucks = [one for one in fleet.trucks(session, company_id=planning_company()) if one.withdrawn_at is None]
    names = plan_words.place_names(yueyang())
    homes = {one.depot for one in trucks}
    others = {one.code for one in yueyang().places if one.kind in DEPOT_KINDS and one.code.startswith("CN")} - homes
    tomorrow = (datetime.now(UTC).astimezone(fleet.BEIJING) + timedelta(days=1)).date()
    return render_template(
        "rounds/index.html", rows=rows, trucks=trucks, names=names, words=words, moment=plan_words.moment,
        gap=plan_words.gap, may_plan=may_plan(), problem=problem, form=request.form, seconds=SECONDS, hub=HUB,
        hubs=[(code, f"{names[code]} ({code})") for code in (*sorted(homes), *sorted(others))], tomorrow=tomorrow,
    )  # fmt: skip


@bp.post("")
@policy("planner", firms=True, per_minute=20)
def ask() -> AnyResponse | tuple[str, int]:
    """Ask for rounds: of what the books want driven, or of a file."""
    given = {name: request.form.get(name, "").strip()[:80] for name in FIELDS}
    stops, trucks = _file("stops"), _file("trucks")
    sums = {name: sha256(one[1]).hexdigest() if one else "" for name, one in (("stops", stops), ("trucks", trucks))}
    content = given | sums | {"upload": request.form.get("upload", "")}

    def act(session: Session) -> dict[str, Any]:
        wanted, now = _ask(given), datetime.now(UTC)
        if not request.form.get("upload"):
            return {"plan_id": asking.request_rounds(session, wanted, now)}
        name, text = stops or ("", b"")
        sheet = asking.text_of(trucks[1]) if trucks else None
        upload = asking.Upload(name, asking.text_of(text), sheet)
        return {"plan_id": asking.request_upload(session, wanted, upload, now)}

    body, problem = do_once(content, act)
    if problem is not None:
        return _index(problem), 422
    return redirect(url_for("rounds.show", plan_id=body["plan_id"]))


def _file(name: str) -> tuple[str, bytes] | None:
    given = request.files.get(name)
    if given is None or not given.filename:
        return None
    return given.filename[-80:], given.read(MOST_BYTES + 1)


def _ask(given: Mapping[str, str]) -> asking.Ask:
    """The request of the form. Raises InvalidField."""
    try:
        day = date.fromisoformat(given["day"])
    except ValueError:
        raise InvalidField(field="day", name=N_("Day"), rule=N_("must be a day like 2027-01-31")) from None
    if given["mode"] not in words.MODES:
        raise InvalidField(field="mode", name=N_("Way of delivery"), rule=", ".join(words.MODES))
    if given["seconds"] not in {str(one) for one in SECONDS}:
        raise InvalidField(field="seconds", name=N_("Time for planning"), rule=", ".join(map(str, SECONDS)))
    hub = yueyang().official(given["hub"])
    if hub not in {one.code for one in yueyang().places}:
        raise InvalidField(field="hub", name=N_("Hub"), rule=N_("is no place of the network"))
    return asking.Ask(
        hub, day, given["mode"], int(given["seconds"]), name=given["name"],  # type: ignore[arg-type]
        person_id=current_scope().person_id, company_id=planning_company(),
    )  # fmt: skip


@bp.get("/template.csv")
@policy(*READERS, firms=True)
def template() -> Response:
    """A sheet of stops to begin with."""
    return rounds_files.template()


@bp.get("/<int:plan_id>")
@policy(*READERS, firms=True, subject="rounds")
def show(plan_id: int) -> str:
    """Rounds: how far they are while they are made, then everything they say."""
    with unit_of_work() as session:
        row = reading.rounds_row(session, plan_id)
        whole = reading.whole_rounds(session, plan_id) if row.rounds is not None else None
    if whole is None:
        return render_template("rounds/waiting.html", row=row, words=words)
    found = rounds_view.report_of(whole)
    return render_template(
        "rounds/show.html", row=row, plan=whole.plan, found=found, words=words, moment=plan_words.moment,
        gap=plan_words.gap, weak_ppm=WEAK_PPM, chart=rounds_view.chart_view(whole), label=rounds_view.LABEL,
        span=rounds_view.SPAN, row_height=rounds_view.ROW, view=rounds_view.map_view(found, found.sheets),
        names=plan_words.place_names(yueyang()),
        may_accept=may_plan() and row.state == "solved", may_cancel=may_plan() and row.state == "accepted",
    )  # fmt: skip


@bp.get("/<int:plan_id>/progress")
@policy(*READERS, firms=True, subject="rounds")
def progress(plan_id: int) -> Response:
    """The fragment that a waiting page asks for; when the rounds are there, the page is told to load them."""
    with unit_of_work() as session:
        row = reading.rounds_row(session, plan_id)
    response = make_response(render_template("rounds/progress.html", row=row, words=words))
    if row.state not in {"queued", "running"}:
        response.headers["HX-Redirect"] = url_for("rounds.show", plan_id=plan_id)
    return response


@bp.get("/<int:plan_id>/sheets/<round_no>")
@policy(*READERS, firms=True, subject="rounds")
def sheet(plan_id: int, round_no: str) -> str:
    """The driver's sheet of one round, made for the hand."""
    with unit_of_work() as session:
        whole = reading.whole_rounds(session, plan_id)
    found = rounds_view.report_of(whole)
    one = found.sheet(round_no)
    return render_template(
        "rounds/sheet.html", row=whole.row, found=found, sheet=one, words=words, driven=whole.driven.get(round_no),
        view=rounds_view.map_view(found, [one]), may_cancel=may_plan(),
    )  # fmt: skip


@bp.post("/<int:plan_id>/acceptance")
@policy("planner", firms=True, subject="rounds")
def accept(plan_id: int) -> AnyResponse:
    """Book trucks and orders. Rounds that are out of date are refused with the reason."""

    def act(session: Session) -> dict[str, Any]:
        who, now = current_scope().person_id, datetime.now(UTC)
        return {"booked": booking.accept_rounds(session, plan_id, person_id=who, now=now)}

    return _deed(plan_id, {"deed": "acceptance"}, act, lambda n: _("%(count)s rounds are booked.", count=n["booked"]))


@bp.post("/<int:plan_id>/cancellation")
@policy("planner", firms=True, subject="rounds")
def cancel(plan_id: int) -> AnyResponse:
    """Cancel one booked round, or all of them, with a reason."""
    given = {"reason": request.form.get("reason", ""), "round_no": request.form.get("round_no", "")[:20]}

    def act(session: Session) -> dict[str, Any]:
        who, now = current_scope().person_id, datetime.now(UTC)
        done = booking.cancel_rounds(
            session, plan_id, given["reason"], round_no=given["round_no"] or None, person_id=who, now=now
        )
        return {"cancelled": done}

    return _deed(plan_id, given, act, lambda n: _("%(count)s rounds are cancelled.", count=n["cancelled"]))


def _deed(
    plan_id: int, content: Mapping[str, Any], act: Callable[[Session], dict[str, Any]],
    said: Callable[[dict[str, Any]], str],
) -> AnyResponse:  # fmt: skip
    body = do_and_say(content, act)
    if body is not None:
        flash(said(body), "ok")
    return redirect(url_for("rounds.show", plan_id=plan_id))


@bp.get("/<int:plan_id>/report.pdf")
@policy(*READERS, firms=True, subject="rounds")
def pdf(plan_id: int) -> Response:
    """The round sheets on paper."""
    return rounds_files.report_pdf(_report(plan_id))


@bp.get("/<int:plan_id>/report.xlsx")
@policy(*READERS, firms=True, subject="rounds")
def xlsx(plan_id: int) -> Response:
    """The round sheets as a spreadsheet."""
    return rounds_files.report_xlsx(_report(plan_id))


def _report(plan_id: int) -> rounds_view.RoundsReport:
    with unit_of_work() as session:
        return rounds_view.report_of(reading.whole_rounds(session, plan_id))


@bp.get("/<int:plan_id>/share")
@policy(*READERS, firms=True, subject="rounds_share")
def share(plan_id: int) -> str:
    """What rounds mean for the caller's own orders, whoever made them: truck, time, share, saving."""
    with unit_of_work() as session:
        rows = reading.own_orders(session, plan_id, company_id=planning_company())
    if not rows:
        raise UnknownRounds(plan_id=plan_id)
    return render_template(
        "rounds/share.html", rows=rows, plan_id=plan_id, words=words, moment=plan_words.moment,
        names=plan_words.place_names(yueyang()),
    )  # fmt: skip


@bp.get("/mine")
@policy(*READERS, firms=True)
def mine() -> str:
    """The rounds, whoever made them, that serve orders of the caller's company."""
    with unit_of_work() as session:
        rows = reading.latest_own(session, company_id=planning_company())
    return render_template("rounds/mine.html", rows=rows, words=words, moment=plan_words.moment,
                           names=plan_words.place_names(yueyang()))  # fmt: skip
