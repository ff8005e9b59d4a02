"""Undo from the desk: the supervisor takes back what somebody scanned, with a reason, by the scan's own undo."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.floor.rules.supervision import ReasonMissing, UndoneWhereMade, UndoRefused
from wms.floor.service.scanning import TakeScan, take_scan
from wms.floor.tables import Scan
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.rules import AlreadyReversed, UnknownPosting
from wms.stock.tables import Posting

# Nothing but stock hangs on these; every other one is undone by the use case that made it.
STOCK_ALONE = frozenset({"opening_balance"})


def undo(session: Session, posting_id: int, reason: str, now: datetime) -> int:
    """Take a posting back by its mirror image; return that posting's id.

    What was scanned is undone as ``UNDO`` of the same device would undo it: lines, tasks and stock together.

    Raises:
        UnknownPosting, AlreadyReversed, ReasonMissing, UndoneWhereMade, or the refusal of the undo itself (moved since,
        receipt closed …).
    """
    if not reason.strip():
        raise ReasonMissing(field="reason")
    posting = session.get(Posting, posting_id)
    if posting is None:
        raise UnknownPosting(posting_id=posting_id)
    by = session.scalar(select(Posting.id).where(Posting.reverses_id == posting_id))
    if by is not None:
        raise AlreadyReversed(posting_id=posting_id, by=by)
    scan = session.scalar(select(Scan).where(Scan.posting_id == posting_id, Scan.undone_at.is_(None)))
    if scan is not None:
        made = _undo_scan(session, scan, posting, now)
    elif posting.kind in STOCK_ALONE and posting.reverses_id is None:
        key = f"desk-undo:{posting_id}"
        made = ledger.reverse(session, key, posting_id, reason=reason, event_at=max(now, posting.event_at)).posting_id
    else:
        raise UndoneWhereMade(posting_id=posting_id, posting_kind=posting.kind)
    append_leaf(session, "undone_at_desk", {"posting_id": posting_id, "by": made, "reason": reason}, posting_id)
    return made


def _undo_scan(session: Session, scan: Scan, posting: Posting, now: datetime) -> int:
    boot = f"desk-{uuid4().hex}"
    command = TakeScan(
        key=f"{boot}:0", device=scan.device, boot=boot, seq=0, code=f"UNDO {scan.key}", occurred_at=now, job=scan.job
    )
    answer = take_scan(session, command, now).answer
    made = session.scalar(select(Posting.id).where(Posting.reverses_id == posting.id))
    if made is None:
        raise UndoRefused(posting_id=posting.id, why=answer.text % dict(answer.values))
    return made
