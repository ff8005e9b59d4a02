"""Goods leave the dock for their place: one posting, whatever customs or quality status each part of them has."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from wms.floor import place_queries
from wms.floor.place_queries import Waiting
from wms.floor.rules import mistakes
from wms.floor.rules.putaway import Suggestion
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.desk import Desk
from wms.floor.tables import PutAway, PutAwayTask
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line


def hold_task(desk: Desk, waiting: Waiting, qty: int) -> int:
    """Keep a task for this clerk until the scan is done; return what is left of it, in base units.

    Taken before a place is suggested: each of its looks reads what is committed by then, so that goods which another
    clerk puts away between two of them would lie in no place for the first and fill it for the second.
    Raises TooMany when another clerk was faster.
    """
    left = desk.session.scalar(
        select(PutAwayTask.qty - PutAwayTask.done_qty)
        .where(PutAwayTask.id == waiting.task_id, PutAwayTask.state == "open")
        .with_for_update()
    )
    if left is None or left < qty:
        raise mistakes.TooMany(item=waiting.names, left=left or 0, wanted=qty)
    return left


def store(
    desk: Desk, waiting: Waiting, qty: int, place_id: int, suggested: Suggestion | None, reason: str | None
) -> list[Line]:
    """Post ``qty`` base units of a task from its dock to a place, and lower the task; return what was posted.

    Raises TooMany when another clerk was faster.
    """
    left = hold_task(desk, waiting, qty)
    lines, at = _lines(desk, waiting, qty, place_id)
    posting = ledger.Posting(f"scan:{desk.key}", "put_away", at, tuple(lines), reason=reason, device=desk.device)
    desk.posting_id = ledger.post(desk.session, posting).posting_id
    desk.session.execute(
        update(PutAwayTask)
        .where(PutAwayTask.id == waiting.task_id)
        .values(done_qty=PutAwayTask.done_qty + qty, state="done" if left == qty else "open")
    )
    suggested_id = suggested.place.id if suggested else None
    desk.session.execute(
        insert(PutAway).values(
            task_id=waiting.task_id,
            scan_id=desk.scan_id,
            location_id=place_id,
            suggested_location_id=suggested_id,
            strategy=suggested.strategy if suggested else None,
            override_reason=reason if suggested_id not in {None, place_id} else None,
            qty=qty,
            posting_id=desk.posting_id,
            person_id=APP_PERSON,
            put_at=at,
        )
    )
    desk.session.flush()
    return lines


def _lines(desk: Desk, waiting: Waiting, qty: int, place_id: int) -> tuple[list[Line], datetime]:
    lines: list[Line] = []
    at = desk.event_at
    left = qty
    for lying in place_queries.lying(desk.session, waiting):
        taken = min(left, lying.free_qty)
        if taken > 0:
            target = AccountKey(**{**vars(lying.account), "location_id": place_id})
            lines += ledger.moved(lying.account, target, taken)
            # Clocks of two handhelds differ by seconds: what is taken must not count as earlier than what was brought.
            at = max(at, lying.last_event_at)
            left -= taken
    if left > 0:
        raise mistakes.TooMany(item=waiting.names, left=qty - left, wanted=qty)
    return lines, at
