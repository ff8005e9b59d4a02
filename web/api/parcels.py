"""Parcels: open, pack, weigh and close, open again, split, sort; and the rules that say which chute."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.api.cartons import LastDayIn
from web.api.changing import by, change
from web.api.idempotency import write
from web.api.lookups import id_of, place_of
from web.api.paging import page_of
from web.api.schemas import Body, Code, Count, Page, RowId
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.catalog import queries as catalog
from wms.errors import NotFound
from wms.floor import leaving_queries as units
from wms.floor import packing_queries
from wms.floor.packing_queries import ParcelRow
from wms.floor.service import closing_parcels, packing, sorting, splitting_parcels
from wms.floor.service.acting import By
from wms.floor.service.packing import OpenParcel, PutIn
from wms.floor.service.sorting import NewSortRule
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import Parcel
from wms.parties.tables import Company, Site
from wms.stock.tables import HandlingUnit

bp = APIBlueprint("api_parcels", __name__, url_prefix="/api/v1", tag="Floor")

Sscc = Annotated[str, Field(pattern=r"^[0-9]{18}$")]
LotNo = Annotated[str, Field(min_length=1, max_length=20)]
WRITERS = ("clerk", "supervisor")


class ParcelIn(Body):
    """A parcel to be opened at a packing place, in a carton, for an order or for an owner's goods."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"site": "CLJ-1", "place": "PACK-1", "carton": "P5", "order": "SO-2026-0001"}}
    )
    site: Code
    place: Code
    carton: Code
    order: Code | None = None
    owner: Code | None = None


class ParcelPackIn(Body):
    """Goods from a tote into the parcel: ``qty`` base units of the owner's item."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"from_unit": "169012340000000018", "item": "TEA-250", "qty": 2, "lot_no": None}}
    )
    from_unit: Sscc
    item: Code
    qty: Count
    lot_no: LotNo | None = None
    weight_g: Count | None = None
    serials: Annotated[tuple[Code, ...], Field(max_length=1000)] = ()


class ParcelCloseIn(Body):
    """What the scale shows, in g, and the way the parcel goes."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"weight_g": 1310, "carrier": "SF", "waybill_no": "SF1234567890"}}
    )
    weight_g: Count
    carrier: Code | None = None
    waybill_no: Code | None = None


class ParcelCloseAnywayIn(ParcelCloseIn):
    """A supervisor's word that the parcel is right although its weight is off."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"weight_g": 900, "reason": "filling left out", "carrier": "SF"}}
    )
    reason: Annotated[str, Field(min_length=3, max_length=500)]


class ParcelPartIn(Body):
    """Base units of an item, of one lot where it is named."""

    item: Code
    qty: Count
    lot_no: LotNo | None = None


class ParcelSplitIn(Body):
    """Goods that go into a second carton."""

    model_config = ConfigDict(json_schema_extra={"example": {"carton": "P6", "goods": [{"item": "TEA-250", "qty": 1}]}})
    carton: Code
    goods: Annotated[tuple[ParcelPartIn, ...], Field(min_length=1, max_length=100)]


class ParcelUndoIn(Body):
    """The packing that is taken back, by its id."""

    model_config = ConfigDict(json_schema_extra={"example": {"id": 1}})
    id: RowId


class ChuteIn(Body):
    """The chute in which the parcel was put."""

    model_config = ConfigDict(json_schema_extra={"example": {"chute": "CH-01"}})
    chute: Code


class NothingIn(Body):
    """A write that needs to say nothing but its key."""

    model_config = ConfigDict(json_schema_extra={"example": {}})


class SortRuleIn(Body):
    """Parcels of a carrier, route and region go into a chute from a day on; what is left out does not limit."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"site": "CLJ-1", "chute": "CH-01", "carrier": "SF", "region": "430600",
                                       "valid_from_on": "2026-12-01"}}
    )  # fmt: skip
    site: Code
    chute: Code
    valid_from_on: date
    carrier: Code | None = None
    route: Code | None = None
    region: Code | None = None


class ParcelQuery(Page):
    """Which parcels: of a site, in a state, of an order."""

    site: str | None = None
    state: str | None = None
    order: str | None = None


