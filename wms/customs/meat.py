"""Use cases of meat from abroad: permits, the papers of a batch, customs' inspection and its certificate.

What a batch weighs is taken from its permit's quota by a conditional update: of batches that race for the last gram
one wins. Which goods are controlled and which plants are registered is dated data (``meat.headings``, ``meat.plant``).
"""

from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.codes.numbers import document_no
from wms.customs import list_queries
from wms.customs import meat_rules as rules
from wms.customs.modes import beijing_day
from wms.customs.tables import ImportPermit, MeatBatch, VerificationLine, VerificationList
from wms.parties import dated
from wms.record.service import append_leaf

HEADINGS, PLANT = "meat.headings", "meat.plant"


def file_permit(session: Session, new: rules.NewPermit) -> ImportPermit:
    """Enter a permit. Raises BadPermit, PermitExists."""
    rules.check_permit(new)
    made = session.scalar(
        insert(ImportPermit).values(**vars(new)).on_conflict_do_nothing().returning(ImportPermit.id)
    )
    if made is None:
        raise rules.PermitExists(field="permit_no", number=new.permit_no)
    append_leaf(session, "import_permit", {"no": new.permit_no, "quota_g": new.quota_g}, made)
    return session.get_one(ImportPermit, made)


def announce(session: Session, new: rules.NewBatch, at: datetime) -> MeatBatch:
    """Enter the papers of a batch and take its weight from the permit's quota.

    Raises UnknownList, NotOnInwardList, NotControlled, BatchExists, UnknownPermit, PermitForOtherGoods, PermitNotValid,
    CertificateTooLate, PlantNotRegistered, OverPermit.
    """
    on = beijing_day(at)
    listed = session.get_one(VerificationList, list_queries.list_id_of(session, new.list_no))
    item = _item_on(session, listed, new.trade_item_id)
    if not needs_papers(session, item.hs_code, on):
        raise rules.NotControlled(field="item", item=item.code, hs_code=item.hs_code or "-")
    permit = _permit(session, new.permit_no)
    rules.check_use(_facts(permit), listed.owner_id, item.id, on)
    if new.health_certificate_on > on:
        raise rules.CertificateTooLate(
            field="health_certificate_on", certificate_on=new.health_certificate_on.isoformat()
        )
    plant = dated.value(session, PLANT, new.health_certificate_on, new.plant_no)
    rules.check_plant(new.plant_no, plant, permit.country, new.health_certificate_on)
    batch_id = session.scalar(
        insert(MeatBatch)
        .values(
            owner_id=listed.owner_id, verification_list_id=listed.id, trade_item_id=item.id, lot_no=new.lot_no,
            permit_id=permit.id, plant_no=new.plant_no, health_certificate_no=new.health_certificate_no,
            health_certificate_on=new.health_certificate_on, weight_g=new.weight_g,
        )
        .on_conflict_do_nothing()
        .returning(MeatBatch.id)
    )  # fmt: skip
    if batch_id is None:
        standing = batch_of(session, listed.id, item.id, new.lot_no)
        raise rules.BatchExists(
            field="lot_no", lot=new.lot_no or "-", list_no=new.list_no, number=standing.batch_no if standing else "-"
        )
    draw(session, permit.id, new.weight_g)
    made = session.get_one(MeatBatch, batch_id)
    made.batch_no = document_no("MB", batch_id)
    session.flush()
    append_leaf(session, "meat_batch", {"no": made.batch_no, "permit": permit.permit_no, "g": new.weight_g}, batch_id)
    return made


def _item_on(session: Session, listed: VerificationList, trade_item_id: int) -> TradeItem:
    item = session.get(TradeItem, trade_item_id)
    on_list = session.scalar(
        select(VerificationLine.id)
        .where(
            VerificationLine.verification_list_id == listed.id, VerificationLine.trade_item_id == trade_item_id
        )
        .limit(1)
    )  # fmt: skip
    if item is None or on_list is None or listed.direction != "I":
        raise rules.NotOnInwardList(
            field="item", list_no=listed.list_no or listed.internal_no, item=item.code if item else "-"
        )
    return item


