"""The desk for counts: scan the place, then what lies in it, then CONFIRM; an empty place is just confirmed.

Counts are blind: the desk never tells what the books say unless the order allows it.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import any_, literal, select

from wms.catalog import queries as catalog
from wms.catalog.queries import Item
from wms.codes.gs1 import Label
from wms.errors import N_
from wms.floor import inside_queries as reads
from wms.floor import queries
from wms.floor.inside_queries import Names, Pile
from wms.floor.rules import counting, mistakes, moving
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.commands import Command, Verb
from wms.floor.rules.counting import Key
from wms.floor.service import counting as orders
from wms.floor.service import counting_round as rounds
from wms.floor.service import goods as labels
from wms.floor.service import moving_desk, putting_away
from wms.floor.service.desk import Desk, lot_id
from wms.floor.service.inside_people import current_person
from wms.floor.service.jobs import Job
from wms.floor.tables.counts import Count, CountLine, CountPlace
from wms.parties.tables import Location
from wms.stock.tables import HandlingUnit

if TYPE_CHECKING:
    from wms.floor.service.scanning import TakeScan


def follow_screen(desk: Desk, scan: "TakeScan", label: Label) -> None:
    """Make the site and the count on the screen the desk's own. Raises UnknownCount, CountClosed."""
    putting_away.follow_screen(desk, scan, label)
    if scan.document_no != desk.context.document_no:
        if scan.document_no and orders.by_no(desk.session, scan.document_no).state != "open":
            raise counting.CountClosed(count=scan.document_no)
        desk.context.document_no = scan.document_no
        desk.context.location_id, desk.context.pending = None, None


def step(desk: Desk, label: Label) -> Answer:
    """Answer a scan that is no command: a place, or goods that lie in it."""
    if desk.context.site_id is None:
        raise mistakes.NoSite
    if label.fault is None and (label.item_gtin or label.sscc):
        return _goods(desk, label)
    place = queries.location_by_code(desk.session, desk.context.site_id, label.text) if label.text else None
    if place is not None:
        return _place(desk, place)
    labels.refuse_unreadable(label)
    raise mistakes.UnknownLabel(label=labels.shown(label))


def _place(desk: Desk, place: Location) -> Answer:
    chosen = _chosen(desk)
    if chosen is not None and chosen.location_id == place.id:
        return _at(desk, place, chosen)
    if chosen is not None and rounds.is_begun(desk.session, chosen):
        _finish(desk)  # the next place ends the one before it; one where nothing was counted is only left
    person_id = current_person(desk.session)
    if person_id is None:
        raise counting.NobodyCounts
    count = orders.by_no(desk.session, desk.context.document_no) if desk.context.document_no else None
    round_ = rounds.take(desk.session, place.id, person_id, desk.event_at, count)
    desk.context.location_id = place.id
    desk.context.pending = {"count_place": round_.id}
    return _at(desk, place, round_)


def _at(desk: Desk, place: Location, round_: CountPlace) -> Answer:
    count = desk.session.get_one(Count, round_.count_id)
    values: dict[str, Any] = {"place": place.code, "count": count.count_no}
    text = N_("Counting %(place)s (%(count)s). Scan everything that lies here, then CONFIRM.")
    if round_.trade_item_id is not None:
        item = catalog.item(desk.session, round_.trade_item_id)
        values["item"] = _names(item) if item else "-"
        text = N_("Counting %(item)s in %(place)s (%(count)s). Scan all of it, then CONFIRM.")
    if not count.is_blind:
        values["book"] = sum(pile.qty for pile in rounds.piles(desk.session, round_))
        text = N_("Counting %(place)s (%(count)s): the books say %(book)s. Scan everything, then CONFIRM.")
    understood = {"kind": "place", "place": place.code}
    return Answer(Outcome.OK, "count_started", text, values, None, expects(desk), understood)


def _names(item: Item) -> Names:
    return {"zh": item.name_zh, "en": item.name_en}


