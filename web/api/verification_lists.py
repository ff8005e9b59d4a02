"""Verification lists (核注清单): what was declared, passed the gate and was counted, and customs' answers to it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.lookups import id_of, place_of
from web.api.schemas import Body, Code, Count, Instant, Text
from web.auth.policy import READERS, policy
from web.context import customs_desk, unit_of_work
from web.i18n import localised
from wms.customs import corresponding, handing_over, list_changes, list_queries, verification_lists
from wms.customs.rules import ListFacts, check_booking
from wms.errors import WmsError
from wms.parties.tables import Company, Site
from wms.stock.tables import BookLine

bp = APIBlueprint("api_verification_lists", __name__, url_prefix="/api/v1", tag="Customs")


class CustomsAnswer(Body):
    """What customs answered: INV201 (pre_deducted, with the list's number), entry released, INV211 (booked), returned.

    "declared" is our own step: the list is sent (INV101), or was typed in by hand where the house works so. "changed"
    and "change_refused" answer what was asked of a declared list (chgTmsCnt in ``change_count``); "revoked" undoes a
    booking by the document in ``entry_no``.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"answer": "pre_deducted", "list_no": "QD490226I000000001"}]}
    )

    answer: Literal[
        "declared", "pre_deducted", "entry_released", "booked", "returned", "changed", "change_refused", "revoked"
    ]
    list_no: Code | None = None
    change_count: Annotated[int, Field(strict=True, ge=0, le=9_999)] | None = None
    entry_no: Annotated[str, Field(max_length=40)] | None = None
    at: Instant | None = None


class VerificationLineIn(Body):
    """Goods of a list: the line of the account book, the quantity as customs writes it, and the same in base units."""

    book_line: Count
    declared_qty: Annotated[Decimal, Field(gt=0, max_digits=19, decimal_places=5)]
    declared_base_qty: Count
    unit_price_minor: Annotated[int, Field(strict=True, ge=0)] = 0
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "CNY"


class VerificationListIn(Body):
    """A new verification list (INV101, dclTypecd 1): I adds to the account book, E deducts from it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "internal_no": "IN-0001",
                    "book_no": "T4902W000001",
                    "owner": "YMBEAUTY",
                    "direction": "I",
                    "trade_mode": "5034",
                    "lines": [{"book_line": 1, "declared_qty": "10", "declared_base_qty": 10}],
                }
            ]
        }
    )

    internal_no: Code
    book_no: Code
    owner: Code
    direction: Literal["I", "E"]
    trade_mode: Annotated[str, Field(pattern="^[0-9]{4}$")]
    list_type: Literal["0", "1", "3", "4", "5", "6", "7", "8", "9"] = "0"
    lines: Annotated[list[VerificationLineIn], Field(min_length=1, max_length=1_000)]


class ListChangeLine(Body):
    """What a line is to declare from now on."""

    line_no: Count
    declared_qty: Annotated[Decimal, Field(gt=0, max_digits=19, decimal_places=5)]
    declared_base_qty: Count


class ListChangeIn(Body):
    """A change (dclTypecd 2) with new quantities, or without lines a deletion (dclTypecd 3)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reason": "counted again",
                    "lines": [{"line_no": 1, "declared_qty": "9", "declared_base_qty": 9}],
                }
            ]
        }
    )

    reason: Text
    lines: Annotated[list[ListChangeLine], Field(max_length=1_000)] = []  # noqa: RUF012 - pydantic copies it


@bp.post("/verification-lists")
@policy("declarant")
@bp.input(VerificationListIn, arg_name="body")
def draw_up(body: VerificationListIn) -> Response:
    """Draw up a verification list for an account book; it is a draft until it is declared."""

    def act(session: Session) -> Mapping[str, Any]:
        lines = tuple(
            _line(list_queries.book_line(session, body.book_no, line.book_line, place), line)
            for place, line in enumerate(body.lines, 1)
        )
        command = verification_lists.DrawUpList(
            body.internal_no, body.book_no, id_of(session, Company, body.owner), body.direction, body.trade_mode, lines,
            body.list_type,
        )  # fmt: skip
        return _whole(session, verification_lists.draw_up(session, command))

    return write(act, body.model_dump(mode="json"), status=201)


