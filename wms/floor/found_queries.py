"""Reads of found goods for lists and screens."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session, undefer

from wms.floor.tables.found import FoundPhoto


@dataclass(frozen=True)
class FoundRow:
    """Goods that nobody could name, where they stand, who decides until when, and what became of them."""

    id: int
    found_no: str
    site: str
    place: str
    description: str
    pieces: int
    note: str
    state: str
    found_at: datetime
    found_by_zh: str | None
    found_by_en: str | None
    responsible_zh: str | None
    responsible_en: str | None
    decide_by_on: date
    is_late: bool
    decided_zh: str | None
    decided_en: str | None
    decided_at: datetime | None
    reason: str | None
    notice_no: str | None
    posting_id: int | None
    handed_to: str | None
    document_no: str | None
    method: str | None
    witnesses: int
    certificate_sha256: str | None
    ended_at: datetime | None
    photos: list[str]


ROWS = text("""
    SELECT f.id, f.found_no, s.code AS site, l.code AS place, f.description, f.pieces, f.note, f.state, f.found_at,
           b.name_zh AS found_by_zh, b.name_en AS found_by_en, r.name_zh AS responsible_zh, r.name_en AS responsible_en,
           f.decide_by_on,
           f.state IN ('open', 'to_destroy') AND f.decide_by_on < (now() AT TIME ZONE s.time_zone)::date AS is_late,
           d.name_zh AS decided_zh, d.name_en AS decided_en, f.decided_at, f.reason, n.notice_no, f.posting_id,
           f.handed_to, f.document_no, f.method, num_nonnulls(f.witness_one, f.witness_two) AS witnesses,
           encode(f.certificate_hash, 'hex') AS certificate_sha256, f.ended_at,
           coalesce((SELECT array_agg(p.sha256 ORDER BY p.id) FROM found_photo p WHERE p.found_goods_id = f.id), '{}')
             AS photos
      FROM found_goods f JOIN site s ON s.id = f.site_id JOIN location l ON l.id = f.location_id
      LEFT JOIN person b ON b.id = f.found_by LEFT JOIN person r ON r.id = f.responsible_id
      LEFT JOIN person d ON d.id = f.decided_by LEFT JOIN advance_notice n ON n.id = f.notice_id
     WHERE f.id > :after AND (cast(:site AS text) IS NULL OR upper(s.code) = upper(:site))
       AND (cast(:state AS text) IS NULL OR f.state = :state)
       AND (cast(:number AS text) IS NULL OR f.found_no = upper(:number))
     ORDER BY f.id LIMIT :limit
""")


def found_goods(
    session: Session, *, site: str | None = None, state: str | None = None, number: str | None = None, after: int = 0,
    limit: int = 50,
) -> list[FoundRow]:  # fmt: skip
    """Return found goods from behind row ``after``."""
    values = {"site": site, "state": state, "number": number, "after": after, "limit": limit}
    return [FoundRow(**row) for row in session.execute(ROWS, values).mappings()]


def photo(session: Session, number: str, sha256: str) -> FoundPhoto | None:
    """Return a picture with its content."""
    wanted = (
        select(FoundPhoto)
        .where(text("found_goods_id = (SELECT id FROM found_goods WHERE found_no = :number)"))
        .where(FoundPhoto.sha256 == sha256)
        .options(undefer(FoundPhoto.content))
    )
    return session.scalars(wanted, {"number": number.upper()}).one_or_none()
