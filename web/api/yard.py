"""The yard by API: appointments in slots, visits with their steps, expected against arrived, the blacklist."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from web.api.gates import officer_id
from web.api.idempotency import write
from web.api.lookups import id_of
from web.api.paging import page_of
from web.api.schemas import Body, Code, Instant, Page, Query
from web.auth.policy import READERS, policy
from web.context import current_scope, unit_of_work
from web.live import WATCHERS
from wms.errors import N_, InvalidField
from wms.gate.queries import yard as queries
from wms.gate.rules.yard import UnknownAppointment, UnknownVisit
from wms.gate.service.blacklisting import put_on_blacklist, take_off_blacklist
from wms.gate.service.booking import BookSlot, book, cancel
from wms.gate.service.visiting import announce_arrival, move_on, turn_away
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_yard", __name__, url_prefix="/api/v1/yard", tag="Yard")

HANDS = ("clerk", "supervisor", "customs_officer")
BOOKERS = ("clerk", "supervisor", "planner", "declarant")
Plate = Annotated[str, Field(min_length=1, max_length=20, examples=["湘F12345"])]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class AppointmentBody(Body):
    """A vehicle for a slot. ``company`` is needed of the house's own people; a firm books for itself."""

    site: Code = Field(examples=["CLJ"])
    plate: Plate
    purpose: Literal["deliver", "collect", "both"]
    from_at: Instant = Field(description="when the slot begins", examples=["2026-11-27T09:00:00+08:00"])
    company: Code | None = None
    reference: Annotated[str, Field(max_length=80)] | None = None


class AppointmentQuery(Page):
    """Filters of the list of appointments: slots that begin in a span, a state."""

    from_at: Instant | None = None
    until_at: Instant | None = None
    state: Literal["booked", "arrived", "cancelled", "no_show"] | None = None


class SlotQuery(Query):
    """Whose slots, and of which day (any instant of it; today where none is given)."""

    site: Code
    at: Instant | None = None


class YardReasonBody(Body):
    """Why."""

    reason: Reason


class ArrivalBody(Body):
    """A vehicle that has come to the gate and waits."""

    site: Code = Field(examples=["CLJ"])
    plate: Plate


class StepBody(Body):
    """Where the vehicle is now."""

    kind: Literal["queue", "parking", "dock", "inspection"]
    place: Annotated[str, Field(max_length=40)] = ""


class VisitQuery(Page):
    """Filters of the list of visits."""

    state: Literal["queued", "inside", "left", "gone"] | None = None
    plate: str | None = None


class DayQuery(Query):
    """The span that is looked at."""

    from_at: Instant
    until_at: Instant


class BlacklistBody(Body):
    """A plate that must not pass, why, and until when (for good where no end is given)."""

    plate: Plate
    reason: Reason
    until_at: Instant | None = None


def company_for(session: Session, code: str | None) -> int:
    """For whom an appointment is made: a firm's people always for their own firm. Raises NotFound, InvalidField."""
    scope = current_scope()
    if code is not None and scope.sees_all:
        return id_of(session, Company, code)
    if scope.company_id is None:
        raise InvalidField(field="company", name=N_("Company"), rule=N_("must be given"))
    return scope.company_id


def appointment_body(session: Session, appointment_id: int) -> Mapping[str, Any]:
    """An appointment as an answer. Raises UnknownAppointment."""
    row = queries.appointment(session, appointment_id)
    if row is None:
        raise UnknownAppointment(appointment_id=appointment_id)
    return asdict(row)


@bp.get("/slots")
@policy(*READERS, firms=True)
@bp.input(SlotQuery, location="query", arg_name="query")
def slots(query: SlotQuery) -> Response:
    """The slots of a day with their places."""
    with unit_of_work() as session:
        site = session.get_one(Site, id_of(session, Site, query.site))
        day = (query.at or datetime.now(UTC)).astimezone(ZoneInfo(site.time_zone))
        return jsonify([asdict(row) for row in queries.free_slots(session, site, day)])


@bp.get("/appointments")
@policy(*READERS, firms=True)
@bp.input(AppointmentQuery, location="query", arg_name="query")
def appointments(query: AppointmentQuery) -> Response:
    """Appointments in the order in which they were made; a firm sees its own."""
    asked = query.model_dump(include={"from_at", "until_at", "state", "after"})
    with unit_of_work() as session:
        rows = queries.appointments(session, limit=query.limit + 1, **asked)
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/appointments/<int:appointment_id>")
@policy(*READERS, firms=True, subject="appointment")
def appointment(appointment_id: int) -> Response:
    """One appointment."""
    with unit_of_work() as session:
        return jsonify(appointment_body(session, appointment_id))


