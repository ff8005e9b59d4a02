"""The desk for moves: where you stand, then what you take, then where you put it; or the goods first, then the place.

A pallet says itself where it lies, so a place scanned before a pallet that lies elsewhere is where it goes.
"""

from typing import TYPE_CHECKING

from sqlalchemy import select

from wms.catalog import queries as catalog
from wms.catalog.queries import ScannedItem
from wms.codes.gs1 import Label
from wms.errors import N_
from wms.floor import inside_queries as reads
from wms.floor import place_queries, queries
from wms.floor.inside_queries import Names, Pile
from wms.floor.rules import mistakes, moving
from wms.floor.rules.answers import Answer, Outcome
from wms.floor.rules.commands import Command, Verb
from wms.floor.service import goods as labels
from wms.floor.service import inside_undo, moving_pieces, putting_away, replenishing, replenishing_desk
from wms.floor.service import moving_board as boards
from wms.floor.service.desk import Desk, pending_label
from wms.floor.service.jobs import Job
from wms.floor.service.moving import already_moved
from wms.floor.service.moving_board import Taken
from wms.floor.service.moving_hand import Hand, expects, put, understood
from wms.stock.tables import HandlingUnit

if TYPE_CHECKING:
    from wms.floor.service.scanning import TakeScan


def follow_screen(desk: Desk, scan: "TakeScan", label: Label) -> None:
    """Make the site and the replenishment on the screen the desk's own."""
    putting_away.follow_screen(desk, scan, label)
    if scan.document_no and scan.document_no != desk.context.document_no:
        replenishing_desk.follow(desk, scan.document_no, label)


def step(desk: Desk, label: Label) -> Answer:
    """Answer a scan that is no command: goods, or a place."""
    if desk.context.site_id is None:
        raise mistakes.NoSite
    if replenishing_desk.is_number(label):
        return replenishing_desk.begin(desk, label.text)
    if replenishing_desk.is_chosen(desk):
        return replenishing_desk.step(desk, label)
    if label.fault is None and (label.item_gtin or label.sscc):
        needs = (desk.context.pending or {}).get("needs")
        if moving_pieces.is_open(desk) and (needs == "pieces" or label.serial):
            return moving_pieces.go_on(desk, label)
        if needs == "place":
            raise mistakes.PlaceFirst(item=desk.context.pending["names"])  # type: ignore[index]
        desk.context.pending = None
        return _goods(desk, label, desk.context.location_id)
    place = queries.location_by_code(desk.session, desk.context.site_id, label.text) if label.text else None
    if place is not None:
        return _place(desk, place.id, place.code)
    labels.refuse_unreadable(label)
    raise mistakes.UnknownLabel(label=labels.shown(label))


def _goods(desk: Desk, label: Label, here: int | None) -> Answer:
    begun = moving_pieces.begin(desk, label, here, _piles_loose)
    if begun is not None:
        return begun
    hand = _hand(desk, label, here)
    asked = moving_pieces.ask(desk, label, hand.taken, hand.named) if hand.unit is None else None
    if asked is not None:
        return asked
    if hand.unit is not None and here is not None and here != hand.from_id:
        return put(desk, hand, here)
    desk.keep("place", label, names=hand.name, from_id=hand.from_id)
    text = N_("%(qty)s × %(item)s from %(place)s. Scan where you put it.")
    if hand.unit is not None:
        text = N_("%(item)s with %(qty)s pieces from %(place)s. Scan where you put it.")
    return Answer(
        Outcome.OK,
        "taken_in_hand",
        text,
        {"qty": hand.qty, "item": hand.name, "place": hand.taken[0].pile.place},
        expects=expects(desk),
        understood=understood(hand),
    )


def _place(desk: Desk, place_id: int, code: str) -> Answer:
    if moving_pieces.is_open(desk):
        return moving_pieces.put_down(desk, place_id)
    if (desk.context.pending or {}).get("needs") == "place":
        pending = desk.take_pending()
        return put(desk, _hand(desk, pending_label(pending), pending["from_id"], was_taken=True), place_id)
    desk.context.location_id = place_id
    text = N_("At %(place)s. Scan what you take from here, or a pallet that you put here.")
    understood = {"kind": "place", "place": code}
    return Answer(Outcome.OK, "place_chosen", text, {"place": code}, None, expects(desk), understood)


def _hand(desk: Desk, label: Label, here: int | None, *, was_taken: bool = False) -> Hand:
    """Return the goods that a label names. ``was_taken``: they were in hand already, so they must still lie ``here``.

    Raises UnknownUnit, UnitEmpty, AlreadyMoved, UnknownLabel, NothingLoose, NotHere, FromWhere and what taking raises.
    """
    if label.sscc:
        return _unit(desk, label, here if was_taken else None)
    return Hand(_loose(desk, label, here), None, ())


def _unit(desk: Desk, label: Label, here: int | None) -> Hand:
    session = desk.session
    unit = session.scalars(select(HandlingUnit).where(HandlingUnit.sscc == label.sscc)).one_or_none()
    if unit is None:
        raise moving.UnknownUnit(sscc=label.sscc)
    tree = tuple(reads.nested(session, [unit.id])[unit.id])
    piles = [pile for pile in reads.piles_on(session, tree) if pile.account.site_id == desk.context.site_id]
    if here is not None and (not piles or piles[0].account.location_id != here):
        raise already_moved(session, unit, tree)
    if not piles:
        raise moving.UnitEmpty(sscc=unit.sscc)
    if desk.context.next_qty is None and label.gtin is None:
        return Hand(boards.whole(session, piles), unit, tree)
    return Hand(_off_unit(desk, label, unit, piles), None, (), unit)


