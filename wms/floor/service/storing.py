"""Goods leave the dock for their place: one posting, whatever customs or quality status each part of them has."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from wms.floor import piece_queries, place_queries
from wms.floor.place_queries import Lying, Waiting
from wms.floor.rules import mistakes
from wms.floor.rules import pieces as rules
from wms.floor.rules.pieces import Piece
from wms.floor.rules.putaway import Suggestion
from wms.floor.service import pieces
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.desk import Desk
from wms.floor.tables import PutAway, PutAwayTask
from wms.stock import ledger
from wms.stock.ledger import Line
from wms.stock.rules import SerialsMissing, WeightLeft, WeightMissing


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
    desk: Desk, waiting: Waiting, qty: int, place_id: int, suggested: Suggestion | None, reason: str | None,
    in_hand: Sequence[Piece] = (),
) -> list[Line]:  # fmt: skip
    """Post ``qty`` base units of a task from its dock to a place, and lower the task; return what was posted.

    ``in_hand`` names the pieces where only a part of goods is put away whose pieces are told apart.
    Raises TooMany when another clerk was faster; SerialMissing, WeightMissing, WeightsDiffer.
    """
    left = hold_task(desk, waiting, qty)
    lines, at = _lines(desk, waiting, qty, place_id, in_hand)
    posting = ledger.Posting(f"scan:{desk.key}", "put_away", at, tuple(lines), reason=reason, device=desk.device)
    desk.posting_id = _post(desk, waiting, posting, in_hand)
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


def _post(desk: Desk, waiting: Waiting, posting: ledger.Posting, in_hand: Sequence[Piece]) -> int:
    try:
        return ledger.post(desk.session, posting).posting_id
    except (SerialsMissing, WeightMissing):
        rules.refuse_unnamed(waiting.control)
        raise
    except WeightLeft as refusal:
        accounts = [line.account for line in posting.lines if line.qty < 0]
        scanned = (rules.count(in_hand), rules.weight_of(in_hand) or 0)
        raise pieces.weights_differ(desk.session, accounts, scanned, waiting.names, waiting.from_code) from refusal


def _lines(
    desk: Desk, waiting: Waiting, qty: int, place_id: int, in_hand: Sequence[Piece]
) -> tuple[list[Line], datetime]:
    lines: list[Line] = []
    at = desk.event_at
    left = qty
    for lying, mine in _shares(desk, waiting, qty, in_hand):
        taken = rules.count(mine) if in_hand else min(left, lying.free_qty)
        # A part comes off its pallet, which cannot stand in two places.
        unit_id = lying.account.handling_unit_id if qty == waiting.left_qty else None
        target = replace(lying.account, location_id=place_id, handling_unit_id=unit_id)
        lines += ledger.moved(
            lying.account, target, taken, weight_g=rules.weight_of(mine), serials=rules.serials_of(mine)
        )
        # Clocks of two handhelds differ by seconds: what is taken must not count as earlier than what was brought.
        at = max(at, lying.last_event_at)
        left -= taken
    if left > 0:
        raise mistakes.TooMany(item=waiting.names, left=qty - left, wanted=qty)
    return lines, at


def _shares(
    desk: Desk, waiting: Waiting, qty: int, in_hand: Sequence[Piece]
) -> Iterator[tuple[Lying, Sequence[Piece]]]:
    """Yield the accounts that goods are taken from with the pieces of each: by number, else in their order."""
    spots = piece_queries.spots(desk.session, waiting.trade_item_id, rules.serials_of(in_hand)) if in_hand else {}
    done = 0
    for lying in place_queries.lying(desk.session, waiting):
        if spots:
            own = lying.account.dimensions
            mine = [one for one in in_hand if one.serial in spots and spots[one.serial].dimensions == own]
        else:
            mine, in_hand = rules.fitting(in_hand, lying.free_qty)
        part = rules.count(mine) if mine else min(qty - done, lying.free_qty)
        done += part
        if part > 0:
            yield lying, mine
