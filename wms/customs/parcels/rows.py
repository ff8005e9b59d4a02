"""The rows of a whole message written by one statement: a column is an array, whatever the number of rows.

A statement for each row costs the client and the server more than the row itself.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Table, TextClause, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

Row = Mapping[str, Any]
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"'})


def insert_all(session: Session, mapped: Any, rows: Sequence[Row]) -> None:
    """Insert rows in their order; all have the same columns, and what they leave out is the table's default."""
    if rows:
        session.execute(_inserting(mapped, tuple(rows[0])), _columns(mapped, tuple(rows[0]), rows))


def update_all(session: Session, mapped: Any, rows: Sequence[Row]) -> None:
    """Update rows by their ``id``; all set the same columns. Objects that are loaded already do not learn of it."""
    if rows:
        session.execute(_updating(mapped, tuple(rows[0])), _columns(mapped, tuple(rows[0]), rows))


@cache
def _inserting(mapped: Any, names: tuple[str, ...]) -> TextClause:
    listed = ", ".join(names)
    return text(f"INSERT INTO {_table(mapped).name} ({listed}) SELECT {listed} FROM {_given(mapped, names)}")  # noqa: S608


@cache
def _updating(mapped: Any, names: tuple[str, ...]) -> TextClause:
    table = _table(mapped).name
    values = ", ".join(f"{name} = given.{name}" for name in names if name != "id")
    return text(f"UPDATE {table} SET {values} FROM {_given(mapped, names)} WHERE {table}.id = given.id")  # noqa: S608


def _given(mapped: Any, names: tuple[str, ...]) -> str:
    arrays = ", ".join(f"cast(:{name} AS {_type(mapped, name)}[])" for name in names)
    return f"unnest({arrays}) AS given({', '.join(names)})"


def _table(mapped: Any) -> Table:
    table: Table = inspect(mapped).local_table
    return table


def _column(mapped: Any, name: str) -> ColumnElement[Any]:
    return _table(mapped).columns[name]


def _type(mapped: Any, name: str) -> str:
    """The bare type: an array has no precision of its own, the column has."""
    return re.sub(r"\(.*?\)", "", _column(mapped, name).type.compile(_DIALECT))


def _columns(mapped: Any, names: tuple[str, ...], rows: Sequence[Row]) -> dict[str, str]:
    return {name: _array(_sign_of(mapped, name), [row[name] for row in rows]) for name in names}


def _array(sign: Callable[[Any], str], values: Sequence[Any]) -> str:
    return "{" + ",".join(["NULL" if value is None else sign(value) for value in values]) + "}"


@cache
def _sign_of(mapped: Any, name: str) -> Callable[[Any], str]:
    kind = _column(mapped, name).type
    if isinstance(kind, JSONB):
        return _json
    return _bytes if isinstance(kind, LargeBinary) else _plain


def _json(value: Any) -> str:
    return _plain(json.dumps(value, ensure_ascii=False))


def _bytes(value: bytes) -> str:
    return f'"\\\\x{value.hex()}"'


def _plain(value: Any) -> str:
    """A value inside an array's text: quoted, unless it can only be a number or a truth."""
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPED)}"'
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime | date):
        return f'"{value.isoformat()}"'
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"{value!r} has no form in an array")
