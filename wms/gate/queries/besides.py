"""What besides readings and rules had a say in a passage: customs' question and orders, officers' pictures."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from wms.customs.gate_pass_rules import split_containers
from wms.customs.tables import GatePass, GatePassDocument
from wms.gate.queries.lanes import PassageRow
from wms.gate.queries.settings import ControlRow, control_rows
from wms.gate.tables import ControlOrderRow, CustomsQuestion, Decision, ManualOpening, PassagePhoto
from wms.parties.tables import Person


@dataclass(frozen=True)
class QuestionRow:
    """What customs was asked about a passage, and what it answered, in time or late."""

    id: int
    asked_at: datetime
    asked_about: dict[str, Any] | None
    answer_by: datetime
    answer: str | None
    hint: str | None
    answered_at: datetime | None
    late_answer: str | None
    late_at: datetime | None


@dataclass(frozen=True)
class PhotoRow:
    """A picture that an officer added, known by the SHA-256 of its bytes."""

    id: int
    sha256: str
    media_type: str
    person_zh: str | None
    person_en: str | None
    recorded_at: datetime


@dataclass(frozen=True)
class OpeningRow:
    """An opening by hand that an officer noted; the picture stays in the recorder."""

    id: int
    officer_id: int
    officer_zh: str
    officer_en: str
    cause: str
    memo: str
    picture: str
    picture_sha256: str | None
    opened_at: datetime


def openings_of(session: Session, passage_id: int) -> tuple[OpeningRow, ...]:
    """Openings by hand while the passage stood in its lane."""
    row = ManualOpening
    found = session.execute(
        select(
            row.id, row.officer_id, Person.name_zh, Person.name_en, row.cause, row.memo, row.picture,
            row.picture_sha256, row.opened_at,
        )
        .join(Person, Person.id == row.officer_id)
        .where(row.passage_id == passage_id)
        .order_by(row.id)
    )  # fmt: skip
    return tuple(OpeningRow(*one) for one in found)


def question_of(session: Session, passage_id: int) -> QuestionRow | None:
    """The question to customs about a passage."""
    row = session.scalar(select(CustomsQuestion).where(CustomsQuestion.passage_id == passage_id))
    if row is None:
        return None
    return QuestionRow(
        row.id, row.asked_at, row.asked_about, row.answer_by, row.answer, row.hint, row.answered_at, row.late_answer,
        row.late_at,
    )  # fmt: skip


def photos_of(session: Session, passage_id: int) -> tuple[PhotoRow, ...]:
    """The pictures that officers added to a passage, in their order."""
    found = session.execute(
        select(
            PassagePhoto.id, PassagePhoto.sha256, PassagePhoto.media_type, Person.name_zh, Person.name_en,
            PassagePhoto.recorded_at,
        )
        .outerjoin(Person, Person.id == PassagePhoto.person_id)
        .where(PassagePhoto.passage_id == passage_id)
        .order_by(PassagePhoto.id)
    )  # fmt: skip
    return tuple(PhotoRow(*row) for row in found)


def photo_bytes(session: Session, passage_id: int) -> dict[str, bytes]:
    """The bytes of these pictures by their SHA-256."""
    wanted = select(PassagePhoto.sha256, PassagePhoto.content).where(PassagePhoto.passage_id == passage_id)
    return {row.sha256: bytes(row.content) for row in session.execute(wanted)}


def orders_about(
    session: Session, passage: PassageRow, decision: Decision | None, gate_pass: GatePass | None
) -> tuple[ControlRow, ...]:
    """Control orders that its decision looked at, and those that named it while it stood in the lane."""
    looked_at = [one["order_id"] for one in (decision.inputs.get("orders") or ())] if decision else []
    row = ControlOrderRow
    stood = and_(
        or_(
            and_(row.target_kind == "plate", row.target.in_([p for p in (passage.plate, passage.trailer_plate) if p])),
            and_(row.target_kind == "container", row.target.in_(_boxes(passage, gate_pass))),
            and_(row.target_kind.in_(("gate_pass", "document")), row.target.in_(_papers(session, gate_pass))),
        ),
        or_(row.withdrawn_at.is_(None), row.withdrawn_at >= passage.opened_at),
        row.ordered_at <= passage.closed_at if passage.closed_at is not None else row.id.is_not(None),
    )
    return tuple(reversed(control_rows(session, or_(row.id.in_(looked_at), stood))))


def _boxes(passage: PassageRow, gate_pass: GatePass | None) -> list[str]:
    return [*passage.containers, *split_containers(gate_pass.container_no if gate_pass else None)]


def _papers(session: Session, gate_pass: GatePass | None) -> list[str]:
    if gate_pass is None:
        return []
    documents = select(GatePassDocument.document_no).where(GatePassDocument.gate_pass_id == gate_pass.id)
    numbers = (gate_pass.pass_no, gate_pass.internal_no, *session.scalars(documents))
    return [number.upper() for number in numbers if number]