@bp.post("/appointments")
@policy(*BOOKERS, firms=True)
@bp.input(AppointmentBody, arg_name="body")
def new_appointment(body: AppointmentBody) -> Response:
    """Book a slot for a vehicle; refused when the slot is full, over, or none of the site's."""
    at, person_id = datetime.now(UTC), current_scope().person_id

    def act(session: Session) -> Mapping[str, Any]:
        command = BookSlot(
            company_for(session, body.company), id_of(session, Site, body.site), body.plate, body.purpose, body.from_at,
            at, person_id, body.reference,
        )  # fmt: skip
        return appointment_body(session, book(session, command).id)

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/appointments/<int:appointment_id>/cancel")
@policy(*BOOKERS, firms=True, subject="appointment")
@bp.input(YardReasonBody, arg_name="body")
def cancel_appointment(appointment_id: int, body: YardReasonBody) -> Response:
    """Give the slot back."""
    at = datetime.now(UTC)

    def act(session: Session) -> Mapping[str, Any]:
        return appointment_body(session, cancel(session, appointment_id, reason=body.reason, at=at).id)

    return write(act, body.model_dump(mode="json"))


@bp.get("/visits")
@policy(*WATCHERS, "clerk")
@bp.input(VisitQuery, location="query", arg_name="query")
def visits(query: VisitQuery) -> Response:
    """Visits, the newest first: of vehicles that are here where no state is given."""
    states = (query.state,) if query.state else ("queued", "inside")
    with unit_of_work() as session:
        rows = queries.visits(
            session, datetime.now(UTC), states=states, after=query.after, limit=query.limit + 1, plate=query.plate
        )
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/visits/<int:visit_id>")
@policy(*WATCHERS, "clerk")
def visit(visit_id: int) -> Response:
    """A visit with every step, both weighings and how long it took."""
    with unit_of_work() as session:
        return jsonify(_visit_body(session, visit_id))


def _visit_body(session: Session, visit_id: int) -> Mapping[str, Any]:
    row = queries.visit(session, visit_id, datetime.now(UTC))
    if row is None:
        raise UnknownVisit(visit_id=visit_id)
    return asdict(row)


@bp.post("/visits")
@policy(*HANDS)
@bp.input(ArrivalBody, arg_name="body")
def arrive(body: ArrivalBody) -> Response:
    """A vehicle has come to the gate; its appointment is found by its plate."""
    at, person_id = datetime.now(UTC), current_scope().person_id

    def act(session: Session) -> Mapping[str, Any]:
        site_id = id_of(session, Site, body.site)
        return _visit_body(session, announce_arrival(session, site_id, body.plate, person_id=person_id, at=at).id)

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/visits/<int:visit_id>/steps")
@policy(*HANDS)
@bp.input(StepBody, arg_name="body")
def step(visit_id: int, body: StepBody) -> Response:
    """Say where the vehicle is now: at a dock, in the inspection area, parked, or waiting outside."""
    at, person_id = datetime.now(UTC), current_scope().person_id

    def act(session: Session) -> Mapping[str, Any]:
        move_on(session, visit_id, body.kind, body.place, person_id=person_id, at=at)
        return _visit_body(session, visit_id)

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/visits/<int:visit_id>/gone")
@policy(*HANDS)
def gone(visit_id: int) -> Response:
    """A vehicle that waited outside has gone without coming in."""
    at = datetime.now(UTC)

    def act(session: Session) -> Mapping[str, Any]:
        turn_away(session, visit_id, at=at)
        return _visit_body(session, visit_id)

    return write(act, {})


@bp.get("/expected")
@policy(*WATCHERS, "clerk")
@bp.input(DayQuery, location="query", arg_name="query")
def expected(query: DayQuery) -> Response:
    """How many were expected in a span, came, stayed away, and came without an appointment."""
    with unit_of_work() as session:
        return jsonify(asdict(queries.expected(session, query.from_at, query.until_at)))


@bp.get("/blacklist")
@policy(*WATCHERS)
@bp.input(Page, location="query", arg_name="query")
def blacklist(query: Page) -> Response:
    """Plates that must not pass now, the newest first."""
    with unit_of_work() as session:
        rows = queries.blacklist(session, datetime.now(UTC), after=query.after, limit=query.limit + 1)
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/blacklist")
@policy("customs_officer")
@bp.input(BlacklistBody, arg_name="body")
def add_to_blacklist(body: BlacklistBody) -> Response:
    """Put a plate on the blacklist with its reason."""
    at, officer = datetime.now(UTC), officer_id()

    def act(session: Session) -> Mapping[str, Any]:
        row = put_on_blacklist(
            session, body.plate, reason=body.reason, person_id=officer, at=at, until_at=body.until_at
        )
        return {"id": row.id, "plate": row.plate}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/blacklist/<int:entry_id>/end")
@policy("customs_officer")
@bp.input(YardReasonBody, arg_name="body")
def end_blacklisting(entry_id: int, body: YardReasonBody) -> Response:
    """Take a plate off the blacklist; the entry stays on record."""
    at, officer = datetime.now(UTC), officer_id()

    def act(session: Session) -> Mapping[str, Any]:
        row = take_off_blacklist(session, entry_id, reason=body.reason, person_id=officer, at=at)
        return {"id": row.id, "plate": row.plate}

    return write(act, body.model_dump(mode="json"))
