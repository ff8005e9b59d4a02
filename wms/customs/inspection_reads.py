"""What is asked about inspections before one is ordered or ended."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs import inspection_rules as rules
from wms.customs.tables.inspections import InspectionOrder, InspectionPicture, ParcelInspection
from wms.customs.tables.parcels import ParcelDeclaration


def under_inspection(session: Session, ids: Collection[int]) -> list[tuple[int, str]]:
    """Which of these declarations are under inspection, and by which order."""
    rows = session.execute(
        select(ParcelInspection.declaration_id, InspectionOrder.order_no)
        .join(InspectionOrder, InspectionOrder.id == ParcelInspection.order_id)
        .where(ParcelInspection.declaration_id.in_(ids), ParcelInspection.state.in_(rules.LIVE))
        .order_by(ParcelInspection.declaration_id)
    )
    return [(row.declaration_id, row.order_no) for row in rows]


def refuse_standing(session: Session, rows: Sequence[ParcelDeclaration]) -> None:
    numbers = {row.id: row.cop_no for row in rows}
    for declaration_id, order_no in under_inspection(session, list(numbers)):
        raise rules.InspectionStands(field="parcels", number=numbers[declaration_id], order_no=order_no)


def has_picture(session: Session, inspection_id: int) -> bool:
    return session.scalars(
        select(InspectionPicture.id).where(InspectionPicture.inspection_id == inspection_id).limit(1)
    ).first() is not None  # fmt: skip


def was_inspected_for_customs(session: Session, declaration_id: int) -> bool:
    """Whether the receipt 500 of a parcel was made an inspection; one that came during another was not."""
    by_receipt = (
        select(ParcelInspection.id)
        .join(InspectionOrder, InspectionOrder.id == ParcelInspection.order_id)
        .where(ParcelInspection.declaration_id == declaration_id, InspectionOrder.made_by == "receipt")
    )
    return session.scalars(by_receipt.limit(1)).first() is not None
