"""The picking desk: take a list, go where it says, scan place and goods in either order, put them into the tote."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import text, update

from wms.catalog import queries as catalog
from wms.catalog.queries import ScannedItem
from wms.codes.gs1 import Label
from wms.errors import N_, WmsError
from wms.floor import queries
from wms.floor.pick_queries import ListLineRow, ListRow
from wms.floor.rules import mistakes
from wms.floor.rules import picking as rules
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.commands import Command, Verb
from wms.floor.service import goods as labels
from wms.floor.service import picking_board as board
from wms.floor.service import picking_pieces, putting_away, shortage, substituting, tasks, totes, unpicking
from wms.floor.service.desk import Desk, pending_label
from wms.floor.service.jobs import Job
from wms.floor.service.picking import Take, pick_many
from wms.floor.tables import Scan
from wms.stock.rules import ReservationNotOpen, ShortStock

if TYPE_CHECKING:
    from wms.floor.service.scanning import TakeScan

LIST_NO = re.compile(r"PL[0-9]{8,}", re.IGNORECASE)
LOTS_HERE = text("""
    SELECT count(DISTINCT a.lot_id) FROM account a JOIN balance b ON b.account_id = a.id
     WHERE a.location_id = :place AND a.owner_id = :owner AND a.trade_item_id = :item AND a.kind = 'location'
       AND b.qty > 0
""")
HELD_HERE = text("""
    SELECT 1 FROM account a JOIN balance b ON b.account_id = a.id
     WHERE a.location_id = :place AND a.owner_id = :owner AND a.trade_item_id = :item AND a.kind = 'location'
       AND a.lot_id IS NOT DISTINCT FROM :lot AND a.quality_status <> 'good' AND b.qty > 0 LIMIT 1
""")
TO_THE_END = text("""
    UPDATE pick_line SET seq = (SELECT max(seq) + 1 FROM pick_line WHERE pick_list_id = :list) WHERE id = ANY (:ids)
