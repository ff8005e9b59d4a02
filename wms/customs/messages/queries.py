"""Reads of the post office for API and pages: lists without the bytes, one message with its findings."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from wms.customs.messages.checking import check
from wms.customs.messages.findings import Finding
from wms.customs.messages.keeping import MessageErased, clear
from wms.customs.messages.post_office import UnknownMessage
from wms.customs.messages.reading import Unreadable
from wms.customs.messages.trust import bare
from wms.customs.tables.messages import CustomsMessage
from wms.errors import N_, Kind, WmsError
from wms.parties.private import SEAL_BYTES, mask
from wms.record.service import append_leaf

LEAST_REASON = 5
PERSONAL = {
    "buyerIdNumber": "id", "payerIdNumber": "id", "buyerName": "name", "payerName": "name", "consignee": "name",
    "buyerTelephone": "phone", "consigneeTelephone": "phone", "telephone": "phone", "consigneeAddress": "address",
}  # fmt: skip
SIZE = func.coalesce(
    func.octet_length(CustomsMessage.raw), func.octet_length(CustomsMessage.raw_sealed) - SEAL_BYTES, 0
)
WHO = text("SELECT nullif(current_setting('app.person', true), '')::bigint")


class BytesNeedReason(WmsError):
    """A message names people; its bytes are shown for a reason that is put on record."""

    code = "message_bytes_need_reason"
    kind = Kind.INVALID
    text = N_("Say why you need the message as it is, in %(least)s signs or more: it names people.")


@dataclass(frozen=True)
class MessageRow:
    """One line of the list; ``bytes`` counts those of the message, 0 once they were erased."""

    id: int
    direction: str
    kind: str
    number: str | None
    state: str
    receipt_status: str | None
    reason: str | None
    source: str | None
    same_as_id: int | None
    sha256: str
    bytes: int
    sent_at: datetime | None
    received_at: datetime | None
    recorded_at: datetime
    signature: str | None = None


def messages(
    session: Session, *, direction: str | None = None, kind: str | None = None, number: str | None = None,
    state: str | None = None, before: int = 0, limit: int = 50,
) -> list[MessageRow]:  # fmt: skip
    """Return messages, the newest first; ``before`` continues a list after that id."""
    wanted = select(
        CustomsMessage.id, CustomsMessage.direction, CustomsMessage.kind, CustomsMessage.number, CustomsMessage.state,
        CustomsMessage.receipt_status, CustomsMessage.reason, CustomsMessage.source, CustomsMessage.same_as_id,
        func.encode(CustomsMessage.digest, "hex"), SIZE, CustomsMessage.sent_at,
        CustomsMessage.received_at, CustomsMessage.recorded_at, CustomsMessage.signature,
    )  # fmt: skip
    for column, value in (
        (CustomsMessage.direction, direction),
        (CustomsMessage.kind, kind),
        (CustomsMessage.number, number),
        (CustomsMessage.state, state),
    ):
        if value:
            wanted = wanted.where(column == value)
    if before:
        wanted = wanted.where(CustomsMessage.id < before)
    return [MessageRow(*row) for row in session.execute(wanted.order_by(CustomsMessage.id.desc()).limit(limit))]


def waiting_to_leave(session: Session) -> int:
    """How many messages are queued and have not left."""
    queued = select(func.count()).where(CustomsMessage.direction == "out", CustomsMessage.state == "queued")
    return session.scalar(queued) or 0


def message(session: Session, message_id: int) -> MessageRow:
    """Return one message. Raises UnknownMessage."""
    found = messages(session, before=message_id + 1, limit=1)
    if not found or found[0].id != message_id:
        raise UnknownMessage(message_id=message_id)
    return found[0]


def findings(session: Session, message_id: int) -> tuple[Finding, ...]:
    """Check a message as it stands and return what is found; of one that cannot be read, the reason."""
    row = session.get(CustomsMessage, message_id)
    if row is None:
        raise UnknownMessage(message_id=message_id)
    try:
        return tuple(_masked(one) for one in check(bare(clear(session, row))).findings)
    except (Unreadable, MessageErased) as refusal:
        return (Finding(refusal.code, "", refusal.text, refusal.values),)


def _masked(one: Finding) -> Finding:
    """A finding without the value of a field that says who somebody is."""
    kind = PERSONAL.get(one.field.rpartition("/")[2])
    if kind is None or "found" not in one.values:
        return one
    return replace(one, values={**one.values, "found": mask(str(one.values["found"]), kind)})


def raw_bytes(session: Session, message_id: int, reason: str) -> tuple[MessageRow, bytes]:
    """Return a message's bytes, and put on record who asked for them and why.

    Raises BytesNeedReason, UnknownMessage, MessageErased.
    """
    if len(reason.strip()) < LEAST_REASON:
        raise BytesNeedReason(field="reason", least=LEAST_REASON)
    row = message(session, message_id)
    raw = clear(session, session.get_one(CustomsMessage, message_id))
    body = {"message_id": message_id, "person": session.scalar(WHO), "reason": reason.strip(), "at": datetime.now(UTC)}
    append_leaf(session, "personal_data_shown", body, message_id)
    return row, raw
