"""The scan of every minute, in two calls: goods of a running receipt that nothing speaks against.

The bulk of a receiving day: a known item of the notice's owner, at a chosen dock, free goods without lots, pieces or
inspection. The rules are those of :mod:`wms.floor.service.receiving`; whatever is not plain goes its way, statement by
statement, and comes to the same end (tests/wms/floor/service/test_plain_receipt.py takes both ways and compares).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from wms.codes.gs1 import Label
from wms.db import call
from wms.floor import queries
from wms.floor.rules import receiving
from wms.floor.rules.answers import Answer, Expect
from wms.floor.rules.putaway import BLOCKED_STATUSES
from wms.floor.service import telling
from wms.floor.service.counting_in import Placed
from wms.floor.service.goods import Portion
from wms.floor.service.scan_opening import Facts, Opened
from wms.stock import ledger
from wms.stock.ledger import AccountKey

if TYPE_CHECKING:
    from wms.floor.service.scanning import TakeScan

WRITE = "SELECT floor_receipt_write(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


def take(
    session: Session, scan: TakeScan, opened: Opened, label: Label, event_at: datetime, received_at: datetime
) -> Answer | None:
    """Count plain goods in and keep the answer. None: they are not plain, or the ledger refuses; nothing was booked."""
    facts = opened.facts
    if facts is None or not _is_plain(scan, opened, label, facts):
        return None
    portion = _portion(opened, label, facts)
    if portion is None:
        return None
    placed = _placed(opened, facts, portion)
    answer = _told(opened, facts, placed)
    account = placed.account
    assert account is not None
    supplier = AccountKey("supplier", account.owner_id, account.trade_item_id)
    lines = ledger.moved(supplier, account, portion.qty)
    move = ledger.plain_move(
        session,
        ledger.Posting(f"scan:{scan.key}", "receipt", event_at, lines, opened.notice, device=scan.device),
    )
    [(said,)] = call(
        session,
        WRITE,
        (
            opened.scan_id, scan.device, received_at, answer.outcome.value, Jsonb(answer.as_json()), move.key,
            move.request_hash, event_at, opened.notice, move.from_id, move.to_id, move.qty, opened.notice_id,
            portion.line.id if portion.line else None, account.trade_item_id, account.location_id,
            account.quality_status, account.owner_id, facts.site_id, account.quality_status in BLOCKED_STATUSES,
        ),
    )  # fmt: skip
    return None if "code" in said else answer


def _is_plain(scan: TakeScan, opened: Opened, label: Label, facts: Facts) -> bool:
    chosen = scan.notice_no is None or (opened.notice is not None and scan.notice_no.upper() == opened.notice.upper())
    goods = label.sscc is None and label.serial is None and label.lot_no is None and label.last_use_on is None
    announced = facts.state == "receiving" and facts.kind == "announced" and facts.list_id is None
    ready = opened.location_id is not None and not opened.pending and opened.site_id == facts.site_id
    return chosen and goods and announced and ready and not facts.is_inspected


def _portion(opened: Opened, label: Label, facts: Facts) -> Portion | None:
    """Return the goods in hand as :func:`wms.floor.service.goods.portions` does; None where it has more to ask."""
    found = next((one for one in facts.items if one.item.owner_id == facts.owner_id), None)
    if found is None:
        return None
    item = found.item
    if item.is_lot_controlled or item.is_expiry_controlled or item.is_serial_controlled or item.is_catch_weight:
        return None
    of_item = [one for one in facts.lines if one.trade_item_id == item.id]
    match = receiving.line_for(queries.announced(of_item), item.id, None, None)
    line = next((one for one in of_item if match and one.id == match.id), None)
    if line is not None and line.lot_no is None and line.expires_on is not None:
        return None
    qty = (opened.next_qty or label.count or 1) * found.base_qty
    return Portion(item, qty, None, None, label.produced_on, None, line)


def _placed(opened: Opened, facts: Facts, portion: Portion) -> Placed:
    quality = receiving.quality_of(
        is_damaged=opened.is_damaged, is_expired=False, is_announced=portion.line is not None, is_bonded=False
    )
    account = AccountKey(
        "location", facts.owner_id, portion.item.id, facts.site_id, opened.location_id, quality_status=quality
    )
    return Placed(portion, None, None, quality, account, None)


def _told(opened: Opened, facts: Facts, placed: Placed) -> Answer:
    of_line = placed.portion.line
    lines = [
        one._replace(received_qty=one.received_qty + placed.portion.qty) if of_line and one.id == of_line.id else one
        for one in facts.lines
    ]
    answer = telling.received([placed], {line.id: line for line in lines}, facts.is_blind)
    return replace(
        answer,
        expects=(Expect.GOODS, Expect.CONFIRM),
        progress=telling.progress_of(opened.notice or "", facts.is_blind, lines),
        context=shown(opened, next_qty=None, is_damaged=False, holds=False),
    )


def shown(opened: Opened, *, next_qty: int | None, is_damaged: bool, holds: bool) -> dict[str, object]:
    """Return what the device is in the middle of, for the screen, where the scan chose nothing else."""
    return {
        "site": opened.site,
        "notice": opened.notice,
        "place": opened.place,
        "document": opened.document_no,
        "next_qty": next_qty,
        "is_damaged": is_damaged,
        "holds": holds,
    }