""")


def follow_screen(desk: Desk, scan: TakeScan, label: Label) -> None:
    """Choose the site and the list that the screen shows; a list or command that is scanned speaks for itself."""
    if scan.site_code:
        before = desk.context.site_id
        putting_away.choose_site(desk, scan.site_code)
        if before not in (None, desk.context.site_id):
            board.leave(desk)
    if scan.document_no and not LIST_NO.fullmatch(label.text.strip()):
        wanted = scan.document_no.strip().upper()
        if wanted != desk.context.document_no and desk.context.document_no is None:
            board.open_list(desk, wanted)


def step(desk: Desk, label: Label) -> Answer:
    """Answer a scan that is no command: the number of a list, a place, goods, or a tote."""
    if desk.context.site_id is None and not LIST_NO.fullmatch(label.text.strip()):
        raise mistakes.NoSite
    if LIST_NO.fullmatch(label.text.strip()):
        return board.go_on(desk, board.open_list(desk, label.text.strip().upper()))
    row = board.chosen(desk)
    if label.fault is None and (label.item_gtin or label.sscc):
        return _labelled(desk, row, label)
    place = queries.location_by_code(desk.session, row.site_id, label.text) if label.text else None
    if place is not None:
        return _place(desk, row, place.id, place.code)
    labels.refuse_unreadable(label)
    raise mistakes.UnknownLabel(label=labels.shown(label))


def command(desk: Desk, given: Command) -> Answer:
    """Answer a command barcode."""
    match given.verb:
        case Verb.QTY:
            return _quantity(desk, given.qty or 1)
        case Verb.NEXT:
            return _next(desk)
        case Verb.SHORT:
            return _short(desk)
        case Verb.DONE:
            return _done(desk)
        case Verb.UNDO:
            return _undo(desk, given.text)
        case Verb.BACK:
            return _back(desk)
        case _:
            raise mistakes.NothingToConfirm


def _place(desk: Desk, row: ListRow, place_id: int, code: str) -> Answer:
    lines = board.open_lines(desk, row)
    if not any(line.location_id == place_id for line in lines):
        wanted = rules.current(lines, None)
        raise rules.NothingHere(place=code, wanted=wanted.place if wanted else row.to_place)
    pending = desk.context.pending or {}
    desk.context.location_id = place_id
    if pending.get("needs") == "place":
        return _labelled(desk, row, pending_label(desk.take_pending()))
    if pending.get("needs") == "tote":
        raise rules.ToteFirst(slot=pending["slot"])
    return board.go_on(desk, row, code="place_chosen")


def _labelled(desk: Desk, row: ListRow, label: Label) -> Answer:
    lines = board.open_lines(desk, row)
    pending = desk.context.pending or {}
    if pending.get("needs") == "tote":
        if label.sscc is None:
            raise rules.ToteFirst(slot=pending["slot"])
        return _into_tote(desk, row, lines, label.sscc)
    if label.sscc:
        of_pallet = [line for line in lines if line.from_sscc == label.sscc]
        if of_pallet:
            return _take(desk, row, lines, of_pallet, label, None)
        if label.item_gtin is None:
            return _tote(desk, row, lines, label.sscc)
    assert label.item_gtin is not None
    found = catalog.items_by_gtin(desk.session, label.item_gtin)
    if not found:
        raise mistakes.UnknownLabel(label=labels.shown(label))
    wanted = _of_item(desk, lines, found)
    return _take(desk, row, lines, wanted, label, found)


def _of_item(desk: Desk, lines: list[ListLineRow], found: tuple[ScannedItem, ...]) -> list[ListLineRow]:
    """Return the open lines of the scanned item. Raises the mistake that says why there is none."""
    ids = {one.item.id for one in found}
    wanted = [line for line in lines if line.trade_item_id in ids]
    here = [line for line in lines if line.location_id == desk.context.location_id]
    if any(line.trade_item_id in ids for line in here) or (wanted and not here):
        return wanted
    item = found[0].item
    names = {"zh": item.name_zh, "en": item.name_en}
    if not wanted and not {one.item.owner_id for one in found} & {line.owner_id for line in lines}:
        owner = {"zh": item.owner_name_zh, "en": item.owner_name_en}
        raise rules.OwnerOfList(item=names, owner=owner)
    if here:
        raise rules.OtherItem(item=names, wanted=here[0].names)
    raise rules.NotOnList(item=names)


def _take(
    desk: Desk, row: ListRow, lines: list[ListLineRow], wanted: list[ListLineRow], label: Label,
    found: tuple[ScannedItem, ...] | None,
) -> Answer:  # fmt: skip
    here = [line for line in wanted if line.location_id == desk.context.location_id]
    if not here:
        desk.keep("place", label)
        text_ = N_("%(item)s in hand. Scan the place you took it from: %(place)s.")
        values = {"item": wanted[0].names, "place": wanted[0].place}
        return Answer(Outcome.OK, "place_wanted_first", text_, values, None, board.expects(desk))
    line = _of_lot(desk, here, label)
    if line.expires_on is not None and line.expires_on < board.today(desk):
        expired = line.expires_on.isoformat()
        raise rules.ExpiredGoods(item=line.names, lot_no=line.lot_no or "-", expires_on=expired)
    stop = rules.same_stop(lines, line)
    qty = _how_many(desk, stop, label, found)
    picking_pieces.named(desk, stop[0], label, qty)
    slots = board.totes_of(desk, row)
    keeps_pallet = line.is_whole_unit and qty == line.left_qty and line.picked_qty == 0
    if not keeps_pallet and (slots[line.slot].handling_unit_id is None or len(slots) > 1):
        return _ask_tote(desk, label, stop[0], qty, slots[line.slot])
    return _pick(desk, row, stop, qty, label)


def _of_lot(desk: Desk, here: list[ListLineRow], label: Label) -> ListLineRow:
    """Return the line whose lot the label names. Raises OtherLot, LotNotOnLabel."""
    if label.lot_no is None:
        line = here[0]
        if line.lot_id is not None and label.sscc is None:
            values = {"place": line.location_id, "owner": line.owner_id, "item": line.trade_item_id}
            if desk.session.execute(LOTS_HERE, values).scalar_one() > 1:
                raise rules.LotNotOnLabel(item=line.names)
        return line
    of_lot = [line for line in here if line.lot_no == label.lot_no]
    if not of_lot:
        raise rules.OtherLot(item=here[0].names, lot_no=label.lot_no, wanted=here[0].lot_no or "-")
    return of_lot[0]


def _how_many(desk: Desk, stop: list[ListLineRow], label: Label, found: tuple[ScannedItem, ...] | None) -> int:
    """Return the base units meant: QTY or the label's count, times the packaging; a whole pallet counts as it is."""
    line, left = stop[0], sum(one.left_qty for one in stop)
    if found is None:
        if desk.context.next_qty is None and not line.is_whole_unit:
            raise rules.QuantityNeeded(item=line.names, left=left)
        qty = desk.context.next_qty or line.left_qty
    else:
        each = next(one.base_qty for one in found if one.item.id == line.trade_item_id)
        qty = (desk.context.next_qty or label.count or 1) * each
    if qty > left:
        raise rules.TooManyPicked(item=line.names, left=left, wanted=qty)
    return qty


