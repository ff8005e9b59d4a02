"""The cold chain: places and sensors, readings of loggers, breaches and their review, findings, histories."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.schemas import Body, Code, Instant, Page, Query, Text
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.downloads import csv_response
from wms.errors import NotFound
from wms.parties.tables import TEMPERATURE_CLASSES
from wms.stock.tables import HandlingUnit, Lot
from wms.watch.queries import histories
from wms.watch.queries import temperatures as queries
from wms.watch.rules.temperatures import BREACH_STATES, UnknownBreach, UnknownPlace
from wms.watch.service import cold_reviewing, temperatures
from wms.watch.service.cold_evaluating import evaluate

bp = APIBlueprint("api_temperatures", __name__, url_prefix="/api/v1", tag="Cold chain")
SETS_UP, DECIDES, BRINGS = ("supervisor",), ("supervisor",), ("clerk", "supervisor", "device")
MOST_ROWS = 5_000
Degrees = Annotated[int, Field(strict=True, ge=-273_150, le=1_000_000)]


class PlaceIn(Body):
    """A place with one temperature: a room, a zone, a reefer, a pallet with a logger."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site": "CLJ-F1", "code": "F01", "name_zh": "冷冻一室", "name_en": "Freezer 1",
                    "temperature_class": "frozen",
                }
            ]
        }
    )  # fmt: skip

    site: Code
    code: Code
    name_zh: Code
    name_en: Code
    temperature_class: Literal[TEMPERATURE_CLASSES]  # type: ignore[valid-type]


class MemberIn(Body):
    """What belongs to the place: one of a location (with all inside it), a zone of the site, a pallet."""

    location: Code | None = None
    zone: Code | None = None
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None
    from_at: Instant
    until_at: Instant | None = None


class SensorIn(Body):
    """A sensor that stands in the place; ``interval_s`` is how often it reads."""

    sensor: Code
    probe: Annotated[str, Field(max_length=80)] = ""
    interval_s: Annotated[int, Field(strict=True, ge=1, le=86_400)] = 300
    from_at: Instant
    until_at: Instant | None = None


class EndIn(Body):
    """Until when."""

    until_at: Instant


class ReadingIn(Body):
    """One reading, in thousandths of a degree Celsius; null where the probe gave none."""

    sensor: Code
    probe: Annotated[str, Field(max_length=80)] = ""
    event_at: Instant
    temperature_mdegc: Degrees | None
    humidity_mpct: Annotated[int, Field(strict=True, ge=0, le=100_000)] | None = None
    battery_pct: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None