def _off_unit(desk: Desk, label: Label, unit: HandlingUnit, piles: list[Pile]) -> list[Taken]:
    items = {pile.account.trade_item_id for pile in piles}
    scanned = catalog.items_by_gtin(desk.session, label.gtin) if label.gtin else ()
    named = {one.item.id: one.base_qty for one in scanned if one.item.id in items}
    if not named and len(items) > 1:
        raise moving.WholeUnitOnly(sscc=unit.sscc)
    item_id, each = next(iter(named.items())) if named else (next(iter(items)), 1)
    of_item = [pile for pile in piles if pile.account.trade_item_id == item_id]
    return boards.part(desk.session, of_item, (desk.context.next_qty or 1) * each, label.lot_no)


def _loose(desk: Desk, label: Label, here: int | None) -> list[Taken]:
    piles, found = _piles_loose(desk, label, here)
    each = {one.item.id: one.base_qty for one in found}
    wanted = (desk.context.next_qty or label.count or 1) * each[piles[0].account.trade_item_id]
    return boards.part(desk.session, piles, wanted, label.lot_no)


def _piles_loose(desk: Desk, label: Label, here: int | None) -> tuple[list[Pile], list[ScannedItem]]:
    """Return what lies loose of the goods that a label names, in one place. Raises what :func:`_hand` says."""
    assert desk.context.site_id is not None
    found = catalog.items_by_gtin(desk.session, label.item_gtin) if label.item_gtin else ()
    if not found:
        raise mistakes.UnknownLabel(label=labels.shown(label))
    piles = [
        pile
        for pile in reads.piles_of(desk.session, desk.context.site_id, {one.item.id for one in found})
        if pile.account.handling_unit_id is None and (label.lot_no is None or pile.lot_no == label.lot_no)
    ]
    names: Names = {"zh": found[0].item.name_zh, "en": found[0].item.name_en}
    if not piles:
        raise moving.NothingLoose(item=names)
    here = _from_where(desk, names, piles, here)
    return [pile for pile in piles if pile.account.location_id == here], list(found)


def _from_where(desk: Desk, names: Names, piles: list[Pile], here: int | None) -> int:
    lying = {pile.account.location_id: pile.place for pile in piles}
    codes = ", ".join(sorted(lying.values())[:5])
    if here is not None:
        if here not in lying:
            place = place_queries.place(desk.session, here).code
            raise moving.NotHere(item=names, place=place, places=codes)
        return here
    if len(lying) > 1:
        raise moving.FromWhere(item=names, places=codes)
    return next(iter(lying)) or 0


def bring(desk: Desk, unit: HandlingUnit, place_id: int) -> Answer:
    """Book a unit, with all that stands in it, to the place where it stands.

    Raises what the rules of the place, reservations and the ledger forbid.
    """
    tree = tuple(reads.nested(desk.session, [unit.id])[unit.id])
    return put(desk, Hand(boards.whole(desk.session, reads.piles_on(desk.session, tree)), unit, tree), place_id)


def command(desk: Desk, given: Command) -> Answer:
    """Answer a command barcode."""
    own = replenishing_desk.command(desk, given) if replenishing_desk.is_chosen(desk) else None
    if own is not None:
        return own
    match given.verb:
        case Verb.QTY:
            desk.context.next_qty = given.qty or 1
            if desk.context.pending:
                desk.context.pending = {**desk.context.pending, "qty": given.qty}
            text = N_("The next label counts %(qty)s times.")
            return Answer(Outcome.OK, "quantity_set", text, {"qty": given.qty}, None, expects(desk))
        case Verb.DONE | Verb.CONFIRM if moving_pieces.is_open(desk):
            return moving_pieces.done(desk)
        case Verb.UNDO:
            return _undo(desk, given.text)
        case Verb.BACK:
            return _back(desk)
        case Verb.NEXT if not desk.context.pending:
            return replenishing_desk.begin_next(desk)
        case _:
            raise mistakes.NothingToConfirm


def _undo(desk: Desk, key: str | None) -> Answer:
    if (desk.context.pending or {}).get("needs") and key is None:
        return _back(desk)
    scan = inside_undo.last_posted(desk, key)
    number = replenishing.take_back(desk.session, inside_undo.reverse(desk, scan), desk.event_at)
    desk.context.document_no = number or desk.context.document_no
    text = N_("Undone: the goods lie where they were before.")
    return Answer(Outcome.OK, "move_undone", text, {"key": scan.key}, expects=expects(desk))


def _back(desk: Desk) -> Answer:
    desk.clear_next()
    if moving_pieces.is_open(desk):
        return moving_pieces.back(desk)
    if desk.context.pending:
        desk.context.pending = None
        return Answer(Outcome.OK, "put_down", N_("Put down. Nothing was booked."), expects=expects(desk))
    desk.context.location_id = None
    return Answer(Outcome.OK, "place_left", N_("The place is no longer chosen."), expects=expects(desk))


JOB = Job("move", follow_screen, command, step, expects)
