"""Gate passes (核放单): apply for lists, movement slips or registered goods; customs' answers; void before passage."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.lookups import id_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Count, Instant, Text
from web.auth.policy import READERS, policy
from web.context import customs_desk, unit_of_work
from wms.customs import corresponding, gate_passes, list_queries, pass_queries, slips
from wms.customs.gate_pass_rules import NewPass, PassDocument, PassLine, RegisteredGoods
from wms.customs.tables import GatePass
from wms.errors import NotFound
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_gate_passes", __name__, url_prefix="/api/v1", tag="Customs")
Grams = Annotated[int, Field(strict=True, ge=0, le=10**12)]


class PassGoodsIn(Body):
    """Goods of a line of a verification list or of a movement slip, in base units, with their gross weight."""

    document: Code
    line_no: Count
    qty: Count
    gross_weight_g: Grams


class RegisteredGoodsIn(Body):
    """Goods that are only registered at the gate (pass type 5); which codes they need says GAC 2023-200."""

    goods_class: Literal["construction", "office", "labour_protection", "living", "other"]
    name: Code
    qty: Annotated[Decimal, Field(gt=0, max_digits=19, decimal_places=5)]
    unit: Annotated[str, Field(pattern="^[0-9]{3}$")]
    gross_weight_g: Grams
    material_no: Code | None = None
    hs_code: Annotated[str, Field(pattern="^[0-9]{10}$")] | None = None


class GatePassIn(Body):
    """An application for a gate pass (SAS121). ``document_kind`` 1 verification list, 2 movement slip.

    ``bind_type``: 1 one vehicle, many documents; 2 one document, one vehicle, all of it; 3 one document, many vehicles.
    Not said, it is what fits the goods that are named.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "internal_no": "HF-1",
                    "owner": "YMBEAUTY",
                    "site": "CLJ-B1",
                    "direction": "I",
                    "pass_type": "2",
                    "bind_type": "2",
                    "plate": "湘F12345",
                    "vehicle_weight_g": 14000000,
                    "valid_from_at": "2026-11-25T00:00:00Z",
                    "valid_until_at": "2026-11-26T00:00:00Z",
                    "document_kind": "1",
                    "goods": [{"document": "IN-1", "line_no": 1, "qty": 5, "gross_weight_g": 2500}],
                }
            ]
        }
    )

    internal_no: Code
    owner: Code
    site: Code
    direction: Literal["I", "E"]
    pass_type: Literal["1", "2", "3", "4", "5", "6"]
    bind_type: Literal["1", "2", "3"] | None = None
    plate: Code
    trailer_plate: Code | None = None
    e_plate: Code | None = None
    containers: Annotated[list[Code], Field(max_length=2)] = []  # noqa: RUF012 - pydantic copies it
    seal_no: Code | None = None
    vehicle_weight_g: Grams
    frame_weight_g: Grams = 0
    container_weight_g: Grams = 0
    is_double_gate: bool = False
    valid_from_at: Instant
    valid_until_at: Instant
    document_kind: Literal["1", "2"] = "1"
    goods: Annotated[list[PassGoodsIn], Field(max_length=1_000)] = []  # noqa: RUF012 - pydantic copies it
    registered: Annotated[list[RegisteredGoodsIn], Field(max_length=1_000)] = []  # noqa: RUF012 - pydantic copies it


class PassAnswer(Body):
    """Customs approved the pass under its number, or it is void (before passage)."""

    answer: Literal["approved", "void"] = Field(examples=["approved"])
    pass_no: Annotated[str, Field(pattern="^Z[0-9]{4}[IE][0-9]{18}$")] | None = None
    reason: Text = ""


