"""The yard on pages: who is here, who is expected, a visit step by step, the blacklist, and booking a slot."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.api.gates import officer_id
from web.api.lookups import id_of
from web.api.schemas import FIRST_AT, LAST_AT
from web.api.yard import BOOKERS, HANDS, company_for
from web.auth.policy import READERS, policy
from web.context import current_scope, settings, unit_of_work
from web.live import WATCHERS
from web.pages.deeds import refusal_of
from web.pages.gate_words import NAMES
from wms.errors import N_, InvalidField
from wms.gate.queries import yard as queries
from wms.gate.rules.yard import UnknownVisit
from wms.gate.service.blacklisting import put_on_blacklist, take_off_blacklist
from wms.gate.service.booking import BookSlot, book, cancel
from wms.gate.service.visiting import announce_arrival, move_on, turn_away
from wms.parties.tables import Site
from wms.watch import queries as watch

bp = Blueprint("yard", __name__)
SHOWN, A_DAY = 100, 5_000  # entries of a page; more vehicles than a day can bring
MOST_DAYS = 60

VISITS = {
    "queued": ("warn", N_("waits outside")),
    "inside": ("ok", N_("inside")),
    "left": ("none", N_("has left")),
    "gone": ("none", N_("gone without coming in")),
}
STEPS = {
    "queue": N_("Waiting outside"),
    "lane_in": N_("In the lane, on the way in"),
    "parking": N_("Inside, parked"),
    "dock": N_("At a dock"),
    "inspection": N_("Inspection area"),
    "lane_out": N_("In the lane, on the way out"),
}
APPOINTMENTS = {
    "booked": ("lake", N_("expected")),
    "arrived": ("ok", N_("arrived")),
    "cancelled": ("none", N_("cancelled")),
    "no_show": ("stop", N_("did not come")),
}
PURPOSES = {"deliver": N_("brings goods"), "collect": N_("fetches goods"), "both": N_("brings and fetches")}
BY_HAND = ("parking", "dock", "inspection")


def span(seconds: int | None) -> str:
    """A length of time in hours and minutes."""
    if seconds is None:
        return "–"
    hours, minutes = divmod(max(seconds, 0) // 60, 60)
    if hours:
        return str(_("%(hours)s h %(minutes)s min", hours=hours, minutes=f"{minutes:02d}"))
    return str(_("%(minutes)s min", minutes=minutes))


def slot_words(from_at: datetime, until_at: datetime) -> str:
    """A slot by the clock of the house: the day, and from when to when."""
    zone = ZoneInfo(settings().time_zone)
    return f"{from_at.astimezone(zone):%Y-%m-%d %H:%M}–{until_at.astimezone(zone):%H:%M}"


def _render(template: str, **given: Any) -> str:
    return render_template(
        template, **NAMES, VISITS=VISITS, STEPS=STEPS, APPOINTMENTS=APPOINTMENTS, PURPOSES=PURPOSES, BY_HAND=BY_HAND,
        span=span, slot_words=slot_words, **given,
    )  # fmt: skip


def _form(*names: str) -> dict[str, str]:
    return {name: request.form.get(name, "").strip()[:500] for name in names}


def _today(zone: str = "Asia/Shanghai") -> tuple[datetime, datetime]:
    begins = datetime.now(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return begins, begins + timedelta(days=1)


# -- the yard now ----------------------------------------------------------------------------------------------------


def _now(session: Session) -> dict[str, Any]:
    begins, ends = _today()
    return {
        "visits": queries.visits(session, datetime.now(UTC), limit=A_DAY),
        "expected": queries.expected(session, begins, ends),
        "appointments": sorted(
            queries.appointments(session, from_at=begins, until_at=ends, limit=A_DAY),
            key=lambda row: (row.from_at, row.id),
        ),
        "last_note": watch.last_note_id(session),
    }


def _index(form: Mapping[str, str], problem: dict[str, Any] | None) -> str:
    with unit_of_work() as session:
        sites = session.scalars(select(Site).order_by(Site.code)).all()
        return _render("gate/yard.html", **_now(session), sites=sites, form=form, problem=problem)


@bp.get("/gate/yard")
@policy(*WATCHERS, "clerk")
def index() -> str:
    """Vehicles that are here, and those that are expected today."""
    return _index({}, None)


@bp.get("/gate/yard/now")
@policy(*WATCHERS, "clerk")
def now() -> str:
    """The parts of the page that change, for scripts to put in place."""
    with unit_of_work() as session:
        return _render("gate/yard_now.html", **_now(session))


@bp.post("/gate/yard")
@policy(*HANDS)
def arrive() -> AnyResponse | tuple[str, int]:
    """A vehicle has come to the gate."""
    form, at, person_id = _form("site", "plate"), datetime.now(UTC), current_scope().person_id

    def act(session: Session) -> Mapping[str, Any]:
        site_id = id_of(session, Site, form["site"])
        return {"id": announce_arrival(session, site_id, form["plate"], person_id=person_id, at=at).id}

    problem = refusal_of(form, act, _("The vehicle is announced."))
    return (_index(form, problem), int(problem["status"])) if problem else redirect(url_for("yard.index"))


@bp.get("/gate/visits/<int:visit_id>")
@policy(*WATCHERS, "clerk")
def visit(visit_id: int) -> str:
    """A visit step by step."""
    return _visit(visit_id, None)


def _visit(visit_id: int, problem: dict[str, Any] | None) -> str:
    with unit_of_work() as session:
        row = queries.visit(session, visit_id, datetime.now(UTC))
        if row is None:
            raise UnknownVisit(visit_id=visit_id)
        return _render("gate/visit.html", it=row, problem=problem, form=request.form)


@bp.post("/gate/visits/<int:visit_id>")
@policy(*HANDS)
def move(visit_id: int) -> AnyResponse | tuple[str, int]:
    """Say where the vehicle is now, or that it has gone (``kind`` gone)."""
    form, at, person_id = _form("kind", "place"), datetime.now(UTC), current_scope().person_id

    def act(session: Session) -> Mapping[str, Any]:
        if form["kind"] == "gone":
            return {"id": turn_away(session, visit_id, at=at).id}
        if form["kind"] not in BY_HAND:
            raise InvalidField(field="kind", name=N_("Where it is now"), rule=N_("must be given"))
        place = form["place"][:40]
        return {"id": move_on(session, visit_id, form["kind"], place, person_id=person_id, at=at).id}

    problem = refusal_of(form, act, _("The visit is up to date."))
    if problem is not None:
        return _visit(visit_id, problem), int(problem["status"])
    return redirect(url_for("yard.visit", visit_id=visit_id))


# -- the blacklist ---------------------------------------------------------------------------------------------------


def _blacklist(form: Mapping[str, str], problem: dict[str, Any] | None) -> str:
    with unit_of_work() as session:
        after = request.args.get("after", 0, int)
        rows = queries.blacklist(session, datetime.now(UTC), only_living=False, after=after, limit=SHOWN + 1)
        return _render(
            "gate/blacklist.html", rows=rows[:SHOWN], has_more=len(rows) > SHOWN, form=form, problem=problem,
            at=datetime.now(UTC),
        )  # fmt: skip


@bp.get("/gate/blacklist")
@policy(*WATCHERS)
def blacklist() -> str:
    """Plates that must not pass, and those that once were on the list."""
    return _blacklist({}, None)


@bp.post("/gate/blacklist")
@policy("customs_officer")
def change_blacklist() -> AnyResponse | tuple[str, int]:
    """Put a plate on the list, or end an entry (``entry_id``)."""
    form, at = _form("plate", "reason", "entry_id"), datetime.now(UTC)
    entry = form["entry_id"]

    def act(session: Session) -> Mapping[str, Any]:
        officer = officer_id()
        if entry:
            entry_id = int(entry) if entry.isdecimal() and len(entry) < 19 else 0
            row = take_off_blacklist(session, entry_id, reason=form["reason"], person_id=officer, at=at)
        else:
            row = put_on_blacklist(session, form["plate"], reason=form["reason"], person_id=officer, at=at)
        return {"id": row.id}

    problem = refusal_of(form, act, _("The blacklist is changed."))
    return (_blacklist(form, problem), int(problem["status"])) if problem else redirect(url_for("yard.blacklist"))


# -- appointments ----------------------------------------------------------------------------------------------------


def _booking(form: Mapping[str, str], problem: dict[str, Any] | None) -> str:
    asked = request.args.get("site", "").strip()[:80]
    with unit_of_work() as session:
        sites = session.scalars(select(Site).where(Site.kind == "bonded").order_by(Site.code)).all()
        site = next((one for one in sites if one.code == (form.get("site") or asked)), sites[0] if sites else None)
        day = _day(site.time_zone if site else "Asia/Shanghai")
        slots = queries.free_slots(session, site, day) if site else []
        begins = day.replace(hour=0, minute=0)
        rows = queries.appointments(session, from_at=begins, until_at=begins + timedelta(days=1), limit=A_DAY)
        return _render(
            "gate/appointments.html", sites=sites, site=site, day=day.date(), slots=slots, form=form, problem=problem,
            rows=sorted(rows, key=lambda row: (row.from_at, row.id)), at=datetime.now(UTC),
        )  # fmt: skip


def _day(zone: str) -> datetime:
    """The day that the address asks for, at noon there; today where it asks for none."""
    said = request.args.get("day", "")
    today = datetime.now(ZoneInfo(zone)).replace(hour=12, minute=0, second=0, microsecond=0)
    try:
        asked = datetime.fromisoformat(said[:10]).replace(hour=12, tzinfo=ZoneInfo(zone))
    except ValueError:
        return today
    return asked if abs((asked - today).days) <= MOST_DAYS else today


@bp.get("/desk/appointments")
@policy(*READERS, firms=True)
def appointments() -> str:
    """Slots of a day with their places, and the appointments that the caller may see."""
    return _booking({}, None)


@bp.post("/desk/appointments")
@policy(*BOOKERS, firms=True)
def new_appointment() -> AnyResponse | tuple[str, int]:
    """Book a slot, or cancel an appointment (``appointment_id``)."""
    form = _form("site", "from_at", "plate", "purpose", "reference", "appointment_id", "reason")
    at, person_id = datetime.now(UTC), current_scope().person_id

    def act(session: Session) -> Mapping[str, Any]:
        asked = form["appointment_id"]
        if asked:
            appointment_id = int(asked) if asked.isdecimal() and len(asked) < 19 else 0
            return {"id": cancel(session, appointment_id, reason=form["reason"], at=at).id}
        site_id = id_of(session, Site, form["site"])
        command = BookSlot(
            company_for(session, None), site_id, form["plate"], _purpose(form["purpose"]), _instant(form["from_at"]),
            at, person_id, form["reference"][:80],
        )  # fmt: skip
        return {"id": book(session, command).id}

    problem = refusal_of(form, act, _("The appointment is recorded."))
    if problem is not None:
        return _booking(form, problem), int(problem["status"])
    return redirect(url_for("yard.appointments", site=form["site"] or None, day=form["from_at"][:10] or None))


def _purpose(said: str) -> str:
    if said not in PURPOSES:
        raise InvalidField(field="purpose", name=N_("What for"), rule=N_("must be given"))
    return said


def _instant(said: str) -> datetime:
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not FIRST_AT <= at < LAST_AT:
        raise InvalidField(field="from_at", name=N_("Time slot"), rule=N_("must be given"))
    return at