def draw(session: Session, permit_id: int, weight_g: int) -> None:
    """Take grams from a permit's quota (below zero: give them back), never more than it has. Raises OverPermit."""
    if weight_g == 0:
        return
    taken = session.execute(
        update(ImportPermit)
        .where(ImportPermit.id == permit_id, ImportPermit.used_g + weight_g <= ImportPermit.quota_g)
        .values(used_g=ImportPermit.used_g + weight_g)
        .returning(ImportPermit.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    permit = session.get_one(ImportPermit, permit_id, populate_existing=True)
    if taken is None:
        raise rules.OverPermit(number=permit.permit_no, left_g=permit.quota_g - permit.used_g, wanted_g=weight_g)


def needs_papers(session: Session, hs_code: str | None, on: date) -> bool:
    """Whether goods of this code wait for customs' certificate after they came in."""
    return hs_code is not None and rules.is_controlled(hs_code, dated.value(session, HEADINGS, on))


def inspect(
    session: Session, number: str, note: str, person_id: int | None, at: datetime, *, passed: bool
) -> MeatBatch:  # fmt: skip
    """Take the result of customs' inspection on the spot (label, temperature, packing, samples).

    Raises UnknownBatch, BatchInState, NoteMissing.
    """
    batch = locked(session, number)
    _check_state(batch, "announced")
    if not passed and not note.strip():
        raise rules.NoteMissing(field="note")
    batch.state = "inspected" if passed else "rejected"
    batch.inspected_at, batch.inspected_by, batch.inspection_note = at, person_id, note.strip() or None
    session.flush()
    append_leaf(session, "meat_inspected", {"no": batch.batch_no, "passed": passed, "note": note}, batch.id)
    return batch


def certify(session: Session, number: str, certificate_no: str, at: datetime) -> MeatBatch:
    """Enter the certificate that customs issued (入境货物检验检疫证明). Raises UnknownBatch, BatchInState."""
    batch = locked(session, number)
    _check_state(batch, "inspected")
    batch.state, batch.entry_certificate_no, batch.certified_at = "certified", certificate_no, at
    session.flush()
    append_leaf(session, "meat_certified", {"no": batch.batch_no, "certificate": certificate_no}, batch.id)
    return batch


def void(session: Session, number: str, reason: str) -> MeatBatch:
    """Withdraw the papers of a batch that did not come; its weight goes back to the permit.

    Raises UnknownBatch, BatchInState.
    """
    batch = locked(session, number)
    _check_state(batch, "announced")
    batch.state = "void"
    draw(session, batch.permit_id, -batch.weight_g)
    append_leaf(session, "meat_batch_void", {"no": batch.batch_no, "reason": reason}, batch.id)
    return batch


def settle_weight(session: Session, batch: MeatBatch, weight_g: int) -> None:
    """Let the batch weigh what was received of it, on the permit too. Raises OverPermit."""
    draw(session, batch.permit_id, weight_g - batch.weight_g)
    batch.weight_g = weight_g
    session.flush()


def locked(session: Session, number: str) -> MeatBatch:
    """Return a batch by its number, locked and fresh. Raises UnknownBatch."""
    found = session.scalars(
        select(MeatBatch)
        .where(MeatBatch.batch_no == number)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise rules.UnknownBatch(number=number)
    return found


def batch_of(session: Session, list_id: int, trade_item_id: int, lot_no: str | None) -> MeatBatch | None:
    """Return the living batch of a lot on a list."""
    return session.scalars(
        select(MeatBatch).where(
            MeatBatch.verification_list_id == list_id, MeatBatch.trade_item_id == trade_item_id,
            MeatBatch.lot_no.is_not_distinct_from(lot_no), MeatBatch.state != "void",
        )
    ).one_or_none()  # fmt: skip


def _check_state(batch: MeatBatch, wanted: str) -> None:
    if batch.state != wanted:
        raise rules.BatchInState(
            number=batch.batch_no, state=rules.STATE_WORDS[batch.state], wanted=rules.STATE_WORDS[wanted]
        )


def _permit(session: Session, number: str) -> ImportPermit:
    found = session.scalars(select(ImportPermit).where(ImportPermit.permit_no == number)).one_or_none()
    if found is None:
        raise rules.UnknownPermit(field="permit_no", number=number)
    return found


def _facts(permit: ImportPermit) -> rules.PermitFacts:
    return rules.PermitFacts(
        permit.permit_no, permit.owner_id, permit.trade_item_id, permit.country, permit.valid_from_on,
        permit.valid_until_on, permit.state == "void",
    )  # fmt: skip
