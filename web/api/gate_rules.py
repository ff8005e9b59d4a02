"""What decides at the gates, by API: control orders, answers of the customs platform, parameters and tolerances."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import Field
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.schemas import Body, Instant, Page, Small
from web.auth.policy import policy
from web.context import current_scope, unit_of_work
from web.live import WATCHERS
from wms.gate.queries import control_orders, lane_rules, tolerances
from wms.gate.rules.controls import NewOrder
from wms.gate.rules.lane import LaneParameters
from wms.gate.service import (
    add_picture,
    customs_answered,
    give_order,
    open_questions,
    set_parameters,
    set_tolerance,
    withdraw_order,
)

bp = APIBlueprint("api_gate_rules", __name__, url_prefix="/api/v1/gates", tag="Gates")
MOST_PICTURE_BYTES = 8 * 1024 * 1024

Words = Annotated[str, Field(min_length=1, max_length=500)]
Grams = Annotated[int, Field(strict=True, ge=0, le=10**9)]
Permille = Annotated[int, Field(strict=True, ge=0, le=1_000)]


class ControlOrderIn(Body):
    """An order of customs on a plate, a container, a gate pass or a document."""

    control: Literal["stop", "detain", "inspect"] = Field(examples=["inspect"])
    target_kind: Literal["plate", "container", "gate_pass", "document"] = Field(examples=["plate"])
    target: Annotated[str, Field(min_length=1, max_length=64)] = Field(examples=["湘F12345"])
    reason: Words = Field(examples=["random check of the day"])
    document_no: Annotated[str, Field(max_length=64)] | None = None


class WithdrawalIn(Body):
    """Why an order ends."""

    reason: Words = Field(examples=["inspected, nothing found"])


class CustomsAnswerIn(Body):
    """The customs platform's answer about one passage."""

    answer: Literal["lift", "hold"] = Field(examples=["lift"])
    hint: Annotated[str, Field(max_length=200)] | None = Field(default=None, examples=["放行抬杆"])


class LaneRulesIn(Body):
    """All parameters of a lane from an instant on, with their source. Spans in milliseconds, weights in grams."""

    valid_from_at: Instant
    needs_container: bool = False
    needs_weight: bool = True
    needs_tag: bool = False
    needs_seal: bool = False
    needs_customs_answer: bool = False
    decide_within_ms: Small = Field(default=8_000)
    customs_within_ms: Small = Field(default=5_000)
    gap_ms: Small = Field(default=20_000)
    settle_ms: Small = Field(default=3_000)
    stable_ms: Small = Field(default=1_000)
    scale_division_g: Small = Field(default=20_000)
    tag_antennas: list[Small] = Field(default_factory=list, max_length=32)
    tag_margin_cdb: Grams = Field(default=600)
    min_confidence_permille: Permille = Field(default=700)
    sure_permille: Permille = Field(default=900)
    source: Words = Field(examples=["measured at the lane, 2026-11"])


class ToleranceIn(Body):
    """How far a weight may be off from an instant on: the wider of a share in 1/10,000 and grams."""

    valid_from_at: Instant
    lane_id: Small | None = None
    goods_class: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    share_bp: Annotated[int, Field(strict=True, ge=0, le=10_000)] = Field(examples=[300])
    absolute_g: Grams = Field(examples=[100_000])
    unweighed_may_pass: bool = False
    source: Words = Field(examples=["letter of the customs office, 2026-11"])


@bp.get("/control-orders")
@policy(*WATCHERS)
@bp.input(Page, location="query", arg_name="query")
def orders(query: Page) -> Response:
    """Control orders of customs, those that stand first."""
    with unit_of_work() as session:
        rows = control_orders(session, after=query.after, limit=query.limit + 1)
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/control-orders")
@policy("customs_officer")
@bp.input(ControlOrderIn, arg_name="body")
def order(body: ControlOrderIn) -> Response:
    """Give an order. It acts at once: vehicles that it names are held, also one whose barrier was told to open."""
    new = NewOrder(**body.model_dump(), at=datetime.now(UTC), person_id=current_scope().person_id)
    return write(lambda session: asdict(give_order(session, new)), body.model_dump(mode="json"), status=201)


