"""Dated data: rates, limits, tolerances and lists, each with the day from which it holds and its source.

A document of yesterday is judged by yesterday's value. Values that come with the product (``shipped_value``, entered by
migrations) hold until the installation enters one of its own.
"""

from datetime import date
from typing import Any

from sqlalchemy import text
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


def value(session: Session, name: str, on: date, subject: str = "") -> Any:
    """Return what ``name`` is on a day: the subject's own value, else the general one; ours before a shipped one.

    Raises NoDatedValue.
    """
    found = session.execute(FIND, {"name": name, "subject": subject, "on": on}).one_or_none()
    if found is None:
        raise NoDatedValue(name=name, subject=subject or "-", on=on.isoformat())
    return found.value


def set_value(session: Session, name: str, value: Any, *, valid_from_on: date, source: str, subject: str = "") -> None:
    """Enter what ``name`` is from a day on; earlier rows stay, so that the past can be judged as it was."""
    session.add(DatedValue(name=name, subject=subject, value=value, valid_from_on=valid_from_on, source=source))
    session.flush()
