"""Dated data: rates, limits, tolerances and lists, each with the day from which it holds and its source.

A document of yesterday is judged by yesterday's value. Values that come with the product (``shipped_value``, entered by
migrations) hold until the installation enters one of its own.
"""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wms.errors import N_, Kind, WmsError
from wms.parties.tables import DatedValue

FIND = text(
    "SELECT value FROM ("
    " SELECT false AS shipped, subject, valid_from_on, value FROM dated_value"
    " WHERE name = :name AND subject IN (:subject, '') AND valid_from_on <= :on"
    " UNION ALL SELECT true, subject, valid_from_on, value FROM shipped_value"
    " WHERE name = :name AND subject IN (:subject, '') AND valid_from_on <= :on) known"
    " ORDER BY subject = '', shipped, valid_from_on DESC LIMIT 1"
)


class NoDatedValue(WmsError):
    """Nothing was entered that holds on the day."""

    code = "no_dated_value"
    kind = Kind.NOT_FOUND
    text = N_("No value of %(name)s (%(subject)s) holds on %(on)s: enter one with its source.")


class UnknownName(WmsError):
    """The product asks for no such value; a typing error would hold for nobody."""

    code = "unknown_dated_name"
    kind = Kind.NOT_FOUND
    text = N_("Nothing in the system asks for a value called %(name)s.")


class WrongShape(WmsError):
    """The value is of another sort than the one that comes with the product."""

    code = "dated_value_shape"
    kind = Kind.INVALID
    text = N_("%(name)s must look like this: %(example)s.")


class ValueExists(WmsError):
    """A value of that day stands on record and is not overwritten."""

    code = "dated_value_exists"
    kind = Kind.CONFLICT
    text = N_("%(name)s has a value from %(valid_from_on)s on already. Enter the new one from another day.")


@dataclass(frozen=True)
class Dated:
    """A value as it stands on record; ``is_shipped``: it came with the product."""

    name: str
    subject: str
    value: Any
    valid_from_on: date
    source: str
    is_shipped: bool


def value(session: Session, name: str, on: date, subject: str = "") -> Any:
    """Return what ``name`` is on a day: the subject's own value, else the general one; ours before a shipped one.

    Raises NoDatedValue.
    """
    found = session.execute(FIND, {"name": name, "subject": subject, "on": on}).one_or_none()
    if found is None:
        raise NoDatedValue(name=name, subject=subject or "-", on=on.isoformat())
    return found.value


def house_zone(session: Session, on: date) -> str:
    """Return the time zone of the house: whose clock tells the day of what belongs to no one site."""
    return str(value(session, "house.time_zone", on))


def set_value(session: Session, name: str, value: Any, *, valid_from_on: date, source: str, subject: str = "") -> None:
    """Enter what ``name`` is from a day on; earlier rows stay, so that the past can be judged as it was."""
    session.add(DatedValue(name=name, subject=subject, value=value, valid_from_on=valid_from_on, source=source))
    session.flush()


ALL = text(
    "SELECT name, subject, value, valid_from_on, source, is_shipped FROM ("
    " SELECT name, subject, value, valid_from_on, source, false AS is_shipped FROM dated_value"
    " UNION ALL SELECT name, subject, value, valid_from_on, source, true FROM shipped_value) known"
    " WHERE starts_with(name, :begin) ORDER BY name, subject, valid_from_on DESC, is_shipped"
)


def values(session: Session, begin: str = "") -> list[Dated]:
    """Return every value whose name begins so, the newest of each subject first."""
    return [Dated(*row) for row in session.execute(ALL, {"begin": begin})]


def enter(session: Session, name: str, value: Any, *, valid_from_on: date, source: str, subject: str = "") -> None:
    """Enter a value by hand: as :func:`set_value`, but only for a name that the product asks for, in its shape.

    Raises UnknownName, WrongShape, ValueExists.
    """
    known = values(session, name)
    like = next((row for row in known if row.name == name and row.is_shipped), None)
    if like is None:
        raise UnknownName(field="name", name=name)
    if _shape(value) != _shape(like.value):
        raise WrongShape(field="value", name=name, example=json.dumps(like.value, ensure_ascii=False))
    add(session, name, value, valid_from_on=valid_from_on, source=source, subject=subject)


def add(session: Session, name: str, value: Any, *, valid_from_on: date, source: str, subject: str = "") -> None:
    """Enter a value that the caller has checked; what stands on record is never overwritten. Raises ValueExists."""
    same = select(DatedValue.id).where(
        DatedValue.name == name, DatedValue.subject == subject, DatedValue.valid_from_on == valid_from_on
    )
    if session.scalar(same) is not None:
        raise ValueExists(field="valid_from_on", name=name, valid_from_on=valid_from_on.isoformat())
    set_value(session, name, value, valid_from_on=valid_from_on, source=source, subject=subject)


def _shape(value: Any) -> Any:
    """Return what two values of one sort have in common: the kind, and of an object its keys."""
    if isinstance(value, dict):
        return frozenset(value)
    return type(value).__name__
