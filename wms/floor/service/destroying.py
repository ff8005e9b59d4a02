"""Destruction under witness: request, approval, two witnesses, then one posting and a certificate in the record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.floor import inside_queries as reads
from wms.floor.inside_queries import Pile
from wms.floor.rules import destroying
from wms.floor.service import differences, quarantining, tasks
from wms.floor.service.inside_people import current_person, require_supervisor
from wms.floor.service.quarantining import Which
from wms.floor.service.tasks import NewTask
from wms.floor.tables.destruction import Destruction, DestructionLine
from wms.parties import dated
from wms.parties.tables import Person, Site
from wms.record.rules import digest
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line, Posting, Reserve

HELD_DAYS = "destroy.held_days"  # a destruction that nobody carries out so long is asked for anew


@dataclass(frozen=True)
class Ask:
    """Ask for goods of a site to be destroyed, why and how; bonded ones under a customs document."""

    key: str
    site_id: int
    lines: tuple[Which, ...]
    reason: str
    method: str
    at: datetime
    customs_doc_no: str | None = None


def ask(session: Session, command: Ask) -> Destruction:
    """Ask for a destruction; its goods are reserved, so that nobody takes them away meanwhile.

    Raises NothingToTake, LotUnclear, ReservedFor, NeedsCustomsDocument and what reserving refuses.
    """
    piles = [quarantining.pick(session, line, number) for number, line in enumerate(command.lines, 1)]
    bonded = next((pile for pile in piles if pile.is_bonded), None)
    if bonded is not None and not command.customs_doc_no:
        raise destroying.NeedsCustomsDocument(field="customs_document", item=bonded.names)
    number: int = session.execute(text("SELECT nextval('destruction_id_seq')")).scalar_one()
    made = Destruction(
        id=number,
        destruction_no=document_no("DX", number),
        site_id=command.site_id,
        state="requested",
        reason=command.reason,
        method=command.method,
        customs_doc_no=command.customs_doc_no,
        requested_by=current_person(session),
    )
    session.add(made)
    session.flush()
    for line_no, (pile, line) in enumerate(zip(piles, command.lines, strict=True), 1):
        _hold(session, command, made, line_no, pile, line.qty)
    session.flush()
    return made


def _hold(session: Session, command: Ask, made: Destruction, line_no: int, pile: Pile, qty: int) -> None:
    until = command.at + timedelta(days=int(dated.value(session, HELD_DAYS, command.at.date())))
    wanted = Reserve(f"destroy:{command.key}:{line_no}", pile.account, qty, until, made.destruction_no)
    held = ledger.reserve(session, wanted)
    session.add(
        DestructionLine(destruction_id=made.id, account_id=pile.account_id, qty=qty, reservation_id=held.reservation_id)
    )


def by_no(session: Session, number: str) -> Destruction:
    """Return a destruction by its number, locked. Raises UnknownDestruction."""
    query = select(Destruction).where(Destruction.destruction_no == number.strip().upper())
    found = session.scalars(query.with_for_update()).one_or_none()
    if found is None:
        raise destroying.UnknownDestruction(number=number)
    return found


def _in_state(session: Session, number: str, state: str) -> Destruction:
    made = by_no(session, number)
    if made.state != state:
        raise destroying.DestructionState(number=made.destruction_no, state=made.state)
    return made


def approve(session: Session, number: str, at: datetime) -> Destruction:
    """Agree to a destruction as a supervisor who did not ask for it; it becomes a task.

    Raises UnknownDestruction, DestructionState, SupervisorOnly, RequesterMayNotDo.
    """
    made = _in_state(session, number, "requested")
    made.approved_by, made.approved_at, made.state = _second(session, made), at, "approved"
    session.flush()
    tasks.offer(session, NewTask(made.site_id, "destroy", made.id, made.destruction_no))
    return made


def reject(session: Session, number: str, at: datetime) -> Destruction:
    """Turn a destruction down; its goods are free again. Raises what :func:`approve` raises."""
    made = _in_state(session, number, "requested")
    made.approved_by, made.approved_at, made.state = _second(session, made), at, "rejected"
    ledger.void(session, [line.reservation_id for line in _lines(session, made) if line.reservation_id])
    session.flush()
    return made


def _second(session: Session, made: Destruction) -> int:
    person_id = require_supervisor(session, made.site_id)
    if person_id == made.requested_by:
        raise destroying.RequesterMayNotDo(number=made.destruction_no)
    return person_id


def _lines(session: Session, made: Destruction) -> Sequence[DestructionLine]:
    query = select(DestructionLine).where(DestructionLine.destruction_id == made.id).order_by(DestructionLine.id)
    return session.scalars(query).all()


def witness(session: Session, number: str) -> Destruction:
    """Sign as one of the two witnesses of an approved destruction.

    Raises UnknownDestruction, DestructionState, WitnessNeedsName, RequesterMayNotDo, WitnessTwice, EnoughWitnesses.
    """
    made = _in_state(session, number, "approved")
    person_id = current_person(session)
    if person_id is None:
        raise destroying.WitnessNeedsName
    destroying.check_witness(made.destruction_no, person_id, made.requested_by, made.witness_one, made.witness_two)
    if made.witness_one is None:
        made.witness_one = person_id
    else:
        made.witness_two = person_id
    session.flush()
    append_leaf(session, "destruction_witnessed", {"destruction": made.destruction_no, "by": person_id}, made.id)
    return made


def carry_out(session: Session, number: str, at: datetime) -> Destruction:
    """Book the goods as destroyed and write the certificate into the record.

    Raises UnknownDestruction, DestructionState, WitnessesMissing and what the ledger refuses.
    """
    made = _in_state(session, number, "approved")
    signed = [one for one in (made.witness_one, made.witness_two) if one is not None]
    if len(signed) < 2:
        raise destroying.WitnessesMissing(number=made.destruction_no, count=len(signed))
    rows = _lines(session, made)
    piles = {pile.account_id: pile for pile in reads.piles_in(session, [row.account_id for row in rows])}
    lines = _destroyed(session, rows)
    moment = max([at, *(pile.last_event_at for pile in piles.values())])
    posting = Posting(
        f"destroyed:{made.id}", "destroy", moment, tuple(lines), made.destruction_no, made.customs_doc_no or made.reason
    )
    made.posting_id = ledger.post(session, posting).posting_id
    made.certificate = _certificate(session, made, rows, piles, moment)
    made.certificate_hash = digest(made.certificate)
    payload = {"certificate": made.certificate, "sha256": made.certificate_hash.hex()}
    made.leaf_id = append_leaf(session, "destruction_certificate", payload, made.id)
    made.destroyed_at, made.state = moment, "destroyed"
    session.flush()
    tasks.finish(session, "destroy", made.id)
    return made


def _destroyed(session: Session, rows: Sequence[DestructionLine]) -> list[Line]:
    """Return the lines by which goods leave the shelf, and bonded ones their line of the account book."""
    lines: list[Line] = []
    books: dict[tuple[int, int, int], int] = {}
    for row in rows:
        account = differences.key_of(session, row.account_id)
        gone = AccountKey("adjustment", account.owner_id, account.trade_item_id)
        lines += ledger.moved(account, gone, row.qty, row.reservation_id)
        if account.customs_status == "bonded" and account.book_line_id is not None:
            name = (account.owner_id, account.trade_item_id, account.book_line_id)
            books[name] = books.get(name, 0) + row.qty
    for name, qty in sorted(books.items()):
        lines += differences.leave_books(session, *name, qty)
    return lines


def _certificate(
    session: Session, made: Destruction, rows: Sequence[DestructionLine], piles: dict[int, Pile], at: datetime
) -> dict[str, Any]:  # fmt: skip
    """Return the certificate: what was destroyed, how, under which document, and who stood by."""

    def person(number: int | None) -> dict[str, Any]:
        found = session.get(Person, number) if number else None
        return {"id": number, "name_zh": found.name_zh if found else "", "name_en": found.name_en if found else ""}

    goods = [
        {
            "item": piles[row.account_id].item_code,
            "name_zh": piles[row.account_id].names["zh"],
            "name_en": piles[row.account_id].names["en"],
            "lot": piles[row.account_id].lot_no or "",
            "qty": row.qty,
            "unit": piles[row.account_id].base_unit,
            "customs_status": piles[row.account_id].account.customs_status,
        }
        for row in rows
    ]
    return {
        "format": "dongting.destruction.v1",
        "number": made.destruction_no,
        "site": session.get_one(Site, made.site_id).code,
        "destroyed_at": at.isoformat(),
        "reason": made.reason,
        "method": made.method,
        "customs_document": made.customs_doc_no or "",
        "goods": goods,
        "requested_by": person(made.requested_by),
        "approved_by": person(made.approved_by),
        "witnesses": [person(made.witness_one), person(made.witness_two)],
        "posting": made.posting_id,
    }
