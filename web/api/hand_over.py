"""From an accepted plan to the floor and to customs: goods of consignments, orders, loads of boxes, papers."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from routing.hand_over import working
from routing.hand_over.opening import open_box
from web.api.idempotency import write
from web.api.loads import VehicleIn
from web.api.lookups import id_of
from web.api.schemas import Body, Code, Count
from web.auth.policy import READERS, policy
from web.context import current_scope, unit_of_work
from wms.floor.service.opening_loads import NewLoad
from wms.freight.service import hand_over as service
from wms.parties.tables import Site

bp = APIBlueprint("api_hand_over", __name__, url_prefix="/api/v1", tag="Planning")


class ConsignmentGoodsLineIn(Body):
    """Base units of the owner's item that lie at a site of ours."""

    site: Code
    item: Code
    qty: Count


class ConsignmentGoodsIn(Body):
    """Which goods in our warehouses a consignment is. An empty list: it is brought by its owner."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"goods": [{"site": "CLJ-W1", "item": "TEA-250", "qty": 480}]}}
    )
    goods: Annotated[list[ConsignmentGoodsLineIn], Field(max_length=500)]


class BoxLoadIn(VehicleIn):
    """The vehicle that takes a box of a plan."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "site": "CLJ-W1", "vehicle_plate": "湘F12345", "dock": "DOCK-1", "container_no": "CSQU3054383",
            }
        }
    )  # fmt: skip


class BoxOpeningIn(Body):
    """Why a closed box that no departure takes was opened."""

    reason: Annotated[str, Field(min_length=3, max_length=400, examples=["the border stays closed"])]


class PaperNumberIn(Body):
    """The number of a document that the declarant has made."""

    model_config = ConfigDict(json_schema_extra={"example": {"number": "490020260000000001"}})
    number: Code


@bp.put("/consignments/<consignment_no>/goods")
@policy("planner", "declarant", "supervisor", firms=True, subject="consignment")
@bp.input(ConsignmentGoodsIn, arg_name="body")
def name_goods(consignment_no: str, body: ConsignmentGoodsIn) -> Response:
    """Say which goods in our warehouses an open consignment is; an accepted plan then reserves them."""

    def act(session: Session) -> Mapping[str, Any]:
        lines = [service.GoodsLine(one.site, one.item, one.qty) for one in body.goods]
        service.name_goods(session, consignment_no, lines)
        return {"consignment_no": consignment_no, "goods": len(lines)}

    return write(act, body.model_dump(mode="json"))


@bp.get("/plans/<int:plan_id>/hand-over")
@policy(*READERS, firms=True, subject="plan")
def hand_over(plan_id: int) -> Response:
    """Show how far a plan is handed over: orders and reserved stock, papers drafted and still to be made, with why."""
    with unit_of_work() as session:
        found = working.state_of(session, plan_id)
    at = found.handed_over_at
    return jsonify(
        {
            "plan_id": plan_id, "plan_state": found.plan_state, "handed_over_at": at.isoformat() if at else None,
            "counted": found.counted(), "work": [asdict(one) for one in found.work],
            "papers": [asdict(one) for one in found.papers],
        }
    )  # fmt: skip


@bp.post("/plans/<int:plan_id>/hand-over")
@policy("planner", firms=True, subject="plan")
def ask(plan_id: int) -> Response:
    """Ask for the hand-over again: what is short or was refused is tried once more, what is done stays."""

    def act(session: Session) -> Mapping[str, Any]:
        working.ask(session, plan_id)
        return {"plan_id": plan_id, "asked": True}

    return write(act, {"plan_id": plan_id}, status=202)


@bp.post("/plans/<int:plan_id>/boxes/<box_no>/load")
@policy("clerk", "supervisor")
@bp.input(BoxLoadIn, arg_name="body")
def open_load(plan_id: int, box_no: str, body: BoxLoadIn) -> Response:
    """Open the load of a box: its stops are the box's consignments in the sequence of the load plan."""

    def act(session: Session) -> Mapping[str, Any]:
        load = working.open_box_load(
            session, plan_id, box_no,
            NewLoad(
                id_of(session, Site, body.site), body.vehicle_plate, body.dock, body.carrier, body.trailer_plate,
                body.container_no, body.gate_pass,
            ),
        )  # fmt: skip
        return {"load_no": load.load_no, "state": load.state}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/plans/<int:plan_id>/boxes/<box_no>/opening")
@policy("planner", subject="made_plan")
@bp.input(BoxOpeningIn, arg_name="body")
def open_closed_box(plan_id: int, box_no: str, body: BoxOpeningIn) -> Response:
    """Record that a stranded box was opened: its goods are open consignments again, from where they stand."""

    def act(session: Session) -> Mapping[str, Any]:
        opened = open_box(
            session, plan_id, box_no, reason=body.reason, now=datetime.now(UTC), person_id=current_scope().person_id
        )
        return {"plan_id": plan_id, "box_no": box_no, "open_again": opened}

    return write(act, {"plan_id": plan_id, "box_no": box_no, **body.model_dump(mode="json")})


@bp.post("/plans/<int:plan_id>/papers/<consignment_no>/<document>")
@policy("declarant")
@bp.input(PaperNumberIn, arg_name="body")
def note_paper(plan_id: int, consignment_no: str, document: str, body: PaperNumberIn) -> Response:
    """Note that a document of a consignment is made, with its number."""

    def act(session: Session) -> Mapping[str, Any]:
        service.note_paper(session, plan_id, consignment_no, document, body.number, datetime.now(UTC))
        return {"consignment_no": consignment_no, "document": document, "state": "done", "number": body.number}

    return write(act, body.model_dump(mode="json"))
