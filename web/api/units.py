"""Handling units: what stands in what, what lies there, where it came from; nest, move, split, merge, pack over."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.paging import page_of
from web.api.schemas import Body, Code, Count, Instant, Page, Query, Text
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.catalog import queries as catalog
from wms.catalog import rules as catalog_rules
from wms.errors import NotFound
from wms.floor import unit_queries
from wms.floor.queries import location_by_code
from wms.floor.rules.repacking import Wanted
from wms.floor.service import repacking, units
from wms.floor.service.units import Deed, Done
from wms.floor.unit_queries import Content, EventRow, UnitRow
from wms.parties.tables import Company, Location, Site
from wms.stock.tables import HANDLING_UNIT_KINDS, Lot

bp = APIBlueprint("api_units", __name__, url_prefix="/api/v1", tag="Floor")

Sscc = Annotated[str, Field(pattern=r"^[0-9]{18}$")]
UnitKind = Literal[HANDLING_UNIT_KINDS]  # type: ignore[valid-type]
WRITERS = ("clerk", "supervisor")


class DeedIn(Body):
    """When it was done and why; what is left out is now, and no reason."""

    event_at: Instant | None = None
    document: Code | None = None
    reason: Text | None = None

    def deed(self) -> Deed:
        """Return the deed under the request's key."""
        return Deed(request_key(), self.event_at or datetime.now(UTC), None, self.document, self.reason)


class GoodsIn(Body):
    """Goods that are meant: ``qty`` of ``unit`` (base units when left out) of the owner's item, where given of one lot.

    ``weight_g`` is what they weigh, for goods of catch weight; ``serials`` the numbers of serial-controlled pieces.
    """

    item: Code
    qty: Count
    unit: Code | None = None
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    quality_status: str | None = None
    weight_g: Count | None = None
    serials: Annotated[tuple[Code, ...], Field(max_length=10_000)] = ()


class MakeIn(DeedIn):
    """A new unit of an owner (code); ``into`` is the unit that it stands in from the start."""

    model_config = ConfigDict(json_schema_extra={"example": {"owner": "YC", "kind": "pallet"}})
    owner: Code
    kind: UnitKind
    into: Sscc | None = None


class IntoIn(DeedIn):
    """The unit that another one is put into."""

    model_config = ConfigDict(json_schema_extra={"example": {"into": "169012340000000018"}})
    into: Sscc


class MoveIn(DeedIn):
    """Where to; ``seen_at`` is the place where the caller saw the unit, so that a rival's move is noticed."""

    model_config = ConfigDict(json_schema_extra={"example": {"site": "YY-B1", "to": "A-01-1", "seen_at": "DOCK-1"}})
    site: Code
    to: Code
    seen_at: Code | None = None


class SplitIn(DeedIn):
    """What goes into the new unit, and of which kind that is (as the first one when left out)."""

    model_config = ConfigDict(json_schema_extra={"example": {"lines": [{"item": "SKU1", "qty": 10}], "kind": "carton"}})
    lines: Annotated[tuple[GoodsIn, ...], Field(min_length=1, max_length=500)]
    kind: UnitKind | None = None


class MergeIn(DeedIn):
    """The units whose goods go into this one."""

    model_config = ConfigDict(json_schema_extra={"example": {"units": ["169012340000000018"]}})
    units: Annotated[list[Sscc], Field(min_length=1, max_length=200)]


class RepackIn(IntoIn):
    """What goes over into another unit."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"into": "169012340000000018", "lines": [{"item": "SKU1", "qty": 10}]}}
    )
    lines: Annotated[tuple[GoodsIn, ...], Field(min_length=1, max_length=500)]


class UnpackIn(DeedIn):
    """What is taken out and lies loose; nothing named: all of it."""

    model_config = ConfigDict(json_schema_extra={"example": {"lines": [{"item": "SKU1", "qty": 10}]}})
    lines: Annotated[tuple[GoodsIn, ...], Field(max_length=500)] = ()


class PackIn(DeedIn):
    """Loose goods at a place that go into this unit."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"site": "YY-B1", "place": "A-01-1", "lines": [{"item": "SKU1", "qty": 10}]}}
    )
    site: Code
    place: Code
    lines: Annotated[tuple[GoodsIn, ...], Field(min_length=1, max_length=500)]


class UnitQuery(Page):
    """Which units: whose SSCC ends so."""

    sscc: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")] | None = None


class WayQuery(Query):
    """Which way to follow the goods: where they came from (up) or where they went (down)."""

    way: Literal["up", "down", "all"] = "all"


