"""Loads and parcels as the desk sees them: what stands on which vehicle, and whether it is what its pass says."""

from flask import Blueprint, Response, render_template, request
from sqlalchemy import select

from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.downloads import csv_response
from wms.errors import NotFound
from wms.floor import loading_queries, packing_queries
from wms.floor.tables.loading import LOAD_STATES
from wms.floor.tables.packing import PARCEL_STATES
from wms.parties.tables import Site

bp = Blueprint("desk_leaving", __name__, url_prefix="/desk")
SHOWN, MOST = 50, 5_000
LOAD_COLUMNS = (
    "load_no", "state", "site_code", "vehicle_plate", "trailer_plate", "container_no", "seal_no", "carrier", "dock",
    "pass_internal_no", "pass_no", "pass_state", "unit_count", "opened_at", "closed_at", "departed_at",
)  # fmt: skip
PARCEL_COLUMNS = (
    "sscc", "state", "site_code", "order_no", "carton", "place", "carrier", "route", "region", "waybill_no",
    "expected_weight_g", "weight_g", "weight_reason", "opened_at", "closed_at", "sorted_at",
)  # fmt: skip


@bp.get("/loads")
@policy(*READERS)
def loads() -> str:
    """List loads, the newest first."""
    kept = _kept(LOAD_STATES)
    with unit_of_work() as session:
        rows = loading_queries.loads(
            session, state=kept.get("state"), site_code=kept.get("site"), limit=SHOWN, newest=True
        )
        sites = session.scalars(select(Site).order_by(Site.code)).all()
    return render_template("desk/loads.html", rows=rows, sites=sites, states=LOAD_STATES, kept=kept)


@bp.get("/loads.csv")
@policy(*READERS)
def export_loads() -> Response:
    """The same list as a file."""
    kept = _kept(LOAD_STATES)
    with unit_of_work() as session:
        rows = loading_queries.loads(
            session, state=kept.get("state"), site_code=kept.get("site"), limit=MOST, newest=True
        )
    return csv_response("loads", LOAD_COLUMNS, ([getattr(row, name) for name in LOAD_COLUMNS] for row in rows))


@bp.get("/loads/<load_no>")
@policy(*READERS)
def load(load_no: str) -> str:
    """Show one load: what stands on it, and its newest proof against the gate pass."""
    with unit_of_work() as session:
        row = loading_queries.load(session, load_no)
        if row is None:
            raise NotFound(what=load_no)
        proof = loading_queries.newest_proof(session, row.id)
        return render_template(
            "desk/load.html", row=row, units=loading_queries.units_on(session, row.id), proof=proof,
            leaf_hash=bytes(proof.leaf_hash).hex() if proof else "", stops=loading_queries.stops_of(session, row.id),
        )  # fmt: skip


@bp.get("/parcels")
@policy(*READERS, firms=True)
def parcels() -> str:
    """List parcels, the newest first."""
    kept = _kept(PARCEL_STATES)
    with unit_of_work() as session:
        rows = packing_queries.parcels(
            session, state=kept.get("state"), site_code=kept.get("site"), limit=SHOWN, newest=True
        )
        sites = session.scalars(select(Site).order_by(Site.code)).all()
    return render_template("desk/parcels.html", rows=rows, sites=sites, states=PARCEL_STATES, kept=kept)


@bp.get("/parcels.csv")
@policy(*READERS, firms=True)
def export_parcels() -> Response:
    """The same list as a file."""
    kept = _kept(PARCEL_STATES)
    with unit_of_work() as session:
        rows = packing_queries.parcels(
            session, state=kept.get("state"), site_code=kept.get("site"), limit=MOST, newest=True
        )
    return csv_response("parcels", PARCEL_COLUMNS, ([getattr(row, name) for name in PARCEL_COLUMNS] for row in rows))


@bp.get("/parcels/<sscc>")
@policy(*READERS, firms=True, subject="parcel")
def parcel(sscc: str) -> str:
    """Show one parcel: its way, its weight as computed and as weighed, and what was packed into it."""
    with unit_of_work() as session:
        row = packing_queries.parcel(session, sscc)
        if row is None:
            raise NotFound(what=sscc)
        return render_template("desk/parcel.html", row=row, items=packing_queries.packed_items(session, row.id))


def _kept(states: tuple[str, ...]) -> dict[str, str]:
    kept = {name: value for name, value in request.args.items() if name in ("state", "site") and value}
    if kept.get("state") not in states:
        kept.pop("state", None)
    return kept
