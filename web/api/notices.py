"""Advance notices: announce goods, see what was counted and what differs."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.paging import page_of
from web.api.schemas import Body, Code, Count, Instant, Page
from web.auth.policy import READERS, policy
from web.context import current_identity, unit_of_work
from wms.errors import N_, Kind, NotFound, WmsError
from wms.floor import queries, receipt_report
from wms.floor.queries import NoticeRow
from wms.floor.rules.list_receipt import ListLine
from wms.floor.rules.notices import LineIn
from wms.floor.service import notices as service
from wms.floor.service.notices import Announce, Change, OpenBlind
from wms.floor.service.receiving_lists import ReceiveList, receive_list
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_notices", __name__, url_prefix="/api/v1", tag="Floor")


class NoticeLineIn(Body):
    """Announced goods: ``qty`` of ``unit`` (the item's base unit when left out); converted exactly or refused.

    ``order_no`` is an open order that they are meant for; ``weight_g`` what goods of catch weight weigh together.
    """

    item: Code
    qty: Count
    unit: Code | None = None
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    expires_on: date | None = None
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None
    order_no: Code | None = None
    weight_g: Count | None = None

    def as_line(self) -> LineIn:
        """Return the line as the floor takes it."""
        return LineIn(
            self.item, self.qty, self.lot_no, self.expires_on, self.sscc, self.unit, self.order_no, self.weight_g
        )


class NoticeIn(Body):
    """A new advance notice. ``site`` and ``owner`` are codes; ``verification_list`` is needed for bonded goods.

    ``is_blind``: who counts does not see how many are expected.
    """

    notice_no: Code
    site: Code
    owner: Code
    trade_mode: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    lines: Annotated[list[NoticeLineIn], Field(min_length=1, max_length=1000)]
    verification_list: Code | None = None
    expected_at: Instant | None = None
    is_blind: bool = False
    supplier: Code | None = None


class ChangeIn(Body):
    """What becomes of a notice; what is left out stays. ``lines`` replace all lines there were."""

    model_config = ConfigDict(json_schema_extra={"example": {"lines": [{"item": "SKU-1001", "qty": 20}]}})
    lines: Annotated[list[NoticeLineIn], Field(min_length=1, max_length=1000)] | None = None
    expected_at: Instant | None = None
    is_blind: bool | None = None


class ReasonIn(Body):
    """Why."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "the supplier sends it next week"}})
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class BlindIn(Body):
    """Goods that nobody announced. Ordinary goods alone: bonded ones need a notice with their verification list."""

    model_config = ConfigDict(json_schema_extra={"example": {"site": "YY-1", "owner": "LAKE", "trade_mode": "0110"}})
    site: Code
    owner: Code
    trade_mode: Annotated[str, Field(pattern=r"^[0-9]{4}$")] = "0110"
    delivery_no: Code | None = None


class ReceivedLine(Body):
    """Goods that were received: ``qty`` base units; grams and serial numbers where the pieces are told apart."""

    item: Code
    qty: Count
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    expires_on: date | None = None
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None
    is_damaged: bool = False
    weight_g: Count | None = None
    serials: Annotated[tuple[Code, ...], Field(max_length=10_000)] = ()


class ReceiveIn(Body):
    """What is received at a dock: ``lines``; else what is left on the unit ``sscc``; else all that is left."""

    model_config = ConfigDict(json_schema_extra={"example": {"dock": "DOCK-1", "sscc": "169012340000000018"}})
    dock: Code
    lines: Annotated[tuple[ReceivedLine, ...], Field(min_length=1, max_length=10_000)] | None = None
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None
    close: bool = False
    event_at: Instant | None = None


class NoticeQuery(Page):
    """Which notices: of a site, in a state."""

    site: str | None = None
    state: str | None = None


@bp.get("/notices")
@policy(*READERS, firms=True)
@bp.input(NoticeQuery, location="query", arg_name="query")
def notices(query: NoticeQuery) -> Response:
    """List advance notices in the order they were announced."""
    with unit_of_work() as session:
        rows = queries.notices(
            session, site_code=query.site, state=query.state, after_id=query.after, limit=query.limit + 1
        )
    return page_of([_head(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/notices/<notice_no>")
@policy(*READERS, firms=True, subject="notice")
def notice(notice_no: str) -> Response:
    """Show a notice, line by line with what was counted, and the differences of a closed receipt."""
    with unit_of_work() as session:
        row = known(session, notice_no)
        return jsonify(whole(session, row, hides=_hides(row)))


@bp.post("/notices")
@policy("clerk", "supervisor", "declarant")
@bp.input(NoticeIn, arg_name="body")
def new_notice(body: NoticeIn) -> Response:
    """Announce goods."""
    return write(lambda session: _announce(session, body), body.model_dump(mode="json"), status=201)


@bp.post("/notices/<notice_no>/change")
@policy("clerk", "supervisor", "declarant", subject="notice")
@bp.input(ChangeIn, arg_name="body")
def change_notice(notice_no: str, body: ChangeIn) -> Response:
    """Change a notice while nothing of it was counted."""

    def act(session: Session) -> Mapping[str, Any]:
        row = known(session, notice_no)
        lines = tuple(line.as_line() for line in body.lines) if body.lines is not None else None
        service.change(session, row.notice_no, Change(lines, body.expected_at, body.is_blind))
        return whole(session, known(session, notice_no))

    return write(act, body.model_dump(mode="json"))


@bp.post("/notices/<notice_no>/cancel")
@policy("supervisor", "declarant", subject="notice")
@bp.input(ReasonIn, arg_name="body")
def cancel_notice(notice_no: str, body: ReasonIn) -> Response:
    """Cancel a notice while nothing of it was counted."""

    def act(session: Session) -> Mapping[str, Any]:
        service.cancel(session, known(session, notice_no).notice_no, body.reason, datetime.now(UTC))
        return whole(session, known(session, notice_no))

    return write(act, body.model_dump(mode="json"))


@bp.post("/notices/<notice_no>/receive")
@policy("clerk", "supervisor", subject="notice")
@bp.input(ReceiveIn, arg_name="body")
def receive(notice_no: str, body: ReceiveIn) -> Response:
    """Receive a whole list in one call: the lines given, one unit with all in it, or all that is left of a notice.

    All of it is received, or nothing when one line is bad: then every bad line is named.
    """
    def act(session: Session) -> Mapping[str, Any]:
        given = tuple(ListLine(**dict(line)) for line in body.lines) if body.lines is not None else None
        command = ReceiveList(
            request_key(), known(session, notice_no).notice_no, body.dock, body.event_at or datetime.now(UTC), given,
            body.sscc, body.close,
        )  # fmt: skip
        done = receive_list(session, command)
        if done.faults:
            refused = ListNotReceived(bad=len(done.faults))
            refused.parts = tuple(one.refusal for one in done.faults)
            raise refused
        state = known(session, notice_no).state
        return {"lines": done.n_lines, "qty": done.qty, "posting_ids": list(done.posting_ids), "state": state}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/notices/<notice_no>/report")
@policy(*READERS, firms=True, subject="notice")
def report(notice_no: str) -> Response:
    """Show what a receipt found: line by line by quality, who counted from when to when, and every difference."""
    with unit_of_work() as session:
        row = known(session, notice_no)
        return jsonify({**whole(session, row, hides=_hides(row)), **receipt_report.of(session, row.id)})


@bp.post("/blind-receipts")
@policy("clerk", "supervisor")
@bp.input(BlindIn, arg_name="body")
def blind_receipt(body: BlindIn) -> Response:
    """Open a receipt for ordinary goods that nobody announced; its number is then scanned or chosen like a notice's."""

    def act(session: Session) -> Mapping[str, Any]:
        command = OpenBlind(
            id_of(session, Site, body.site), id_of(session, Company, body.owner), body.trade_mode, body.delivery_no
        )
        return whole(session, known(session, service.open_blind(session, command)))

    return write(act, body.model_dump(mode="json"), status=201)


class ListNotReceived(WmsError):
    """One bad line keeps the whole list out."""

    code = "list_not_received"
    kind = Kind.INVALID
    text = N_("%(bad)s lines are bad; nothing was received.")


def _announce(session: Session, body: NoticeIn) -> Mapping[str, Any]:
    owner_id = id_of(session, Company, body.owner)
    command = Announce(
        body.notice_no,
        id_of(session, Site, body.site),
        owner_id,
        body.trade_mode,
        tuple(line.as_line() for line in body.lines),
        body.verification_list,
        body.expected_at,
        body.is_blind,
        body.supplier,
    )
    service.announce(session, command)
    return whole(session, known(session, body.notice_no))


def id_of(session: Session, table: type[Company] | type[Site], code: str) -> int:
    """Return the id of a company or site by its code. Raises NotFound."""
    found = session.scalar(select(table.id).where(func.upper(table.code) == code.upper()))
    if found is None:
        raise NotFound(field=table.__tablename__, what=code)
    return found


def known(session: Session, notice_no: str) -> NoticeRow:
    """Return a notice by its number. Raises NotFound."""
    found = queries.notice_by_no(session, notice_no)
    if found is None:
        raise NotFound(what=notice_no)
    return found


def _hides(row: NoticeRow) -> bool:
    """Whether the caller counts this receipt blind, and so may not see what is expected."""
    who = current_identity()
    counts = who is not None and who.roles <= {"clerk", "device"}
    return counts and row.is_blind and row.state in {"open", "receiving"}


def whole(session: Session, row: NoticeRow, *, hides: bool = False) -> dict[str, Any]:
    """Return a notice with its lines and differences; ``hides`` leaves out what is expected."""
    lines = queries.notice_lines(session, row.id)
    return {
        **_head(row),
        "lines": [
            {
                "line_no": line.line_no,
                "item": line.item_code,
                "name_zh": line.name_zh,
                "name_en": line.name_en,
                "unit": line.base_unit,
                "expected_qty": None if hides else line.expected_qty,
                "received_qty": line.received_qty,
                "lot_no": line.lot_no,
                "expires_on": line.expires_on.isoformat() if line.expires_on else None,
                "sscc": line.sscc,
            }
            for line in lines
        ],
        "differences": [vars(one) for one in queries.differences(session, row.id)],
    }


def _head(row: NoticeRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "notice_no": row.notice_no,
        "state": row.state,
        "kind": row.kind,
        "is_blind": row.is_blind,
        "delivery_no": row.delivery_no,
        "supplier": row.supplier,
        "trade_mode": row.trade_mode,
        "site": row.site_code,
        "owner_zh": row.owner_name_zh,
        "owner_en": row.owner_name_en,
        "verification_list": row.list_no,
        "list_state": row.list_state,
        "expected_at": row.expected_at.isoformat() if row.expected_at else None,
        "closed_at": row.closed_at.isoformat() if row.closed_at else None,
    }
