"""Goods found without label or notice: noted with a picture, decided by a supervisor, never stock by themselves.

They become stock by a receipt alone (blind, or against a notice, with every rule of receiving), go back to whom they
belong, or are destroyed under the eyes of two who did not decide it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.floor.rules import destroying
from wms.floor.rules import found as rules
from wms.floor.rules.list_receipt import ListLine
from wms.floor.service import notices
from wms.floor.service.inside_people import current_person, require_supervisor
from wms.floor.service.notices import OpenBlind
from wms.floor.service.receiving_lists import ReceiveList, receive_list
from wms.floor.tables import AdvanceNotice
from wms.floor.tables.found import FoundGoods, FoundPhoto
from wms.parties import dated
from wms.parties.tables import Person, Site
from wms.record.rules import digest
from wms.record.service import append_leaf

DECIDE_DAYS = "found.decide_days"


@dataclass(frozen=True)
class Note:
    """What was found and where it stands, counted by eye; ``responsible_id`` decides (None: any supervisor)."""

    site_id: int
    location_id: int
    description: str
    pieces: int
    found_at: datetime
    note: str = ""
    responsible_id: int | None = None


@dataclass(frozen=True)
class Receipt:
    """What found goods turned out to be: taken in at a dock, against a notice, or blind for an owner."""

    key: str
    dock: str
    line: ListLine
    at: datetime
    notice_no: str | None = None
    owner_id: int | None = None
    trade_mode: str = "0110"


def note(session: Session, command: Note) -> FoundGoods:
    """Note goods that nobody can name; somebody has to decide within the days that are dated data."""
    days = int(dated.value(session, DECIDE_DAYS, command.found_at.date()))
    number: int = session.execute(text("SELECT nextval('found_goods_id_seq')")).scalar_one()
    made = FoundGoods(
        **vars(command), id=number, found_no=document_no("FG", number), found_by=current_person(session),
        decide_by_on=command.found_at.date() + timedelta(days=days),
    )  # fmt: skip
    session.add(made)
    session.flush()
    said = {"found_no": made.found_no, "description": made.description, "pieces": made.pieces}
    append_leaf(session, "found_goods", said, made.id)
    return made


def add_photo(session: Session, number: str, content: bytes) -> str:
    """Keep a picture; return its SHA-256. The same picture twice is one. Raises UnknownFound, NoPhoto."""
    made, media_type = by_no(session, number), rules.media_type_of(content)
    sha256 = hashlib.sha256(content).hexdigest()
    done = session.execute(
        insert(FoundPhoto)
        .values(
            found_goods_id=made.id, sha256=sha256, media_type=media_type, content=content, person_id=func.app_person()
        )
        .on_conflict_do_nothing()
        .returning(FoundPhoto.id)
    ).scalar_one_or_none()
    if done is not None:
        append_leaf(session, "found_goods_photo", {"found_no": made.found_no, "sha256": sha256}, made.id)
    return sha256


def by_no(session: Session, number: str) -> FoundGoods:
    """Return found goods by their number, locked. Raises UnknownFound."""
    query = select(FoundGoods).where(FoundGoods.found_no == number.strip().upper())
    found = session.scalars(query.with_for_update(), execution_options={"populate_existing": True}).one_or_none()
    if found is None:
        raise rules.UnknownFound(number=number)
    return found


def _open(session: Session, number: str) -> FoundGoods:
    made = by_no(session, number)
    if made.state != "open":
        raise rules.FoundDecided(number=made.found_no, state=made.state)
    return made


def _decided(session: Session, made: FoundGoods, reason: str, at: datetime) -> None:
    made.decided_by, made.decided_at, made.reason = require_supervisor(session, made.site_id), at, reason


def receive(session: Session, number: str, command: Receipt, reason: str) -> FoundGoods:
    """Take found goods in as what they turned out to be, by the rules of every receipt.

    Raises UnknownFound, FoundDecided, SupervisorOnly, and what receiving refuses.
    """
    made = _open(session, number)
    person_id = require_supervisor(session, made.site_id)
    notice_no = command.notice_no
    if notice_no is None:
        blind = OpenBlind(made.site_id, command.owner_id or 0, command.trade_mode, made.found_no)
        notice_no = notices.open_blind(session, blind)
    wanted = ReceiveList(
        f"found:{command.key}", notice_no, command.dock, command.at, (command.line,), close=command.notice_no is None
    )
    done = receive_list(session, wanted)
    if done.faults:
        raise done.faults[0].refusal
    made.notice_id = session.scalar(select(AdvanceNotice.id).where(AdvanceNotice.notice_no == notice_no))
    made.state, made.posting_id, made.ended_at = "received", done.posting_ids[0], command.at
    made.decided_by, made.decided_at, made.reason = person_id, command.at, reason
    _end(session, made, {"notice_no": notice_no, "item": command.line.item, "qty": command.line.qty})
    return made


def give_back(
    session: Session, number: str, handed_to: str, document: str | None, reason: str, at: datetime
) -> FoundGoods:
    """Give found goods back to whom they belong, against a paper. Raises UnknownFound, FoundDecided, SupervisorOnly."""
    made = _open(session, number)
    _decided(session, made, reason, at)
    made.state, made.handed_to, made.document_no, made.ended_at = "returned", handed_to, document, at
    _end(session, made, {"handed_to": handed_to, "document_no": document or ""})
    return made


def order_destruction(
    session: Session, number: str, method: str, document: str | None, reason: str, at: datetime
) -> FoundGoods:
    """Decide that found goods are destroyed; two others must stand by.

    Raises UnknownFound, FoundDecided, SupervisorOnly, DestroyInZone.
    """
    made = _open(session, number)
    is_bonded = session.get_one(Site, made.site_id).kind == "bonded"
    rules.check_destruction(is_bonded_site=is_bonded, document_no=document)
    with session.no_autoflush:
        _decided(session, made, reason, at)
        made.state, made.method, made.document_no = "to_destroy", method, document
    session.flush()
    return made


def witness(session: Session, number: str, at: datetime) -> FoundGoods:
    """Sign that one saw the goods destroyed; the second signature ends it with a certificate in the record.

    Raises UnknownFound, FoundNotToDestroy, WitnessNeedsName, RequesterMayNotDo, WitnessTwice.
    """
    made = by_no(session, number)
    if made.state != "to_destroy":
        raise rules.FoundNotToDestroy(number=made.found_no, state=made.state)
    person_id = current_person(session)
    if person_id is None:
        raise destroying.WitnessNeedsName
    destroying.check_witness(made.found_no, person_id, made.decided_by, made.witness_one, made.witness_two)
    append_leaf(session, "found_goods_witnessed", {"found_no": made.found_no, "by": person_id}, made.id)
    if made.witness_one is None:
        made.witness_one = person_id
        session.flush()
        return made
    with session.no_autoflush:
        made.witness_two, made.state, made.ended_at = person_id, "destroyed", at
        made.certificate = _certificate(session, made, at)
        made.certificate_hash = digest(made.certificate)
    _end(session, made, {"certificate": made.certificate, "sha256": made.certificate_hash.hex()})
    return made


def _certificate(session: Session, made: FoundGoods, at: datetime) -> dict[str, object]:
    def name(person_id: int | None) -> dict[str, object]:
        one = session.get(Person, person_id) if person_id else None
        return {"id": person_id, "name_zh": one.name_zh if one else "", "name_en": one.name_en if one else ""}

    photos = session.scalars(select(FoundPhoto.sha256).where(FoundPhoto.found_goods_id == made.id)).all()
    return {
        "format": "dongting.found-destruction.v1",
        "number": made.found_no,
        "site": session.get_one(Site, made.site_id).code,
        "description": made.description,
        "pieces": made.pieces,
        "destroyed_at": at.isoformat(),
        "method": made.method,
        "reason": made.reason,
        "customs_document": made.document_no or "",
        "decided_by": name(made.decided_by),
        "witnesses": [name(made.witness_one), name(made.witness_two)],
        "photos": sorted(photos),
    }


def _end(session: Session, made: FoundGoods, said: dict[str, object]) -> None:
    session.flush()
    append_leaf(session, f"found_goods_{made.state}", {"found_no": made.found_no, **said}, made.id)
