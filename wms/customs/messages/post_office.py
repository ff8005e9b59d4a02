"""The post office of customs messages: what goes out is queued with the deed that makes it, what comes in is kept.

A message that comes again, byte for byte, is kept and changes nothing. A receipt moves a sent message forward only, in
the order of the receipt codes (:func:`wms.customs.messages.codes.moves`); a late one is kept and moves nothing.
Handlers of other parts of customs are registered by kind in :data:`HANDLERS` and are called inside the transaction; a
handler's refusal undoes its own work and is kept as the reason. What comes before the thing it builds on
(:class:`NotYet`) waits, and is handed on again by :func:`take_up_again`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from wms.customs.messages import bonded, spec, trust
from wms.customs.messages.business.common import document_day
from wms.customs.messages.business.repeats import NUMBERS
from wms.customs.messages.codes import moves
from wms.customs.messages.keeping import clear, sealed
from wms.customs.messages.message import Message, head_of
from wms.customs.messages.reading import Unreadable
from wms.customs.messages.shape import NotSchemaValid, read
from wms.customs.outline import outline
from wms.customs.tables.messages import CustomsMessage
from wms.errors import N_, Kind, WmsError

# A receipt and what it answers; 900 answers any message and names it in its own fields.
ANSWERS = {
    **{f"CEB{number + 1}": f"CEB{number}" for number in (213, 215, 303, 311, 403, 411, 505, 507, 509, 511, 513)},
    **{f"CEB{number + 1}": f"CEB{number}" for number in (603, 605, 607, 621, 623, 625, 701, 711)},
}
_NUMBERS = (
    "copNo",
    "coElNo",
    "orderNo",
    "payTransactionId",
    "payNo",
    "logisticsNo",
    "preNo",
    "invtNo",
    "sumNo",
    "taxNo",
)


class UnknownMessage(WmsError):
    code = "unknown_customs_message"
    kind = Kind.NOT_FOUND
    text = N_("There is no customs message %(message_id)s.")


class NotYet(WmsError):
    """What a message builds on is not there: it came too early and is taken up again later."""

    code = "customs_message_early"
    kind = Kind.CONFLICT
    text = N_("This message builds on something that has not come yet: %(what)s")


@dataclass(frozen=True)
class Received:
    """What a handler gets: kind and bytes of the message, the row that keeps it, and when it came.

    ``given`` is the message as it was read; None for the bonded set, whose handlers read their own fields.
    """

    message_id: int
    given: Message | None
    received_at: datetime
    kind: str = ""
    raw: bytes = b""

    @property
    def message(self) -> Message:
        """The message as it was read. Raises ValueError for the bonded set."""
        if self.given is None:
            raise ValueError(f"{self.kind} is no message of the CEB set")
        return self.given


@dataclass(frozen=True)
class Taken:
    """What became of an incoming message."""

    id: int
    state: str
    kind: str
    number: str | None
    reason: str | None
    same_as_id: int | None = None


Handler = Callable[[Session, Received], None]
HANDLERS: dict[str, Handler] = {}
BONDED = bonded.received()
BAD_CONTENT = (LookupError, ValueError, ArithmeticError, DataError, IntegrityError)
SENT_HOOKS: list[Callable[[Session, int], None]] = []  # transport: called when a message is queued, in its transaction


def send(session: Session, kind: str, document_no: str | None, data: bytes) -> int:
    """Queue a message in the caller's transaction and return its id; the bytes are kept as they will leave."""
    row = CustomsMessage(
        direction="out", kind=kind, number=document_no, raw_sealed=sealed(session, data), digest=_digest(data),
        state="queued",
    )  # fmt: skip
    session.add(row)
    session.flush()
    for hook in SENT_HOOKS:
        hook(session, row.id)
    return row.id


def queued(session: Session, limit: int = 100) -> list[CustomsMessage]:
    """Return messages that wait to be sent, the oldest first; rows that another sender holds are passed over."""
    rows = select(CustomsMessage).where(CustomsMessage.state == "queued").order_by(CustomsMessage.id).limit(limit)
    return list(session.scalars(rows.with_for_update(skip_locked=True)))


def mark_sent(session: Session, message_id: int, at: datetime) -> bool:
    """Write down that a message left; False when it had left before."""
    changed = session.execute(
        update(CustomsMessage)
        .where(CustomsMessage.id == message_id, CustomsMessage.state == "queued")
        .values(state="sent", sent_at=at)
        .returning(CustomsMessage.id)
    )
    return changed.first() is not None


