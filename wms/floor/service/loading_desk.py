"""The loading desk: a vehicle, then what goes on it; or a unit first and its vehicle after. UNLOAD takes one off."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from wms.catalog import queries as catalog
from wms.codes import gs1, plates
from wms.codes.gs1 import Label
from wms.errors import N_
from wms.floor import leaving_queries as units
from wms.floor import loading_queries, queries
from wms.floor.rules import loading as rules
from wms.floor.rules import mistakes
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.commands import Command, Verb
from wms.floor.service import goods as labels
from wms.floor.service import loading, opening_loads, unloading
from wms.floor.service.acting import by_scan
from wms.floor.service.departing import close_load
from wms.floor.service.desk import Desk
from wms.floor.service.jobs import Job
from wms.floor.service.loading import Loaded, LooseGoods
from wms.floor.service.putting_away import choose_site
from wms.floor.service.scanning import TakeScan
from wms.floor.tables.loading import LoadUnit, VehicleLoad
from wms.floor.tables.scans import Scan
from wms.parties.tables import Location

UNLOAD = "UNLOAD"
LOOSE_KINDS = frozenset({"dock", "staging", "chute", "packing"})


def follow_screen(desk: Desk, scan: TakeScan, _label: Label) -> None:
    """Make the site and the load that the screen shows the chosen ones. Raises NoSite."""
    if scan.site_code:
        before = desk.context.site_id
        choose_site(desk, scan.site_code)
        if before != desk.context.site_id:
            desk.context.document_no = None
    if scan.document_no and (desk.context.document_no or "").upper() != scan.document_no.upper():
        load = loading_queries.load_by_no(desk.session, scan.document_no)
        if load is not None and load.site_id == desk.context.site_id:
            desk.context.document_no = load.load_no


def _load(desk: Desk) -> VehicleLoad:
    number = desk.context.document_no
    load = loading_queries.load_by_no(desk.session, number) if number else None
    if load is None:
        raise rules.LoadFirst
    return load


def step(desk: Desk, label: Label) -> Answer:
    """Answer a unit, goods, a vehicle, a load's number, a place or a seal."""
    if desk.context.site_id is None:
        raise mistakes.NoSite
    if label.fault is None and label.sscc:
        return _unit(desk, label)
    if label.fault is None and label.item_gtin:
        return _loose(desk, label)
    if label.text and label.fault is None:
        if (desk.context.pending or {}).get("needs") == "seal":
            return _close(desk, label.text)
        if label.text.upper() == UNLOAD:
            return _unloading(desk)
        load = _named_load(desk, label.text)
        if load is not None:
            return _choose(desk, load)
        place = queries.location_by_code(desk.session, desk.context.site_id, label.text)
        if place is not None:
            return _place(desk, place)
        if label.text.upper().startswith("LD"):
            raise rules.UnknownLoad(load=label.text[:40])
    labels.refuse_unreadable(label)
    raise mistakes.UnknownLabel(label=labels.shown(label))


def _named_load(desk: Desk, text: str) -> VehicleLoad | None:
    assert desk.context.site_id is not None
    load = loading_queries.load_by_no(desk.session, text)
    if load is None and plates.is_plate(text):
        load = loading_queries.load_of_plate(desk.session, desk.context.site_id, plates.normalise(text))
        if load is None:
            raise rules.UnknownLoad(load=text[:40])
    return load if load is not None and load.site_id == desk.context.site_id else None


def _choose(desk: Desk, load: VehicleLoad) -> Answer:
    if load.state != "open":
        raise rules.LoadNotOpen(load=load.load_no, state=load.state)
    desk.context.document_no = load.load_no
    pending = desk.context.pending or {}
    if pending.get("needs") == "vehicle":
        desk.context.pending = None
        return _unit(desk, gs1.read(pending["raw"], pending["symbology"]))
    desk.context.pending = None
    values = {"plate": load.vehicle_plate, "load": load.load_no}
    text = N_("Loading %(plate)s (%(load)s). Scan what goes on it.")
    return _plain(desk, "load_chosen", text, values, {"kind": "vehicle", **values})


def _place(desk: Desk, place: Location) -> Answer:
    if (desk.context.pending or {}).get("needs") == "unload":
        desk.context.pending = {"needs": "unload", "place": place.id}
        text = N_("What is unloaded goes to %(place)s. Scan it.")
        return _plain(desk, "unload_to", text, {"place": place.code}, {"kind": "place", "place": place.code})
    if place.kind not in LOOSE_KINDS:
        raise mistakes.WrongPlace(place=place.code, place_kind=place.kind)
    desk.context.location_id = place.id
    text = N_("Loading from %(place)s.")
    return _plain(desk, "loading_from", text, {"place": place.code}, {"kind": "place", "place": place.code})


