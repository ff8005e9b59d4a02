"""Consignments: announce, list, amend, cancel; where one is booked and what was planned and seen of it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.imports import Given, TemplateQuery, said, sent_file, template_of
from web.api.paging import page_of
from web.api.schemas import LARGEST, Body, Code, Count, Instant, Page, Query, Text
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.imports.kinds import KINDS
from wms.errors import NotFound
from wms.freight import queries, service
from wms.freight.rules import STATES, ConsignmentForm, Piece, UnknownConsignment
from wms.parties.tables import Company

bp = APIBlueprint("api_consignments", __name__, url_prefix="/api/v1", tag="Planning")
NotNegative = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]


class PieceIn(Body):
    """``count`` equal pieces: sides in mm, weight of one in g."""

    count: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    length_mm: Annotated[int, Field(strict=True, ge=1, le=100_000)]
    width_mm: Annotated[int, Field(strict=True, ge=1, le=100_000)]
    height_mm: Annotated[int, Field(strict=True, ge=1, le=100_000)]
    weight_g: Count


class ConsignmentIn(Body):
    """A consignment. Places are codes of the network (UN/LOCODE; usual aliases are understood), money is fen."""

    consignment_no: Code
    owner: Code
    forwarder: Code | None = None
    goods_name: Text = ""
    origin: Code
    destination: Code
    trade_mode: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    temperature_class: Literal["ambient", "chilled", "frozen"] = "ambient"
    dangerous_class: Code = "none"
    volume_cm3: NotNegative
    weight_g: NotNegative
    value_minor: NotNegative
    ready_at: Instant
    due_at: Instant
    latest_at: Instant | None = None
    must_go: bool = False
    pieces: Annotated[list[PieceIn], Field(max_length=1000)] = []  # noqa: RUF012 - pydantic copies it


class ConsignmentQuery(Page):
    """Which consignments: in a state."""

    state: Literal[STATES] | None = None  # type: ignore[valid-type]


@bp.get("/consignments")
@policy(*READERS, firms=True)
@bp.input(ConsignmentQuery, location="query", arg_name="query")
def consignments(query: ConsignmentQuery) -> Response:
    """List consignments in the order they were announced."""
    with unit_of_work() as session:
        rows = queries.consignments(session, state=query.state, after_id=query.after, limit=query.limit + 1)
    return page_of([_row(row) for row in rows], after=query.after, limit=query.limit)


class ListQuery(Query):
    """How a file is taken. ``dry_run``: only check. ``existing``: refuse rows that are known, or pass over them."""

    dry_run: bool = False
    existing: Literal["refuse", "keep"] = "refuse"


@bp.get("/consignments/template")
@policy(*READERS, firms=True)
@bp.input(TemplateQuery, location="query", arg_name="query")
def template(query: TemplateQuery) -> Response:
    """Give an empty list of consignments with one example row."""
    return template_of(KINDS["consignments"], query.format)


@bp.post("/consignments/file")
@policy("planner", "declarant", "supervisor", firms=True)
@bp.input(ListQuery, location="query", arg_name="query")
def take_file(query: ListQuery) -> Response:
    """Check a CSV or XLSX file (multipart field `file`) and announce all of its consignments, or none when a row is
    bad: 422 names every bad row. The same file again gets the first answer.
    """
    sent = sent_file()
    kind, keep = KINDS["consignments"], query.existing == "keep"
    return said(Given(kind, sent.stream, query.dry_run, keep, name=sent.filename or "").run())


@bp.get("/consignments/<consignment_no>")
@policy(*READERS, firms=True, subject="consignment")
def consignment(consignment_no: str) -> Response:
    """Show a consignment with its pieces, its booking and its milestones."""
    with unit_of_work() as session:
        row = queries.consignment(session, consignment_no)
        if row is None:
            raise UnknownConsignment(consignment_no=consignment_no)
        pieces = queries.pieces(session, [row.id]).get(row.id, ())
        booking = queries.booking(session, consignment_no)
        milestones = queries.milestones(session, consignment_no)
    body = _row(row) | {"pieces": [vars(piece) for piece in pieces], "booking": None}
    if booking is not None:
        names = ("departure", "mode", "origin", "destination", "depart_at", "arrive_at")
        legs = [_iso(dict(zip(names, leg, strict=True))) for leg in booking.legs]
        body["booking"] = {**vars(booking), "legs": legs}
    return jsonify(body | {"milestones": [_iso(vars(one)) for one in milestones]})


@bp.post("/consignments")
@policy("planner", "declarant", "supervisor", firms=True)
@bp.input(ConsignmentIn, arg_name="body")
def announce(body: ConsignmentIn) -> Response:
    """Announce a consignment; it is open for planning at once."""

    def act(session: Session) -> Mapping[str, Any]:
        made = service.announce(session, _form(session, body))
        return {"id": made, "consignment_no": body.consignment_no, "state": "open", "version": 1}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.put("/consignments/<consignment_no>")
@policy("planner", "declarant", "supervisor", firms=True, subject="consignment")
@bp.input(ConsignmentIn, arg_name="body")
def amend(consignment_no: str, body: ConsignmentIn) -> Response:
    """Replace what is known of an open consignment; plans made before are then out of date."""
    form = body.model_copy(update={"consignment_no": consignment_no})

    def act(session: Session) -> Mapping[str, Any]:
        version = service.amend(session, _form(session, form))
        return {"consignment_no": consignment_no, "state": "open", "version": version}

    return write(act, form.model_dump(mode="json"))


@bp.delete("/consignments/<consignment_no>")
@policy("planner", "declarant", "supervisor", firms=True, subject="consignment")
def cancel(consignment_no: str) -> Response:
    """Take an open consignment out."""

    def act(session: Session) -> Mapping[str, Any]:
        service.cancel(session, consignment_no)
        return {"consignment_no": consignment_no, "state": "cancelled"}

    return write(act, {"consignment_no": consignment_no})


def _form(session: Session, body: ConsignmentIn) -> ConsignmentForm:
    values = body.model_dump(exclude={"owner", "forwarder", "pieces"})
    return ConsignmentForm(
        **values,
        owner_id=_company(session, body.owner),
        forwarder_id=_company(session, body.forwarder) if body.forwarder is not None else None,
        pieces=tuple(Piece(**piece.model_dump()) for piece in body.pieces),
    )


def _company(session: Session, code: str) -> int:
    found = session.scalar(select(Company.id).where(Company.code == code))
    if found is None:
        raise NotFound(what=code)
    return found


def _row(row: queries.ConsignmentRow) -> dict[str, Any]:
    return _iso({name: value for name, value in vars(row).items() if name not in {"owner_id", "forwarder_id"}})


def _iso(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()}
