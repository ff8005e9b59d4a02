"""Quality: inspection plans, inspections and their verdicts, holds by reason, and changes of status or owner."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.notices import id_of
from web.api.paging import page_of
from web.api.schemas import Body, Code, Page, Text
from web.api.units import DeedIn, GoodsIn, place_of, wanted_of
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.catalog import queries as catalog
from wms.errors import NotFound
from wms.floor import quality_queries as queries
from wms.floor.rules.quality import RELEASED_TO
from wms.floor.service import changing_status, holding, inspecting
from wms.floor.service.changing_status import Agreement, Goods
from wms.floor.service.holding import Hold
from wms.floor.service.inspecting import Decide, NewPlan
from wms.floor.tables import INSPECTION_STATES, SAMPLINGS
from wms.parties.tables import Company, Site
from wms.stock.tables import CUSTOMS_STATUSES, HOLD_REASONS, QUALITY_STATUSES, HandlingUnit, Lot

bp = APIBlueprint("api_quality", __name__, url_prefix="/api/v1", tag="Quality")


class PlanIn(Body):
    """How many units of which goods are inspected on receipt: a share in permille, or a table of dated data by name."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "owner": "LAKE", "sampling": "table", "sample_table": "quality.sample_table.level_ii_aql_2_5",
                "source": "contract of 2026, annex 3",
            }
        }
    )  # fmt: skip
    sampling: Literal[SAMPLINGS]  # type: ignore[valid-type]
    source: Annotated[str, Field(min_length=1, max_length=500)]
    owner: Code | None = None
    item: Code | None = None
    supplier: Code | None = None
    share_permille: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None
    sample_table: Code | None = None
    holds_lot: bool = False
    valid_from_on: date | None = None
    valid_until_on: date | None = None


class VerdictIn(Body):
    """What was found. ``result`` is needed only where it is another than the count means, with a ``note``."""

    model_config = ConfigDict(json_schema_extra={"example": {"defects": 0, "grade": "A"}})
    defects: Annotated[int, Field(strict=True, ge=0)]
    result: Literal["passed", "failed"] | None = None
    grade: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    note: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    pictures: Annotated[tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...], Field(max_length=50)] = ()


class HoldIn(DeedIn):
    """Goods to hold: all good stock of an item at a site, of one lot, or on one unit; ``qty`` base units, or all."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"site": "YY-1", "owner": "LAKE", "item": "SKU-1001", "lot_no": "L1", "cause": "recall"}
        }
    )
    site: Code
    owner: Code
    item: Code
    cause: Literal[HOLD_REASONS]  # type: ignore[valid-type]
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None
    qty: Annotated[int, Field(strict=True, ge=1)] | None = None


class ReleaseIn(DeedIn):
    """What held goods become, and why."""

    model_config = ConfigDict(json_schema_extra={"example": {"to_status": "good", "reason": "the laboratory says so"}})
    to_status: Literal[RELEASED_TO] = "good"  # type: ignore[valid-type]
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class LyingIn(DeedIn):
    """Goods of an owner at a place: in a unit (``sscc``), or loose."""

    site: Code
    place: Code
    owner: Code
    goods: GoodsIn
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None


class QualityIn(LyingIn):
    """Their new quality status."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "site": "YY-1", "place": "A-01-1", "owner": "LAKE", "goods": {"item": "SKU-1001", "qty": 2},
                "to_status": "damaged", "reason": "fork through the carton",
            }
        }
    )  # fmt: skip
    to_status: Literal[QUALITY_STATUSES]  # type: ignore[valid-type]
    reason: Text


