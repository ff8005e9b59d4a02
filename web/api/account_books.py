"""Account books (账册): the live reconciliation with the goods, differences, and the periodic write-off."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Page, RowId, Text
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.customs import differences, list_queries, modes, reconciling, write_off_due, writing_off
from wms.customs.tables import AccountBook
from wms.errors import NotFound

bp = APIBlueprint("api_account_books", __name__, url_prefix="/api/v1", tag="Customs")
SETTLES = ("declarant", "supervisor")


class LineQuery(Page):
    """Which lines; ``differs``: only those where book and goods are apart."""

    differs: bool = False


class AnswerableIn(Body):
    """Who answers for a difference, until when."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"person_id": 1, "due_on": "2026-12-10"}]})

    person_id: RowId
    due_on: date


class ExplanationIn(Body):
    """By which document a difference is explained, and how."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"document": "CUSTOMS-LETTER-7", "reason": "two cartons broken in transit"}]}
    )

    document: Code
    reason: Text


class WriteOffIn(Body):
    """Which days, both included; they are over."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"from_on": "2026-01-01", "until_on": "2026-10-31"}]})

    from_on: date
    until_on: date


class WriteOffAnswer(Body):
    """``declared``: it was sent to customs; ``accepted`` or ``refused``: what customs answered."""

    answer: Literal["declared", "accepted", "refused"] = Field(examples=["accepted"])


@bp.get("/account-books")
@policy(*READERS, firms=True)
def books() -> Response:
    """List the account books with how many of their lines differ and when their next write-off is due."""
    with unit_of_work() as session:
        states = reconciling.reconcile(session)
        rows = session.execute(select(AccountBook.id, AccountBook.book_no, AccountBook.valid_until_on)).all()
        due = {one.book_id: one for one in write_off_due.due(session, modes.beijing_day(datetime.now(UTC)))}
    lines: dict[str, list[reconciling.LineState]] = {}
    for state in states:
        lines.setdefault(state.book_no, []).append(state)
    return jsonify(
        [
            {
                "id": row.id,
                "book_no": row.book_no,
                "valid_until_on": row.valid_until_on.isoformat() if row.valid_until_on else None,
                "lines": len(lines.get(row.book_no, [])),
                "differing": sum(state.differs for state in lines.get(row.book_no, [])),
                "write_off_due_on": due[row.id].due_on.isoformat() if row.id in due else None,
                "write_off_state": due[row.id].state if row.id in due else None,
            }
            for row in sorted(rows, key=lambda row: row.book_no)
        ]
    )


@bp.get("/account-books/<book_no>/lines")
@policy(*READERS, firms=True, subject="account_book")
@bp.input(LineQuery, location="query", arg_name="query")
def lines_of_book(book_no: str, query: LineQuery) -> Response:
    """Reconcile a book, line by line: customs' count, the goods by where they are, what differs."""
    with unit_of_work() as session:
        _known(session, book_no)
        states = reconciling.reconcile(session, book_no)
    wanted = [one for one in states if one.line_no > query.after and (one.differs or not query.differs)]
    return page_of([line_json(one) for one in wanted], after=query.after, limit=query.limit, key="line_no")


def line_json(state: reconciling.LineState) -> dict[str, Any]:
    """Return a line with what is computed from it."""
    computed = {name: getattr(state, name) for name in ("available", "goods", "unexplained", "differs")}
    return asdict(state) | computed


@bp.get("/account-books/<book_no>/lines/<int:line_no>")
@policy(*READERS, firms=True, subject="account_book_line")
def line_of_book(book_no: str, line_no: int) -> Response:
    """Explain one line: places and lots, documents, and the postings behind what is missing."""
    with unit_of_work() as session:
        found = reconciling.explain(session, book_no, line_no)
    if found is None:
        raise NotFound(what=f"{book_no} / {line_no}")
    parts = {
        name: [as_json(one) for one in getattr(found, name)] for name in ("places", "documents", "causes")
    }
    return jsonify(line_json(found.state) | parts)


