"""What stands behind a passage elsewhere in the books: documents of its pass, postings, leaves of the record."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.customs.tables import GatePassDocument, GatePassRegistered
from wms.parties.tables import Company, Location, Person, Site
from wms.record.tables import Leaf
from wms.stock.tables import Account, Entry, Lot, Posting

EXPORTED = "evidence_exported"


@dataclass(frozen=True)
class DocumentRow:
    """A document behind the pass: kind 1 verification list, 2 movement slip, 3 bill of lading."""

    kind: str
    number: str


@dataclass(frozen=True)
class RegisteredRow:
    """Goods that are only registered at the gate (pass type 5); ``qty`` as declared."""

    line_no: int
    goods_class: str
    name: str
    hs_code: str | None
    qty: str
    unit: str
    gross_weight_g: int


@dataclass(frozen=True)
class EntryRow:
    """One side of a posting: ``qty`` in base units, negative where goods left the account."""

    account_id: int
    kind: str
    site: str | None
    location: str | None
    owner: str
    item: str
    lot_no: str | None
    customs_status: str
    qty: int
    weight_g: int | None


@dataclass(frozen=True)
class PostingRow:
    """A posting by which goods of the passage left the ledger."""

    id: int
    kind: str
    source_doc: str | None
    event_at: datetime
    recorded_at: datetime
    entries: tuple[EntryRow, ...]


@dataclass(frozen=True)
class LeafRow:
    """A fact of the record about the passage; ``body`` is hashed as SHA-256(0x00 ‖ body) (RFC 9162, 2.1.1)."""

    id: int
    kind: str
    subject_id: int | None
    body: bytes
    hash_hex: str
    recorded_at: datetime


@dataclass(frozen=True)
class ExportRow:
    """Who took the evidence of a passage away, when, and what exactly (SHA-256 of the bundle)."""

    at: datetime
    person_zh: str | None
    person_en: str | None
    sha256: str
    key_id: str


def documents_of(session: Session, pass_id: int | None) -> tuple[DocumentRow, ...]:
    """The documents named on a pass."""
    found = session.execute(
        select(GatePassDocument.document_kind, GatePassDocument.document_no)
        .where(GatePassDocument.gate_pass_id == pass_id)
        .order_by(GatePassDocument.document_kind, GatePassDocument.document_no)
    )
    return tuple(DocumentRow(*row) for row in found)


def registered_of(session: Session, pass_id: int | None) -> tuple[RegisteredRow, ...]:
    """Goods that a pass only registers."""
    found = session.scalars(
        select(GatePassRegistered)
        .where(GatePassRegistered.gate_pass_id == pass_id)
        .order_by(GatePassRegistered.line_no)
    )
    return tuple(
        RegisteredRow(row.line_no, row.goods_class, row.name, row.hs_code, str(row.qty), row.unit, row.gross_weight_g)
        for row in found
    )


def posting_of(session: Session, posting_id: int | None) -> PostingRow | None:
    """The posting with both sides of it."""
    posting = session.get(Posting, posting_id) if posting_id else None
    if posting is None:
        return None
    found = session.execute(
        select(
            Account.id, Account.kind, Site.code, Location.code, Company.code, TradeItem.code, Lot.lot_no,
            Account.customs_status, Entry.qty, Entry.weight_g,
        )
        .select_from(Entry)
        .join(Account, Account.id == Entry.account_id)
        .join(Company, Company.id == Account.owner_id)
        .join(TradeItem, TradeItem.id == Account.trade_item_id)
        .outerjoin(Site, Site.id == Account.site_id)
        .outerjoin(Location, Location.id == Account.location_id)
        .outerjoin(Lot, Lot.id == Account.lot_id)
        .where(Entry.posting_id == posting_id)
        .order_by(Entry.qty, Account.id)
    )  # fmt: skip
    entries = tuple(EntryRow(*cast("Any", row)) for row in found)
    return PostingRow(
        posting.id, posting.kind, posting.source_doc, posting.event_at, posting.recorded_at, entries
    )


def leaves_of(session: Session, subjects: Sequence[tuple[str, int | None]]) -> tuple[LeafRow, ...]:
    """The facts of the record with these kinds and subjects, in the order in which they were appended."""
    wanted = [and_(Leaf.kind == kind, Leaf.subject_id == subject) for kind, subject in subjects if subject is not None]
    if not wanted:
        return ()
    found = session.scalars(select(Leaf).where(or_(*wanted)).order_by(Leaf.id))
    return tuple(
        LeafRow(row.id, row.kind, row.subject_id, bytes(row.body), bytes(row.hash).hex(), row.recorded_at)
        for row in found
    )


def exports_of(session: Session, passage_id: int) -> tuple[ExportRow, ...]:
    """Who exported the evidence of a passage, in the order of time."""
    leaves = leaves_of(session, [(EXPORTED, passage_id)])
    said = [(leaf.recorded_at, _said(leaf.body)) for leaf in leaves]
    ids = {body["person_id"] for _, body in said if body["person_id"] is not None}
    names = {row.id: row for row in session.scalars(select(Person).where(Person.id.in_(ids)))} if ids else {}
    return tuple(
        ExportRow(
            at,
            names[body["person_id"]].name_zh if body["person_id"] in names else None,
            names[body["person_id"]].name_en if body["person_id"] in names else None,
            body["sha256"],
            body["key_id"],
        )
        for at, body in said
    )


def _said(body: bytes) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(body.split(b"\n", 2)[2])
    return said