def _ask_tote(desk: Desk, label: Label, line: ListLineRow, qty: int, tote: Any) -> Answer:
    desk.keep("tote", label, slot=line.slot, take=qty, line=line.id)
    values = {"qty": qty, "item": line.names, "slot": line.slot, "tote": tote.sscc or "-"}
    if tote.handling_unit_id is None:
        return Answer(
            Outcome.OK, "tote_wanted", N_("%(qty)s × %(item)s in hand. Scan an empty tote for slot %(slot)s."), values,
            None, board.expects(desk),
        )  # fmt: skip
    return Answer(
        Outcome.OK, "put_into_tote", N_("Put %(qty)s × %(item)s into slot %(slot)s, tote %(tote)s, and scan it."),
        values, None, board.expects(desk),
    )  # fmt: skip


def _into_tote(desk: Desk, row: ListRow, lines: list[ListLineRow], sscc: str) -> Answer:
    """The goods in hand go into the tote that was scanned, if it is that of their slot."""
    pending = dict(desk.context.pending or {})
    slots = board.totes_of(desk, row)
    slot = slots[pending["slot"]]
    if any(other.sscc == sscc and other.slot != slot.slot for other in slots.values()):
        raise rules.OtherTote(slot=slot.slot, wanted=slot.sscc or "-", sscc=sscc)
    if slot.sscc != sscc:
        totes.bind(desk.session, row.id, slot.slot, sscc)  # an empty one, or the next where the first is full
    desk.context.pending = None
    line = next((one for one in lines if one.id == pending["line"]), None)
    if line is None:
        raise rules.AlreadyPicked(line=pending["line"])
    return _pick(desk, row, rules.same_stop(lines, line), pending["take"], pending_label(pending))


def _tote(desk: Desk, row: ListRow, lines: list[ListLineRow], sscc: str) -> Answer:
    """A label that is neither goods nor a pallet of the list: a tote for the slot that needs one next."""
    slots = board.totes_of(desk, row)
    standing = next((slot for slot in slots.values() if slot.sscc == sscc), None)
    if standing is not None:
        return board.go_on(desk, row)
    empty = next((slot.slot for slot in slots.values() if slot.handling_unit_id is None), None)
    line = rules.current(lines, desk.context.location_id)
    if line is not None and line.is_whole_unit and desk.context.location_id == line.location_id:
        raise rules.OtherPallet(sscc=sscc, wanted=line.from_sscc)
    slot_no = empty if empty is not None else line.slot if line is not None else 1
    totes.bind(desk.session, row.id, slot_no, sscc)
    answer = board.go_on(desk, row)
    order = slots[slot_no].order_no or "-"
    values = {**answer.values, "slot": slot_no, "bound": sscc, "order": order}
    return replace(
        answer, code="tote_bound", text=N_("Tote %(bound)s stands in slot %(slot)s (order %(order)s)."), values=values
    )


def _pick(desk: Desk, row: ListRow, stop: list[ListLineRow], qty: int, label: Label) -> Answer:
    """Post the goods, shared out to the lines of the stop in their order."""
    takes, left = [], qty
    piece = picking_pieces.named(desk, stop[0], label, qty)
    weight = piece.weight_g if piece is not None else None
    serials = (piece.serial,) if piece is not None and piece.serial is not None else ()
    for line in stop:
        part = min(left, line.left_qty)
        if part > 0:
            takes.append(Take(line.id, part, None, weight, serials))
            left -= part
            weight = None if weight is None else 0
    for result in pick_many(
        desk.session, f"scan:{desk.key}", takes, desk.event_at, device=desk.device, scan_id=desk.scan_id
    ):
        if isinstance(result, WmsError):
            raise _in_words(desk, stop[0], picking_pieces.in_words(desk, stop[0], result, piece)) from result
        desk.posting_id = result.posting_id
    desk.clear_next()
    return board.go_on(desk, row, code="picked", said={"qty": qty, "item": stop[0].names})


def _in_words(desk: Desk, line: ListLineRow, refusal: WmsError) -> WmsError:
    """Say what stands behind a refusal of the ledger: goods that were held meanwhile, or a promise that ended."""
    if not isinstance(refusal, ReservationNotOpen | ShortStock):
        return refusal
    values = {
        "place": line.location_id, "owner": line.owner_id, "item": line.trade_item_id, "lot": line.lot_id,
    }  # fmt: skip
    is_held = desk.session.execute(HELD_HERE, values).first() is not None
    return (rules.GoodsOnHold if is_held else rules.PromiseEnded)(item=line.names, place=line.place)