def _unit(desk: Desk, label: Label) -> Answer:
    assert label.sscc is not None
    if desk.context.document_no is None:
        if units.unit_by_sscc(desk.session, label.sscc) is None:
            raise rules.UnknownUnit(sscc=label.sscc)
        desk.context.pending = {"needs": "vehicle", "raw": label.text, "symbology": label.symbology}
        text = N_("%(sscc)s in hand. Now scan the vehicle or the load.")
        return _plain(desk, "vehicle_wanted", text, {"sscc": label.sscc}, {"kind": "unit", "sscc": label.sscc})
    load = _load(desk)
    pending = desk.context.pending or {}
    if pending.get("needs") == "unload":
        row = unloading.take_off(desk.session, load.id, label.sscc, by_scan(desk), pending.get("place"))
        desk.context.pending = None
        text = N_("%(sscc)s taken off %(plate)s.")
        values = {"sscc": label.sscc, "plate": load.vehicle_plate}
        return _plain(desk, "unloaded", text, values, {"kind": "unit", "sscc": label.sscc, "row": row.id})
    loaded = loading.put_on(desk.session, load.id, label.sscc, by_scan(desk))
    desk.posting_id = loaded.row.posting_id
    desk.context.pending = None
    said: dict[str, Any] = {"sscc": label.sscc, "plate": load.vehicle_plate}
    return _loaded(desk, load, loaded, {**said, "qty": loaded.qty, "stop": loaded.row.stop_no or 0})


def _loaded(desk: Desk, load: VehicleLoad, loaded: Loaded, values: Mapping[str, Any]) -> Answer:
    understood = {"kind": "unit", "sscc": values["sscc"], "qty": loaded.qty, "units": loaded.unit_count}
    progress = progress_of(desk, load)
    if loaded.is_in_the_way:
        return Answer(
            Outcome.WARN,
            "loaded_in_the_way",
            N_("%(sscc)s for stop %(stop)s stands before goods that get off earlier."),
            values,
            N_("Load the last stop first. Scan UNDO and reload in reverse order, or leave it."),
            expects(desk),
            understood,
            progress=progress,
            is_undoable=True,
        )
    text = N_("%(sscc)s is on %(plate)s (%(qty)s pieces).")
    return Answer(
        Outcome.OK, "loaded", text, values, None, expects(desk), understood, progress=progress, is_undoable=True
    )


def _loose(desk: Desk, label: Label) -> Answer:
    load = _load(desk)
    place_id = desk.context.location_id or load.dock_id
    if place_id is None:
        raise mistakes.WrongPlace(place="-", place_kind="-")
    found = catalog.items_by_gtin(desk.session, label.item_gtin or "")
    if not found:
        raise mistakes.UnknownLabel(label=labels.shown(label))
    qty = (desk.context.next_qty or 1) * found[0].base_qty
    wanted = LooseGoods(place_id, tuple(one.item.id for one in found), qty, label.lot_no)
    loaded = loading.put_on_loose(desk.session, load.id, wanted, by_scan(desk))
    desk.posting_id = loaded.row.posting_id
    desk.clear_next()
    item = found[0].item
    names = {"zh": item.name_zh, "en": item.name_en}
    values = {"qty": qty, "item": names, "plate": load.vehicle_plate}
    text = N_("%(qty)s × %(item)s is on %(plate)s.")
    understood = {"kind": "goods", "item": names, "qty": qty}
    return Answer(
        Outcome.OK, "loaded_loose", text, values, None, expects(desk), understood, progress=progress_of(desk, load),
        is_undoable=True,
    )  # fmt: skip


def _unloading(desk: Desk) -> Answer:
    _load(desk)
    desk.context.pending = {"needs": "unload"}
    return _plain(desk, "unload_wanted", N_("Scan what comes off the vehicle, or first the place it goes to."))


def command(desk: Desk, given: Command) -> Answer:
    """Answer a command barcode."""
    match given.verb:
        case Verb.QTY:
            desk.context.next_qty = given.qty
            return _plain(desk, "quantity_set", N_("The next label counts %(qty)s times."), {"qty": given.qty})
        case Verb.CONFIRM if (desk.context.pending or {}).get("needs") == "seal":
            return _close(desk, None)
        case Verb.DONE | Verb.CONFIRM:
            load = _load(desk)
            opening_loads.changeable(desk.session, load.id)
            desk.context.pending = {"needs": "seal"}
            text = N_("Scan the seal of %(plate)s, or CONFIRM to close it without one.")
            return _plain(desk, "seal_wanted", text, {"plate": load.vehicle_plate})
        case Verb.UNDO:
            return _undo(desk, given.text)
        case Verb.BACK:
            return _back(desk)
        case _:
            raise mistakes.NothingToConfirm


