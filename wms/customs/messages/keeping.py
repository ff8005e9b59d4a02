"""Messages at rest: sealed, because they name people; the digest stays over the clear bytes and proves them.

What was kept in clear by an older version is sealed by a job (:func:`seal_older`): the keys lie outside the database,
so that no migration can do it. When the retention of personal data ends the bytes go; digest, number and states stay.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wms.customs.tables.messages import CustomsMessage
from wms.errors import N_, Kind, WmsError
from wms.parties.private import keys_of

FIELD = "customs_message.raw"


class MessageErased(WmsError):
    """The retention of personal data is over: nobody can tell any more what stood in it."""

    code = "customs_message_erased"
    kind = Kind.NOT_FOUND
    text = N_("The content of customs message %(message_id)s was erased when its retention ended; its digest stays.")


def sealed(session: Session, data: bytes) -> bytes:
    """Return ``data`` as it is kept."""
    return keys_of(session).seal_bytes(data, FIELD)


def clear(session: Session, row: CustomsMessage) -> bytes:
    """Return the bytes of a message as they came or left. Raises MessageErased, KeyLost."""
    return opened(session, row.id, row.raw, row.raw_sealed)


def opened(session: Session, message_id: int, raw: bytes | None, raw_sealed: bytes | None) -> bytes:
    """As :func:`clear`, of columns that were read alone."""
    if raw_sealed is not None:
        return keys_of(session).open_bytes(raw_sealed, FIELD)
    if raw is None:
        raise MessageErased(message_id=message_id)
    return raw


def seal_older(session: Session, at_once: int = 200) -> int:
    """Seal messages that an older version kept in clear; return how many. Call it until it returns 0."""
    rows = session.execute(
        select(CustomsMessage.id, CustomsMessage.raw)
        .where(CustomsMessage.raw.is_not(None))
        .order_by(CustomsMessage.id)
        .limit(at_once)
        .with_for_update(skip_locked=True)
    ).all()
    for message_id, raw in rows:
        kept = update(CustomsMessage).where(CustomsMessage.id == message_id)
        session.execute(kept.values(raw=None, raw_sealed=sealed(session, raw or b"")))
    return len(rows)