def _line(of_book: BookLine, line: VerificationLineIn) -> verification_lists.ListLine:
    return verification_lists.ListLine(
        of_book.id, line.declared_qty, of_book.customs_unit, line.declared_base_qty, line.unit_price_minor,
        line.currency,
    )  # fmt: skip


@bp.post("/verification-lists/<number>/changes")
@policy("declarant", subject="verification_list")
@bp.input(ListChangeIn, arg_name="body")
def ask_change(number: str, body: ListChangeIn) -> Response:
    """Ask customs to change quantities of a declared list, or without lines to delete it."""
    by_hand = customs_desk().is_by_hand

    def act(session: Session) -> Mapping[str, Any]:
        list_id, at = list_queries.list_id_of(session, number), datetime.now(UTC)
        wanted = {line.line_no: list_changes.Quantity(line.declared_qty, line.declared_base_qty) for line in body.lines}
        if wanted:
            asked = list_changes.ask_change(session, list_id, wanted, body.reason, at)
        else:
            asked = list_changes.ask_deletion(session, list_id, body.reason, at)
        if not by_hand:
            corresponding.send_change(session, asked, at)
        return {"kind": asked.kind, "change_count": asked.change_count, "state": asked.state}

    return write(act, body.model_dump(mode="json"), status=201)


class HandOverIn(Body):
    """Goods at a place that the list's line gives and the same line of the taker's list takes (both of type 6).

    ``weight_g``: what they weigh together, where each piece has a weight of its own and not all of them are given.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"taker_list": "IN-0002", "line_no": 1, "site": "CLJ-B1", "place": "A-01", "qty": 5, "weight_g": 10350}
            ]
        }
    )

    taker_list: Code
    line_no: Count
    site: Code
    place: Code
    qty: Count
    weight_g: Count | None = None


@bp.post("/verification-lists/<number>/hand-over")
@policy("declarant", "supervisor", subject="verification_list")
@bp.input(HandOverIn, arg_name="body")
def hand_over(number: str, body: HandOverIn) -> Response:
    """Hand bonded goods over to another owner inside the zone: shelf and both books move together."""

    def act(session: Session) -> Mapping[str, Any]:
        place = place_of(session, id_of(session, Site, body.site), body.place)
        parts = handing_over.parts_at(session, number, body.line_no, place.id, body.qty)
        key = f"hand-over:{request_key()}"
        at = datetime.now(UTC)
        command = handing_over.HandOver(key, number, body.taker_list, body.line_no, parts, at, body.weight_g)
        return {"posting_id": handing_over.hand_over(session, command)}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/verification-lists/<number>/delete")
@policy("declarant", subject="verification_list")
def delete_unsent(number: str) -> Response:
    """Delete a list that customs does not have: a draft, or one it sent back."""

    def act(session: Session) -> Mapping[str, Any]:
        list_id = list_queries.list_id_of(session, number)
        list_changes.delete_unsent(session, list_id)
        return _whole(session, list_id)

    return write(act, {})


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
            corresponding.declare_list(session, list_id, at, by_hand=customs_desk().is_by_hand)
        case "pre_deducted":
            verification_lists.pre_deduct(session, list_id, body.list_no or "", at)
        case "entry_released":
            verification_lists.release_entry(session, list_id, body.entry_no, at)
        case "booked":
            key = f"list-booked:{list_id}:{request_key()}"
            verification_lists.book(session, list_id, key, at, body.change_count)
        case "changed":
            list_changes.approve(session, list_id, body.change_count or 0, at)
        case "change_refused":
            list_changes.refuse(session, list_id, body.change_count or 0, at)
        case "revoked":
            key = f"list-reopened:{list_id}:{request_key()}"
            list_changes.reopen(session, list_id, key, body.entry_no or "", at)
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
