"""A load is proved, closed with its seal, and leaves: ordinary goods by a posting, goods on a pass through the gate.

What a vehicle holds is read from the ledger, not from what was scanned. A load with a gate pass closes only when both
are the same, line by line; either way the comparison is a proof whose leaf stands in the record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from wms.customs import gate_passes
from wms.customs.tables import GatePass
from wms.floor import leaving_queries as units
from wms.floor import loading_queries
from wms.floor.leaving_queries import Content
from wms.floor.loading_queries import LoadedRow, PassLineRow
from wms.floor.rules import loading as rules
from wms.floor.rules.loading import Comparison, Held
from wms.floor.service import order_progress, retail, tasks
from wms.floor.service.acting import By
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.opening_loads import changeable, locked, pass_name
from wms.floor.tables.loading import LoadProof, LoadUnit, VehicleLoad
from wms.floor.tables.packing import Parcel
from wms.record.service import append_leaf
from wms.record.tables import Leaf
from wms.stock import ledger
from wms.stock.tables import Account, Balance


@dataclass(frozen=True)
class Closing:
    """What closing came to: closed, or still open because the proof found differences."""

    load: VehicleLoad
    is_closed: bool
    proof: LoadProof | None = None


def prove(session: Session, load_id: int, by: By) -> LoadProof:
    """Compare what the vehicle holds with what its pass says, and keep the proof. Raises LoadInState (no pass)."""
    load = locked(session, load_id)
    if load.gate_pass_id is None:
        raise rules.LoadInState(load=load.load_no, state=load.state, wanted="bound to a gate pass")
    return _prove(session, load, by)[0]


def _prove(session: Session, load: VehicleLoad, by: By) -> tuple[LoadProof, Comparison, Sequence[Content]]:
    gate_pass = session.get_one(GatePass, load.gate_pass_id)
    lines = loading_queries.pass_lines(session, gate_pass.id)
    inside = units.lying_at(session, load.location_id)
    found = rules.compare([line.as_goods() for line in lines], [_held(content) for content in inside])
    body = _document(load, gate_pass, lines, inside, loading_queries.units_on(session, load.id), found, by.at)
    leaf_id = append_leaf(session, "load_proof", body, load.id)
    proof = LoadProof(
        load_id=load.id,
        gate_pass_id=gate_pass.id,
        verdict=body["verdict"],
        body=body,
        leaf_id=leaf_id,
        leaf_hash=session.scalars(select(Leaf.hash).where(Leaf.id == leaf_id)).one(),
        person_id=APP_PERSON,
    )
    session.add(proof)
    session.flush()
    return proof, found, inside


def _held(content: Content) -> Held:
    key = content.account
    return Held(
        content.account_id, key.owner_id, key.trade_item_id, content.qty, key.customs_status == "bonded",
        key.quality_status == "good", key.book_line_id,
    )  # fmt: skip


def _document(
    load: VehicleLoad,
    gate_pass: GatePass,
    lines: Sequence[PassLineRow],
    inside: Sequence[Content],
    scanned: Sequence[LoadedRow],
    found: Comparison,
    at: datetime,
) -> dict[str, Any]:
    """The proof in plain values: pass lines beside what was loaded, what no line takes, and every unit scanned."""
    by_id = {content.account_id: content for content in inside}
    checks = {check.line_no: check for check in found.lines}
    return {
        "load": load.load_no,
        "plate": load.vehicle_plate,
        "trailer": load.trailer_plate,
        "container": load.container_no,
        "seal": load.seal_no,
        "gate_pass": {
            "internal_no": gate_pass.internal_no,
            "pass_no": gate_pass.pass_no,
            "plate": gate_pass.vehicle_plate,
            "container": gate_pass.container_no,
            "seal": gate_pass.seal_no,
        },
        "lines": [
            {
                "line_no": line.line_no,
                "item": line.item_code,
                "list_no": line.list_no,
                "list_line_no": line.list_line_no,
                "book_no": line.book_no,
                "book_line_no": line.book_line_no,
                "pass_qty": line.qty,
                "loaded_qty": checks[line.line_no].loaded_qty,
                "difference": checks[line.line_no].difference,
                "loaded": [_part(by_id[account_id], qty) for account_id, qty in checks[line.line_no].taken],
            }
            for line in lines
        ],
        "extras": [{**_part(by_id[extra.account_id], extra.qty), "reason": extra.reason} for extra in found.extras],
        "units": [_scanned(row) for row in scanned],
        "verdict": "agrees" if found.agrees else "differs",
        "proved_at": at.isoformat(),
    }


def _part(content: Content, qty: int) -> dict[str, Any]:
    return {
        "item": content.item_code,
        "lot_no": content.lot_no,
        "sscc": content.sscc,
        "customs_status": content.account.customs_status,
        "quality_status": content.account.quality_status,
        "qty": qty,
    }


def _scanned(row: LoadedRow) -> dict[str, Any]:
    return {
        "sscc": row.sscc,
        "kind": row.kind,
        "with": row.with_sscc,
        "item": row.item_code,
        "lot_no": row.lot_no,
        "qty": row.qty,
        "stop_no": row.stop_no,
        "person": row.person_en,
        "loaded_at": row.loaded_at.isoformat(),
        "posting_id": row.posting_id,
    }


def close_load(session: Session, load_id: int, by: By, *, seal_no: str | None = None) -> Closing:
    """Close a load with its seal. With a gate pass: only when the vehicle holds exactly what the pass says; its goods
    then wait to leave, and customs may approve the pass. A load that differs stays open, and its proof says where.

    Raises LoadNotOpen, LoadingAfterApproval, EmptyLoad, NeedsPass, SealDiffers, and for retail parcels
    ParcelNotDeclared, ParcelNotReleased, ParcelHeld.
    """
    load, gate_pass = changeable(session, load_id)
    inside = units.lying_at(session, load.location_id)
    if not inside:
        raise rules.EmptyLoad(plate=load.vehicle_plate)
    retail.refuse_held_on_load(session, load.id)
    load.seal_no = seal_no or load.seal_no
    if gate_pass is None:
        for one in inside:
            if one.account.customs_status == "bonded":
                raise rules.NeedsPass(item=one.names, load=load.load_no)
        return Closing(_closed(session, load, by), is_closed=True)
    if gate_pass.seal_no and load.seal_no != gate_pass.seal_no:
        raise rules.SealDiffers(
            field="seal_no", gate_pass=pass_name(gate_pass), wanted=gate_pass.seal_no, found=load.seal_no or "-"
        )
    session.flush()
    proof, found, held = _prove(session, load, by)
    if not found.agrees:
        return Closing(load, is_closed=False, proof=proof)
    accounts = {content.account_id: content.account for content in held}
    sources = {line.line_no: [(accounts[account_id], qty) for account_id, qty in line.taken] for line in found.lines}
    latest = max(content.last_event_at for content in held)
    posted = gate_passes.move_loaded_to_waiting(session, gate_pass.id, sources, key=by.key, event_at=max(by.at, latest))
    load.posting_id = posted.posting_id
    return Closing(_closed(session, load, by), is_closed=True, proof=proof)


def _closed(session: Session, load: VehicleLoad, by: By) -> VehicleLoad:
    load.state, load.closed_at = "closed", by.at
    load.closed_by = session.scalar(select(APP_PERSON))
    session.flush()
    tasks.finish(session, "load", load.id)
    payload: Mapping[str, Any] = {"load": load.load_no, "plate": load.vehicle_plate, "seal": load.seal_no}
    append_leaf(session, "load_closed", payload, load.id)
    return load


def reopen_load(session: Session, load_id: int, by: By) -> VehicleLoad:
    """Open a closed load again. Goods on a pass that is still applied for come back onto the vehicle; a pass that was
    voided meanwhile (which brought them back) is let go.

    Raises LoadInState, LoadingAfterApproval.
    """
    load = locked(session, load_id)
    if load.state != "closed":
        raise rules.LoadInState(load=load.load_no, state=load.state, wanted="closed")
    if load.gate_pass_id is not None:
        gate_pass = session.get_one(
            GatePass, load.gate_pass_id, with_for_update={"key_share": True}, populate_existing=True
        )
        if gate_pass.state == "applied":
            gate_passes.take_back_from_waiting(session, gate_pass.id, reason="the load was opened again", at=by.at)
        elif gate_pass.state in ("void", "deleted"):
            load.gate_pass_id = None
        else:
            raise rules.LoadingAfterApproval(gate_pass=pass_name(gate_pass), state=gate_pass.state)
    load.state, load.closed_at, load.closed_by, load.seal_no, load.posting_id = "open", None, None, None, None
    session.flush()
    offer = tasks.NewTask(load.site_id, "load", load.id, load.load_no or "", location_id=load.dock_id)
    tasks.offer(session, offer)
    return load


def void_load(session: Session, load_id: int) -> VehicleLoad:
    """Give up an open load on which nothing stands. Raises LoadInState, LoadNotEmpty."""
    load = locked(session, load_id)
    if load.state != "open":
        raise rules.LoadInState(load=load.load_no, state=load.state, wanted="open")
    standing = select(func.count()).where(LoadUnit.load_id == load.id, LoadUnit.unloaded_at.is_(None))
    count = session.scalars(standing).one()
    if count:
        raise rules.LoadNotEmpty(load=load.load_no, count=count)
    load.state = "void"
    session.flush()
    tasks.void_task(session, "load", load.id)
    return load


def depart(session: Session, load_id: int, by: By) -> VehicleLoad:
    """Ship a closed load without a pass: everything on the vehicle goes to its customers by one posting.

    Raises LoadInState, LeavesByGate, EmptyLoad, and what the ledger refuses (bonded goods leave by the gate alone).
    """
    load = locked(session, load_id)
    if load.gate_pass_id is not None:
        name = pass_name(session.get_one(GatePass, load.gate_pass_id))
        raise rules.LeavesByGate(load=load.load_no, gate_pass=name)
    if load.state != "closed":
        raise rules.LoadInState(load=load.load_no, state=load.state, wanted="closed")
    inside = units.lying_at(session, load.location_id)
    if not inside:
        raise rules.EmptyLoad(plate=load.vehicle_plate)
    retail.refuse_held_on_load(session, load.id)
    lines: list[ledger.Line] = []
    for one in inside:
        customer = replace(one.account, kind="customer", site_id=None, location_id=None, handling_unit_id=None)
        lines += ledger.moved(one.account, customer, one.qty)
    at = max(by.at, *(one.last_event_at for one in inside))
    posting = ledger.Posting(by.key, "ship", at, tuple(lines), source_doc=f"load:{load.load_no}", device=by.device)
    _left(session, load, at, ledger.post(session, posting).posting_id)
    return load


def note_gate_out(session: Session, gate_pass_id: int, at: datetime, posting_id: int) -> None:
    """The gate let a pass's goods out: the load bound to it has departed. Nothing where no load is bound."""
    load = session.scalars(
        select(VehicleLoad)
        .where(VehicleLoad.gate_pass_id == gate_pass_id, VehicleLoad.state == "closed")
        .with_for_update(key_share=True)
    ).one_or_none()
    if load is not None:
        _left(session, load, at, posting_id)


def _left(session: Session, load: VehicleLoad, at: datetime, posting_id: int) -> None:
    load.state, load.departed_at, load.posting_id = "departed", at, posting_id
    session.flush()
    gone = session.scalars(
        update(LoadUnit)
        .where(LoadUnit.load_id == load.id, LoadUnit.unloaded_at.is_(None))
        .values(left_at=at)
        .returning(LoadUnit.handling_unit_id)
        .execution_options(synchronize_session=False)
    )
    ids = [unit_id for unit_id in gone if unit_id is not None]
    session.execute(
        update(Parcel)
        .where(Parcel.handling_unit_id.in_(ids))
        .values(state="shipped")
        .execution_options(synchronize_session=False)
    )
    order_progress.advance(session, order_progress.orders_of_units(session, ids))
    append_leaf(session, "load_departed", {"load": load.load_no, "plate": load.vehicle_plate}, load.id)


def held_on(session: Session, load: VehicleLoad) -> int:
    """Return the base units that the ledger says lie in the vehicle."""
    found = (
        select(func.coalesce(func.sum(Balance.qty), 0))
        .join(Account, Account.id == Balance.account_id)
        .where(Account.location_id == load.location_id, Account.kind == "location")
    )
    return int(session.scalar(found) or 0)
