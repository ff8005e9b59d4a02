"""Cartons: the catalogue from a day on, how items want to lie, and which cartons an order needs."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web import cartoning
from web.api.idempotency import write
from web.api.schemas import Body, Code, Count, Query, Small
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.catalog import queries as catalog
from wms.errors import NotFound
from wms.floor import leaving_queries as units
from wms.floor import packing_queries
from wms.floor.leaving_queries import PieceRow
from wms.floor.service import cartons, pack_plans
from wms.floor.service.cartons import NewCarton
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import CartonType
from wms.parties.tables import Company

bp = APIBlueprint("api_cartons", __name__, url_prefix="/api/v1", tag="Floor")

NotNegative = Annotated[int, Field(strict=True, ge=0, le=10**12)]


class CartonIn(Body):
    """A carton type from a day on: inner size in mm, weights in g, cost in minor units, and the source of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "code": "P5", "name_zh": "5 号纸箱", "name_en": "Carton 5", "length_mm": 290, "width_mm": 170,
                "height_mm": 190, "max_weight_g": 10000, "tare_g": 195, "cost_minor": 130,
                "valid_from_on": "2026-12-01", "source": "price list of the carton works, 2026-11",
            }
        }
    )  # fmt: skip
    code: Code
    name_zh: Code
    name_en: Code
    length_mm: Small
    width_mm: Small
    height_mm: Small
    max_weight_g: Count
    tare_g: NotNegative
    cost_minor: NotNegative
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"
    valid_from_on: date
    source: Annotated[str, Field(min_length=1, max_length=500)]


class LastDayIn(Body):
    """The last day on which something holds."""

    model_config = ConfigDict(json_schema_extra={"example": {"until_on": "2026-12-31"}})
    until_on: date


