"""Truck rounds: ask for them from the books or with a problem of one's own, read, book, cancel."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify, url_for
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from routing.network import yueyang
from routing.rounds.desk import asking, booking, reading
from routing.rounds.desk.refusals import UnknownRounds
from web import rounds_files, rounds_view
from web.api.idempotency import write
from web.api.schemas import LARGEST, Body, Code, Query
from web.auth.policy import READERS, policy
from web.context import current_scope, planning_company, unit_of_work
from wms.errors import N_, InvalidField

bp = APIBlueprint("api_rounds", __name__, url_prefix="/api/v1/rounds", tag="Planning")


class RoundsIn(Body):
    """What to plan: what the books want driven for a hub on a day; or `stops_csv` (with `trucks_csv`, else the fleet);
    or a `problem` as `dongting rounds` reads it, which says its mode itself. `work`: iterations instead of seconds.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"hub": "CNCLJ", "day": "2026-03-02", "mode": "joint", "seconds": 15},
                {
                    "hub": "CNCLJ", "day": "2026-03-02", "mode": "unified", "work": 2000,
                    "stops_csv": "id,owner,place,deliver_kg,deliver_m3\nSHOP-1,YMBEAUTY,CN430681,350,2.4\n",
                },
            ]
        }
    )  # fmt: skip
    hub: Code = "CNCLJ"
    day: date
    mode: Literal["joint", "unified", "centralised"] = "joint"
    seconds: Annotated[int, Field(strict=True, ge=1, le=600)] = 15
    work: Annotated[int, Field(strict=True, ge=1, le=10**7)] | None = None
    seed: Annotated[int, Field(strict=True, ge=0, le=2**32 - 1)] = 1
    name: Annotated[str, Field(max_length=80)] = ""
    stops_csv: Annotated[str, Field(max_length=2_000_000)] | None = None
    trucks_csv: Annotated[str, Field(max_length=200_000)] | None = None
    problem: dict[str, Any] | None = None


class CancelRounds(Body):
    """Why booked rounds are cancelled; `round_no` for one of them, else all."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "flat tyre", "round_no": "R001"}]})
    reason: Annotated[str, Field(max_length=2000)]
    round_no: Code | None = None


class RoundsQuery(Query):
    """The latest rounds; `before` a number, at most `limit`."""

    before: int | None = Field(default=None, ge=1, le=LARGEST)
    limit: int = Field(default=20, ge=1, le=500)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Instants and days as ISO 8601."""
    return {
        name: value.isoformat() if isinstance(value, date | datetime) else value for name, value in values.items()
    }


@bp.get("")
@policy(*READERS, firms=True)
@bp.input(RoundsQuery, location="query", arg_name="query")
def rounds(query: RoundsQuery) -> Response:
    """List rounds, newest first."""
    with unit_of_work() as session:
        rows = reading.rounds_plans(session, before_id=query.before, limit=query.limit + 1)
    response = jsonify([_head(row) for row in rows[: query.limit]])
    if len(rows) > query.limit:
        address = url_for("api_rounds.rounds", before=rows[query.limit - 1].id, limit=query.limit)
        response.headers["Link"] = f'<{address}>; rel="next"'
    return response


def _head(row: reading.RoundsRow) -> dict[str, Any]:
    return _plain(vars(row)) | {"currency": "CNY"}


@bp.post("")
@policy("planner", firms=True, per_minute=20)
@bp.input(RoundsIn, arg_name="body")
def ask(body: RoundsIn) -> Response:
    """Ask for rounds; the answer comes at once, the rounds when their job is done. Every fault of a file is named."""

    def act(session: Session) -> Mapping[str, Any]:
        hub = yueyang().official(body.hub)
        if hub not in {one.code for one in yueyang().places}:
            raise InvalidField(field="hub", name="hub", rule=N_("is no place of the network"))
        wanted = asking.Ask(
            hub, body.day, body.mode, body.seconds, body.work, body.seed, body.name, current_scope().person_id,
            planning_company(),
        )  # fmt: skip
        upload, now = _upload(body), datetime.now(UTC)
        if upload is None:
            made = asking.request_rounds(session, wanted, now)
        else:
            made = asking.request_upload(session, wanted, upload, now)
        return {"id": made, "state": "queued", "status": url_for("api_rounds.one", plan_id=made)}

    response = write(act, body.model_dump(mode="json"), status=202)
    if response.status_code == 202:
        response.headers["Location"] = response.get_json()["status"]
        response.headers["Retry-After"] = "1"
    return response


def _upload(body: RoundsIn) -> asking.Upload | None:
    if body.trucks_csv is not None and body.stops_csv is None:
        raise InvalidField(
            field="trucks_csv", name="trucks_csv", rule=N_("goes with a sheet of stops; a problem names its own")
        )
    if body.problem is not None and body.stops_csv is not None:
        raise InvalidField(field="problem", name="problem", rule=N_("either a problem or a sheet of stops"))
    if body.problem is not None:
        return asking.Upload("problem.json", json.dumps(body.problem))
    return asking.Upload("stops.csv", body.stops_csv, body.trucks_csv) if body.stops_csv is not None else None


