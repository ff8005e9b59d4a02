"""Reads of the record."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wms.record.tables import Leaf


@dataclass(frozen=True)
class LeafRow:
    """An appended fact: its kind, what it says, its hash in hexadecimal."""

    id: int
    kind: str
    says: dict[str, Any]
    hash_hex: str
    recorded_at: datetime


def newest(session: Session, kind: str) -> LeafRow | None:
    """Return the fact of ``kind`` that was appended last. Not for postings, whose body is no JSON."""
    leaf = session.scalar(select(Leaf).where(Leaf.kind == kind).order_by(Leaf.id.desc()).limit(1))
    if leaf is None:
        return None
    says = json.loads(leaf.body.split(b"\n", 2)[2])
    return LeafRow(leaf.id, leaf.kind, says, leaf.hash.hex(), leaf.recorded_at)


def count(session: Session) -> int:
    """Return how many facts the record holds."""
    return session.scalar(select(func.count()).select_from(Leaf)) or 0
