"""Packaging levels of trade items: what makes one of a larger unit, and exact conversion between any two."""

from decimal import Decimal
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.schemas import Body, Code, Count, Query
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.catalog import queries, rules, service
from wms.catalog.queries import Item
from wms.catalog.rules import Packaging
from wms.errors import NotFound

bp = APIBlueprint("api_packagings", __name__, url_prefix="/api/v1/items", tag="Catalogue")


class LevelIn(Body):
    """A packaging: ``base_qty`` base units make one of it."""

    model_config = ConfigDict(json_schema_extra={"example": {"unit": "carton", "base_qty": 12}})
    unit: Code
    base_qty: Count
    gtin: Annotated[str, Field(pattern=r"^[0-9]{8,14}$")] | None = None


class ConvertQuery(Query):
    """A quantity in one unit of the item, wanted in another; a unit that is left out is the base unit."""

    qty: Annotated[Decimal, Field(gt=0, le=10**15, max_digits=20, decimal_places=5)] = Decimal(1)
    unit: Code | None = None
    to: Code | None = None


@bp.get("/<int:item_id>/packagings")
@policy(*READERS, firms=True, subject="trade_item")
def packagings(item_id: int) -> Response:
    """List the units an item is counted in, smallest first."""
    with unit_of_work() as session:
        return jsonify(_listed(session, _known(session, item_id)))


@bp.post("/<int:item_id>/packagings")
@policy("supervisor", "planner", subject="trade_item")
@bp.input(LevelIn, arg_name="body")
def add(item_id: int, body: LevelIn) -> Response:
    """Add a packaging to an item."""

    def act(session: Session) -> dict[str, Any]:
        item = _known(session, item_id)
        if body.unit in {one.unit for one in queries.packagings(session, item.id)}:
            raise rules.UnitTaken(field="unit", item=item.code, unit=body.unit)
        service.add_packaging(session, item.id, Packaging(body.unit, body.base_qty, body.gtin))
        return {"item": item.code, "packagings": _listed(session, item)}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/<int:item_id>/convert")
@policy(*READERS, firms=True, subject="trade_item")
@bp.input(ConvertQuery, location="query", arg_name="query")
def convert(item_id: int, query: ConvertQuery) -> Response:
    """Convert exactly; a conversion that leaves a fraction is refused, never rounded."""
    with unit_of_work() as session:
        item = _known(session, item_id)
        known = queries.packagings(session, item.id)
        source = rules.packaging_of(query.unit or item.base_unit, known, item.code)
        target = rules.packaging_of(query.to or item.base_unit, known, item.code)
        qty = rules.convert(query.qty, source, target)
        parts = rules.split_into(rules.in_base_units(qty, target), known)
    said = [{"qty": count, "unit": packaging.unit} for count, packaging in parts]
    return jsonify({"qty": qty, "unit": target.unit, "base_qty": qty * target.base_qty, "said": said})


def _known(session: Session, item_id: int) -> Item:
    item = queries.item(session, item_id)
    if item is None:
        raise NotFound(what=f"item {item_id}")
    return item


def _listed(session: Session, item: Item) -> list[dict[str, Any]]:
    return [vars(one) for one in queries.packagings(session, item.id)]