def take(session: Session, data: bytes, source: str, at: datetime | None = None) -> Taken:
    """Keep an incoming message whatever it is, move what it answers, and let the handler of its kind act."""
    at = at or datetime.now(UTC)
    digest = _digest(data)
    lock = int.from_bytes(digest[:8], "big", signed=True)
    session.execute(select(func.pg_advisory_xact_lock(lock)))  # the same bytes by two doors at once
    row = CustomsMessage(
        direction="in", kind="?", raw_sealed=sealed(session, data), digest=digest, state="taken", source=source,
        received_at=at,
    )  # fmt: skip
    message = _read(row, data)
    before = session.scalar(
        select(CustomsMessage.id)
        .where(CustomsMessage.digest == digest, CustomsMessage.direction == "in")
        .order_by(CustomsMessage.id)
        .limit(1)
    )
    if before is not None and row.state == "taken":
        row.state, row.same_as_id = "repeated", before
    if row.state == "taken" and message is not None and spec.kind(message.type).is_receipt:
        row.signature, doubt = trust.judged(session, data, at)
        if doubt is not None:
            row.state, row.reason = "refused", str(doubt)
    session.add(row)
    session.flush()
    if row.state == "taken":
        if message is not None:
            _move(session, message)
        _act(session, row, message, data, at)
    return Taken(row.id, row.state, row.kind, row.number, row.reason, row.same_as_id)


def _read(row: CustomsMessage, data: bytes) -> Message | None:
    try:
        message = read(trust.bare(data))
    except (Unreadable, NotSchemaValid) as refusal:
        seen = outline(data)
        doubt: WmsError | None = refusal
        if seen.kind in BONDED:
            row.kind, row.number = seen.kind, next((one for part in seen.parts for one in sorted(part.numbers)), None)
            doubt = _doubt(data)
        if doubt is not None:
            row.state = "unreadable" if isinstance(doubt, Unreadable) else "invalid"
            row.reason = str(doubt)
        return None
    row.kind, row.number = message.type, own_number(message)
    return message


def _doubt(data: bytes) -> WmsError | None:
    """What is wrong with a message of the bonded set that came."""
    try:
        bonded.take(data)
    except (Unreadable, NotSchemaValid) as refusal:
        return refusal
    return None


def own_number(message: Message) -> str | None:
    """Return the number of a message's first document: its own one, else any that it names."""
    if not message.documents:
        return None
    head = head_of(message, message.documents[0])
    names = (*NUMBERS.get(message.type, ()), *_NUMBERS)
    return next((value for name in names if (value := head.get(name))), None)


def take_up_again(session: Session, most: int = 200) -> int:
    """Hand on what waited for something else, the oldest first; returns how many found their way."""
    rows = session.scalars(
        select(CustomsMessage)
        .where(CustomsMessage.direction == "in", CustomsMessage.state == "waiting")
        .order_by(CustomsMessage.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        data = clear(session, row)
        message = None if row.kind in BONDED else read(trust.bare(data))
        row.state, row.reason = "taken", None
        _act(session, row, message, data, row.received_at or datetime.now(UTC))
        session.flush()
    return sum(row.state != "waiting" for row in rows)


def _act(session: Session, row: CustomsMessage, message: Message | None, data: bytes, at: datetime) -> None:
    handler = HANDLERS.get(row.kind)
    if handler is None:
        return
    try:
        with session.begin_nested():
            handler(session, Received(row.id, message, at, row.kind, data))
    except NotYet as early:
        row.state, row.reason = "waiting", str(early)
    except WmsError as refusal:
        row.state, row.reason = "refused", str(refusal)
    except BAD_CONTENT as fault:  # one message must never stop the mail behind it
        row.state, row.reason = "refused", f"{type(fault).__name__}: {fault}"[:500]
    session.flush()


def _move(session: Session, message: Message) -> None:
    """Move the sent messages that the receipts of ``message`` answer, each forward only."""
    answered = ANSWERS.get(message.type)
    if answered is None:
        return
    for document in message.documents:
        head = head_of(message, document)
        status = head.get("returnStatus", "")
        names = {value for name in _NUMBERS if (value := head.get(name))}
        sent = session.scalars(
            select(CustomsMessage)
            .where(CustomsMessage.direction == "out", CustomsMessage.kind == answered, CustomsMessage.number.in_(names))
            .order_by(CustomsMessage.id)
            .with_for_update()
        )
        for one in sent:
            if moves(one.receipt_status, status, document_day(head)):
                one.receipt_status = status
        session.flush()


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def kinds() -> tuple[str, ...]:
    """Return the kinds of messages there are, for choosing among them."""
    return tuple(spec.kinds())