def _quantity(desk: Desk, qty: int) -> Answer:
    desk.context.next_qty = qty
    if desk.context.pending and desk.context.pending.get("needs") == "place":
        desk.context.pending = {**desk.context.pending, "qty": qty}
    text_ = N_("The next label counts %(qty)s times.")
    return Answer(Outcome.OK, "quantity_set", text_, {"qty": qty}, None, board.expects(desk))


def _next(desk: Desk) -> Answer:
    """Without a list: take the next one. With one: leave the present stop for later."""
    if desk.context.document_no is None:
        return board.go_on(desk, board.next_list(desk))
    try:
        row = board.chosen(desk)
    except rules.ListEnded:
        board.leave(desk)
        return board.go_on(desk, board.next_list(desk))
    lines = board.open_lines(desk, row)
    line = rules.current(lines, desk.context.location_id)
    if line is not None:
        stop = [one.id for one in lines if one.location_id == line.location_id]
        desk.session.execute(TO_THE_END, {"list": row.id, "ids": stop})
    desk.context.location_id = desk.context.pending = None
    return board.go_on(desk, row)


def _short(desk: Desk) -> Answer:
    """Fewer there than asked: other goods are looked for at once, and the place is counted."""
    row = board.chosen(desk)
    lines = board.open_lines(desk, row)
    line = rules.current(lines, desk.context.location_id)
    if line is None:
        raise rules.NothingShort
    if desk.context.location_id != line.location_id:
        raise rules.GoThereFirst(wanted=line.place)
    stop = [one.id for one in rules.same_stop(lines, line)]
    found = shortage.report_short(desk.session, f"scan:{desk.key}", stop, desk.event_at)
    asked = substituting.ask_all(desk.session, f"scan:{desk.key}", found.given_up, desk.event_at)
    desk.context.pending = None
    desk.clear_next()
    answer = board.go_on(desk, row)
    said = {"missing": found.missing_qty, "item": line.names, "found": found.found_qty}
    text_ = N_("%(missing)s × %(item)s missing; %(found)s found elsewhere. Their place is counted.")
    if asked:
        said["substitute"] = asked[0].substitute
        text_ = N_("%(missing)s × %(item)s missing. Instead, %(substitute)s is on the list.")
        if asked[0].state == "asked":
            text_ = N_("%(missing)s × %(item)s missing. The supervisor is asked whether %(substitute)s may go instead.")
    return replace(
        answer, outcome=Outcome.WARN, code="short", text=text_, values={**answer.values, **said}, is_undoable=False
    )


def _done(desk: Desk) -> Answer:
    """Leave the list; what is open on it is offered to others again."""
    row = board.chosen(desk)
    count = len(board.open_lines(desk, row))
    task_id = board.standing_task(desk, row)
    if task_id is not None:
        tasks.release(desk.session, task_id)
    board.leave(desk)
    text_ = N_("List %(list)s left with %(count)s lines open; it is offered again.")
    values = {"list": row.list_no, "count": count}
    return Answer(Outcome.WARN, "list_left", text_, values, N_("Scan NEXT to be given another list."), (Expect.TASK,))


def _undo(desk: Desk, key: str | None) -> Answer:
    if desk.context.pending and key is None:
        desk.context.pending = None
        desk.clear_next()
        return Answer(Outcome.OK, "put_down", N_("Put down. Nothing was booked."), expects=board.expects(desk))
    picks = unpicking.picks_of_scan(desk.session, desk.device, key)
    list_no: str = desk.session.execute(
        text(
            "SELECT k.list_no FROM pick p JOIN pick_line l ON l.id = p.pick_line_id"
            " JOIN pick_list k ON k.id = l.pick_list_id WHERE p.id = :id"
        ),
        {"id": picks[0]},
    ).scalar_one()
    scan_id = desk.session.execute(text("SELECT scan_id FROM pick WHERE id = :id"), {"id": picks[0]}).scalar_one()
    qty = unpicking.unpick(desk.session, f"scan:{desk.key}", picks, desk.event_at)
    desk.session.execute(update(Scan).where(Scan.id == scan_id).values(undone_at=desk.event_at))
    row = board.open_list(desk, list_no)
    answer = board.go_on(desk, row)
    return replace(answer, code="undone", text=N_("Undone: %(qty)s taken back."), values={**answer.values, "qty": qty})


def _back(desk: Desk) -> Answer:
    desk.clear_next()
    if desk.context.pending:
        desk.context.pending = None
        return Answer(Outcome.OK, "put_down", N_("Put down. Nothing was booked."), expects=board.expects(desk))
    desk.context.location_id = None
    return Answer(Outcome.OK, "place_left", N_("The place is no longer chosen."), expects=board.expects(desk))


JOB = Job("pick", follow_screen, command, step, board.expects)
