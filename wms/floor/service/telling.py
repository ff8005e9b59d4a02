"""What the clerk is told after goods were counted in, and how far the receipt is."""

from collections.abc import Mapping, Sequence
from typing import Any

from wms.errors import N_
from wms.floor import queries
from wms.floor.queries import NoticeLineRow
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.receiving import Announced, is_other_lot
from wms.floor.service.counting_in import Placed
from wms.floor.service.desk import Desk

MOST_LINES_SHOWN = 30
SPOILT = {
    "damaged": ("received_damaged", N_("%(qty)s × %(item)s received as damaged.")),
    "expired": ("received_expired", N_("%(qty)s × %(item)s received as expired.")),
}


def received(placed: list[Placed], lines: Mapping[int, NoticeLineRow], is_blind: bool) -> Answer:
    """Return the answer for goods that were counted in; ``lines`` are those of the notice after the count.

    Who counts blind is told what was counted and what is spoilt, and nothing of what is expected. Else what
    differs is said at once in the band's warning state; it is recorded, not refused.
    """
    first = placed[0]
    portion = first.portion
    line = lines.get(portion.line.id) if portion.line else None
    values: dict[str, Any] = {
        "qty": sum(one.portion.qty for one in placed),
        "item": portion.names,
        "lot_no": portion.lot_no or "-",
        "received": line.received_qty if line else portion.qty,
        "expected": line.expected_qty if line else 0,
    }
    if is_blind and first.account is not None and first.quality_status not in SPOILT:
        values |= {"received": values["qty"], "expected": 0}
        code, text = "received", N_("%(qty)s × %(item)s received.")
    else:
        code, text = _finding(first, line, values)
    return Answer(
        Outcome.OK if code == "received" else Outcome.WARN,
        code,
        text,
        values,
        way_out=None if code == "received" else N_("It is recorded as a difference. Scan UNDO if it was a mistake."),
        understood=_understood(first),
        is_undoable=True,
    )


def _finding(first: Placed, line: NoticeLineRow | None, values: dict[str, Any]) -> tuple[str, str]:
    if first.account is None:
        return "set_aside", N_("%(item)s is not on the notice nor in the account book: put it aside, customs must say.")
    if first.quality_status in SPOILT:
        return SPOILT[first.quality_status]
    if line is None:
        return "received_unannounced", N_("%(qty)s × %(item)s was not announced: received into quarantine.")
    if is_other_lot(_rule_line(line), first.portion.lot_no):
        values["announced_lot"] = line.lot_no
        return "received_other_lot", N_("%(item)s: lot %(lot_no)s received, lot %(announced_lot)s was announced.")
    if line.received_qty > line.expected_qty:
        values["over"] = line.received_qty - line.expected_qty
        return "received_over", N_("%(item)s: %(over)s more than announced (%(received)s of %(expected)s).")
    return "received", N_("%(qty)s × %(item)s received (%(received)s of %(expected)s).")


def _rule_line(line: NoticeLineRow) -> Announced:
    return queries.announced([line])[0]


def _understood(first: Placed) -> dict[str, Any]:
    portion = first.portion
    return {
        "kind": "goods",
        "item": portion.names,
        "code": portion.item.code,
        "lot_no": portion.lot_no,
        "expires_on": portion.expires_on.isoformat() if portion.expires_on else None,
        "sscc": portion.sscc,
        "qty": portion.qty,
    }


def progress_of(notice_no: str, is_blind: bool, lines: Sequence[NoticeLineRow]) -> dict[str, Any]:
    """Return what was announced and what was counted, line by line, for the screen."""
    return {
        "notice": notice_no,
        "expected_qty": None if is_blind else sum(line.expected_qty for line in lines),
        "received_qty": sum(line.received_qty for line in lines),
        "lines": [
            {
                "line_no": line.line_no,
                "item": {"zh": line.name_zh, "en": line.name_en},
                "lot_no": line.lot_no,
                "expected_qty": None if is_blind else line.expected_qty,
                "received_qty": line.received_qty,
            }
            for line in lines[:MOST_LINES_SHOWN]
        ],
    }


def expects_in_receiving(desk: Desk) -> tuple[Expect, ...]:
    """Return what may be scanned next at the receiving desk."""
    needs = (desk.context.pending or {}).get("needs")
    if needs == "dock":
        return (Expect.DOCK,)
    if needs in {"confirm", "close"}:
        return (Expect.CONFIRM, Expect.GOODS)
    if desk.context.notice_id is None:
        return (Expect.NOTICE, Expect.GOODS)
    if desk.context.location_id is None:
        return (Expect.DOCK, Expect.GOODS)
    return (Expect.GOODS, Expect.CONFIRM)
