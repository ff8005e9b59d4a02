"""Transfers between sites: drawn up, loaded, on their way, arrived in parts, and what differs."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.schemas import LARGEST, Body, Code, Count, Instant, Page, RowId, Text
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.errors import NotFound
from wms.freight.queries import transfers as queries
from wms.freight.rules import MODES
from wms.freight.rules.transfers import SETTLEMENTS, TRANSFER_STATES, UnknownTransfer, WantedLine
from wms.freight.service import transfer_arrivals, transfer_differences, transfer_passes, transfers
from wms.freight.service.transfer_desk import site_by_code
from wms.parties.tables import Company

bp = APIBlueprint("api_transfers", __name__, url_prefix="/api/v1", tag="Transfers")
Amount = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
PLANS, WORKS, DECIDES = ("planner", "supervisor"), ("clerk", "supervisor"), ("supervisor",)


class TransferLineIn(Body):
    """``qty`` base units of an item; lot, pallet and customs status only where they matter."""

    item: Code
    qty: Count
    lot_no: Code | None = None
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None
    customs_status: Literal["free", "bonded", "export"] | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None


class TransferIn(Body):
    """A transfer; ``depart_on`` is a day at the origin, ``due_on`` one at the destination."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "owner": "HNYL", "from_site": "CLJ-W1", "to_site": "OW-DUI", "mode": "rail",
                    "depart_on": "2026-11-27", "due_on": "2026-12-15",
                    "lines": [{"item": "FOOD-001", "qty": 480}],
                }
            ]
        }
    )  # fmt: skip

    transfer_no: Code | None = None
    owner: Code
    from_site: Code
    to_site: Code
    mode: Literal[MODES]  # type: ignore[valid-type]
    depart_on: date
    due_on: date
    carrier: Code | None = None
    consignment_no: Code | None = None
    reason: Text = ""
    lines: Annotated[list[TransferLineIn], Field(min_length=1, max_length=500)]


class LoadedLine(Body):
    """What was loaded of a line."""

    line_no: Count
    qty: Amount


class LoadingIn(Body):
    """What was loaded; a line that is not named was loaded whole."""

    lines: Annotated[list[LoadedLine], Field(max_length=500)] = []  # noqa: RUF012 - pydantic copies it


class DepartureIn(Body):
    """The vehicle leaves; without ``event_at`` now."""

    event_at: Instant | None = None
    vehicle_plate: Code | None = None
    container_no: Code | None = None
    seal_no: Code | None = None


class PassIn(Body):
    """The gate pass that names the goods."""

    gate_pass: Code


class ReasonIn(Body):
    """Why."""

    reason: Text


class CountedLine(Body):
    """What was counted of a line and where it stands. Surplus (``over_qty``) is on hold until it is settled."""

    line_no: Count
    location: Code
    good_qty: Amount = 0
    damaged_qty: Amount = 0
    over_qty: Amount = 0
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None


