"""The packing desk: tote, carton, goods and the scale, in whatever order they are scanned."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select

from wms.catalog import queries as catalog
from wms.catalog.queries import ScannedItem
from wms.catalog.tables import TradeItem
from wms.codes import gs1
from wms.codes.gs1 import Label
from wms.errors import N_
from wms.floor import leaving_queries as units
from wms.floor import packing_queries, queries
from wms.floor.rules import mistakes
from wms.floor.rules import packing as rules
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.commands import Command, Verb
from wms.floor.rules.pieces import grams
from wms.floor.service import closing_parcels, order_progress, packing, packing_hints
from wms.floor.service import goods as labels
from wms.floor.service.acting import by_scan
from wms.floor.service.cartons import carton_types
from wms.floor.service.desk import Desk
from wms.floor.service.jobs import Job
from wms.floor.service.packing import OpenParcel, PutIn
from wms.floor.service.putting_away import choose_site
from wms.floor.service.scanning import TakeScan
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import Parcel, ParcelItem
from wms.floor.tables.scans import Scan

WEIGHT = re.compile(r"(?:WEIGHT|WT)[ :=-]?(\S{0,20})\s*(G|KG)?", re.IGNORECASE)
SCALE = re.compile(r"(\d{1,7})(?:[.,](\d{1,3}))?\s*(G|KG)?", re.IGNORECASE)
WAYBILL = re.compile(r"WAYBILL[ :=-](\S{1,60})", re.IGNORECASE)


def follow_screen(desk: Desk, scan: TakeScan, _label: Label) -> None:
    """Make the site and the order that the screen shows the chosen ones. Raises NoSite."""
    if scan.site_code:
        before = desk.context.site_id
        choose_site(desk, scan.site_code)
        if before != desk.context.site_id:
            desk.context.document_no = None
    if scan.document_no and (desk.context.document_no or "").upper() != scan.document_no.upper():
        order = _order_by_no(desk, scan.document_no)
        if order is not None:
            desk.context.document_no = order.order_no


def step(desk: Desk, label: Label) -> Answer:
    """Answer a scan that is no command."""
    if desk.context.site_id is None:
        raise mistakes.NoSite
    if label.fault is None and label.sscc:
        unit = units.unit_by_sscc(desk.session, label.sscc)
        if unit is not None:
            parcel = packing_queries.parcel_of_unit(desk.session, unit.id)
            return _choose_parcel(desk, parcel) if parcel is not None else _choose_tote(desk, unit)
        if label.item_gtin is None:
            raise mistakes.UnknownLabel(label=labels.shown(label))
    weight_g = _weight_of(desk, label)
    if weight_g is not None:
        return _close(desk, weight_g)
    if label.fault is None and label.item_gtin:
        return _goods(desk, label)
    return _text(desk, label)


def _text(desk: Desk, label: Label) -> Answer:
    assert desk.context.site_id is not None
    if label.text and label.fault is None:
        if found := WAYBILL.fullmatch(label.text):
            return _waybill(desk, found.group(1))
        place = queries.location_by_code(desk.session, desk.context.site_id, label.text)
        if place is not None:
            return _place(desk, place.id, place.code, place.kind)
        on = desk.event_at.date()
        carton = next((one for one in carton_types(desk.session, on) if one.code.upper() == label.text.upper()), None)
        if carton is not None:
            return _open(desk, carton.code)
        order = _order_by_no(desk, label.text)
        if order is not None:
            return _choose_order(desk, order)
    labels.refuse_unreadable(label)
    raise mistakes.UnknownLabel(label=labels.shown(label))


def _order_by_no(desk: Desk, number: str) -> OutboundOrder | None:
    wanted = func.upper(OutboundOrder.order_no) == number.strip().upper()
    return desk.session.scalars(select(OutboundOrder).where(wanted)).one_or_none()


def _state(desk: Desk) -> dict[str, Any]:
    return dict(desk.context.pending or {})


def _set(desk: Desk, **more: Any) -> None:
    kept = {name: value for name, value in (_state(desk) | more).items() if value is not None}
    desk.context.pending = kept or None


def _place(desk: Desk, place_id: int, code: str, kind: str) -> Answer:
    if kind not in packing.PACKING_KINDS:
        raise rules.NotAPackingPlace(place=code, place_kind=kind)
    desk.context.location_id = place_id
    text = N_("Packing at %(place)s. Scan a tote, a carton or goods.")
    return _plain(desk, "packing_place", text, {"place": code}, {"kind": "place", "place": code})


def _choose_order(desk: Desk, order: OutboundOrder) -> Answer:
    if order.state == "cancelled":
        raise rules.OrderIsCancelled(order=order.order_no)
    desk.context.document_no = order.order_no
    parcel = _parcel(desk)
    if parcel is not None and parcel.order_id != order.id:
        _set(desk, parcel=None)
    text = N_("Packing order %(order)s.")
    answer = _plain(desk, "order_chosen", text, {"order": order.order_no}, {"kind": "order", "order": order.order_no})
    answer = replace(answer, progress=packing_queries.progress_of(desk.session, order.id))
    return packing_hints.carton(desk.session, answer, order.id)


def _choose_tote(desk: Desk, unit: units.Unit) -> Answer:
    inside = units.contents(desk.session, [one.id for one in units.tree(desk.session, unit.id)])
    if not inside:
        _set(desk, tote=unit.id)
        raise rules.NotInUnit(item="-", sscc=unit.sscc)
    _set(desk, tote=unit.id)
    if _state(desk).get("raw"):
        return _goods(desk, _held_label(desk))
    values = {"sscc": unit.sscc, "qty": sum(one.qty for one in inside)}
    text = N_("%(qty)s pieces in %(sscc)s. Scan what you pack.")
    answer = _plain(desk, "tote_chosen", text, values, {"kind": "tote", "sscc": unit.sscc})
    wishes = order_progress.wishes_of(desk.session, unit.id) if _parcel(desk) is None else ()
    return packing_hints.carton(desk.session, answer, wishes[0].order_id) if len(wishes) == 1 else answer


def _choose_parcel(desk: Desk, parcel: Parcel) -> Answer:
    sscc = packing_queries.sscc_of(desk.session, parcel)
    if parcel.state != "open":
        raise rules.ParcelClosed(sscc=sscc, state=parcel.state)
    _set(desk, parcel=parcel.id)
    if _state(desk).get("raw"):
        return _goods(desk, _held_label(desk))
    text = N_("Parcel %(sscc)s is open. Scan what goes into it.")
    return _plain(desk, "parcel_chosen", text, {"sscc": sscc}, {"kind": "parcel", "sscc": sscc})


def _open(desk: Desk, carton: str) -> Answer:
    if desk.context.location_id is None:
        raise rules.PackingPlaceFirst
    order = _order_by_no(desk, desk.context.document_no) if desk.context.document_no else None
    owner_id = order.owner_id if order else _owner_of_tote(desk)
    new = OpenParcel(desk.context.location_id, owner_id, carton, order.id if order else None)
    parcel = packing.open_parcel(desk.session, new, by_scan(desk))
    _set(desk, parcel=parcel.id)
    if _state(desk).get("raw"):
        return _goods(desk, _held_label(desk))
    sscc = packing_queries.sscc_of(desk.session, parcel)
    text = N_("Parcel %(sscc)s opened in carton %(carton)s. Stick its label on and scan what goes into it.")
    understood = {"kind": "parcel", "sscc": sscc, "carton": carton}
    answer = _plain(desk, "parcel_opened", text, {"sscc": sscc, "carton": carton}, understood)
    return packing_hints.opened(desk.session, answer, parcel, carton)


def _owner_of_tote(desk: Desk) -> int:
    tote = _state(desk).get("tote")
    inside = units.contents(desk.session, [one.id for one in units.tree(desk.session, tote)]) if tote else ()
    if not inside:
        raise rules.ToteFirst(item="-")
    return inside[0].account.owner_id


def _goods(desk: Desk, label: Label) -> Answer:
    scanned = _scanned(desk, label)
    each = scanned[0].base_qty
    item = scanned[0].item
    names = {"zh": item.name_zh, "en": item.name_en}
    qty = desk.context.next_qty or _state(desk).get("held_qty")
    state = _state(desk)
    if state.get("tote") is None or _parcel(desk) is None:
        _set(desk, raw=label.text, symbology=label.symbology, held_qty=qty)
        desk.clear_next()
        wants_tote = state.get("tote") is None
        text = (
            N_("%(item)s in hand. Now scan the tote it comes from.")
            if wants_tote
            else N_("%(item)s in hand. Now scan an open parcel or a carton.")
        )
        code = "tote_wanted" if wants_tote else "carton_wanted"
        return Answer(Outcome.OK, code, text, {"item": names}, None, expects(desk), {"kind": "goods", "item": names})
    kept = desk.session.get_one(TradeItem, item.id)
    net_g = grams(label.net_weight_g) if kept.is_catch_weight else None
    serials = (label.serial,) if label.serial and kept.is_serial_controlled else ()
    wanted = PutIn(state["parcel"], state["tote"], item.id, (qty or 1) * each, label.lot_no, net_g, serials)
    packed = packing.put_in(desk.session, wanted, by_scan(desk))
    desk.posting_id = packed.posting_id
    desk.clear_next()
    _set(desk, raw=None, symbology=None, held_qty=None, needs=None)
    return _packed(desk, packed, names, label)


def _scanned(desk: Desk, label: Label) -> list[ScannedItem]:
    """Return the item a label means: of several owners' the one whose goods the tote holds."""
    found = list(catalog.items_by_gtin(desk.session, label.item_gtin or ""))
    if not found:
        raise mistakes.UnknownLabel(label=labels.shown(label))
    tote = _state(desk).get("tote")
    if tote and len(found) > 1:
        held = units.contents(desk.session, [one.id for one in units.tree(desk.session, tote)])
        inside = {one.account.trade_item_id for one in held}
        found.sort(key=lambda one: one.item.id not in inside)
    return found