@bp.post("/account-books/<book_no>/reconciliations")
@policy(*SETTLES, "customs_officer", subject="account_book")
def reconcile(book_no: str) -> Response:
    """Note what differs now: each difference gets who answers for it and a day; those that agree again are closed."""

    def act(session: Session) -> Mapping[str, Any]:
        _known(session, book_no)
        noted = differences.note(session, datetime.now(UTC), book_no)
        return {"differences": [as_json(one) for one in noted]}

    return write(act, {})


@bp.get("/book-differences")
@policy(*READERS, firms=True)
def book_differences() -> Response:
    """List the differences that are not closed, with who answers for them and until when."""
    with unit_of_work() as session:
        today = modes.beijing_day(datetime.now(UTC))
        rows = differences.listed(session)
    return jsonify([as_json(row) | {"is_late": row.is_late(today)} for row in rows])


@bp.post("/book-differences/<int:difference_id>/assign")
@policy(*SETTLES, subject="book_difference")
@bp.input(AnswerableIn, arg_name="body")
def assign(difference_id: int, body: AnswerableIn) -> Response:
    """Give a difference to a person and a day."""

    def act(session: Session) -> Mapping[str, Any]:
        differences.assign(session, difference_id, body.person_id, body.due_on)
        return {"id": difference_id}

    return write(act, body.model_dump(mode="json"))


@bp.post("/book-differences/<int:difference_id>/explain")
@policy(*SETTLES, subject="book_difference")
@bp.input(ExplanationIn, arg_name="body")
def explain(difference_id: int, body: ExplanationIn) -> Response:
    """Explain a difference by its document; without one no book is written off."""

    def act(session: Session) -> Mapping[str, Any]:
        differences.explain(session, difference_id, body.document, body.reason)
        return {"id": difference_id}

    return write(act, body.model_dump(mode="json"))


@bp.get("/account-books/<book_no>/write-offs")
@policy(*READERS, firms=True, subject="account_book")
def write_offs(book_no: str) -> Response:
    """List the write-offs of a book, the newest first, each with its report."""
    with unit_of_work() as session:
        found = writing_off.listed(session, _known(session, book_no).id)
        rows = [as_json(writing_off.plain(one)) for one in found]
    return jsonify(rows)


@bp.post("/account-books/<book_no>/write-offs")
@policy(*SETTLES, subject="account_book")
@bp.input(WriteOffIn, arg_name="body")
def new_write_off(book_no: str, body: WriteOffIn) -> Response:
    """Draw up the write-off of a period; its report explains every change by its document."""

    def act(session: Session) -> Mapping[str, Any]:
        made = writing_off.draw_up(session, book_no, body.from_on, body.until_on, datetime.now(UTC))
        return as_json(writing_off.plain(made))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/write-offs/<number>/answers")
@policy("declarant", "customs_officer", subject="write_off")
@bp.input(WriteOffAnswer, arg_name="body")
def write_off_answer(number: str, body: WriteOffAnswer) -> Response:
    """Take customs' answer; accepted, the lists booked in the period are written off."""

    def act(session: Session) -> Mapping[str, Any]:
        if body.answer == "declared":
            return {"state": writing_off.declare(session, number).state, "lists": 0}
        is_accepted = body.answer == "accepted"
        settled = writing_off.decide(session, number, datetime.now(UTC), is_accepted=is_accepted)
        return {"state": body.answer, "lists": settled}

    return write(act, body.model_dump(mode="json"))


@bp.get("/trade-modes")
@policy(*READERS, firms=True)
def trade_modes() -> Response:
    """List the trade modes that hold today; new ones and changes are dated values ``customs.trade_mode``."""
    with unit_of_work() as session:
        found = modes.listed(session, modes.beijing_day(datetime.now(UTC)))
    return jsonify([asdict(mode) for mode in found])


def _known(session: Session, book_no: str) -> AccountBook:
    found = list_queries.book_by_no(session, book_no)
    if found is None:
        raise NotFound(what=book_no)
    return found

