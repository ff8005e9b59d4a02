"""Reads by a number that somebody holds in their hand, and the newest postings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from wms.parties.tables import Company, Person
from wms.stock.tables import Entry, HandlingUnit, Posting


@dataclass(frozen=True)
class UnitRow:
    """A handling unit, its owner, and the unit it stands on."""

    id: int
    sscc: str
    kind: str
    owner_name_zh: str
    owner_name_en: str
    parent_sscc: str | None


@dataclass(frozen=True)
class PostingRow:
    """A posting as the record's reader sees it: what, by whom or what, when it happened, when it was written."""

    id: int
    kind: str
    source_doc: str | None
    reason: str | None
    person_name_zh: str | None
    person_name_en: str | None
    device: str | None
    reverses_id: int | None
    event_at: datetime
    recorded_at: datetime
    n_entries: int


def find_unit(session: Session, sscc: str) -> UnitRow | None:
    """Return the handling unit with this SSCC; None where there is none or it is not the caller's."""
    unit = session.scalar(select(HandlingUnit).where(HandlingUnit.sscc == sscc))
    if unit is None:
        return None
    owner = session.get_one(Company, unit.owner_id)
    parent = session.get(HandlingUnit, unit.parent_id) if unit.parent_id else None
    return UnitRow(unit.id, unit.sscc, unit.kind, owner.name_zh, owner.name_en, parent.sscc if parent else None)


def newest_postings(session: Session, limit: int = 50) -> list[PostingRow]:
    """Return the postings written last, newest first."""
    entries = select(func.count()).where(Entry.posting_id == Posting.id).correlate(Posting).scalar_subquery()
    query = (
        select(
            Posting.id, Posting.kind, Posting.source_doc, Posting.reason, Person.name_zh, Person.name_en,
            Posting.device, Posting.reverses_id, Posting.event_at, Posting.recorded_at, entries,
        )
        .outerjoin(Person, Person.id == Posting.person_id)
        .order_by(Posting.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [PostingRow(*row) for row in session.execute(query)]


NAMES_OF = text(
    "SELECT a.id, t.code AS item_code, t.gtin, t.name_zh AS item_name_zh, t.name_en AS item_name_en, t.base_unit,"
    " s.code AS site_code, p.code AS location_code, lot.lot_no, lot.expires_on, h.sscc"
    " FROM unnest(cast(:ids AS bigint[])) AS w(id) JOIN account a ON a.id = w.id"
    " JOIN trade_item t ON t.id = a.trade_item_id LEFT JOIN site s ON s.id = a.site_id"
    " LEFT JOIN location p ON p.id = a.location_id LEFT JOIN lot ON lot.id = a.lot_id"
    " LEFT JOIN handling_unit h ON h.id = a.handling_unit_id"
)


def account_names(session: Session, account_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what the parts of accounts are called, by account id: item, site, place, lot, pallet."""
    found = session.execute(NAMES_OF, {"ids": list(account_ids)}).mappings()
    return {row["id"]: {name: value for name, value in row.items() if name != "id"} for row in found}
