"""Reads of inspections for the officer's page and the API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wms.customs.inspection_rules import CLEARED
from wms.customs.tables.inspections import (
    InspectionLane,
    InspectionOrder,
    InspectionPicture,
    InspectionStep,
    ParcelInspection,
)
from wms.customs.tables.parcels import ParcelDeclaration
from wms.errors import NotFound
from wms.parties.tables import Person, Site


@dataclass(frozen=True)
class InspectionRow:
    """One parcel under inspection."""

    id: int
    order_no: str
    made_by: str
    customs_no: str | None
    reason: str
    declaration: str
    trade_mode: str
    order_of_parcel: str
    waybill_no: str
    customs_state: str
    state: str
    is_suspicious: bool
    is_on_hold: bool
    lane: str | None
    lane_zh: str | None
    lane_en: str | None
    site: str | None
    ordered_at: datetime
    started_at: datetime | None
    decided_at: datetime | None


@dataclass(frozen=True)
class StepRow:
    """One step with its person."""

    step: str
    outcome: str | None
    words: str
    person: str | None
    at: datetime


@dataclass(frozen=True)
class LaneRow:
    """One lane of a centre, and how many parcels are on it."""

    id: int
    site: str
    code: str
    name_zh: str
    name_en: str
    mode: str
    has_xray: bool
    is_open: bool
    examining: int


def _rows() -> Any:
    return (
        select(
            ParcelInspection.id, InspectionOrder.order_no, InspectionOrder.made_by, InspectionOrder.customs_no,
            InspectionOrder.reason, ParcelDeclaration.cop_no, ParcelDeclaration.trade_mode, ParcelDeclaration.order_no,
            ParcelDeclaration.waybill_no, ParcelDeclaration.state, ParcelInspection.state,
            ParcelInspection.is_suspicious, ParcelDeclaration.is_on_hold, InspectionLane.code, InspectionLane.name_zh,
            InspectionLane.name_en, Site.code, InspectionOrder.ordered_at, ParcelInspection.started_at,
            ParcelInspection.decided_at,
        )
        .join(InspectionOrder, InspectionOrder.id == ParcelInspection.order_id)
        .join(ParcelDeclaration, ParcelDeclaration.id == ParcelInspection.declaration_id)
        .outerjoin(InspectionLane, InspectionLane.id == ParcelInspection.lane_id)
        .outerjoin(Site, Site.id == InspectionLane.site_id)
    )  # fmt: skip


def inspections(
    session: Session, *, state: str | None = None, mode: str | None = None, is_open: bool = False, after: int = 0,
    limit: int = 50,
) -> list[InspectionRow]:  # fmt: skip
    """Parcels under inspection in the order of their orders; ``is_open`` leaves out those that are free."""
    query = _rows().where(ParcelInspection.id > after).order_by(ParcelInspection.id).limit(limit)
    if state:
        query = query.where(ParcelInspection.state == state)
    if mode:
        query = query.where(ParcelDeclaration.trade_mode == mode)
    if is_open:
        query = query.where(ParcelInspection.state != CLEARED)
    return [InspectionRow(*row) for row in session.execute(query)]


def newest(session: Session, limit: int = 20) -> list[InspectionRow]:
    """Those that were decided last."""
    query = _rows().where(ParcelInspection.state == CLEARED).order_by(ParcelInspection.decided_at.desc()).limit(limit)
    return [InspectionRow(*row) for row in session.execute(query)]


def inspection(session: Session, inspection_id: int) -> tuple[InspectionRow, list[StepRow], list[dict[str, Any]]]:
    """One inspection with its steps and its pictures' ids, hashes and times. Raises NotFound."""
    row = session.execute(_rows().where(ParcelInspection.id == inspection_id)).one_or_none()
    if row is None:
        raise NotFound(field="inspection", what=str(inspection_id))
    steps = session.execute(
        select(InspectionStep.step, InspectionStep.outcome, InspectionStep.words, Person.name_zh, InspectionStep.at)
        .outerjoin(Person, Person.id == InspectionStep.person_id)
        .where(InspectionStep.inspection_id == inspection_id)
        .order_by(InspectionStep.id)
    )
    pictures = session.execute(
        select(
            InspectionPicture.id, InspectionPicture.sha256, InspectionPicture.media_type, InspectionPicture.taken_at,
            func.length(InspectionPicture.content),
        )
        .where(InspectionPicture.inspection_id == inspection_id)
        .order_by(InspectionPicture.id)
    )  # fmt: skip
    names = ("id", "sha256", "media_type", "taken_at", "bytes")
    shown = [dict(zip(names, (one[0], bytes(one[1]).hex(), *one[2:]), strict=True)) for one in pictures]
    return InspectionRow(*row), [StepRow(*one) for one in steps], shown


def picture(session: Session, picture_id: int) -> tuple[str, bytes]:
    """Media type and bytes of a picture. Raises NotFound."""
    found = session.get(InspectionPicture, picture_id)
    if found is None:
        raise NotFound(field="picture", what=str(picture_id))
    return found.media_type, bytes(found.content)


def lanes(session: Session) -> list[LaneRow]:
    """All lanes of all centres, with the parcels that stand on them."""
    busy = (
        select(func.count())
        .where(ParcelInspection.lane_id == InspectionLane.id, ParcelInspection.state == "examining")
        .correlate(InspectionLane)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            InspectionLane.id, Site.code, InspectionLane.code, InspectionLane.name_zh, InspectionLane.name_en,
            InspectionLane.mode, InspectionLane.has_xray, InspectionLane.is_open, busy,
        )
        .join(Site, Site.id == InspectionLane.site_id)
        .order_by(Site.code, InspectionLane.code)
    )  # fmt: skip
    return [LaneRow(*row) for row in rows]