def _packed(desk: Desk, packed: ParcelItem, names: Mapping[str, str], label: Label) -> Answer:
    parcel = desk.session.get_one(Parcel, packed.parcel_id)
    progress = packing_queries.progress_of(desk.session, parcel.order_id) if parcel.order_id else None
    values = {"qty": packed.qty, "item": names, "sscc": packing_queries.sscc_of(desk.session, parcel)}
    text = N_("%(qty)s × %(item)s packed into %(sscc)s.")
    if progress is not None and progress["received_qty"] >= progress["expected_qty"]:
        text = N_("%(qty)s × %(item)s packed into %(sscc)s: the order is complete. Scan DONE and weigh.")
    understood = {"kind": "goods", "item": names, "lot_no": label.lot_no, "qty": packed.qty}
    answer = Answer(
        Outcome.OK, "packed", text, values, None, expects(desk), understood, progress=progress, is_undoable=True
    )
    return packing_hints.spot(desk.session, answer, parcel)


def _held_label(desk: Desk) -> Label:
    state = _state(desk)
    return gs1.read(state["raw"], state.get("symbology"))


def _parcel(desk: Desk) -> Parcel | None:
    """Return the parcel at work, as long as it is open."""
    parcel_id = _state(desk).get("parcel")
    parcel = desk.session.get(Parcel, parcel_id, populate_existing=True) if parcel_id else None
    return parcel if parcel is not None and parcel.state == "open" else None