class CustomsIn(LyingIn):
    """Their new customs status, and the ``document`` of customs that makes it true."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "site": "YY-1", "place": "A-01-1", "owner": "LAKE", "goods": {"item": "SKU-1001", "qty": 2},
                "to_status": "export", "document": "491520260000000001",
            }
        }
    )  # fmt: skip
    to_status: Literal[CUSTOMS_STATUSES]  # type: ignore[valid-type]


class GiveIn(LyingIn):
    """The new owner, and the document by which each side agreed. ``to_item`` is the taker's code, if not by GTIN."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "site": "YY-1", "place": "A-01-1", "owner": "LAKE", "goods": {"item": "SKU-1001", "qty": 2},
                "to_owner": "REED", "giver_agreement": "sale 2026-17", "taker_agreement": "order 4711",
            }
        }
    )  # fmt: skip
    to_owner: Code
    giver_agreement: Code | None = None
    taker_agreement: Code | None = None
    to_item: Code | None = None


class InspectionQuery(Page):
    """Which inspections: in a state."""

    state: Literal[INSPECTION_STATES] | None = None  # type: ignore[valid-type]


class HoldQuery(Page):
    """Which holds: in a state."""

    state: Literal["open", "released"] | None = None


@bp.get("/inspection-plans")
@policy(*READERS, firms=True)
@bp.input(Page, location="query", arg_name="query")
def plans(query: Page) -> Response:
    """List inspection plans by id, with the period in which each holds."""
    with unit_of_work() as session:
        rows = queries.plans(session, after_id=query.after, limit=query.limit + 1)
    return page_of([queries.plain(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/inspection-plans")
@policy("supervisor", "planner")
@bp.input(PlanIn, arg_name="body")
def new_plan(body: PlanIn) -> Response:
    """Enter an inspection plan with its source."""

    def act(session: Session) -> Mapping[str, Any]:
        owner_id = id_of(session, Company, body.owner) if body.owner else None
        item_id = _item_id(session, owner_id, body.item) if owner_id and body.item else None
        if body.item and item_id is None:
            raise NotFound(field="owner", what=body.item)
        on = body.valid_from_on or datetime.now(UTC).date()
        new = NewPlan(
            body.sampling, body.source, on, owner_id, item_id, body.supplier, body.share_permille, body.sample_table,
            body.holds_lot, body.valid_until_on,
        )  # fmt: skip
        return {"id": inspecting.enter_plan(session, new)}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/inspections")
@policy(*READERS, firms=True)
@bp.input(InspectionQuery, location="query", arg_name="query")
def inspections(query: InspectionQuery) -> Response:
    """List inspections by id."""
    with unit_of_work() as session:
        rows = queries.inspections(session, after_id=query.after, limit=query.limit + 1, state=query.state)
    return page_of([queries.plain(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/inspections/<int:inspection_id>")
@policy(*READERS, firms=True, subject="inspection")
def inspection(inspection_id: int) -> Response:
    """Show one inspection: what is looked at, with how many defects it passes, and the verdict."""
    with unit_of_work() as session:
        return jsonify(_inspection(session, inspection_id))


@bp.post("/inspections/<int:inspection_id>/verdict")
@policy("clerk", "supervisor", subject="inspection")
@bp.input(VerdictIn, arg_name="body")
def verdict(inspection_id: int, body: VerdictIn) -> Response:
    """Write the verdict: passed releases what was set aside; failed blocks exactly that lot."""

    def act(session: Session) -> Mapping[str, Any]:
        deed = DeedIn(reason=body.note).deed()
        command = Decide(inspection_id, body.defects, body.result, body.grade, body.pictures)
        inspecting.decide(session, command, deed)
        return _inspection(session, inspection_id)

    return write(act, body.model_dump(mode="json"))


@bp.get("/holds")
@policy(*READERS, firms=True)
@bp.input(HoldQuery, location="query", arg_name="query")
def holds(query: HoldQuery) -> Response:
    """List holds by id: what is held, why, and how it ended."""
    with unit_of_work() as session:
        rows = queries.holds(session, after_id=query.after, limit=query.limit + 1, state=query.state)
    return page_of([queries.plain(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/holds")
@policy("supervisor")
@bp.input(HoldIn, arg_name="body")
def hold(body: HoldIn) -> Response:
    """Hold good stock: one hold for each lot and unit that it lies in."""

    def act(session: Session) -> Mapping[str, Any]:
        owner_id = id_of(session, Company, body.owner)
        item_id = _item_id(session, owner_id, body.item)
        lot_id = session.scalar(select(Lot.id).where(Lot.trade_item_id == item_id, Lot.lot_no == body.lot_no))
        if body.lot_no and lot_id is None:
            raise NotFound(field="lot_no", what=body.lot_no)
        unit_id = session.scalar(select(HandlingUnit.id).where(HandlingUnit.sscc == body.sscc))
        if body.sscc and unit_id is None:
            raise NotFound(field="sscc", what=body.sscc)
        wanted = Hold(owner_id, id_of(session, Site, body.site), item_id, body.cause, lot_id, unit_id, body.qty)
        made = holding.place_hold(session, wanted, body.deed())
        return {"holds": [queries.plain(row) for one in made for row in queries.holds(session, hold_id=one)]}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/holds/<int:hold_id>/lift")
@policy("supervisor", subject="hold")
@bp.input(ReleaseIn, arg_name="body")
def release(hold_id: int, body: ReleaseIn) -> Response:
    """Release a hold: exactly what it held becomes good, or is blocked for good."""

    def act(session: Session) -> Mapping[str, Any]:
        posting_id = holding.release(session, hold_id, body.to_status, body.deed())
        return {**queries.plain(queries.holds(session, hold_id=hold_id)[0]), "posting_id": posting_id}

    return write(act, body.model_dump(mode="json"))


@bp.post("/status-changes/quality")
@policy("supervisor")
@bp.input(QualityIn, arg_name="body")
def change_quality(body: QualityIn) -> Response:
    """Change the quality status of goods where they lie."""
    return write(
        lambda session: {
            "posting_id": changing_status.change_quality(session, _goods(session, body), body.to_status, body.deed())
        },
        body.model_dump(mode="json"),
        status=201,
    )


@bp.post("/status-changes/customs")
@policy("supervisor", "declarant")
@bp.input(CustomsIn, arg_name="body")
def change_customs(body: CustomsIn) -> Response:
    """Change the customs status of goods where they lie, by the document that makes it true; else it is refused."""
    return write(
        lambda session: {
            "posting_id": changing_status.change_customs(session, _goods(session, body), body.to_status, body.deed())
        },
        body.model_dump(mode="json"),
        status=201,
    )


@bp.post("/owner-changes")
@policy("supervisor")
@bp.input(GiveIn, arg_name="body")
def give(body: GiveIn) -> Response:
    """Let goods go to another owner where they lie; both owners' agreement is recorded. Bonded goods are refused."""

    def act(session: Session) -> Mapping[str, Any]:
        agreement = Agreement(body.giver_agreement, body.taker_agreement, body.to_item)
        to_owner_id = id_of(session, Company, body.to_owner)
        made = changing_status.give(session, _goods(session, body), to_owner_id, agreement, body.deed())
        return {"change_no": made.change_no, "posting_id": made.posting_id, "qty": made.qty}

    return write(act, body.model_dump(mode="json"), status=201)


def _goods(session: Session, body: LyingIn) -> Goods:
    owner_id = id_of(session, Company, body.owner)
    place = place_of(session, body.site, body.place)
    return Goods(owner_id, place, wanted_of(session, owner_id, 1, body.goods), body.sscc)


def _item_id(session: Session, owner_id: int, code: str) -> int:
    item = catalog.item_by_code(session, owner_id, code)
    if item is None:
        raise NotFound(field="item", what=code)
    return item.id


def _inspection(session: Session, inspection_id: int) -> dict[str, Any]:
    found = queries.inspections(session, inspection_id=inspection_id)
    if not found:
        raise NotFound(what=f"inspection {inspection_id}")
    return queries.plain(found[0])
