"""From a label to the goods in hand: which item, how many base units, which lot, which pallet, which notice line."""

from dataclasses import dataclass
from datetime import date

from wms.catalog import queries as catalog
from wms.catalog.queries import Item, ScannedItem
from wms.codes.gs1 import Label, LabelFault
from wms.floor import queries
from wms.floor.queries import NoticeLineRow, NoticeRow
from wms.floor.rules import mistakes, receiving
from wms.floor.service.desk import Desk, known_expiry

FAULTS: dict[LabelFault, type[mistakes.ScanMistake]] = {
    LabelFault.EMPTY: mistakes.EmptyScan,
    LabelFault.CHECK_DIGIT: mistakes.BrokenCheckDigit,
    LabelFault.BROKEN: mistakes.BrokenLabel,
    LabelFault.DATE: mistakes.BadLabelDate,
}


@dataclass(frozen=True)
class Portion:
    """Goods in hand; ``line`` is the notice line they belong to, None when they were not announced."""

    item: Item
    qty: int
    lot_no: str | None
    expires_on: date | None
    produced_on: date | None
    sscc: str | None
    line: NoticeLineRow | None

    @property
    def names(self) -> dict[str, str]:
        return {"zh": self.item.name_zh, "en": self.item.name_en}


def refuse_unreadable(label: Label) -> None:
    """Raise the mistake that says what is broken about the label."""
    if label.fault is not None:
        raise FAULTS[label.fault](label=shown(label))


def shown(label: Label) -> str:
    """Return the label's text as it can be shown: separators visible, not longer than a line."""
    return label.text.replace("\x1d", "|")[:60]


def portions(desk: Desk, notice: NoticeRow, label: Label) -> list[Portion]:
    """Return the goods a label stands for, under a notice.

    Raises UnknownLabel, UnknownPallet, OtherOwner, AlreadyReceived, ExpiryDiffers.
    """
    lines = queries.notice_lines(desk.session, notice.id)
    if label.sscc:
        standing = queries.standing_pallet(desk.session, notice.id, label.sscc)
        if standing:
            at = standing.received_at.isoformat(timespec="minutes")
            raise mistakes.AlreadyReceived(sscc=standing.sscc, person=standing.person, at=at)
        on_pallet = [line for line in lines if line.sscc == label.sscc]
        if on_pallet:
            return [_announced(desk, line, label, is_only=len(on_pallet) == 1) for line in on_pallet]
        if label.item_gtin is None:
            raise mistakes.UnknownPallet(sscc=label.sscc)
    return [_scanned(desk, notice, lines, label)]


def _announced(desk: Desk, line: NoticeLineRow, label: Label, *, is_only: bool) -> Portion:
    item = catalog.item(desk.session, line.trade_item_id)
    assert item is not None
    qty = desk.context.next_qty if is_only and desk.context.next_qty else line.expected_qty
    lot_no = label.lot_no if is_only and label.lot_no else line.lot_no
    own_dates = label if is_only else None
    return _dated(desk, Portion(item, qty, lot_no, line.expires_on, None, label.sscc, line), own_dates)


def _scanned(desk: Desk, notice: NoticeRow, lines: tuple[NoticeLineRow, ...], label: Label) -> Portion:
    found = owned_item(desk, label, notice.owner_id)
    item = found.item
    qty = (desk.context.next_qty or label.count or 1) * found.base_qty
    match = receiving.line_for(queries.announced(lines), item.id, label.lot_no, label.sscc)
    line = next((one for one in lines if match and one.id == match.id), None)
    expires_on = line.expires_on if line and line.lot_no == label.lot_no else None
    return _dated(desk, Portion(item, qty, label.lot_no, expires_on, None, label.sscc, line), label)


def owned_item(desk: Desk, label: Label, owner_id: int) -> ScannedItem:
    """Return the owner's item that the label names. Raises UnknownLabel, OtherOwner."""
    found = catalog.items_by_gtin(desk.session, label.item_gtin) if label.item_gtin else ()
    own = [one for one in found if one.item.owner_id == owner_id]
    if own:
        return own[0]
    if found:
        other = found[0].item
        names = {"zh": other.name_zh, "en": other.name_en}
        owner = {"zh": other.owner_name_zh, "en": other.owner_name_en}
        raise mistakes.OtherOwner(item=names, owner=owner)
    raise mistakes.UnknownLabel(label=shown(label))


def _dated(desk: Desk, portion: Portion, label: Label | None) -> Portion:
    known = known_expiry(desk.session, portion.item.id, portion.lot_no)
    on_label = label.last_use_on if label else None
    if known and on_label and known != on_label:
        raise mistakes.ExpiryDiffers(
            item=portion.names,
            lot_no=portion.lot_no or "-",
            known_on=known.isoformat(),
            expires_on=on_label.isoformat(),
        )
    expires_on = known or on_label or portion.expires_on
    produced_on = label.produced_on if label else None
    return Portion(portion.item, portion.qty, portion.lot_no, expires_on, produced_on, portion.sscc, portion.line)