def _weight_of(desk: Desk, label: Label) -> int | None:
    """Return the grams that a label of a scale says; a bare number counts only after DONE. Raises BadWeight."""
    for ai, value in label.elements:
        if ai[:3] in ("330", "310") and label.item_gtin is None and label.sscc is None:
            places: int = 10 ** int(ai[3])
            return int(value) * 1000 // places
    awaited = _state(desk).get("needs") == "weight"
    if found := WEIGHT.fullmatch(label.text):
        said = f"{found.group(1)}{found.group(2) or ''}"
    elif awaited and SCALE.fullmatch(label.text):
        said = label.text
    else:
        return None
    read = SCALE.fullmatch(said)
    if read is None:
        raise rules.BadWeight(weight=said or "-")
    whole, part, unit = read.group(1), read.group(2), (read.group(3) or "").upper()
    if part is None:
        return int(whole) * (1000 if unit == "KG" else 1)
    if unit == "G":
        raise rules.BadWeight(weight=said)
    return int(whole) * 1000 + int(part.ljust(3, "0"))


def _close(desk: Desk, weight_g: int) -> Answer:
    parcel = _parcel(desk)
    if parcel is None:
        raise rules.NoParcel
    waybill = _state(desk).get("waybill")
    closed = closing_parcels.close_parcel(desk.session, parcel.id, by_scan(desk), weight_g=weight_g, waybill_no=waybill)
    _set(desk, parcel=None, needs=None, waybill=None)
    sscc = packing_queries.sscc_of(desk.session, parcel)
    values = {"sscc": sscc, "weight_g": weight_g, "expected_g": closed.weighing.expected_g}
    text = N_("Parcel %(sscc)s closed: %(weight_g)s g, %(expected_g)s g expected. Take its label.")
    return _plain(desk, "parcel_closed_now", text, values, {"kind": "parcel", "sscc": sscc})


