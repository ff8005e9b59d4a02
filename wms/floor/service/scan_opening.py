"""How a scan begins: one call claims it, locks what its device is in the middle of and reads what a receipt asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from wms.catalog.queries import Item, ScannedItem
from wms.codes import gs1_keys
from wms.codes.gs1 import Label
from wms.db import call
from wms.floor.queries import NoticeLineRow

if TYPE_CHECKING:
    from wms.floor.service.scanning import TakeScan

CLAIM = "floor_scan_open(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
OPEN = f"SELECT * FROM {CLAIM}"  # noqa: S608 - our own constant
OPEN_RECEIPT = (
    f"SELECT * FROM {CLAIM} o LEFT JOIN LATERAL floor_receipt_facts(o.notice_id, %s::text[], %s)"  # noqa: S608
    " f ON o.notice_id IS NOT NULL"
)


@dataclass(frozen=True)
class Facts:
    """What counting goods in is decided on; ``is_inspected``: an inspection plan may apply to the goods."""

    state: str
    kind: str
    is_blind: bool
    owner_id: int
    site_id: int
    list_id: int | None
    lines: tuple[NoticeLineRow, ...]
    items: tuple[ScannedItem, ...]
    is_inspected: bool


@dataclass(frozen=True)
class Opened:
    """A scan that is ours to apply, and its device's context with the codes of what it names."""

    facts: Facts | None
    scan_id: int
    site_id: int | None
    notice_id: int | None
    location_id: int | None
    document_no: str | None
    next_qty: int | None
    is_damaged: bool
    pending: Mapping[str, Any] | None
    site: str | None
    notice: str | None
    place: str | None


def open_scan(session: Session, scan: TakeScan, label: Label, event_at: datetime) -> Opened | None:
    """Claim a scan. None when its key or number is taken; waits for a rival that is at work on the same."""
    envelope = (
        scan.key, scan.device, scan.boot, scan.seq, scan.request_hash(), scan.code, scan.symbology, scan.job,
        scan.occurred_at,
    )  # fmt: skip
    asks = scan.job == "receive" and label.fault is None and label.item_gtin is not None
    if asks and label.item_gtin:
        spellings = list(gs1_keys.gtin_spellings(label.item_gtin))
        found = call(session, OPEN_RECEIPT, (*envelope, spellings, event_at.date()))
    else:
        found = call(session, OPEN, envelope)
    if not found:
        return None
    [row] = found
    facts = _facts(*row[11:]) if len(row) > 11 and row[11] is not None else None
    return Opened(facts, *row[:11])


def _facts(
    state: str, kind: str, is_blind: bool, owner_id: int, site_id: int, list_id: int | None,
    lines: list[list[Any]] | None, items: list[list[Any]] | None, is_inspected: bool,
) -> Facts:  # fmt: skip
    return Facts(
        state, kind, is_blind, owner_id, site_id, list_id,
        tuple(_line(one) for one in lines or ()),
        tuple(ScannedItem(Item(*values), unit, base_qty) for unit, base_qty, *values in items or ()),
        is_inspected,
    )  # fmt: skip


def _line(values: list[Any]) -> NoticeLineRow:
    expires_on = values[10]
    values[10] = None if expires_on is None else date.fromisoformat(expires_on)
    return NoticeLineRow(*values)
