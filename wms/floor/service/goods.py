"""From a label to the goods in hand: which item, how many base units, which lot, which pallet, which notice line."""

from dataclasses import dataclass, replace
from datetime import date

from wms.catalog import queries as catalog
from wms.catalog.queries import Item, ScannedItem
from wms.codes.gs1 import Label, LabelFault
from wms.floor import queries, unit_queries
from wms.floor.queries import NoticeLineRow, NoticeRow
from wms.floor.rules import mistakes, piece_mistakes, pieces, receiving
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
    weight_g: int | None = None
    serials: tuple[str, ...] = ()

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
        on_pallet = _on_unit(desk, notice, lines, label.sscc)
        if on_pallet and notice.is_blind and (len(on_pallet) > 1 or desk.context.next_qty is None):
            raise piece_mistakes.BlindPallet(sscc=label.sscc)
        if on_pallet:
            return [_announced(desk, line, label, is_only=len(on_pallet) == 1) for line in on_pallet]
        if label.item_gtin is None:
            raise mistakes.UnknownPallet(sscc=label.sscc)
    return [_scanned(desk, notice, lines, label)]


def _on_unit(desk: Desk, notice: NoticeRow, lines: tuple[NoticeLineRow, ...], sscc: str) -> list[NoticeLineRow]:
    """Return the lines that lie on a pallet or in the cartons on it, but not in cartons that were counted already."""
    inner = unit_queries.ssccs_in(desk.session, sscc)
    named = [line for line in lines if line.sscc in inner]
    ssccs = {line.sscc for line in named}
    counted = {one for one in ssccs if one and queries.standing_pallet(desk.session, notice.id, one)}
    if named and counted >= ssccs:
        standing = queries.standing_pallet(desk.session, notice.id, named[0].sscc or "")
        assert standing is not None
        at = standing.received_at.isoformat(timespec="minutes")
        raise mistakes.AlreadyReceived(sscc=standing.sscc, person=standing.person, at=at)
    return [line for line in named if line.sscc not in counted]


def _announced(desk: Desk, line: NoticeLineRow, label: Label, *, is_only: bool) -> Portion:
    item = catalog.item(desk.session, line.trade_item_id)
    assert item is not None
    qty = desk.context.next_qty if is_only and desk.context.next_qty else line.expected_qty
    lot_no = label.lot_no if is_only and label.lot_no else line.lot_no
    own_dates = label if is_only else None
    portion = _dated(desk, Portion(item, qty, lot_no, line.expires_on, None, line.sscc or label.sscc, line), own_dates)
    if item.is_serial_controlled:
        raise piece_mistakes.SerialMissing(item=portion.names)
    weight_g = _grams(portion, label) if is_only else None
    if weight_g is None and qty == line.expected_qty:
        weight_g = line.weight_g
    return _weighed(portion, weight_g)


def _scanned(desk: Desk, notice: NoticeRow, lines: tuple[NoticeLineRow, ...], label: Label) -> Portion:
    found = owned_item(desk, label, notice.owner_id)
    item = found.item
    qty = (desk.context.next_qty or label.count or 1) * found.base_qty
    match = receiving.line_for(queries.announced(lines), item.id, label.lot_no, label.sscc)
    line = next((one for one in lines if match and one.id == match.id), None)
    expires_on = line.expires_on if line and line.lot_no == label.lot_no else None
    portion = _dated(desk, Portion(item, qty, label.lot_no, expires_on, None, label.sscc, line), label)
    _refuse_blind_bonded(desk, notice, portion)
    if item.is_serial_controlled:
        portion = _numbered(portion, label.serial)
    if item.is_catch_weight and (desk.context.next_qty or 1) > 1:
        raise piece_mistakes.WeightOfOne(item=portion.names, qty=desk.context.next_qty)
    return _weighed(portion, _grams(portion, label))


def _numbered(portion: Portion, serial: str | None) -> Portion:
    if not serial:
        raise piece_mistakes.SerialMissing(item=portion.names)
    if portion.qty != 1:
        raise piece_mistakes.OneSerialAtATime(item=portion.names, qty=portion.qty)
    return replace(portion, serials=(serial,))


def _grams(portion: Portion, label: Label) -> int | None:
    """Return the net weight on a label (AI 310n) of goods of catch weight. Raises WeightNotWhole."""
    return pieces.grams(label.net_weight_g) if portion.item.is_catch_weight else None


def _weighed(portion: Portion, weight_g: int | None) -> Portion:
    if not portion.item.is_catch_weight:
        return portion
    if weight_g is None:
        raise piece_mistakes.WeightMissing(item=portion.names)
    return replace(portion, weight_g=weight_g)


def _refuse_blind_bonded(desk: Desk, notice: NoticeRow, portion: Portion) -> None:
    """Goods of an account book come in under a document, whatever the driver says."""
    if notice.kind == "blind" and queries.is_in_account_book(desk.session, portion.item.id, notice.site_id):
        raise piece_mistakes.BlindBonded(item=portion.names)


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
    return replace(portion, expires_on=expires_on, produced_on=produced_on)