class ReadingsIn(Body):
    """What a logger kept; sent again it changes nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"readings": [{"sensor": "TT-0042", "event_at": "2026-11-25T08:00:00Z", "temperature_mdegc": -18_500}]}
            ]
        }
    )

    readings: Annotated[list[ReadingIn], Field(min_length=1, max_length=MOST_ROWS)]


class ReviewIn(Body):
    """What becomes of the goods; ``apart`` names holds that are decided otherwise."""

    decision: Literal["good", "damaged"]
    reason: Text
    apart: dict[Annotated[str, Field(pattern=r"^[0-9]{1,18}$")], Literal["good", "damaged"]] = {}  # noqa: RUF012


class CauseIn(Body):
    """Why the history has a hole, in words."""

    cause: Text


class BreachQuery(Page):
    """Which breaches."""

    state: Literal[BREACH_STATES] | None = None  # type: ignore[valid-type]
    place: str | None = None
    open: bool = False


class FindingQuery(Page):
    """Which findings."""

    place: str | None = None
    open: bool = False


class HistoryQuery(Query):
    """``format=csv``: every reading as a file."""

    format: Literal["json", "csv"] = "json"


@bp.get("/temperature-places")
@policy(*READERS)
@bp.input(Page, location="query", arg_name="query")
def places(query: Page) -> Response:
    """List temperature places with what their sensors said last."""
    with unit_of_work() as session:
        rows = queries.places(session, after=query.after, limit=query.limit + 1)
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/temperature-places/<code>")
@policy(*READERS, subject="temperature_place")
def place(code: str) -> Response:
    """Show a place."""
    with unit_of_work() as session:
        rows = queries.places(session, code=code)
    if not rows:
        raise UnknownPlace(place=code)
    return jsonify(asdict(rows[0]))


@bp.post("/temperature-places")
@policy(*SETS_UP)
@bp.input(PlaceIn, arg_name="body")
def add_place(body: PlaceIn) -> Response:
    """File a place."""

    def act(session: Session) -> Mapping[str, Any]:
        made = temperatures.add_place(
            session,
            temperatures.NewPlace(body.site, body.code, body.name_zh, body.name_en, body.temperature_class),
        )
        return {"id": made.id, "code": made.code}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/temperature-places/<code>/members")
@policy(*SETS_UP, subject="temperature_place")
@bp.input(MemberIn, arg_name="body")
def add_member(code: str, body: MemberIn) -> Response:
    """Say what belongs to a place; goods that were there since then are looked at again."""

    def act(session: Session) -> Mapping[str, Any]:
        made = temperatures.add_member(session, code, temperatures.NewMember(**dict(body)))
        return {"id": made.id, "place": code}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/temperature-places/<code>/members/<int:member_id>/end")
@policy(*SETS_UP, subject="temperature_place")
@bp.input(EndIn, arg_name="body")
def end_member(code: str, member_id: int, body: EndIn) -> Response:
    """Say until when something belonged to a place."""

    def act(session: Session) -> Mapping[str, Any]:
        made = temperatures.end_member(session, code, member_id, body.until_at)
        return {"id": made.id, "place": code, "until_at": body.until_at.isoformat()}

    return write(act, body.model_dump(mode="json"))


@bp.post("/temperature-places/<code>/sensors")
@policy(*SETS_UP, subject="temperature_place")
@bp.input(SensorIn, arg_name="body")
def add_sensor(code: str, body: SensorIn) -> Response:
    """Put a sensor into a place; it stands in one place at a time."""

    def act(session: Session) -> Mapping[str, Any]:
        made = temperatures.add_sensor(session, code, temperatures.NewSensor(**dict(body)))
        return {"id": made.id, "place": code, "sensor": made.sensor}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/temperature-places/<code>/sensors/<sensor>/end")
@policy(*SETS_UP, subject="temperature_place")
@bp.input(EndIn, arg_name="body")
def end_sensor(code: str, sensor: str, body: EndIn) -> Response:
    """Take a sensor out of its place."""

    def act(session: Session) -> Mapping[str, Any]:
        made = temperatures.end_sensor(session, code, sensor, body.until_at)
        return {"id": made.id, "place": code, "sensor": sensor, "until_at": body.until_at.isoformat()}

    return write(act, body.model_dump(mode="json"))


@bp.post("/temperature-readings")
@policy(*BRINGS)
@bp.input(ReadingsIn, arg_name="body")
def bring(body: ReadingsIn) -> Response:
    """Store what a logger kept and judge its places at once. The same rows again change nothing."""
    readings = [temperatures.NewReading(**dict(one)) for one in body.readings]

    def act(session: Session) -> Mapping[str, Any]:
        now = datetime.now(UTC)
        temperatures.check_import(readings, now)
        stored = temperatures.store(session, readings, source="logger")
        opened = [breach for place_id in stored.place_ids for breach in evaluate(session, place_id, now).opened]
        return {"new": stored.new, "known": stored.known, "breaches": opened}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/temperature-breaches")
@policy(*READERS)
@bp.input(BreachQuery, location="query", arg_name="query")
def breaches(query: BreachQuery) -> Response:
    """List breaches in the order in which they were found."""
    with unit_of_work() as session:
        rows = queries.breaches(
            session, state=query.state, only_open=query.open, place=query.place, after=query.after,
            limit=query.limit + 1,
        )  # fmt: skip
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/temperature-breaches/<int:breach_id>")
@policy(*READERS, subject="temperature_breach")
def breach(breach_id: int) -> Response:
    """Show a breach with every unit that was there, where it lies on hold or where it had gone."""
    with unit_of_work() as session:
        return jsonify(_breach(session, breach_id))


def _breach(session: Session, breach_id: int) -> dict[str, Any]:
    rows = queries.breaches(session, breach_ids=[breach_id])
    if not rows:
        raise UnknownBreach(breach_id=breach_id)
    return asdict(rows[0]) | {"holds": [asdict(one) for one in queries.holds(session, breach_id)]}


@bp.post("/temperature-breaches/<int:breach_id>/review")
@policy(*DECIDES, subject="temperature_breach")
@bp.input(ReviewIn, arg_name="body")
def review(breach_id: int, body: ReviewIn) -> Response:
    """Decide, with a reason and by a named person, whether the goods are good again or spoilt."""

    def act(session: Session) -> Mapping[str, Any]:
        apart = {int(hold_id): decision for hold_id, decision in body.apart.items()}
        command = cold_reviewing.Review(breach_id, body.decision, body.reason, datetime.now(UTC), apart)
        found = cold_reviewing.review(session, command)
        return {"id": found.id, "state": found.state, "holds": len(queries.holds(session, breach_id))}

    return write(act, body.model_dump(mode="json"))


@bp.get("/temperature-findings")
@policy(*READERS)
@bp.input(FindingQuery, location="query", arg_name="query")
def findings(query: FindingQuery) -> Response:
    """List where a history is not to be trusted: silence, faults, contradictions."""
    with unit_of_work() as session:
        rows = queries.findings(
            session, only_open=query.open, place=query.place, after=query.after, limit=query.limit + 1
        )
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/temperature-findings/<int:finding_id>/closing")
@policy(*DECIDES, subject="temperature_finding")
@bp.input(CauseIn, arg_name="body")
def close_finding(finding_id: int, body: CauseIn) -> Response:
    """Close a finding with its cause."""

    def act(session: Session) -> Mapping[str, Any]:
        found = cold_reviewing.close_finding(session, finding_id, body.cause, datetime.now(UTC))
        return {"id": found.id, "cause": found.cause}

    return write(act, body.model_dump(mode="json"))


@bp.get("/lots/<int:lot_id>/temperature")
@policy(*READERS, firms=True, subject="lot")
@bp.input(HistoryQuery, location="query", arg_name="query")
def lot_history(lot_id: int, query: HistoryQuery) -> Response:
    """Show at which temperatures a lot was, wherever it was: every stay of every part of it."""
    with unit_of_work() as session:
        lot = session.get(Lot, lot_id)
        if lot is None:
            raise NotFound(what=lot_id)
        segments = histories.of_lot(session, lot_id, datetime.now(UTC))
        return _history({"lot_id": lot_id, "lot_no": lot.lot_no}, segments, f"lot-{lot_id}-temperature", query.format)


@bp.get("/handling-units/<sscc>/temperature")
@policy(*READERS, firms=True, subject="handling_unit")
@bp.input(HistoryQuery, location="query", arg_name="query")
def unit_history(sscc: str, query: HistoryQuery) -> Response:
    """Show at which temperatures the goods on a pallet were, also before they came onto it."""
    with unit_of_work() as session:
        unit = session.scalar(select(HandlingUnit).where(HandlingUnit.sscc == sscc))
        if unit is None:
            raise NotFound(what=sscc)
        segments = histories.of_unit(session, unit.id, datetime.now(UTC))
        return _history({"sscc": sscc}, segments, f"{sscc}-temperature", query.format)


CSV_COLUMNS = ("place", "site", "location", "sscc", "lot_no", "from_at", "until_at", "sensor", "event_at", "mdegc")


def _history(head: dict[str, Any], segments: list[histories.Segment], name: str, as_format: str) -> Response:
    if as_format == "csv":
        return csv_response(
            name,
            CSV_COLUMNS,
            (
                (
                    one.place, one.site_code, one.location, one.sscc, one.lot_no, one.from_at, one.until_at,
                    point.sensor if point else None, point.at if point else None, point.mdegc if point else None,
                )
                for one in segments
                for point in (one.points or (None,))
            ),
        )  # fmt: skip
    known = [one for one in segments if one.n_readings]
    worst = max((one.kinetic_mdegc for one in known if one.kinetic_mdegc is not None), default=None)
    return jsonify(
        head
        | {
            "min_mdegc": min((one.min_mdegc for one in known if one.min_mdegc is not None), default=None),
            "max_mdegc": max((one.max_mdegc for one in known if one.max_mdegc is not None), default=None),
            "kinetic_mdegc": worst,
            "is_known_throughout": all(one.n_readings and not one.silences for one in segments),
            "segments": [asdict(one) for one in segments],
        }
    )
