"""A retail parcel collected in person (线下自提): after its release, in the zone, once.

Outside the zone bonded retail goods are not collected in a shop (财关税〔2018〕49号); which modes may is dated data.
The goods leave the zone on their gate pass as any parcel's do: a pick-up moves no stock.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.customs.clock import BEIJING
from wms.customs.modes import beijing_day
from wms.customs.parcels.rules import states
from wms.customs.tables import PickUp
from wms.customs.tables.parcels import ParcelDeclaration, ParcelRequest
from wms.errors import N_, Kind, NotFound, WmsError
from wms.parties import dated
from wms.parties.tables import Site
from wms.record.service import append_leaf

RULE = "customs.pick_up"
IN_ZONE = ("bonded", "inspection")


class PickUpBeforeRelease(WmsError):
    """A parcel whose declaration customs has not let go stays where it is."""

    code = "pick_up_before_release"
    text = N_("Parcel %(number)s cannot be collected: its declaration is %(state)s. Customs must let it go first.")


class PickUpOutsideZone(WmsError):
    """Bonded retail goods are not ordered online and collected in a shop outside the zone."""

    code = "pick_up_outside_zone"
    text = N_(
        "Goods of mode %(mode)s are not collected at %(site)s, outside the zone (notice 49 of 2018): they are sent"
        " to the buyer, or collected in the zone."
    )


class PickedUpAlready(WmsError):
    code = "picked_up_already"
    kind = Kind.CONFLICT
    text = N_("Parcel %(number)s was collected at %(at)s already.")


def pick_up(session: Session, number: str, site_id: int, person_id: int | None, at: datetime) -> PickUp:
    """Note that the buyer collected a parcel.

    Raises NotFound, PickUpOutsideZone, PickUpBeforeRelease, PickedUpAlready.
    """
    row = session.scalars(
        select(ParcelDeclaration)
        .where(ParcelDeclaration.cop_no == number, ParcelDeclaration.direction == "I")
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound(field="declaration", what=number)
    site = session.get_one(Site, site_id)
    modes = dated.value(session, RULE, beijing_day(at))["outside_zone_modes"]
    if site.kind not in IN_ZONE and row.trade_mode not in modes:
        raise PickUpOutsideZone(field="site", mode=row.trade_mode, site=site.code)
    cancelling = session.scalar(
        select(ParcelRequest.id)
        .where(ParcelRequest.declaration_id == row.id, ParcelRequest.kind == "cancel", ParcelRequest.state == "applied")
        .limit(1)
    )
    if not states.may_leave(row.state, is_on_hold=row.is_on_hold, is_cancelling=cancelling is not None):
        raise PickUpBeforeRelease(field="declaration", number=number, state=states.WORDS[row.state])
    made = session.scalar(
        insert(PickUp)
        .values(
            owner_id=row.owner_id, declaration_id=row.id, site_id=site_id, picked_up_at=at, person_id=person_id
        )
        .on_conflict_do_nothing()
        .returning(PickUp.id)
    )  # fmt: skip
    if made is None:
        standing = session.scalars(select(PickUp).where(PickUp.declaration_id == row.id)).one()
        told = f"{standing.picked_up_at.astimezone(BEIJING):%Y-%m-%d %H:%M}"
        raise PickedUpAlready(field="declaration", number=number, at=told)
    append_leaf(session, "pick_up", {"parcel": number, "site": site.code}, made)
    return session.get_one(PickUp, made)
