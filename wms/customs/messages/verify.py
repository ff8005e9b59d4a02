"""Customs messages against their digests: what is kept is what came, and what went out, to the byte."""

import hashlib
from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.customs.messages.keeping import opened
from wms.errors import N_, WmsError
from wms.stock.verify import Check, Finding, found_by

AT_ONCE = 500
KEPT = text(
    "SELECT id, kind, digest, raw, raw_sealed FROM customs_message"
    " WHERE tenant_id = app_tenant() AND id > :after AND num_nonnulls(raw, raw_sealed) = 1 ORDER BY id LIMIT :most"
)
ALTERED = N_("The bytes that are kept are not those of its digest.")
UNREADABLE = N_("The bytes that are kept cannot be opened: %(reason)s")
# A message that left has the leaf of its sending, which names the same digest.
UNPROVED = Check(
    "M2",
    N_("The record of its sending names another digest than the message that is kept."),
    "SELECT 'message ' || m.id || ' ' || m.kind AS place FROM customs_message m"
    " JOIN leaf l ON l.tenant_id = m.tenant_id AND l.kind = 'customs_sent' AND l.subject_id = m.id"
    " WHERE m.direction = 'out' AND position(encode(m.digest, 'hex') IN convert_from(l.body, 'UTF8')) = 0"
    " ORDER BY m.id",
)


def findings(session: Session) -> Iterator[Finding]:
    """What is wrong with the messages that are kept, in the snapshot that ``session`` holds."""
    after = 0
    while rows := session.execute(KEPT, {"after": after, "most": AT_ONCE}).all():
        for row in rows:
            place = f"message {row.id} {row.kind}"
            try:
                data = opened(session, row.id, row.raw, row.raw_sealed)
            except WmsError as refusal:
                yield Finding("M1", place, UNREADABLE, {"reason": str(refusal)})
                continue
            if hashlib.sha256(data).digest() != row.digest:
                yield Finding("M1", place, ALTERED, {})
        after = rows[-1].id
    yield from found_by(session, UNPROVED)
