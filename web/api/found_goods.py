"""Goods found without label or notice: noted with pictures, received as what they are, given back, or destroyed."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.lookups import id_of, place_of
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Count, Instant, Page, Small
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.errors import NotFound
from wms.floor import found_queries as queries
from wms.floor.rules.found import MOST_PHOTO_BYTES, UnknownFound
from wms.floor.rules.list_receipt import ListLine
from wms.floor.service import finding as service
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_found_goods", __name__, url_prefix="/api/v1/found-goods", tag="Inside")

Reason = Annotated[str, Field(min_length=3, max_length=400)]
Word = Annotated[str, Field(min_length=1, max_length=120)]


class FoundIn(Body):
    """What was found and where it stands; ``responsible`` is the person who decides (any supervisor when left out)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "site": "YY-BW1", "place": "Q-1", "description": "brown carton, wet, no label, behind rack 4",
                "pieces": 1, "note": "smells of coffee",
            }
        }
    )  # fmt: skip
    site: Code
    place: Code
    description: Reason
    pieces: Small
    note: Annotated[str, Field(max_length=2000)] = ""
    found_at: Instant | None = None
    responsible: Annotated[int, Field(strict=True, ge=1)] | None = None


class FoundReceiptIn(Body):
    """What found goods turned out to be: an owner's item, in base units, against a notice or blind (ordinary goods)."""

    dock: Code
    owner: Code
    item: Code
    qty: Count
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    expires_on: date | None = None
    is_damaged: bool = False
    weight_g: Count | None = None
    notice: Code | None = None
    trade_mode: Annotated[str, Field(pattern=r"^[0-9]{4}$")] = "0110"
    reason: Reason


class GiveBackIn(Body):
    """To whom they go, and the paper that says so."""

    handed_to: Word
    document: Word | None = None
    reason: Reason


class DestroyIn(Body):
    """How they are destroyed; in a bonded site under a customs document."""

    method: Reason
    document: Word | None = None
    reason: Reason


class FoundQuery(Page):
    """Which: of a site, in a state."""

    site: str | None = None
    state: Literal["open", "received", "returned", "to_destroy", "destroyed"] | None = None


@bp.url_value_preprocessor
def widen(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Let a picture be as large as it may."""
    request.max_content_length = MOST_PHOTO_BYTES + 100_000


@bp.get("")
@policy(*READERS)
@bp.input(FoundQuery, location="query", arg_name="query")
def listed(query: FoundQuery) -> Response:
    """List goods that nobody could name, with what became of them."""
    with unit_of_work() as session:
        rows = queries.found_goods(
            session, site=query.site, state=query.state, after=query.after, limit=query.limit + 1
        )
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


def whole(session: Session, number: str) -> Mapping[str, Any]:
    """Return found goods. Raises UnknownFound."""
    rows = queries.found_goods(session, number=number)
    if not rows:
        raise UnknownFound(number=number)
    return as_json(rows[0])


@bp.get("/<number>")
@policy(*READERS, subject="found_goods")
def show(number: str) -> Response:
    """Show found goods."""
    with unit_of_work() as session:
        return jsonify(whole(session, number))


@bp.post("")
@policy("clerk", "supervisor")
@bp.input(FoundIn, arg_name="body")
def new(body: FoundIn) -> Response:
    """Note goods that nobody can name."""

    def act(session: Session) -> Mapping[str, Any]:
        site_id = id_of(session, Site, body.site)
        command = service.Note(
            site_id, place_of(session, site_id, body.place).id, body.description, body.pieces,
            body.found_at or datetime.now(UTC), body.note, body.responsible,
        )  # fmt: skip
        return whole(session, service.note(session, command).found_no)

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/<number>/photos")
@policy("clerk", "supervisor", subject="found_goods")
def add_photo(number: str) -> Response:
    """Add a picture (multipart field `photo`: JPEG, PNG or WebP)."""
    sent = request.files.get("photo")
    content = sent.stream.read(MOST_PHOTO_BYTES + 1) if sent else b""
    with unit_of_work() as session:
        sha256 = service.add_photo(session, number, content)
    response = jsonify({"found_no": number.upper(), "sha256": sha256})
    response.status_code = 201
    return response


@bp.get("/<number>/photos/<sha256>")
@policy(*READERS, subject="found_photo")
def photo(number: str, sha256: str) -> Response:
    """Give a picture."""
    with unit_of_work() as session:
        found = queries.photo(session, number, sha256)
        if found is None:
            raise NotFound(what=sha256)
        response = Response(found.content, mimetype=found.media_type)
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    response.headers["Content-Disposition"] = f'inline; filename="{number.upper()}"'
    return response


@bp.post("/<number>/receive")
@policy("supervisor", subject="found_goods")
@bp.input(FoundReceiptIn, arg_name="body")
def receive(number: str, body: FoundReceiptIn) -> Response:
    """Take them in as what they turned out to be, by a receipt with all its rules; then they are stock."""
    key = request_key()
    return write(lambda session: _received(session, number, body, key), body.model_dump(mode="json"))


def _received(session: Session, number: str, body: FoundReceiptIn, key: str) -> Mapping[str, Any]:
    line = ListLine(
        body.item, body.qty, body.lot_no, body.expires_on, is_damaged=body.is_damaged, weight_g=body.weight_g
    )
    command = service.Receipt(
        key, body.dock, line, datetime.now(UTC), body.notice, id_of(session, Company, body.owner), body.trade_mode
    )
    return whole(session, service.receive(session, number, command, body.reason).found_no)


@bp.post("/<number>/give-back")
@policy("supervisor", subject="found_goods")
@bp.input(GiveBackIn, arg_name="body")
def give_back(number: str, body: GiveBackIn) -> Response:
    """Give them back to whom they belong."""

    def act(session: Session) -> Mapping[str, Any]:
        now = datetime.now(UTC)
        return whole(
            session, service.give_back(session, number, body.handed_to, body.document, body.reason, now).found_no
        )

    return write(act, body.model_dump(mode="json"))


@bp.post("/<number>/destroy")
@policy("supervisor", subject="found_goods")
@bp.input(DestroyIn, arg_name="body")
def destroy(number: str, body: DestroyIn) -> Response:
    """Decide that they are destroyed; they are when two others have signed."""

    def act(session: Session) -> Mapping[str, Any]:
        made = service.order_destruction(
            session, number, body.method, body.document, body.reason, datetime.now(UTC)
        )
        return whole(session, made.found_no)

    return write(act, body.model_dump(mode="json"))


@bp.post("/<number>/witness")
@policy("clerk", "supervisor", "customs_officer", subject="found_goods")
def witness(number: str) -> Response:
    """Sign that one saw them destroyed; the second signature writes the certificate."""
    return write(lambda session: whole(session, service.witness(session, number, datetime.now(UTC)).found_no), {})
