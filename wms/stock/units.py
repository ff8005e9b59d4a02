"""Handling units of our own making: the next SSCC under the operator's GS1 company prefix."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.codes import gs1_keys
from wms.parties import dated
from wms.stock.tables import HandlingUnit

EXTENSION = 1  # the extension digit of units that were packed here; goods arrive under other ones
NEXT_SERIAL = text("SELECT nextval('sscc_serial')")


def new_sscc(session: Session) -> str:
    """Return an SSCC (GS1 General Specifications, 3.2) that this installation never gave before."""
    prefix = str(dated.value(session, "gs1.company_prefix", datetime.now(UTC).date()))
    places = gs1_keys.SSCC_LENGTH - 2 - len(prefix)
    serial: int = session.execute(NEXT_SERIAL).scalar_one()
    return gs1_keys.make_sscc(EXTENSION, prefix, serial % 10**places)


def make_unit(session: Session, kind: str, owner_id: int, parent_id: int | None = None) -> HandlingUnit:
    """File a new pallet, carton, parcel … with an SSCC of ours, and return it."""
    unit = HandlingUnit(sscc=new_sscc(session), kind=kind, owner_id=owner_id, parent_id=parent_id)
    session.add(unit)
    session.flush()
    return unit
