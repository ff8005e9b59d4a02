"""Verification lists (核注清单): what was declared, passed the gate and was counted, and customs' answers to it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.schemas import Body, Code, Instant
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.i18n import localised
from wms.customs import list_queries, verification_lists
from wms.customs.rules import ListFacts, check_booking
from wms.errors import WmsError

bp = APIBlueprint("api_verification_lists", __name__, url_prefix="/api/v1", tag="Customs")


class CustomsAnswer(Body):
    """What customs answered: INV201 (pre_deducted, with the list's number), entry released, INV211 (booked), returned.

    "declared" is our own step: the list went out.
    """

    answer: Literal["declared", "pre_deducted", "entry_released", "booked", "returned"]
    list_no: Code | None = None
    entry_no: Annotated[str, Field(max_length=40)] | None = None
    at: Instant | None = None


@bp.get("/verification-lists/<number>")
@policy(*READERS, firms=True, subject="verification_list")
def verification_list(number: str) -> Response:
    """Show a list by customs' number or our own, and what still forbids booking it."""
    with unit_of_work() as session:
        return jsonify(_whole(session, list_queries.list_id_of(session, number)))


@bp.post("/verification-lists/<number>/answers")
@policy("declarant", "customs_officer")
@bp.input(CustomsAnswer, arg_name="body")
def customs_answer(number: str, body: CustomsAnswer) -> Response:
    """Take an answer of customs. Booking an inward list makes its goods sellable."""
    return write(lambda session: _take(session, number, body), body.model_dump(mode="json"))


def _take(session: Session, number: str, body: CustomsAnswer) -> Mapping[str, Any]:
    list_id = list_queries.list_id_of(session, number)
    at = body.at or datetime.now(UTC)
    match body.answer:
        case "declared":
            verification_lists.declare(session, list_id, at)
        case "pre_deducted":
            verification_lists.pre_deduct(session, list_id, body.list_no or "", at)
        case "entry_released":
            verification_lists.release_entry(session, list_id, body.entry_no, at)
        case "booked":
            verification_lists.book(session, list_id, f"list-booked:{list_id}:{request_key()}", at)
        case "returned":
            verification_lists.send_back(session, list_id)
    return _whole(session, list_id)


def _whole(session: Session, list_id: int) -> dict[str, Any]:
    row = list_queries.list_row(session, list_id)
    facts = list_queries.facts(session, list_id)
    return {
        "id": row.id,
        "internal_no": row.internal_no,
        "list_no": row.list_no,
        "book_no": row.book_no,
        "direction": row.direction,
        "trade_mode": row.trade_mode,
        "state": row.state,
        "booked_at": row.booked_at.isoformat() if row.booked_at else None,
        "entry_released_at": facts.entry_released_at.isoformat() if facts.entry_released_at else None,
        "lines": [vars(line) for line in facts.lines],
        "not_booked_because": _hindrance(facts) if row.state == "pre_deducted" else None,
    }


def _hindrance(facts: ListFacts) -> str | None:
    try:
        check_booking(facts)
    except WmsError as refusal:
        return localised(refusal.text, refusal.values)
    return None