@bp.get("/mine")
@policy(*READERS, firms=True)
def mine() -> Response:
    """List the orders on booked rounds, the latest first: a firm's own, whoever made the rounds."""
    with unit_of_work() as session:
        rows = reading.latest_own(session, company_id=planning_company())
    return jsonify([_plain(vars(one)) for one in rows])


@bp.get("/<int:plan_id>")
@policy(*READERS, firms=True, subject="rounds")
def one(plan_id: int) -> Response:
    """Show how far rounds are, and their figures once they are made."""
    with unit_of_work() as session:
        return jsonify(_head(reading.rounds_row(session, plan_id)))


@bp.get("/<int:plan_id>/document")
@policy(*READERS, firms=True, subject="rounds")
def rounds_document(plan_id: int) -> Response:
    """Show the whole plan as `dongting rounds` writes it: rounds with their calls, who is left out. 404 while there is
    none.
    """
    with unit_of_work() as session:
        found = reading.whole_rounds(session, plan_id)
    return Response(found.plan.model_dump_json(), mimetype="application/json")


@bp.get("/<int:plan_id>/bill")
@policy(*READERS, firms=True, subject="rounds")
def rounds_bill(plan_id: int) -> Response:
    """Show the cost by owner in fen; the shares add up to the cost of the rounds."""
    with unit_of_work() as session:
        found = reading.whole_rounds(session, plan_id)
    owners = [asdict(one) | {"saving_minor": one.saving_minor} for one in found.bills()]
    return jsonify(
        {"plan_id": plan_id, "currency": "CNY", "cost_minor": found.plan.cost_minor, "owners": owners}
    )  # fmt: skip


@bp.get("/<int:plan_id>/sheets/<round_no>")
@policy(*READERS, firms=True, subject="rounds")
def rounds_sheet(plan_id: int, round_no: str) -> Response:
    """Show the driver's list of one round: places, windows, instants in seconds since 1970, what to load and unload."""
    with unit_of_work() as session:
        whole = reading.whole_rounds(session, plan_id)
    sheet, driven = rounds_view.report_of(whole).sheet(round_no), whole.driven.get(round_no)
    lines = [
        asdict(line) | {name: getattr(line, name).model_dump() for name in ("unload", "load", "board")}
        for line in sheet.lines
    ]
    body = {"round_no": round_no, "plate": sheet.plate, "kind": sheet.one.truck, "cost_minor": sheet.one.cost_minor}
    return jsonify(body | {"lines": lines, "booking": _plain(vars(driven)) if driven else None})


@bp.get("/<int:plan_id>/share")
@policy(*READERS, firms=True, subject="rounds_share")
def rounds_share(plan_id: int) -> Response:
    """Show what rounds mean for the caller's own orders, whoever made them. 404 where they have none of them."""
    with unit_of_work() as session:
        rows = reading.own_orders(session, plan_id, company_id=planning_company())
    if not rows:
        raise UnknownRounds(plan_id=plan_id)
    total, alone = (sum(getattr(one, name) or 0 for one in rows) for name in ("share_minor", "alone_minor"))
    return jsonify(
        {
            "plan_id": plan_id, "currency": "CNY", "orders": [_plain(vars(one)) for one in rows],
            "total_minor": total, "alone_minor": alone, "saving_minor": alone - total,
        }
    )  # fmt: skip


@bp.get("/<int:plan_id>/report.pdf")
@policy(*READERS, firms=True, subject="rounds")
def rounds_pdf(plan_id: int) -> Response:
    """Give the round sheets as PDF."""
    return rounds_files.report_pdf(_report(plan_id))


@bp.get("/<int:plan_id>/report.xlsx")
@policy(*READERS, firms=True, subject="rounds")
def rounds_xlsx(plan_id: int) -> Response:
    """Give the round sheets as a spreadsheet."""
    return rounds_files.report_xlsx(_report(plan_id))


def _report(plan_id: int) -> rounds_view.RoundsReport:
    with unit_of_work() as session:
        return rounds_view.report_of(reading.whole_rounds(session, plan_id))


@bp.post("/<int:plan_id>/acceptance")
@policy("planner", firms=True, subject="rounds")
def accept(plan_id: int) -> Response:
    """Book trucks and orders of solved rounds. Accepting again changes nothing; what is out of date is refused."""

    def act(session: Session) -> Mapping[str, Any]:
        who, now = current_scope().person_id, datetime.now(UTC)
        return {
            "id": plan_id, "state": "accepted",
            "booked": booking.accept_rounds(session, plan_id, person_id=who, now=now),
        }  # fmt: skip

    return write(act, {"plan_id": plan_id})


@bp.post("/<int:plan_id>/cancellation")
@policy("planner", firms=True, subject="rounds")
@bp.input(CancelRounds, arg_name="body")
def cancel(plan_id: int, body: CancelRounds) -> Response:
    """Cancel one booked round, or all of them, with a reason; goods and trucks are free again."""

    def act(session: Session) -> Mapping[str, Any]:
        who, now = current_scope().person_id, datetime.now(UTC)
        done = booking.cancel_rounds(session, plan_id, body.reason, round_no=body.round_no, person_id=who, now=now)
        return {"id": plan_id, "cancelled": done}

    return write(act, {"plan_id": plan_id, **body.model_dump(mode="json")})