@bp.post("/gate-passes")
@policy("declarant")
@bp.input(GatePassIn, arg_name="body")
def new_pass(body: GatePassIn) -> Response:
    """Apply for a gate pass (SAS121); what it names is put on passes at once, never above what is declared."""
    by_hand = customs_desk().is_by_hand

    def act(session: Session) -> Mapping[str, Any]:
        lines, documents = _goods(session, body)
        new = NewPass(
            body.internal_no, id_of(session, Company, body.owner), id_of(session, Site, body.site), body.direction,
            body.pass_type, body.plate, body.vehicle_weight_g, body.valid_from_at, body.valid_until_at,
            bind_type=body.bind_type, trailer_plate=body.trailer_plate, e_plate=body.e_plate,
            container_nos=tuple(body.containers), seal_no=body.seal_no, frame_weight_g=body.frame_weight_g,
            container_weight_g=body.container_weight_g, is_double_gate=body.is_double_gate, lines=lines,
            documents=documents, registered=tuple(RegisteredGoods(**one.model_dump()) for one in body.registered),
        )  # fmt: skip
        made = gate_passes.apply_for_pass(session, new)
        if not by_hand:
            corresponding.declare_pass(session, made.id, datetime.now(UTC))
        return _shown(session, made.internal_no)

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/gate-passes/<number>")
@policy(*READERS, firms=True, subject="gate_pass")
def one_pass(number: str) -> Response:
    """Show a pass by customs' number or our own."""
    with unit_of_work() as session:
        return jsonify(_shown(session, number))


@bp.post("/gate-passes/<number>/answers")
@policy("declarant", "customs_officer", subject="gate_pass")
@bp.input(PassAnswer, arg_name="body")
def pass_answer(number: str, body: PassAnswer) -> Response:
    """Take customs' approval of a pass, or void it: its quantities and goods go back, and customs is told."""
    by_hand = customs_desk().is_by_hand

    def act(session: Session) -> Mapping[str, Any]:
        named = (GatePass.pass_no == number) | (GatePass.internal_no == number)
        pass_id = session.scalars(select(GatePass.id).where(named)).first()
        if pass_id is None:
            raise NotFound(what=number)
        if body.answer == "approved":
            gate_passes.approve_pass(session, pass_id, at=datetime.now(UTC), pass_no=body.pass_no)
        else:
            corresponding.void_pass(session, pass_id, body.reason, datetime.now(UTC), by_hand=by_hand)
        return _shown(session, number)

    return write(act, body.model_dump(mode="json"))


def _goods(session: Session, body: GatePassIn) -> tuple[tuple[PassLine, ...], tuple[PassDocument, ...]]:
    of = _of_list if body.document_kind == "1" else _of_slip
    found = [of(session, one) for one in body.goods]
    documents = {document.document_no: document for _, document in found}
    return tuple(line for line, _ in found), tuple(documents.values())


def _of_list(session: Session, one: PassGoodsIn) -> tuple[PassLine, PassDocument]:
    list_id = list_queries.list_id_of(session, one.document)
    row = next((row for row in list_queries.lines(session, list_id) if row.line_no == one.line_no), None)
    if row is None:
        raise NotFound(field="goods", what=f"{one.document} / {one.line_no}")
    number, _ = list_queries.state_of(session, list_id)
    line = PassLine(row.trade_item_id, one.qty, one.gross_weight_g, row.id)
    return line, PassDocument("1", number, list_id)


def _of_slip(session: Session, one: PassGoodsIn) -> tuple[PassLine, PassDocument]:
    slip = slips.by_no(session, one.document)
    pair = next((pair for pair in slips.parts(session, slip.id) if pair[0].line_no == one.line_no), None)
    if pair is None:
        raise NotFound(field="goods", what=f"{one.document} / {one.line_no}")
    line = PassLine(pair[1].trade_item_id, one.qty, one.gross_weight_g, slip_line_id=pair[0].id)
    return line, PassDocument("2", slip.slip_no or slip.internal_no, movement_slip_id=slip.id)


def _shown(session: Session, number: str) -> dict[str, Any]:
    found = pass_queries.find_pass(session, number)
    if found is None:
        raise NotFound(what=number)
    return as_json(found)