class PackRuleIn(Body):
    """How an owner's item wants to lie in a carton; ``keep_apart_class`` as in the dated value packing.keep_apart."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"owner": "YC", "item": "TEA-250", "this_side_up": True, "is_fragile": False,
                                       "keep_apart_class": "food"}}
    )  # fmt: skip
    owner: Code
    item: Code
    this_side_up: bool = False
    is_fragile: bool = False
    keep_apart_class: Code | None = None


class CartonGoodsIn(Body):
    """Base units of an item."""

    item: Code
    qty: Count


class CartoniseIn(Body):
    """What wants cartons: an order, or handling units by label, or goods of an owner."""

    model_config = ConfigDict(json_schema_extra={"example": {"order": "SO-2026-0001"}})
    order: Code | None = None
    units: Annotated[tuple[Annotated[str, Field(pattern=r"^[0-9]{18}$")], ...], Field(max_length=50)] = ()
    owner: Code | None = None
    goods: Annotated[tuple[CartonGoodsIn, ...], Field(max_length=400)] = ()


class DayQuery(Query):
    """The day that is asked about; today when left out."""

    on: date | None = None


@bp.get("/carton-types")
@policy(*READERS, firms=True)
@bp.input(DayQuery, location="query", arg_name="query")
def carton_types(query: DayQuery) -> Response:
    """List the cartons that hold on a day; where none were ever entered, the list that comes with the product."""
    with unit_of_work() as session:
        return jsonify([_shown(one) for one in cartoning.types(session, query.on or _today())])


def _today() -> date:
    return datetime.now(UTC).date()


def _shown(one: CartonType | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(one, CartonType):
        return {**one, "source": cartons.SHIPPED_SOURCE}
    names = (*CartonIn.model_fields, "valid_until_on")
    return {name: getattr(one, name) for name in names}


@bp.post("/carton-types")
@policy("supervisor")
@bp.input(CartonIn, arg_name="body")
def new_carton_type(body: CartonIn) -> Response:
    """Enter a carton type from a day on; the type that had the code before ends the day before."""

    def act(session: Session) -> Mapping[str, Any]:
        cartons.carton_types(session, body.valid_from_on)  # the shipped list stays beside what is entered
        return {"id": cartons.add_carton(session, NewCarton(**body.model_dump()))}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/carton-types/<code>/end")
@policy("supervisor")
@bp.input(LastDayIn, arg_name="body")
def end_carton_type(code: str, body: LastDayIn) -> Response:
    """Let a carton type end with a day."""

    def act(session: Session) -> Mapping[str, Any]:
        cartons.end_carton(session, code, body.until_on)
        return {"code": code, "until_on": body.until_on.isoformat()}

    return write(act, body.model_dump(mode="json"))


@bp.put("/pack-rules")
@policy("supervisor", "clerk")
@bp.input(PackRuleIn, arg_name="body")
def set_pack_rule(body: PackRuleIn) -> Response:
    """Say how an item wants to lie in a carton."""

    def act(session: Session) -> Mapping[str, Any]:
        item_id = _item(session, _owner(session, body.owner), body.item)
        said = body.model_dump(include={"this_side_up", "is_fragile", "keep_apart_class"})
        cartons.set_pack_rule(session, item_id, **said)
        return {"item": body.item, **said}

    return write(act, body.model_dump(mode="json"))


def _owner(session: Session, code: str | None) -> int:
    found = session.scalar(select(Company.id).where(func.upper(Company.code) == (code or "").upper()))
    if found is None:
        raise NotFound(field="owner", what=code or "-")
    return found


def _item(session: Session, owner_id: int, code: str) -> int:
    found = catalog.item_by_code(session, owner_id, code)
    if found is None:
        raise NotFound(field="item", what=code)
    return found.id


@bp.post("/cartonise")
@policy("clerk", "supervisor", "planner")
@bp.input(CartoniseIn, arg_name="body")
def propose(body: CartoniseIn) -> Response:
    """Propose cartons: which, what lies where in each, in which order it is packed; cost, bound and gap stated.

    Nothing is stored. The answer is checked by an independent checker before it is given.
    """
    with unit_of_work() as session:
        return jsonify(cartoning.propose(session, _rows(session, body), _today()))


@bp.get("/orders/<order_no>/pack-plan")
@policy(*READERS, firms=True, subject="order")
def pack_plan(order_no: str) -> Response:
    """Show the cartons that were proposed for an order, and beside each the parcel that was packed for it.

    ``deviates``: the packer took another carton than the one proposed.
    """
    with unit_of_work() as session:
        return jsonify(_planned(session, _order(session, order_no)))


@bp.post("/orders/<order_no>/pack-plan")
@policy("clerk", "supervisor", "planner", subject="order")
def plan_again(order_no: str) -> Response:
    """Propose the cartons of an order now; the packer is told of the newest proposal."""

    def act(session: Session) -> Mapping[str, Any]:
        order_id = _order(session, order_no)
        cartoning.plan_order(session, order_id, datetime.now(UTC))
        return _planned(session, order_id)

    return write(act, {"order": order_no})


def _planned(session: Session, order_id: int) -> dict[str, Any]:
    plan = pack_plans.plan_of(session, order_id)
    if plan is None:
        raise NotFound(what="pack-plan")
    parcels = packing_queries.planned_parcels(session, order_id)
    shown = ("cartons", "left_out", "cost_minor", "bound_minor", "is_proven")
    return {name: getattr(plan, name) for name in shown} | {
        "planned_at": plan.planned_at.isoformat(),
        "parcels": [{**vars(one), "deviates": one.planned_carton not in (None, one.carton)} for one in parcels],
    }


def _order(session: Session, order_no: str) -> int:
    found = session.scalar(select(OutboundOrder.id).where(func.upper(OutboundOrder.order_no) == order_no.upper()))
    if found is None:
        raise NotFound(field="order", what=order_no)
    return found


def _rows(session: Session, body: CartoniseIn) -> tuple[PieceRow, ...]:
    if body.order is not None:
        return units.pieces_of_order(session, _order(session, body.order))
    if body.units:
        return units.pieces_in_units(session, [_unit(session, sscc) for sscc in body.units])
    owner_id = _owner(session, body.owner)
    return units.pieces_of_items(session, [(_item(session, owner_id, one.item), one.qty) for one in body.goods])


def _unit(session: Session, sscc: str) -> int:
    found = units.unit_by_sscc(session, sscc)
    if found is None:
        raise NotFound(field="units", what=sscc)
    return found.id