@bp.get("/parcels")
@policy(*READERS, firms=True)
@bp.input(ParcelQuery, location="query", arg_name="query")
def parcels(query: ParcelQuery) -> Response:
    """List parcels in the order they were opened."""
    with unit_of_work() as session:
        rows = packing_queries.parcels(
            session, state=query.state, site_code=query.site, order_no=query.order, after_id=query.after,
            limit=query.limit + 1,
        )  # fmt: skip
    return page_of([vars(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/parcels/<sscc>")
@policy(*READERS, firms=True, subject="parcel")
def parcel(sscc: str) -> Response:
    """Show a parcel with what was packed into it, from where and by whom."""
    with unit_of_work() as session:
        return jsonify(_whole(session, sscc))


def _whole(session: Session, sscc: str) -> dict[str, Any]:
    row: ParcelRow | None = packing_queries.parcel(session, sscc)
    if row is None:
        raise NotFound(what=sscc)
    return {**vars(row), "items": [vars(one) for one in packing_queries.packed_items(session, row.id)]}


def _known(session: Session, sscc: str) -> Parcel:
    found = packing_queries.parcel_by_sscc(session, sscc)
    if found is None:
        raise NotFound(what=sscc)
    return found


def _by() -> By:
    return by("pack")


def _change(sscc: str, body: Body, act: Callable[[Session, Parcel], object]) -> Response:
    return change(lambda session: _known(session, sscc), body, act, lambda session: _whole(session, sscc))


@bp.post("/parcels")
@policy(*WRITERS)
@bp.input(ParcelIn, arg_name="body")
def new_parcel(body: ParcelIn) -> Response:
    """Open a parcel; it gets a label (SSCC) of its own."""

    def act(session: Session) -> Mapping[str, Any]:
        place = place_of(session, id_of(session, Site, body.site), body.place)
        order = _order(session, body.order) if body.order else None
        owner_id = order.owner_id if order else _owner(session, body.owner)
        new = OpenParcel(place.id, owner_id, body.carton, order.id if order else None)
        made = packing.open_parcel(session, new, _by())
        return _whole(session, packing_queries.sscc_of(session, made))

    return write(act, body.model_dump(mode="json"), status=201)


def _order(session: Session, number: str) -> OutboundOrder:
    found = session.scalars(
        select(OutboundOrder).where(func.upper(OutboundOrder.order_no) == number.upper())
    ).one_or_none()
    if found is None:
        raise NotFound(field="order", what=number)
    return found


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


@bp.post("/parcels/<sscc>/items")
@policy(*WRITERS)
@bp.input(ParcelPackIn, arg_name="body")
def pack(sscc: str, body: ParcelPackIn) -> Response:
    """Put goods from a tote into the parcel."""

    def act(session: Session, parcel: Parcel) -> None:
        unit = session.scalar(select(HandlingUnit.id).where(HandlingUnit.sscc == body.from_unit))
        if unit is None:
            raise NotFound(field="from_unit", what=body.from_unit)
        item_id = _item(session, parcel.owner_id, body.item)
        wanted = PutIn(parcel.id, unit, item_id, body.qty, body.lot_no, body.weight_g, body.serials)
        packing.put_in(session, wanted, _by())

    return _change(sscc, body, act)


@bp.post("/parcels/<sscc>/undo")
@policy(*WRITERS)
@bp.input(ParcelUndoIn, arg_name="body")
def undo(sscc: str, body: ParcelUndoIn) -> Response:
    """Take goods out again: the mirror image of their posting."""

    def act(session: Session, parcel: Parcel) -> None:
        if body.id not in {row.id for row in packing_queries.packed_items(session, parcel.id)}:
            raise NotFound(field="id", what=body.id)
        packing.take_back(session, body.id, _by())

    return _change(sscc, body, act)


@bp.post("/parcels/<sscc>/close")
@policy(*WRITERS)
@bp.input(ParcelCloseIn, arg_name="body")
def close(sscc: str, body: ParcelCloseIn) -> Response:
    """Weigh and close the parcel. A weight too far off is refused with what may be missing or too many."""
    said = body.model_dump()
    return _change(sscc, body, lambda session, one: closing_parcels.close_parcel(session, one.id, _by(), **said))


@bp.post("/parcels/<sscc>/close-anyway")
@policy("supervisor")
@bp.input(ParcelCloseAnywayIn, arg_name="body")
def close_anyway(sscc: str, body: ParcelCloseAnywayIn) -> Response:
    """Close a parcel whose weight is off, on a supervisor's word; the reason is kept."""
    said = body.model_dump(exclude={"reason"})
    return _change(
        sscc, body,
        lambda session, one: closing_parcels.close_parcel(session, one.id, _by(), weight_reason=body.reason, **said),
    )  # fmt: skip


@bp.post("/parcels/<sscc>/reopen")
@policy(*WRITERS)
@bp.input(NothingIn, arg_name="body")
def reopen(sscc: str, body: NothingIn) -> Response:
    """Open a closed parcel again; its weight and label no longer hold."""
    return _change(sscc, body, lambda session, one: closing_parcels.reopen_parcel(session, one.id))


@bp.post("/parcels/<sscc>/void")
@policy(*WRITERS)
@bp.input(NothingIn, arg_name="body")
def void(sscc: str, body: NothingIn) -> Response:
    """Give up a parcel that holds nothing."""
    return _change(sscc, body, lambda session, one: closing_parcels.void_parcel(session, one.id))


@bp.post("/parcels/<sscc>/split")
@policy(*WRITERS)
@bp.input(ParcelSplitIn, arg_name="body")
def split(sscc: str, body: ParcelSplitIn) -> Response:
    """Put part of the goods into a second carton; the answer is the new parcel."""

    def act(session: Session) -> Mapping[str, Any]:
        known = _known(session, sscc)
        goods = [(_item(session, known.owner_id, one.item), one.lot_no, one.qty) for one in body.goods]
        new = splitting_parcels.split_parcel(session, known.id, body.carton, goods, _by())
        return _whole(session, packing_queries.sscc_of(session, new))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/parcels/<sscc>/chute")
@policy(*READERS)
def chute(sscc: str) -> Response:
    """Say which chute the parcel goes into today."""
    with unit_of_work() as session:
        found = sorting.chute_for(session, _known(session, sscc), datetime.now(UTC).date())
        return jsonify({"sscc": sscc, "chute": found.code})


@bp.post("/parcels/<sscc>/sort")
@policy(*WRITERS)
@bp.input(ChuteIn, arg_name="body")
def sort(sscc: str, body: ChuteIn) -> Response:
    """Say that the parcel lies in a chute; the wrong one is refused."""

    def act(session: Session, parcel: Parcel) -> None:
        place = units.location_of(session, parcel.site_id, body.chute)
        if place is None:
            raise NotFound(field="chute", what=body.chute)
        sorting.put_into_chute(session, parcel.id, place.id, _by())

    return _change(sscc, body, act)


@bp.get("/sort-rules")
@policy(*READERS)
@bp.input(Page, location="query", arg_name="query")
def sort_rules(query: Page) -> Response:
    """List the sorting rules."""
    with unit_of_work() as session:
        rows = packing_queries.sort_rules(session, after_id=query.after, limit=query.limit + 1)
    return page_of([vars(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/sort-rules")
@policy("supervisor")
@bp.input(SortRuleIn, arg_name="body")
def new_sort_rule(body: SortRuleIn) -> Response:
    """Enter a sorting rule."""

    def act(session: Session) -> Mapping[str, Any]:
        place = place_of(session, id_of(session, Site, body.site), body.chute, "chute")
        new = NewSortRule(place.site_id, place.id, body.valid_from_on, body.carrier, body.route, body.region)
        return {"id": sorting.add_rule(session, new)}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/sort-rules/<int:rule_id>/end")
@policy("supervisor")
@bp.input(LastDayIn, arg_name="body")
def end_sort_rule(rule_id: int, body: LastDayIn) -> Response:
    """Let a sorting rule end with a day."""

    def act(session: Session) -> Mapping[str, Any]:
        if not sorting.end_rule(session, rule_id, body.until_on):
            raise NotFound(what=rule_id)
        return {"id": rule_id, "until_on": body.until_on.isoformat()}

    return write(act, body.model_dump(mode="json"))
