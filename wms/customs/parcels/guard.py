"""May a parcel leave? Only when customs let its declaration go, whichever door it is tried through.

A parcel is guarded when its order is a retail order of a mode that is declared by parcel, or when order or waybill is
known to stand behind a declaration (checks OUT-a to OUT-c of the customs reference, 1.7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from wms.customs.parcels.rules import states
from wms.customs.tables.parcels import ParcelDeclaration, ParcelRequest, RetailWaybill
from wms.errors import N_, WmsError
from wms.parties import dated

RETAIL_MODES = "parcel.retail_modes"


class ParcelNotReleased(WmsError):
    """The parcel's declaration does not let it leave."""

    code = "parcel_not_cleared"
    text = N_("Parcel %(sscc)s stays: its declaration %(number)s is %(state)s. It may leave when customs let it go.")


class ParcelNotDeclared(WmsError):
    """A retail parcel of bonded goods has no declaration at all."""

    code = "parcel_not_declared"
    text = N_("Parcel %(sscc)s stays: order %(order_no)s has no parcel declaration.")


class ParcelHeld(WmsError):
    """Customs asked to hold it, or its cancellation is under way."""

    code = "parcel_held"
    text = N_("Parcel %(sscc)s stays: declaration %(number)s is on hold or is being cancelled.")


@dataclass(frozen=True)
class Leaving:
    """A parcel that is to leave: its label, whose goods, order and waybill; ``is_retail``: ordered as one parcel."""

    sscc: str
    owner_id: int
    order_no: str | None
    waybill_no: str | None
    trade_mode: str | None
    is_retail: bool


def refuse_unreleased(session: Session, parcels: Sequence[Leaving]) -> None:
    """Raise why one of these parcels may not leave: ParcelNotDeclared, ParcelNotReleased, ParcelHeld."""
    numbers = [one.order_no for one in parcels if one.order_no]
    waybills = [one.waybill_no for one in parcels if one.waybill_no]
    by_order = and_(ParcelDeclaration.order_no.in_(numbers), ParcelDeclaration.owner_id.in_(_owners(parcels)))
    declared = {row.id: row for row in _declared(session, by_order)} if numbers else {}
    if waybills:
        # A carrier uses a number again: an earlier parcel's release lets no other one go.
        named = RetailWaybill.waybill_no.in_(waybills)
        in_use = select(RetailWaybill.id).where(named, RetailWaybill.retired_at.is_(None))
        by_waybill = and_(ParcelDeclaration.waybill_no.in_(waybills), ParcelDeclaration.waybill_id.in_(in_use))
        declared |= {row.id: row for row in _declared(session, by_waybill)}
    if not declared and not any(one.is_retail for one in parcels):
        return
    modes = dated.value(session, RETAIL_MODES, datetime.now(UTC).date())
    for one in parcels:
        mine = [row for _id, row in sorted(declared.items()) if _is_of(row, one)]
        if mine:
            _check(session, one, mine)
        elif one.is_retail and one.trade_mode in modes:
            raise ParcelNotDeclared(sscc=one.sscc, order_no=one.order_no or "-")


def _declared(session: Session, wanted: ColumnElement[bool]) -> Sequence[ParcelDeclaration]:
    """Declarations of imports, and of exports that are on hold; kept as they are until the transaction ends.

    Exports that nothing holds are locked too: an order to hold one comes before the door or waits for it.
    """
    query = select(ParcelDeclaration).where(wanted).order_by(ParcelDeclaration.id)
    rows = session.scalars(query.with_for_update(read=True).execution_options(populate_existing=True))
    return [row for row in rows if row.direction == "I" or row.is_on_hold]


def _owners(parcels: Sequence[Leaving]) -> set[int]:
    return {one.owner_id for one in parcels}


def _is_of(row: ParcelDeclaration, one: Leaving) -> bool:
    by_order = one.order_no is not None and row.order_no == one.order_no and row.owner_id == one.owner_id
    return by_order or (one.waybill_no is not None and row.waybill_no == one.waybill_no)


def _check(session: Session, one: Leaving, mine: Sequence[ParcelDeclaration]) -> None:
    """The declaration that stands counts; a cancelled one only when there is no other."""
    row = next((row for row in reversed(mine) if row.state != "cancelled"), mine[-1])
    asked = session.scalar(
        select(ParcelRequest.id)
        .where(ParcelRequest.declaration_id == row.id, ParcelRequest.kind == "cancel", ParcelRequest.state == "applied")
        .limit(1)
    )
    if states.may_leave(row.state, is_on_hold=row.is_on_hold, is_cancelling=asked is not None):
        return
    if row.state in ("released", "cleared"):
        raise ParcelHeld(sscc=one.sscc, number=row.cop_no)
    raise ParcelNotReleased(sscc=one.sscc, number=row.cop_no, state=states.WORDS[row.state])