@bp.post("/control-orders/<int:order_id>/withdraw")
@policy("customs_officer")
@bp.input(WithdrawalIn, arg_name="body")
def withdraw(order_id: int, body: WithdrawalIn) -> Response:
    """End an order. What it holds stays held until an officer lets it go."""
    at, person = datetime.now(UTC), current_scope().person_id

    def act(session: Session) -> dict[str, Any]:
        row = withdraw_order(session, order_id, reason=body.reason, at=at, person_id=person)
        return {"order_id": row.id, "withdrawn_at": at.isoformat()}

    return write(act, body.model_dump(mode="json"))


@bp.get("/questions")
@policy(*WATCHERS)
def questions() -> Response:
    """Passages about which the customs platform may still answer."""
    with unit_of_work() as session:
        return jsonify([asdict(one) for one in open_questions(session, datetime.now(UTC))])


@bp.post("/questions/<seq_no>/answer")
@policy("customs_officer")
@bp.input(CustomsAnswerIn, arg_name="body")
def answer(seq_no: str, body: CustomsAnswerIn) -> Response:
    """Take the platform's answer: ``taken``, ``repeated`` or ``late``; a late one opens nothing."""
    at = datetime.now(UTC)

    def act(session: Session) -> dict[str, Any]:
        return {"seq_no": seq_no, "outcome": customs_answered(session, seq_no, body.answer, at=at, hint=body.hint)}

    return write(act, body.model_dump(mode="json"))


@bp.get("/lanes/<int:lane_id>/rules")
@policy(*WATCHERS)
def rules(lane_id: int) -> Response:
    """Parameters of a lane, the newest first."""
    with unit_of_work() as session:
        return jsonify([asdict(row) for row in lane_rules(session, lane_id)])


@bp.post("/lanes/<int:lane_id>/rules")
@policy("customs_officer")
@bp.input(LaneRulesIn, arg_name="body")
def enter_rules(lane_id: int, body: LaneRulesIn) -> Response:
    """Enter parameters that hold from an instant on."""
    person = current_scope().person_id
    given = body.model_dump(exclude={"valid_from_at"}) | {"tag_antennas": tuple(body.tag_antennas)}

    def act(session: Session) -> dict[str, Any]:
        row = set_parameters(
            session, lane_id, LaneParameters(**given), from_at=body.valid_from_at, person_id=person
        )
        return {"lane_rule_id": row.id, "lane_id": lane_id, "valid_from_at": row.valid_from_at.isoformat()}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/tolerances")
@policy(*WATCHERS)
def weight_tolerances() -> Response:
    """Weight tolerances by lane and goods class, the newest first."""
    with unit_of_work() as session:
        return jsonify([asdict(row) for row in tolerances(session)])


@bp.post("/tolerances")
@policy("customs_officer")
@bp.input(ToleranceIn, arg_name="body")
def enter_tolerance(body: ToleranceIn) -> Response:
    """Enter a tolerance; it ends the one that holds then for the same lane and class, and lasts until the next."""
    person = current_scope().person_id
    given = body.model_dump(exclude={"valid_from_at"})

    def act(session: Session) -> dict[str, Any]:
        row = set_tolerance(session, from_at=body.valid_from_at, person_id=person, **given)
        return {"tolerance_id": row.id, "valid_from_at": row.valid_from_at.isoformat()}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/passages/<int:passage_id>/pictures")
@policy("customs_officer")
def picture(passage_id: int) -> Response:
    """Add a picture to a passage (multipart field `picture`: JPEG, PNG or WebP)."""
    sent = request.files.get("picture")
    content = sent.stream.read(MOST_PICTURE_BYTES + 1) if sent else b""
    with unit_of_work() as session:
        sha256 = add_picture(session, passage_id, content)
    response = jsonify({"passage_id": passage_id, "sha256": sha256})
    response.status_code = 201
    return response