def _waybill(desk: Desk, number: str) -> Answer:
    if _parcel(desk) is None:
        raise rules.NoParcel
    _set(desk, waybill=number)
    return _plain(desk, "waybill_set", N_("Waybill %(waybill)s goes on this parcel."), {"waybill": number})


def command(desk: Desk, given: Command) -> Answer:
    """Answer a command barcode."""
    match given.verb:
        case Verb.QTY if _state(desk).get("needs") == "weight":  # typed on the number pad instead of WEIGHT
            return _close(desk, given.qty or 1)
        case Verb.QTY:
            desk.context.next_qty = given.qty
            return _plain(desk, "quantity_set", N_("The next label counts %(qty)s times."), {"qty": given.qty})
        case Verb.DONE | Verb.CONFIRM:
            parcel = _parcel(desk)
            if parcel is None:
                raise rules.NoParcel
            _set(desk, needs="weight")
            sscc = packing_queries.sscc_of(desk.session, parcel)
            text = N_("Put parcel %(sscc)s on the scale; scan WEIGHT with the grams, or type them.")
            return _plain(desk, "weight_wanted", text, {"sscc": sscc})
        case Verb.UNDO:
            return _undo(desk, given.text)
        case Verb.BACK:
            return _back(desk)
        case _:
            raise mistakes.NothingToConfirm


def _undo(desk: Desk, key: str | None) -> Answer:
    query = (
        select(ParcelItem)
        .join(Scan, Scan.id == ParcelItem.scan_id)
        .where(Scan.device == desk.device, Scan.job == "pack", ParcelItem.undone_at.is_(None))
    )
    if key is not None:
        query = query.where(Scan.key == key)
    item = desk.session.scalars(query.order_by(ParcelItem.id.desc()).limit(1)).one_or_none()
    if item is None:
        raise mistakes.NothingToUndo
    packing.take_back(desk.session, item.id, by_scan(desk))
    return _plain(desk, "undone", N_("Undone: %(qty)s taken back."), {"qty": item.qty})


def _back(desk: Desk) -> Answer:
    """Take back the last thing said: goods in hand, the weighing, the parcel, the tote, the order, the place."""
    desk.clear_next()
    state = _state(desk)
    for name, also in (("raw", ("symbology", "held_qty")), ("needs", ()), ("parcel", ("waybill",)), ("tote", ())):
        if state.get(name) is not None:
            _set(desk, **dict.fromkeys((name, *also)))
            return _plain(desk, "put_down", N_("Put down. Nothing was booked."))
    if desk.context.document_no:
        desk.context.document_no = None
        return _plain(desk, "order_left", N_("The order is no longer chosen."))
    desk.context.location_id = None
    return _plain(desk, "place_left", N_("The place is no longer chosen."))


def expects(desk: Desk) -> tuple[Expect, ...]:
    """Return what may be scanned next at the packing desk."""
    state = _state(desk)
    if state.get("needs") == "weight":
        return (Expect.WEIGHT, Expect.GOODS)
    if desk.context.location_id is None and state.get("parcel") is None:
        return (Expect.PLACE, Expect.TOTE, Expect.GOODS)
    if state.get("tote") is None or state.get("parcel") is None:
        return (Expect.TOTE, Expect.GOODS)
    return (Expect.GOODS, Expect.CONFIRM)


def _plain(
    desk: Desk,
    code: str,
    text: str,
    values: Mapping[str, Any] | None = None,
    understood: Mapping[str, Any] | None = None,
) -> Answer:
    return Answer(Outcome.OK, code, text, values or {}, None, expects(desk), understood or {})


JOB = Job("pack", follow_screen, command, step, expects)