def _chosen(desk: Desk) -> CountPlace | None:
    """Return the round that this device is at work on, locked; None once it was finished or taken from it."""
    number = (desk.context.pending or {}).get("count_place")
    if number is None:
        return None
    query = select(CountPlace).where(CountPlace.id == number, CountPlace.state == "counting").with_for_update()
    return desk.session.scalars(query).one_or_none()


def _required(desk: Desk) -> CountPlace:
    found = _chosen(desk)
    if found is None:
        raise counting.NoPlaceToCount
    return found


def _goods(desk: Desk, label: Label) -> Answer:
    round_ = _required(desk)
    if label.sscc and label.gtin is None and desk.context.next_qty is None:
        return _whole_unit(desk, round_, label)
    key, names, qty = _counted(desk, round_, label)
    if round_.trade_item_id not in {None, key.trade_item_id}:
        item = catalog.item(desk.session, round_.trade_item_id or 0)
        place = desk.session.get_one(Location, round_.location_id).code
        raise counting.CountItemOnly(item=_names(item) if item else "-", place=place)
    total = rounds.add(desk.session, round_, key, qty, desk.event_at)
    return _told(desk, round_, [(key, qty)], names, qty, total)


def _told(
    desk: Desk, round_: CountPlace, parts: list[tuple[Key, int]], name: str | Names, qty: int, total: int
) -> Answer:  # fmt: skip
    desk.context.pending = {"count_place": round_.id, "last": [[*key, part] for key, part in parts]}
    desk.clear_next()
    return Answer(
        Outcome.OK,
        "counted",
        N_("%(qty)s × %(item)s counted, %(total)s in all."),
        {"qty": qty, "item": name, "total": total},
        expects=expects(desk),
        understood={"kind": "goods", "item": name, "qty": qty},
        is_undoable=True,
    )


def _whole_unit(desk: Desk, round_: CountPlace, label: Label) -> Answer:
    """Count a unit as what the books have on it. One that the books have elsewhere is asked about first."""
    session = desk.session
    unit = _unit(desk, label.sscc or "")
    piles = reads.piles_on(session, reads.nested(session, [unit.id])[unit.id])
    if not piles:
        raise counting.UnitNeedsContents(sscc=unit.sscc)
    if piles[0].account.location_id != round_.location_id:
        desk.context.pending = {"count_place": round_.id, "needs": "here", "sscc": unit.sscc}
        return Answer(
            Outcome.WARN,
            "unit_elsewhere",
            N_("The books have %(sscc)s in %(place)s. Scan CONFIRM to book it here."),
            {"sscc": unit.sscc, "place": piles[0].place},
            N_("Scan CONFIRM, or BACK to leave it for the supervisor."),
            (Expect.CONFIRM, Expect.GOODS),
        )
    return _count_unit(desk, round_, unit, piles)


def _count_unit(desk: Desk, round_: CountPlace, unit: HandlingUnit, piles: list[Pile]) -> Answer:
    seen = select(CountLine.id).where(
        CountLine.count_place_id == round_.id,
        CountLine.counted_qty > 0,
        CountLine.handling_unit_id.in_({pile.account.handling_unit_id for pile in piles}),
    )
    if desk.session.scalar(seen.limit(1)) is not None:
        raise counting.UnitCountedTwice(sscc=unit.sscc)
    sums: dict[Key, int] = {}
    for pile in piles:
        if round_.trade_item_id in {None, pile.account.trade_item_id}:
            sums[rounds.key_of(pile.account)] = sums.get(rounds.key_of(pile.account), 0) + pile.qty
    for key, qty in sums.items():
        rounds.add(desk.session, round_, key, qty, desk.event_at)
    total = sum(sums.values())
    return _told(desk, round_, list(sums.items()), unit.sscc, total, total)