@bp.get("/units")
@policy(*READERS, firms=True)
@bp.input(UnitQuery, location="query", arg_name="query")
def listed(query: UnitQuery) -> Response:
    """List handling units by id."""
    with unit_of_work() as session:
        rows = unit_queries.units(session, after_id=query.after, limit=query.limit + 1, sscc=query.sscc)
    return page_of([vars(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/units/<sscc>")
@policy(*READERS, firms=True, subject="handling_unit")
def one(sscc: str) -> Response:
    """Show a unit with the units in it, to any depth, and what lies in each."""
    with unit_of_work() as session:
        return jsonify(whole(session, sscc))


@bp.get("/units/<sscc>/genealogy")
@policy(*READERS, firms=True, subject="handling_unit")
@bp.input(WayQuery, location="query", arg_name="query")
def genealogy(sscc: str, query: WayQuery) -> Response:
    """Show what came from what: up to where the goods of a unit came from, down to where goods from it went."""
    read = {"up": unit_queries.came_from, "down": unit_queries.went_to, "all": unit_queries.life_of}[query.way]
    with unit_of_work() as session:
        return jsonify([event(row) for row in read(session, units.known(session, sscc).id)])


@bp.get("/lots/<int:lot_id>/genealogy")
@policy(*READERS, firms=True, subject="lot")
def lot_genealogy(lot_id: int) -> Response:
    """Show every step by which goods of a lot went from unit to unit."""
    with unit_of_work() as session:
        if session.get(Lot, lot_id) is None:
            raise NotFound(what=f"lot {lot_id}")
        return jsonify([event(row) for row in unit_queries.life_of_lot(session, lot_id)])


@bp.post("/units")
@policy(*WRITERS)
@bp.input(MakeIn, arg_name="body")
def make(body: MakeIn) -> Response:
    """Give a new unit its label (SSCC)."""
    return _done(
        body,
        lambda session: units.make(session, _owner_id(session, body.owner), body.kind, body.deed(), body.into),
        201,
    )


@bp.post("/units/<sscc>/nest")
@policy(*WRITERS, subject="handling_unit")
@bp.input(IntoIn, arg_name="body")
def nest(sscc: str, body: IntoIn) -> Response:
    """Put a unit into another one at the same place."""
    return _done(body, lambda session: units.nest(session, sscc, body.into, body.deed()))


@bp.post("/units/<sscc>/take-out")
@policy(*WRITERS, subject="handling_unit")
@bp.input(DeedIn, arg_name="body")
def take_out(sscc: str, body: DeedIn) -> Response:
    """Take a unit out of the one it stands in."""
    return _done(body, lambda session: units.take_out(session, sscc, body.deed()))


@bp.post("/units/<sscc>/move")
@policy(*WRITERS, subject="handling_unit")
@bp.input(MoveIn, arg_name="body")
def move(sscc: str, body: MoveIn) -> Response:
    """Move a unit with all that stands in it."""
    return _done(
        body,
        lambda session: units.move(
            session, sscc, place_of(session, body.site, body.to), body.deed(), seen_at=body.seen_at
        ),
    )


@bp.post("/units/<sscc>/split")
@policy(*WRITERS, subject="handling_unit")
@bp.input(SplitIn, arg_name="body")
def split(sscc: str, body: SplitIn) -> Response:
    """Take part of a unit's goods into a new unit, which is the answer."""
    return _done(
        body,
        lambda session: repacking.split(session, sscc, _wanted(session, sscc, body.lines), body.deed(), body.kind),
        201,
    )


@bp.post("/units/<sscc>/merge")
@policy(*WRITERS, subject="handling_unit")
@bp.input(MergeIn, arg_name="body")
def merge(sscc: str, body: MergeIn) -> Response:
    """Put all that lies in other units into this one."""
    return _done(body, lambda session: repacking.merge(session, body.units, sscc, body.deed()))


@bp.post("/units/<sscc>/repack")
@policy(*WRITERS, subject="handling_unit")
@bp.input(RepackIn, arg_name="body")
def repack(sscc: str, body: RepackIn) -> Response:
    """Put named goods of this unit into another one."""
    return _done(
        body,
        lambda session: repacking.repack(session, sscc, _wanted(session, sscc, body.lines), body.into, body.deed()),
    )


@bp.post("/units/<sscc>/unpack")
@policy(*WRITERS, subject="handling_unit")
@bp.input(UnpackIn, arg_name="body")
def unpack(sscc: str, body: UnpackIn) -> Response:
    """Take goods out of this unit; they lie loose at its place."""
    return _done(
        body, lambda session: repacking.unpack(session, sscc, _wanted(session, sscc, body.lines), body.deed())
    )


@bp.post("/units/<sscc>/pack")
@policy(*WRITERS, subject="handling_unit")
@bp.input(PackIn, arg_name="body")
def pack(sscc: str, body: PackIn) -> Response:
    """Put goods that lie loose at a place into this unit."""
    return _done(
        body,
        lambda session: repacking.pack(
            session, place_of(session, body.site, body.place), _wanted(session, sscc, body.lines), sscc, body.deed()
        ),
    )


def _done(body: DeedIn, act: Callable[[Session], Done], status: int = 200) -> Response:
    def run(session: Session) -> Mapping[str, Any]:
        done = act(session)
        return {**whole(session, done.sscc), "posting_id": done.posting_id}

    return write(run, body.model_dump(mode="json"), status=status)


def _owner_id(session: Session, code: str) -> int:
    found = session.scalar(select(Company.id).where(func.upper(Company.code) == code.upper()))
    if found is None:
        raise NotFound(field="owner", what=code)
    return found


def place_of(session: Session, site: str, code: str) -> Location:
    """Return a place of a site by their codes. Raises NotFound."""
    site_id = session.scalar(select(Site.id).where(func.upper(Site.code) == site.upper()))
    found = location_by_code(session, site_id, code) if site_id else None
    if found is None:
        raise NotFound(field="place", what=f"{site} {code}")
    return found


def _wanted(session: Session, sscc: str, lines: tuple[GoodsIn, ...]) -> tuple[Wanted, ...]:
    owner_id = units.known(session, sscc).owner_id
    return tuple(wanted_of(session, owner_id, number, line) for number, line in enumerate(lines, 1))


def wanted_of(session: Session, owner_id: int, line_no: int, line: GoodsIn) -> Wanted:
    """Return a line of goods as the floor takes it, exactly converted.

    Raises NotFound, UnknownUnit, InexactConversion.
    """
    item = catalog.item_by_code(session, owner_id, line.item)
    if item is None:
        raise NotFound(field=f"lines.{line_no}.item", what=line.item)
    qty = line.qty
    if line.unit is not None:
        packaging = catalog_rules.packaging_of(line.unit, catalog.packagings(session, item.id), item.code)
        qty = catalog_rules.in_base_units(line.qty, packaging)
    lot_id = None
    if line.lot_no is not None:
        lot_id = session.scalar(select(Lot.id).where(Lot.trade_item_id == item.id, Lot.lot_no == line.lot_no))
        if lot_id is None:
            raise NotFound(field=f"lines.{line_no}.lot_no", what=line.lot_no)
    return Wanted(item.id, qty, lot_id, line.quality_status, line.weight_g, line.serials, item.code)


def whole(session: Session, sscc: str) -> dict[str, Any]:
    """Return a unit, what stands in it at any depth, and what lies in each."""
    unit = units.known(session, sscc)
    tree = unit_queries.tree_of(session, [unit.id])
    ids = [unit.id, *tree.below(unit.id)]
    lying = unit_queries.contents(session, ids)
    rows = {row.id: row for row in unit_queries.units_by_id(session, ids)}
    numbers = unit_queries.serials_of(session, [one.account for one in lying])

    def shown(row: UnitRow) -> dict[str, Any]:
        return {
            **vars(row),
            "goods": [content(one, numbers) for one in lying if one.unit_id == row.id],
            "units": [shown(rows[child]) for child in ids if tree.parents[child] == row.id],
        }

    return {**shown(unit), "places": sorted({one.place_code for one in lying})}


def content(one: Content, numbers: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return goods that lie in a unit or at a place."""
    account = one.account
    return {
        "item": one.item_code,
        "name_zh": one.name_zh,
        "name_en": one.name_en,
        "unit": one.base_unit,
        "qty": one.qty,
        "free_qty": one.free_qty,
        "weight_g": one.weight_g,
        "lot_id": account.lot_id,
        "lot_no": one.lot_no,
        "expires_on": one.expires_on.isoformat() if one.expires_on else None,
        "customs_status": account.customs_status,
        "quality_status": account.quality_status,
        "site": one.site_code,
        "place": one.place_code,
        "serials": numbers.get(account.dimensions, []),
    }


def event(row: EventRow) -> dict[str, Any]:
    """Return a step of genealogy."""
    return {**vars(row), "event_at": row.event_at.isoformat()}

