"""Transfers between sites as the desk sees them: what is on its way, what is late, what differs."""

from datetime import UTC, datetime

from flask import Blueprint, Response, render_template, request
from sqlalchemy import select

from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.downloads import csv_response
from wms.freight.queries import transfers as queries
from wms.freight.rules.transfers import TRANSFER_STATES, UnknownTransfer
from wms.parties.tables import Site

bp = Blueprint("desk_transfers", __name__, url_prefix="/desk")
SHOWN, MOST = 50, 5_000
COLUMNS = (
    "transfer_no", "state", "owner_code", "from_site", "to_site", "mode", "depart_on", "due_on", "departed_on",
    "arrived_on", "is_late", "vehicle_plate", "container_no", "seal_no", "consignment_no", "gate_pass",
)  # fmt: skip


@bp.get("/transfers")
@policy(*READERS, firms=True)
def index() -> str:
    """List transfers: those that are not over unless another state is asked for."""
    state, site = _state(), request.args.get("site") or None
    after = request.args.get("after", "0")
    after_id = int(after) if after.isdecimal() and len(after) < 19 else 0
    now = datetime.now(UTC)
    with unit_of_work() as session:
        rows = queries.transfers(
            session, now, state=state, site=site, only_open=state is None and "state" not in request.args,
            after=after_id, limit=SHOWN + 1,
        )  # fmt: skip
        open_ones = queries.discrepancies(session, now, only_open=True, limit=20)
        sites = session.scalars(select(Site).order_by(Site.code)).all()
    return render_template(
        "desk/transfers.html", rows=rows[:SHOWN], more=rows[SHOWN - 1].id if len(rows) > SHOWN else None,
        discrepancies=open_ones, states=TRANSFER_STATES, sites=sites,
        kept={name: value for name, value in request.args.items() if name in {"state", "site"}},
    )  # fmt: skip


@bp.get("/transfers.csv")
@policy(*READERS, firms=True)
def export() -> Response:
    """The same list as a file."""
    with unit_of_work() as session:
        rows = queries.transfers(
            session, datetime.now(UTC), state=_state(), site=request.args.get("site") or None, limit=MOST
        )
    return csv_response("transfers", COLUMNS, ([getattr(row, name) for name in COLUMNS] for row in rows))


@bp.get("/transfers/<transfer_no>")
@policy(*READERS, firms=True, subject="transfer")
def show(transfer_no: str) -> str:
    """Show one transfer: its lines, its loading list, arrivals and discrepancies."""
    now = datetime.now(UTC)
    with unit_of_work() as session:
        row = queries.transfer(session, transfer_no, now)
        if row is None:
            raise UnknownTransfer(transfer_no=transfer_no)
        lines = queries.lines(session, row.id)
        return render_template(
            "desk/transfer.html", row=row, lines=lines, pieces=queries.pieces(session, row.id),
            arrivals=queries.arrivals(session, row.id),
            discrepancies=queries.discrepancies(session, now, transfer_id=row.id),
            values=queries.values_by_currency(lines, "qty"),
            on_the_way=queries.values_by_currency(lines, "on_the_way_qty"),
        )  # fmt: skip


def _state() -> str | None:
    given = request.args.get("state")
    return given if given in TRANSFER_STATES else None