def _unit(desk: Desk, sscc: str) -> HandlingUnit:
    unit = desk.session.scalars(select(HandlingUnit).where(HandlingUnit.sscc == sscc)).one_or_none()
    if unit is None:
        raise moving.UnknownUnit(sscc=sscc)
    return unit


def _counted(desk: Desk, round_: CountPlace, label: Label) -> tuple[Key, Names, int]:
    """Return the key, the name and the base units that a label with an item stands for."""
    session, here = desk.session, rounds.piles(desk.session, round_)
    unit = _unit(desk, label.sscc) if label.sscc else None
    if label.item_gtin is None:
        items = {pile.account.trade_item_id for pile in here if unit and pile.account.handling_unit_id == unit.id}
        item = catalog.item(session, next(iter(items))) if len(items) == 1 else None
        if item is None:
            raise counting.UnitNeedsContents(sscc=label.sscc)
        each = 1
    else:
        item, each = _item(desk, label, here)
    lot_no = label.lot_no
    if item.is_lot_controlled and not lot_no:
        lots = {pile.lot_no for pile in here if unit and pile.account.handling_unit_id == unit.id}
        if len(lots) != 1:
            raise mistakes.LotMissing(item=_names(item))
        lot_no = next(iter(lots))
    lot = lot_id(session, item.id, lot_no, label.last_use_on, label.produced_on)
    unit_id = unit.id if unit else _only_unit(here, item, lot)
    qty = (desk.context.next_qty or label.count or 1) * each
    return Key(item.owner_id, item.id, lot, unit_id), _names(item), qty


def _item(desk: Desk, label: Label, here: list[Pile]) -> tuple[Item, int]:
    """Return the item that a GTIN means here: the owner's whose goods lie in the place, else the only one there is."""
    assert label.item_gtin is not None
    found = catalog.items_by_gtin(desk.session, label.item_gtin)
    if not found:
        raise mistakes.UnknownLabel(label=labels.shown(label))
    lying = {pile.account.trade_item_id for pile in here}
    likely = [one for one in found if one.item.id in lying] or list(found)
    if len({one.item.owner_id for one in likely}) > 1:
        first = likely[0].item
        owners = {
            "zh": ", ".join(one.item.owner_name_zh for one in likely),
            "en": ", ".join(one.item.owner_name_en for one in likely),
        }
        place = desk.session.get_one(Location, desk.context.location_id).code
        raise moving.OwnerUnclear(item=_names(first), place=place, owners=owners)
    return likely[0].item, likely[0].base_qty


def _only_unit(here: list[Pile], item: Item, lot: int | None) -> int | None:
    """Return the unit that goods counted piece by piece stand on, where the books have them on that one alone."""
    units = {
        pile.account.handling_unit_id
        for pile in here
        if pile.account.trade_item_id == item.id and pile.account.lot_id == lot
    }
    return next(iter(units)) if len(units) == 1 else None


def command(desk: Desk, given: Command) -> Answer:
    """Answer a command barcode."""
    pending = desk.context.pending or {}
    match given.verb:
        case Verb.QTY:
            desk.context.next_qty = given.qty or 1
            text = N_("The next label counts %(qty)s times.")
            return Answer(Outcome.OK, "quantity_set", text, {"qty": given.qty}, None, expects(desk))
        case Verb.CONFIRM if pending.get("needs") == "here":
            return _book_here(desk, pending["sscc"])
        case Verb.CONFIRM | Verb.DONE:
            return _finish(desk)
        case Verb.UNDO:
            return _undo(desk)
        case Verb.BACK:
            return _back(desk)
        case Verb.NEXT:
            return _next(desk)
        case _:
            raise mistakes.NothingToConfirm


def _book_here(desk: Desk, sscc: str) -> Answer:
    """Book a unit to the place where it was found, and count it."""
    round_ = _required(desk)
    unit = _unit(desk, sscc)
    moving_desk.bring(desk, unit, round_.location_id)
    piles = reads.piles_on(desk.session, reads.nested(desk.session, [unit.id])[unit.id])
    return replace(_count_unit(desk, round_, unit, piles), is_undoable=False)


