"""The put-away desk: goods from the dock to a place, whichever of the two is scanned first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wms.catalog import queries as catalog
from wms.codes.gs1 import Label
from wms.errors import N_
from wms.floor import place_queries, queries
from wms.floor.place_queries import Waiting
from wms.floor.rules import mistakes, putaway
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.commands import Command, Verb
from wms.floor.rules.pieces import Piece, count
from wms.floor.rules.putaway import Goods, Suggestion
from wms.floor.service import cross_docking, putting_pieces, suggesting, undoing
from wms.floor.service import goods as labels
from wms.floor.service.cross_docking import CrossDock
from wms.floor.service.desk import Desk, pending_label
from wms.floor.service.jobs import Job
from wms.floor.service.storing import hold_task, store

if TYPE_CHECKING:
    from wms.floor.service.scanning import TakeScan


def follow_screen(desk: Desk, scan: TakeScan, _label: Label) -> None:
    """Choose the site that the screen shows. Raises NoSite."""
    if scan.site_code:
        choose_site(desk, scan.site_code)


def choose_site(desk: Desk, site_code: str) -> None:
    """Make a site the one that scans count for. Raises NoSite."""
    site_id = place_queries.site_id_of(desk.session, site_code)
    if site_id is None:
        raise mistakes.NoSite
    if desk.context.site_id != site_id:
        desk.context.site_id, desk.context.location_id, desk.context.pending = site_id, None, None


def step(desk: Desk, label: Label) -> Answer:
    """Answer a scan that is no command: goods that wait, or a place."""
    if desk.context.site_id is None:
        raise mistakes.NoSite
    if label.fault is None and (label.item_gtin or label.sscc):
        if putting_pieces.is_open(desk):
            return putting_pieces.go_on(desk, label)
        if (desk.context.pending or {}).get("needs") in {"place", "reason"}:
            raise mistakes.PlaceFirst(item=desk.context.pending["names"])  # type: ignore[index]
        return _goods(desk, label)
    place = queries.location_by_code(desk.session, desk.context.site_id, label.text) if label.text else None
    if place is not None:
        return _place(desk, place.id)
    labels.refuse_unreadable(label)
    raise mistakes.UnknownLabel(label=labels.shown(label))


def command(desk: Desk, given: Command) -> Answer:
    """Answer a command barcode."""
    pending = desk.context.pending or {}
    match given.verb:
        case Verb.QTY:
            return _quantity(desk, given.qty or 1)
        case Verb.DONE | Verb.CONFIRM if putting_pieces.is_open(desk):
            return _pieces_done(desk)
        case Verb.REASON if pending.get("needs") == "reason":
            return _resume(desk, pending["place_id"], given.text)
        case Verb.UNDO:
            return replace(undoing.undo_put_away(desk, given.text), expects=expects(desk))
        case Verb.BACK:
            return _back(desk)
        case _:
            raise mistakes.NothingToConfirm


def _goods(desk: Desk, label: Label) -> Answer:
    named = putting_pieces.first(desk, label)
    if named is not None:
        scanned, piece = named
        of_piece = putting_pieces.waiting_of_serial(desk, scanned, piece.serial) if piece.serial else None
        return putting_pieces.begin(desk, label, of_piece or _waiting(desk, label), piece)
    waiting = _waiting(desk, label)
    wanted = _wanted(desk, label, waiting)
    asked = putting_pieces.ask(desk, label, waiting, wanted)
    if asked is not None:
        return asked
    if desk.context.location_id is not None:
        hold_task(desk, waiting, wanted)
        return _put(desk, label, waiting, wanted, desk.context.location_id, None)
    goods = goods_of(waiting, wanted)
    across = cross_docking.suggest(desk.session, waiting, goods, desk.event_at.date())
    if across is not None:
        return _offer_across(desk, label, waiting, across)
    suggested = _suggest(desk, waiting, goods)
    desk.keep("place", label, names=waiting.names)
    if suggested is None:
        return _told(desk, Outcome.WARN, "place_wanted", waiting, wanted, None)
    return _told(desk, Outcome.OK, "place_suggested", waiting, wanted, suggested)


def _pieces_done(desk: Desk) -> Answer:
    """All pieces are in hand: put them to the place where the clerk stands, or say which place they go to."""
    pending = dict(desk.context.pending or {})
    waiting, in_hand = putting_pieces.in_hand(desk, pending)
    if desk.context.location_id is not None:
        return _resume(desk, desk.context.location_id, None)
    goods = goods_of(waiting, count(in_hand))
    across = _across_for_pieces(desk, waiting, goods)
    if across is not None and across.qty < goods.qty:
        return _fewer_wanted(waiting, goods.qty, across)
    desk.context.pending = {**pending, "needs": "place"}
    if across is not None:
        return _told_across(desk, waiting, across)
    suggested = _suggest(desk, waiting, goods)
    if suggested is None:
        return _told(desk, Outcome.WARN, "place_wanted", waiting, count(in_hand), None)
    return _told(desk, Outcome.OK, "place_suggested", waiting, count(in_hand), suggested)


def _across_for_pieces(desk: Desk, waiting: Waiting, goods: Goods) -> CrossDock | None:
    """Return the cross-dock of pieces in hand; a part of a pallet is none."""
    if waiting.handling_unit_id is not None and goods.qty < waiting.left_qty:
        return None
    return cross_docking.suggest(desk.session, waiting, goods, desk.event_at.date())


def _fewer_wanted(waiting: Waiting, qty: int, across: CrossDock) -> Answer:
    """More pieces are in hand than orders wait for: only who holds them can say which ones go across."""
    values = {
        "qty": across.qty, "item": waiting.names, "in_hand": qty, "orders": ", ".join(across.wait.order_nos[:3]),
    }  # fmt: skip
    text = N_("Orders wait for %(qty)s × %(item)s (%(orders)s); %(in_hand)s are in your hand.")
    way_out = N_("Scan BACK for each piece too many and then DONE, or a place where you store them all.")
    return Answer(
        Outcome.WARN, "cross_dock_fewer", text, values, way_out, putting_pieces.EXPECTS, _understood(waiting, qty)
    )


def _wanted(desk: Desk, label: Label, waiting: Waiting) -> int:
    """Return how many base units are meant: all that wait, or as many of the scanned packaging as QTY said."""
    if desk.context.next_qty is None:
        return waiting.left_qty
    scanned = catalog.items_by_gtin(desk.session, label.gtin) if label.gtin else ()
    each = next((one.base_qty for one in scanned if one.item.id == waiting.trade_item_id), 1)
    wanted = desk.context.next_qty * each
    if wanted > waiting.left_qty:
        raise mistakes.TooMany(item=waiting.names, left=waiting.left_qty, wanted=wanted)
    return wanted


def _offer_across(desk: Desk, label: Label, waiting: Waiting, across: CrossDock) -> Answer:
    asked = putting_pieces.ask(desk, label, waiting, across.qty)
    if asked is not None:
        return asked
    desk.keep("place", label, names=waiting.names, cross_qty=across.qty)
    return _told_across(desk, waiting, across)


def _told_across(desk: Desk, waiting: Waiting, across: CrossDock) -> Answer:
    values = {
        "qty": across.qty,
        "item": waiting.names,
        "place": across.place.code,
        "orders": ", ".join(across.wait.order_nos[:3]),
    }
    text = N_("Put %(qty)s × %(item)s to %(place)s: orders wait for it (%(orders)s).")
    return Answer(
        Outcome.OK, "cross_dock", text, values, None, expects(desk), _understood(waiting, across.qty)
    )


def _told(
    desk: Desk, outcome: Outcome, code: str, waiting: Waiting, qty: int, found: Suggestion | None
) -> Answer:
    told = N_("Put %(qty)s × %(item)s to %(place)s: %(why)s.")
    text = told if found else N_("No free place fits %(qty)s × %(item)s.")
    values: dict[str, Any] = {"qty": qty, "item": waiting.names}
    values |= {"place": found.place.code, "why": found.why} if found else {"place": "-"}
    way_out = None if found else N_("Scan a place that you choose, or tell the supervisor.")
    return Answer(outcome, code, text, values, way_out, expects(desk), _understood(waiting, qty))


def _understood(waiting: Waiting, qty: int) -> dict[str, Any]:
    return {"kind": "goods", "item": waiting.names, "lot_no": waiting.lot_no, "sscc": waiting.sscc, "qty": qty}


def _waiting(desk: Desk, label: Label) -> Waiting:
    """Return the task whose goods the label names. Raises the mistake that says why there is none."""
    assert desk.context.site_id is not None
    if label.sscc:
        found = place_queries.waiting_pallet(desk.session, desk.context.site_id, label.sscc)
        if found:
            return found[0]
        _refuse_done(desk, label.sscc)
        if label.item_gtin is None:
            raise mistakes.UnknownLabel(label=labels.shown(label))
    assert label.item_gtin is not None
    items = {one.item.id: one.item for one in catalog.items_by_gtin(desk.session, label.item_gtin)}
    if not items:
        raise mistakes.UnknownLabel(label=labels.shown(label))
    found = place_queries.waiting_items(desk.session, desk.context.site_id, list(items))
    of_lot = [one for one in found if label.lot_no is None or one.lot_no == label.lot_no]
    if not of_lot:
        item = next(iter(items.values()))
        raise mistakes.WrongItem(item={"zh": item.name_zh, "en": item.name_en})
    if len({one.lot_no for one in of_lot}) > 1:
        raise mistakes.LotMissing(item=of_lot[0].names)
    return of_lot[0]


def _refuse_done(desk: Desk, sscc: str) -> None:
    done = place_queries.put_away_pallet(desk.session, sscc)
    if done is not None:
        raise mistakes.AlreadyPutAway(
            item=sscc, place=done.place, person=done.person, at=done.put_at.isoformat(timespec="minutes")
        )


def goods_of(waiting: Waiting, qty: int) -> Goods:
    """Return waiting goods as the rules see them."""
    return Goods(
        waiting.names,
        waiting.trade_item_id,
        waiting.lot_id,
        qty,
        qty * waiting.gross_weight_g,
        qty * waiting.volume_mm3,
        waiting.temperature_class,
        waiting.is_bonded,
        waiting.is_blocked,
        waiting.owner_id,
        waiting.velocity_class,
    )


def _suggest(desk: Desk, waiting: Waiting, goods: Goods) -> Suggestion | None:
    assert desk.context.site_id is not None
    rest = suggesting.with_its_pallet(desk.session, waiting, goods)
    return rest or suggesting.suggest(desk.session, desk.context.site_id, goods, desk.event_at.date())


def _place(desk: Desk, place_id: int) -> Answer:
    needs = (desk.context.pending or {}).get("needs")
    if needs in {"place", "reason", "pieces"}:
        return _resume(desk, place_id, None)
    place = place_queries.place(desk.session, place_id)
    if place.kind not in putaway.STORAGE_KINDS:
        raise mistakes.NotAStoragePlace(place=place.code, place_kind=place.kind)
    desk.context.location_id = place_id
    understood = {"kind": "place", "place": place.code}
    text = N_("At %(place)s. Scan what you put here.")
    return Answer(Outcome.OK, "place_chosen", text, {"place": place.code}, None, expects(desk), understood)


def _resume(desk: Desk, place_id: int, reason: str | None) -> Answer:
    pending = desk.take_pending()
    label = pending_label(pending)
    if "pieces" in pending:
        desk.clear_next()
        waiting, in_hand = putting_pieces.in_hand(desk, pending)
        qty = count(in_hand)
        hold_task(desk, waiting, qty)
        of_pieces = _across(desk, waiting, qty, place_id, {"cross_qty": qty}) if reason is None else None
        if of_pieces is not None and of_pieces.qty == qty:
            return _put_across(desk, waiting, of_pieces, in_hand)
        return _put(desk, label, waiting, qty, place_id, reason, in_hand)
    waiting = _waiting(desk, label)
    wanted = _wanted(desk, label, waiting)
    hold_task(desk, waiting, wanted)
    across = _across(desk, waiting, wanted, place_id, pending)
    if across is not None:
        return _put_across(desk, waiting, across)
    return _put(desk, label, waiting, wanted, place_id, reason)


def _across(
    desk: Desk, waiting: Waiting, wanted: int, place_id: int, pending: Mapping[str, Any]
) -> CrossDock | None:
    """Return the cross-dock that was suggested and is done, None when the goods are stored after all."""
    if "cross_qty" not in pending:
        return None
    qty = min(wanted, int(pending["cross_qty"]))
    goods = goods_of(waiting, qty)
    if waiting.control.is_told_apart and waiting.handling_unit_id is not None and qty < waiting.left_qty:
        return None
    again = cross_docking.suggest(desk.session, waiting, goods, desk.event_at.date())
    if again is not None:  # of two clerks who bring goods for one order the second sees that it has them
        cross_docking.lock_orders(desk.session, again.wait)
        again = cross_docking.suggest(desk.session, waiting, goods, desk.event_at.date())
    place = place_queries.place(desk.session, place_id)
    if again is None or place.zone != again.place.zone:
        return None
    putaway.check_place(goods, place)
    return replace(again, place=place, qty=min(qty, again.qty))


def _put_across(desk: Desk, waiting: Waiting, across: CrossDock, in_hand: Sequence[Piece] = ()) -> Answer:
    found = Suggestion(across.place, "cross_dock")
    lines = store(desk, waiting, across.qty, across.place.id, found, None, in_hand)
    placed = [line.account for line in lines if line.qty > 0]
    met = cross_docking.promise(desk.session, desk.key, across.wait, placed, desk.event_at)
    desk.clear_next()
    values = {
        "qty": across.qty, "item": waiting.names, "place": across.place.code,
        "left": waiting.left_qty - across.qty, "lines": met,
    }  # fmt: skip
    text = N_("%(qty)s × %(item)s put to %(place)s and promised to %(lines)s order lines.")
    return Answer(
        Outcome.OK, "cross_docked", text, values, None, expects(desk), _understood(waiting, across.qty),
        is_undoable=True,
    )  # fmt: skip


def _put(
    desk: Desk, label: Label, waiting: Waiting, qty: int, place_id: int, reason: str | None,
    in_hand: Sequence[Piece] = (),
) -> Answer:  # fmt: skip
    goods = goods_of(waiting, qty)
    place = place_queries.place(desk.session, place_id)
    putaway.check_place(goods, place)
    found = _suggest(desk, waiting, goods)
    suggested = found.place if found else None
    if suggested is not None and suggested.id != place_id and reason is None:
        of_pieces = {"task": waiting.task_id, "pieces": [one.as_json() for one in in_hand]} if in_hand else {}
        desk.keep("reason", label, place_id=place_id, names=waiting.names, **of_pieces)
        return Answer(
            Outcome.WARN,
            "other_place",
            N_("%(suggested)s was suggested for %(item)s, not %(place)s."),
            {"suggested": suggested.code, "place": place.code, "item": waiting.names},
            N_("Scan the suggested place, or a REASON to keep your choice."),
            (Expect.PLACE, Expect.REASON),
            _understood(waiting, qty),
        )
    store(desk, waiting, qty, place_id, found, reason, in_hand)
    desk.clear_next()
    values = {"qty": qty, "item": waiting.names, "place": place.code, "left": waiting.left_qty - qty}
    text = N_("%(qty)s × %(item)s put to %(place)s.")
    return Answer(
        Outcome.OK, "put_away", text, values, None, expects(desk), _understood(waiting, qty), is_undoable=True
    )


def _quantity(desk: Desk, qty: int) -> Answer:
    desk.context.next_qty = qty
    if desk.context.pending:
        desk.context.pending = {**desk.context.pending, "qty": qty}
    text = N_("The next label counts %(qty)s times.")
    return Answer(Outcome.OK, "quantity_set", text, {"qty": qty}, None, expects(desk))


def _back(desk: Desk) -> Answer:
    desk.clear_next()
    if putting_pieces.is_open(desk):
        return putting_pieces.back(desk)
    if desk.context.pending:
        desk.context.pending = None
        return Answer(Outcome.OK, "put_down", N_("Put down. Nothing was booked."), expects=expects(desk))
    desk.context.location_id = None
    return Answer(Outcome.OK, "place_left", N_("The place is no longer chosen."), expects=expects(desk))


def expects(desk: Desk) -> tuple[Expect, ...]:
    """Return what may be scanned next at the put-away desk."""
    needs = (desk.context.pending or {}).get("needs")
    if needs == "reason":
        return (Expect.PLACE, Expect.REASON)
    if needs == "place":
        return (Expect.PLACE,)
    if needs == "pieces":
        return putting_pieces.EXPECTS
    return (Expect.GOODS, Expect.PLACE)


JOB = Job("put_away", follow_screen, command, step, expects)
