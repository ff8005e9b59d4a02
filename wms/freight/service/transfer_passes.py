"""Bonded goods of a transfer leave the zone by the gate: its pass names them, and the gate posts them into transit.

Reserve → declare → load and seal → the gate lets the vehicle out and posts origin → in transit (as goods declared for
export, the account book pre-deducted) → the transfer follows its pass.
"""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from wms.customs import gate_passes
from wms.customs.gate_pass_rules import UnknownPass
from wms.customs.tables import GatePass
from wms.floor.service import tasks
from wms.freight.rules.transfers import PassNotOfTransfer, PassNotThrough
from wms.freight.service.transfer_desk import key_of, lock, pieces_of, step, task_of
from wms.freight.service.transfers import depart_done, free_unloaded, refuse_standing_pass
from wms.freight.tables.transfers import Transfer
from wms.gate.tables import GatePassUse
from wms.stock.accounts import account_ids


def name_pass(session: Session, transfer_no: str, pass_no: str, now: datetime) -> Transfer:
    """Give the loaded goods to a gate pass that names them: they wait to leave, and their way leads to the other site.

    Raises:
        UnknownTransfer, TransferNotInState, UnknownPass, PassNotOfTransfer, and what customs and ledger refuse.
    """
    transfer = lock(session, transfer_no, ("loaded",))
    gate_pass = _pass(session, pass_no)
    pieces = [one for one in pieces_of(session, transfer.id) if one.piece.loaded_qty]
    lines = gate_passes.pass_lines(session, gate_pass.id)
    if gate_pass.owner_id != transfer.owner_id:
        raise PassNotOfTransfer(field="gate_pass", pass_no=pass_no, transfer_no=transfer_no, why="another owner")
    refuse_standing_pass(session, transfer)
    waiting = list(pieces)
    sources = {}
    for line in lines:
        match = next(
            (
                one for one in waiting
                if one.item.id == line.trade_item_id and one.piece.loaded_qty == line.qty
            ),
            None,
        )  # fmt: skip
        if match is None:
            why = f"line {line.line_no}: {line.qty}"
            raise PassNotOfTransfer(field="gate_pass", pass_no=pass_no, transfer_no=transfer_no, why=why)
        waiting.remove(match)
        sources[line.line_no] = match
        line.transit_site_id = transfer.to_site_id
    if waiting:
        why = ", ".join(f"{one.item.code}: {one.piece.loaded_qty}" for one in waiting)
        raise PassNotOfTransfer(field="gate_pass", pass_no=pass_no, transfer_no=transfer_no, why=why)
    free_unloaded(session, transfer)
    gate_passes.move_to_waiting(
        session, gate_pass.id,
        {line_no: key_of(session, one.piece.account_id) for line_no, one in sources.items()},
        key=f"transfer:{transfer.id}:pass:{gate_pass.id}", event_at=now,
    )  # fmt: skip
    transfer.gate_pass_id = gate_pass.id
    transfer.vehicle_plate = gate_pass.vehicle_plate
    transfer.container_no, transfer.seal_no = gate_pass.container_no, gate_pass.seal_no
    step(session, transfer, "loaded", now)
    session.flush()
    return transfer


def _pass(session: Session, pass_no: str) -> GatePass:
    found = session.scalar(select(GatePass).where(or_(GatePass.pass_no == pass_no, GatePass.internal_no == pass_no)))
    if found is None:
        raise UnknownPass(pass_id=pass_no)
    return found


def follow_pass(session: Session, transfer_no: str) -> Transfer:
    """Take up that the gate let the goods out: from then on the transfer is on its way.

    Raises UnknownTransfer, TransferNotInState, PassNotThrough.
    """
    transfer = lock(session, transfer_no, ("loaded",))
    gate_pass = session.get(GatePass, transfer.gate_pass_id) if transfer.gate_pass_id else None
    passed_at = session.scalar(
        select(GatePassUse.passed_at).where(
            GatePassUse.gate_pass_id == transfer.gate_pass_id, GatePassUse.posting_id.is_not(None)
        )
    )
    if gate_pass is None or passed_at is None:
        raise PassNotThrough(
            pass_no=(gate_pass.pass_no or gate_pass.internal_no) if gate_pass else "-",
            state=gate_pass.state if gate_pass else "-",
        )
    _take_up(session, transfer)
    tasks.finish(session, "load", task_of(transfer))
    depart_done(session, transfer, passed_at)
    return transfer


def _take_up(session: Session, transfer: Transfer) -> None:
    for one in pieces_of(session, transfer.id):
        if not one.piece.loaded_qty:
            continue
        waiting = gate_passes.waiting_to_leave(key_of(session, one.piece.account_id))
        transit = gate_passes.beyond_gate(waiting, transfer.to_site_id)
        one.piece.transit_account_id = account_ids(session, {transit})[transit]
        one.piece.departed_qty = one.piece.loaded_qty
        one.line.departed_qty += one.piece.loaded_qty


def follow_all(session: Session) -> list[str]:
    """Take up every transfer whose pass went through the gate; returns their numbers."""
    rows = session.scalars(
        select(Transfer.transfer_no)
        .join(GatePassUse, GatePassUse.gate_pass_id == Transfer.gate_pass_id)
        .where(Transfer.state == "loaded", GatePassUse.posting_id.is_not(None))
        .order_by(Transfer.id)
    ).all()
    return [follow_pass(session, transfer_no).transfer_no for transfer_no in dict.fromkeys(rows)]
