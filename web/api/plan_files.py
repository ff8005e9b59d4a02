"""What a plan hands over: its report, its bill by owner, booking requests for the carriers, the load of each box."""

from dataclasses import asdict
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field

from routing.bill import bills, off_by_minor
from routing.booking_requests import Request, document, requests
from routing.hand_over.reading import Whole, own_rows, whole
from routing.pictures import steps
from web import plan_downloads
from web.api.schemas import Query
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.plan_report import report_of
from wms.errors import NotFound

bp = APIBlueprint("api_plan_files", __name__, url_prefix="/api/v1/plans/<int:plan_id>", tag="Planning")


class RequestFileQuery(Query):
    """In which form a booking request is given."""

    format: Literal["json", "csv", "xlsx"] = Field(default="json", description="json, csv or xlsx")


def _read(plan_id: int) -> Whole:
    with unit_of_work() as session:
        return whole(session, plan_id)


def _requests(found: Whole) -> tuple[Request, ...]:
    return tuple(requests(found.plan, found.plan_id, found.goods, found.goods_names()))


@bp.get("/bill")
@policy(*READERS, firms=True, subject="made_plan")
def bill(plan_id: int) -> Response:
    """Show the cost by owner in fen; the totals add up to the plan's cost, the shares to the price of every box."""
    plan = _read(plan_id).plan
    return jsonify(
        {
            "plan_id": plan_id,
            "currency": "CNY",
            "cost_minor": plan.cost_minor,
            "share_rule": plan.share_rule,
            "owners": [asdict(one) for one in bills(plan)],
            "off_by_minor": off_by_minor(plan),
        }
    )


@bp.get("/share")
@policy(*READERS, firms=True, subject="plan_share")
def share(plan_id: int) -> Response:
    """Show what a plan means for the caller's own consignments, whoever made it. 404 where it has none of them."""
    with unit_of_work() as session:
        rows = own_rows(session, plan_id)
    if not rows:
        raise NotFound(what=str(plan_id))
    listed = [vars(one) | {"deliver_at": one.deliver_at.isoformat()} for one in rows]
    total, alone = sum(one.total_minor for one in rows), sum(one.alone_minor for one in rows)
    return jsonify(
        {
            "plan_id": plan_id, "currency": "CNY", "consignments": listed, "total_minor": total,
            "alone_minor": alone, "saving_minor": alone - total,
        }
    )  # fmt: skip


@bp.get("/report.pdf")
@policy(*READERS, firms=True, subject="made_plan")
def report_pdf(plan_id: int) -> Response:
    """Give the report as PDF: map, time chart, costs by owner, boxes with their pictures, who stays behind."""
    return plan_downloads.report_pdf(report_of(_read(plan_id)))


@bp.get("/report.xlsx")
@policy(*READERS, firms=True, subject="made_plan")
def report_xlsx(plan_id: int) -> Response:
    """Give the report as a spreadsheet: a sheet each for costs, boxes, consignments, loading, departures, left."""
    return plan_downloads.report_xlsx(report_of(_read(plan_id)))


@bp.get("/boxes/<box_no>")
@policy(*READERS, firms=True, subject="made_plan")
def box(plan_id: int, box_no: str) -> Response:
    """Show a box with its loading sequence: which pieces come first, and where each group stands in mm."""
    found = _read(plan_id)
    one, load = found.box(box_no), found.loads.get(box_no)
    if one is None:
        raise NotFound(what=box_no[:80])
    body: dict[str, Any] = one.model_dump(mode="json") | {"inner_mm": found.inner_mm(box_no), "loading": []}
    if load is not None and load.spots:
        body["loading"] = [asdict(step) | {"count": step.count} for step in steps(load, found.goods)]
    return jsonify(body | {"spared": list(load.spared) if load else [], "word": load.word if load else ""})


@bp.get("/boxes/<box_no>.svg")
@policy(*READERS, firms=True, subject="made_plan")
def box_picture(plan_id: int, box_no: str) -> Response:
    """Give the picture of a loaded box as SVG."""
    return plan_downloads.box_svg(_read(plan_id), box_no)


@bp.get("/booking-requests")
@policy(*READERS, firms=True, subject="made_plan")
def booking_requests(plan_id: int) -> Response:
    """List the booking requests of a plan, one a departure, each with its boxes; their form belongs to no carrier."""
    return jsonify([document(one) for one in _requests(_read(plan_id))])


@bp.get("/booking-requests/<request_no>")
@policy(*READERS, firms=True, subject="made_plan")
@bp.input(RequestFileQuery, location="query", arg_name="query")
def booking_request(plan_id: int, request_no: str, query: RequestFileQuery) -> Response:
    """Give one booking request as a file."""
    return plan_downloads.request_file(
        plan_downloads.request_of(_requests(_read(plan_id)), request_no), query.format
    )