def _finish(desk: Desk) -> Answer:
    round_ = _required(desk)
    code = desk.session.get_one(Location, round_.location_id).code
    done = rounds.finish(desk.session, round_, desk.event_at, today_at=desk.event_at)
    desk.context.location_id, desk.context.pending = None, None
    desk.clear_next()
    values = {"place": code, "found": done.found, "again": done.recounted, "waiting": done.waiting}
    if done.recounted:
        text = N_("%(place)s is counted. It differs: a colleague counts it again.")
        return Answer(Outcome.WARN, "recount_wanted", text, values, None, expects(desk))
    if done.waiting:
        text = N_("%(place)s is counted. A supervisor decides on the difference.")
        return Answer(Outcome.WARN, "difference_waits", text, values, None, expects(desk))
    text = N_("%(place)s is counted.")
    return Answer(Outcome.OK, "place_counted", text, values, None, expects(desk))


def _undo(desk: Desk) -> Answer:
    last = (desk.context.pending or {}).get("last")
    round_ = _chosen(desk)
    if not last or round_ is None:
        raise mistakes.NothingToUndo
    for owner_id, item_id, lot, unit_id, qty in last:
        line = desk.session.scalars(
            select(CountLine).where(
                CountLine.count_place_id == round_.id,
                CountLine.owner_id == owner_id,
                CountLine.trade_item_id == item_id,
                CountLine.lot_id.is_not_distinct_from(lot),
                CountLine.handling_unit_id.is_not_distinct_from(unit_id),
            )
        ).one()
        rounds.take_back(desk.session, line.id, qty)
    desk.context.pending = {"count_place": round_.id}
    qty = sum(one[4] for one in last)
    return Answer(Outcome.OK, "count_undone", N_("Taken back: %(qty)s less."), {"qty": qty}, None, expects(desk))


def _back(desk: Desk) -> Answer:
    desk.clear_next()
    pending = desk.context.pending or {}
    if pending.get("needs") == "here":
        desk.context.pending = {"count_place": pending["count_place"]}
        return Answer(Outcome.OK, "put_down", N_("Put down. Nothing was booked."), expects=expects(desk))
    desk.context.location_id, desk.context.pending = None, None
    text = N_("The place is left; what you counted is kept until you come back to it.")
    return Answer(Outcome.OK, "place_left", text, expects=expects(desk))


def _next(desk: Desk) -> Answer:
    """Name the next place of the count that this person may count."""
    person_id = current_person(desk.session)
    query = (
        select(Location.code)
        .join(CountPlace, CountPlace.location_id == Location.id)
        .join(Count, Count.id == CountPlace.count_id)
        .where(CountPlace.state == "open", Count.site_id == desk.context.site_id)
        .order_by(CountPlace.round.desc(), Location.pick_sequence.nulls_last(), CountPlace.id)
    )
    if person_id is not None:
        query = query.where(~(literal(person_id) == any_(CountPlace.barred_ids)))
    if desk.context.document_no:
        query = query.where(Count.count_no == desk.context.document_no)
    code = desk.session.scalar(query.limit(1))
    if code is None:
        return Answer(Outcome.OK, "nothing_left", N_("No place is left to count."), expects=expects(desk))
    return Answer(Outcome.OK, "next_place", N_("Go to %(place)s and scan it."), {"place": code}, None, expects(desk))


def expects(desk: Desk) -> tuple[Expect, ...]:
    """Return what may be scanned next at the desk for counts."""
    if (desk.context.pending or {}).get("needs") == "here":
        return (Expect.CONFIRM, Expect.GOODS)
    if desk.context.location_id is None:
        return (Expect.PLACE,)
    return (Expect.GOODS, Expect.CONFIRM, Expect.PLACE)


JOB = Job("count", follow_screen, command, step, expects)