class ArrivalIn(Body):
    """Goods that arrived. With ``is_last`` what is still on the way is missing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"lines": [{"line_no": 1, "location": "DOCK-1", "good_qty": 470}], "is_last": True}]
        }
    )

    lines: Annotated[list[CountedLine], Field(max_length=500)] = []  # noqa: RUF012 - pydantic copies it
    is_last: bool = False
    answerable: Code | None = None
    event_at: Instant | None = None


class SettlementIn(Body):
    """How a discrepancy ends: short ones found or lost, surplus accepted or sent back."""

    settlement: Literal[SETTLEMENTS]  # type: ignore[valid-type]
    reason: Text
    qty: RowId | None = None
    site: Code | None = None
    location: Code | None = None


class TransferQuery(Page):
    """Which transfers: in a state, at a site (either end), or all that are not over."""

    state: Literal[TRANSFER_STATES] | None = None  # type: ignore[valid-type]
    site: str | None = None
    open: bool = False


class DiscrepancyQuery(Page):
    """Which discrepancies: only those nobody has settled."""

    open: bool = False


@bp.get("/transfers")
@policy(*READERS, firms=True)
@bp.input(TransferQuery, location="query", arg_name="query")
def listed(query: TransferQuery) -> Response:
    """List transfers in the order in which they were drawn up."""
    with unit_of_work() as session:
        rows = queries.transfers(
            session, _now(), state=query.state, site=query.site, only_open=query.open, after=query.after,
            limit=query.limit + 1,
        )  # fmt: skip
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/transfers/<transfer_no>")
@policy(*READERS, firms=True, subject="transfer")
def show(transfer_no: str) -> Response:
    """Show a transfer with its lines, its loading list, what arrived and what differs."""
    with unit_of_work() as session:
        return jsonify(_whole(session, transfer_no))


def _whole(session: Session, transfer_no: str) -> dict[str, Any]:
    row = queries.transfer(session, transfer_no, _now())
    if row is None:
        raise UnknownTransfer(transfer_no=transfer_no)
    lines = queries.lines(session, row.id)
    return asdict(row) | {
        "lines": [asdict(line) for line in lines],
        "loading_list": [asdict(piece) for piece in queries.pieces(session, row.id)],
        "arrivals": [asdict(arrival) for arrival in queries.arrivals(session, row.id)],
        "discrepancies": [asdict(one) for one in queries.discrepancies(session, _now(), transfer_id=row.id)],
        "value_minor": queries.values_by_currency(lines, "qty"),
        "on_the_way_value_minor": queries.values_by_currency(lines, "on_the_way_qty"),
    }


@bp.post("/transfers")
@policy(*PLANS)
@bp.input(TransferIn, arg_name="body")
def draw_up(body: TransferIn) -> Response:
    """Draw up a transfer and reserve every unit of it, first expiring first; all or nothing."""

    def act(session: Session) -> Mapping[str, Any]:
        new = transfers.DrawUp(
            owner_id=_company(session, body.owner, "owner"),
            from_site_id=site_by_code(session, body.from_site).id,
            to_site_id=site_by_code(session, body.to_site).id,
            carrier_id=_company(session, body.carrier, "carrier") if body.carrier else None,
            lines=tuple(
                WantedLine(line.item, line.qty, line.lot_no, line.sscc, line.customs_status, line.currency)
                for line in body.lines
            ),
            **body.model_dump(include={"mode", "depart_on", "due_on", "transfer_no", "consignment_no", "reason"}),
        )
        return _said(transfers.draw_up(session, new, _now()))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/transfers/<transfer_no>/loading")
@policy(*WORKS, subject="transfer")
@bp.input(LoadingIn, arg_name="body")
def load(transfer_no: str, body: LoadingIn) -> Response:
    """Note what was loaded. Fewer than reserved is a short pick: the rest is free again at departure."""
    loaded = {line.line_no: line.qty for line in body.lines}
    return write(
        lambda session: _said(transfers.load(session, transfer_no, loaded, _now())), body.model_dump(mode="json")
    )


@bp.post("/transfers/<transfer_no>/departure")
@policy(*WORKS, subject="transfer")
@bp.input(DepartureIn, arg_name="body")
def depart(transfer_no: str, body: DepartureIn) -> Response:
    """Post the goods from their places to goods in transit."""
    given = body.model_dump(include={"vehicle_plate", "container_no", "seal_no"})
    return write(
        lambda session: _said(
            transfers.depart(session, transfers.Depart(transfer_no, body.event_at or _now(), **given))
        ),
        body.model_dump(mode="json"),
    )


@bp.post("/transfers/<transfer_no>/gate-pass")
@policy(*WORKS, "declarant", subject="transfer")
@bp.input(PassIn, arg_name="body")
def name_pass(transfer_no: str, body: PassIn) -> Response:
    """Give bonded goods to the gate pass that names them; the gate will post them into transit."""
    return write(
        lambda session: _said(transfer_passes.name_pass(session, transfer_no, body.gate_pass, _now())),
        body.model_dump(mode="json"),
    )


@bp.post("/transfers/<transfer_no>/gate-passage")
@policy(*WORKS, "declarant", subject="transfer")
def follow_pass(transfer_no: str) -> Response:
    """Take up that the gate let the goods out (a job does the same every minute)."""
    return write(lambda session: _said(transfer_passes.follow_pass(session, transfer_no)), {})


@bp.post("/transfers/<transfer_no>/arrivals")
@policy(*WORKS, subject="transfer")
@bp.input(ArrivalIn, arg_name="body")
def receive(transfer_no: str, body: ArrivalIn) -> Response:
    """Post what arrived to its places; the last arrival says what is missing, who answers for it and until when."""

    def act(session: Session) -> Mapping[str, Any]:
        command = transfer_arrivals.Receive(
            transfer_no,
            tuple(transfer_arrivals.Counted(**line.model_dump()) for line in body.lines),
            body.event_at or _now(),
            body.is_last,
            _company(session, body.answerable, "answerable") if body.answerable else None,
        )
        made = transfer_arrivals.receive(session, command)
        row = queries.transfer(session, transfer_no, _now())
        assert row is not None
        open_ones = queries.discrepancies(session, _now(), transfer_id=row.id, only_open=True)
        return {
            "transfer_no": transfer_no, "state": row.state, "arrival_no": made.arrival_no,
            "posting_id": made.posting_id,
            "discrepancies": [
                {"id": one.id, "kind": one.kind, "qty": one.qty, "due_on": one.due_on.isoformat()} for one in open_ones
            ],
        }  # fmt: skip

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/transfers/<transfer_no>/return")
@policy(*DECIDES, subject="transfer")
@bp.input(ReasonIn, arg_name="body")
def turn_back(transfer_no: str, body: ReasonIn) -> Response:
    """Send what is still on the way back to its sender."""
    return write(
        lambda session: _said(transfer_arrivals.turn_back(session, transfer_no, body.reason, _now())),
        body.model_dump(mode="json"),
    )


@bp.post("/transfers/<transfer_no>/cancellation")
@policy(*PLANS, subject="transfer")
@bp.input(ReasonIn, arg_name="body")
def cancel(transfer_no: str, body: ReasonIn) -> Response:
    """Give up a transfer that has not departed; its stock is free again."""
    return write(
        lambda session: _said(transfers.cancel(session, transfer_no, body.reason, _now())),
        body.model_dump(mode="json"),
    )


@bp.get("/transfer-discrepancies")
@policy(*READERS, firms=True)
@bp.input(DiscrepancyQuery, location="query", arg_name="query")
def discrepancies(query: DiscrepancyQuery) -> Response:
    """List what did not arrive or arrived too much, with who answers for it and until when."""
    with unit_of_work() as session:
        rows = queries.discrepancies(session, _now(), only_open=query.open, after=query.after, limit=query.limit + 1)
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/transfers/<transfer_no>/discrepancies/<int:discrepancy_id>/settlement")
@policy(*DECIDES, subject="transfer")
@bp.input(SettlementIn, arg_name="body")
def settle(transfer_no: str, discrepancy_id: int, body: SettlementIn) -> Response:
    """Settle a discrepancy; whoever entered it cannot."""

    def act(session: Session) -> Mapping[str, Any]:
        command = transfer_differences.Settle(
            transfer_no, discrepancy_id, body.settlement, body.reason, _now(), body.qty, body.site, body.location
        )
        found = transfer_differences.settle(session, command)
        return {"id": found.id, "settlement": found.settlement, "qty": found.qty, "posting_id": found.settle_posting_id}

    return write(act, body.model_dump(mode="json"))


def _said(transfer: Any) -> dict[str, Any]:
    return {"id": transfer.id, "transfer_no": transfer.transfer_no, "state": transfer.state}


def _company(session: Session, code: str, field: str) -> int:
    found = session.scalar(select(Company.id).where(Company.code == code))
    if found is None:
        raise NotFound(field=field, what=code)
    return found


def _now() -> datetime:
    return datetime.now(UTC)