def _close(desk: Desk, seal_no: str | None) -> Answer:
    load = _load(desk)
    desk.context.pending = None
    closing = close_load(desk.session, load.id, by_scan(desk), seal_no=seal_no[:40] if seal_no else None)
    values = {"plate": load.vehicle_plate, "load": load.load_no}
    if closing.is_closed:
        desk.context.document_no = None
        text = N_("%(plate)s is closed (%(load)s).")
        return _plain(desk, "load_closed", text, values, {"kind": "vehicle", **values})
    assert closing.proof is not None
    wrong = [line for line in closing.proof.body["lines"] if line["difference"]]
    first = f"{wrong[0]['item']} {wrong[0]['difference']:+d}" if wrong else closing.proof.body["extras"][0]["item"]
    return Answer(
        Outcome.STOP,
        "load_differs",
        N_("%(plate)s does not hold what its pass says: %(first)s and %(more)s more differences."),
        {**values, "first": first, "more": len(wrong) + len(closing.proof.body["extras"]) - 1},
        N_("Look at the proof, load what is missing, unload what is too much, then scan DONE again."),
        expects(desk),
        {"kind": "vehicle", **values},
    )


def _undo(desk: Desk, key: str | None) -> Answer:
    query = (
        select(LoadUnit)
        .join(Scan, Scan.id == LoadUnit.scan_id)
        .where(Scan.device == desk.device, Scan.job == "load")
        .where(LoadUnit.unloaded_at.is_(None), LoadUnit.left_at.is_(None), LoadUnit.with_unit_id.is_(None))
    )
    if key is not None:
        query = query.where(Scan.key == key)
    row = desk.session.scalars(query.order_by(LoadUnit.id.desc()).limit(1)).one_or_none()
    if row is None:
        raise mistakes.NothingToUndo
    load, _ = opening_loads.changeable(desk.session, row.load_id)
    unloading.take_off_row(desk.session, load, row, by_scan(desk))
    return _plain(desk, "undone", N_("Undone: %(qty)s taken back."), {"qty": row.qty or 1})


def _back(desk: Desk) -> Answer:
    desk.clear_next()
    if desk.context.pending:
        desk.context.pending = None
        return _plain(desk, "put_down", N_("Put down. Nothing was booked."))
    if desk.context.location_id is not None:
        desk.context.location_id = None
        return _plain(desk, "place_left", N_("The place is no longer chosen."))
    desk.context.document_no = None
    return _plain(desk, "vehicle_left", N_("The vehicle is no longer chosen."))


def progress_of(desk: Desk, load: VehicleLoad) -> dict[str, Any] | None:
    """Return what the pass names and what of it is on the vehicle, for the screen; None without a pass."""
    if load.gate_pass_id is None:
        return None
    inside = loading_queries.items_on(desk.session, load.id)
    lines = []
    for line in loading_queries.pass_lines(desk.session, load.gate_pass_id):
        part = min(inside.get(line.trade_item_id, 0), line.qty)
        inside[line.trade_item_id] = inside.get(line.trade_item_id, 0) - part
        names = {"zh": line.name_zh, "en": line.name_en}
        lines.append(
            {"line_no": line.line_no, "item": names, "lot_no": None, "expected_qty": line.qty, "received_qty": part}
        )
    return {
        "notice": load.load_no,
        "expected_qty": sum(line["expected_qty"] for line in lines),
        "received_qty": sum(line["received_qty"] for line in lines),
        "lines": lines,
    }


def expects(desk: Desk) -> tuple[Expect, ...]:
    """Return what may be scanned next at the loading desk."""
    needs = (desk.context.pending or {}).get("needs")
    if needs == "vehicle" or desk.context.document_no is None:
        return (Expect.VEHICLE, Expect.GOODS)
    if needs == "seal":
        return (Expect.CONFIRM,)
    if needs == "unload":
        return (Expect.GOODS, Expect.PLACE)
    return (Expect.GOODS, Expect.CONFIRM)


def _plain(
    desk: Desk,
    code: str,
    text: str,
    values: Mapping[str, Any] | None = None,
    understood: Mapping[str, Any] | None = None,
) -> Answer:
    return Answer(Outcome.OK, code, text, values or {}, None, expects(desk), understood or {})


JOB = Job("load", follow_screen, command, step, expects)
