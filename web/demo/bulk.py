"""Rows in sets: one statement for a page of rows, ids back in the order given. Row-level security holds here too."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session


def insert_rows(session: Session, table: Any, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert ``rows`` of one mapped table that has an ``id``; return the ids in the order of the rows."""
    if not rows:
        return []
    made = insert(table).returning(table.id, sort_by_parameter_order=True)
    return list(session.scalars(made, list(rows)))
