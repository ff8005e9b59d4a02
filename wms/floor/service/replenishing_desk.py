"""Replenishing by scan: the job Move with the number of a replenishment chosen on the screen."""

import re
from typing import Any

from sqlalchemy import select

from wms.catalog import queries as catalog
from wms.codes.gs1 import Label
from wms.errors import N_
from wms.floor import inside_queries as reads
from wms.floor import queries
from wms.floor.inside_queries import Pile
from wms.floor.rules import mistakes, pieces, replenishing
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.commands import Command, Verb
from wms.floor.service import counting, replenishing_pieces
from wms.floor.service import goods as labels
from wms.floor.service import replenishing as fills
from wms.floor.service.desk import Desk
from wms.floor.tables.replenishing import PickFace, Replenishment, ReplenishmentLine
from wms.parties.tables import Location
from wms.stock.tables import Account

PREFIX = "RP"
NUMBER = re.compile(rf"{PREFIX}[0-9]{{8,}}", re.IGNORECASE)


def is_chosen(desk: Desk) -> bool:
    """Whether a replenishment is chosen on the screen."""
    return (desk.context.document_no or "").startswith(PREFIX)


def is_number(label: Label) -> bool:
    """Whether the number of a replenishment was scanned."""
    return NUMBER.fullmatch(label.text.strip()) is not None


def follow(desk: Desk, number: str, label: Label) -> None:
    """Choose the replenishment on the screen. Raises UnknownReplenishment, ReplenishmentClosed.

    One that others have ended meanwhile can still be left, by DONE or by the number of another one, and undone.
    """
    said = label.text.strip().upper()
    if said == Verb.DONE:
        desk.context.document_no = number
    elif not is_number(label) and not said.startswith(Verb.UNDO):
        choose(desk, number)


def begin(desk: Desk, number: str) -> Answer:
    """Choose a replenishment by its number and say what is taken first. Raises PlaceFirst with goods in hand."""
    pending = desk.context.pending or {}
    if pending.get("needs") in {"place", "pieces"}:
        raise mistakes.PlaceFirst(item=pending["names"])
    choose(desk, number)
    return told(desk)


def begin_next(desk: Desk) -> Answer:
    """Choose the replenishment of the site that waits longest. Raises NoReplenishment."""
    query = (
        select(Replenishment.replenishment_no)
        .join(ReplenishmentLine, ReplenishmentLine.replenishment_id == Replenishment.id)
        .where(Replenishment.site_id == desk.context.site_id, Replenishment.state == "open")
        .where(ReplenishmentLine.state == "open")
        .order_by(Replenishment.id)
        .limit(1)
    )
    number = desk.session.scalar(query)
    if number is None:
        raise replenishing.NoReplenishment
    return begin(desk, number)


def choose(desk: Desk, number: str) -> None:
    """Choose a replenishment. Raises UnknownReplenishment, ReplenishmentClosed."""
    head = fills.by_no(desk.session, number)
    if head.state != "open":
        raise replenishing.ReplenishmentClosed(number=head.replenishment_no)
    desk.context.document_no, desk.context.site_id = head.replenishment_no, head.site_id
    desk.context.location_id = desk.context.pending = None


def _line(desk: Desk) -> ReplenishmentLine:
    """Return the line at work: the one in hand, else the first open one on the way that was not skipped."""
    pending = desk.context.pending or {}
    query = (
        select(ReplenishmentLine)
        .join(Replenishment, Replenishment.id == ReplenishmentLine.replenishment_id)
        .join(Account, Account.id == ReplenishmentLine.account_id)
        .join(Location, Location.id == Account.location_id)
        .where(Replenishment.replenishment_no == desk.context.document_no, ReplenishmentLine.state == "open")
        .order_by(Location.pick_sequence.nulls_last(), ReplenishmentLine.id)
    )
    lines = list(desk.session.scalars(query))
    skipped = set(pending.get("skipped", ()))
    fresh = [line for line in lines if line.id not in skipped] or lines
    chosen = next((line for line in lines if line.id == pending.get("line")), None) or next(iter(fresh), None)
    if chosen is None:
        raise replenishing.ReplenishmentClosed(number=desk.context.document_no)
    return chosen


def _open_line(desk: Desk) -> tuple[ReplenishmentLine, Pile]:
    """Return the line at work and what lies there. Raises NothingThere: the promise ended, and others took it."""
    line = _line(desk)
    piles = reads.piles_in(desk.session, [line.account_id])
    if not piles:
        raise replenishing.NothingThere(place=_place_of(desk, line).code, number=desk.context.document_no)
    return line, piles[0]


def _place_of(desk: Desk, line: ReplenishmentLine) -> Location:
    query = select(Location).join(Account, Account.location_id == Location.id).where(Account.id == line.account_id)
    return desk.session.scalars(query).one()


def _face(desk: Desk, line: ReplenishmentLine) -> Location:
    query = (
        select(Location)
        .join(PickFace, PickFace.location_id == Location.id)
        .join(Replenishment, Replenishment.pick_face_id == PickFace.id)
        .where(Replenishment.id == line.replenishment_id)
    )
    return desk.session.scalars(query).one()


def step(desk: Desk, label: Label) -> Answer:
    """Answer a scan that is no command: the goods that are wanted, or a place."""
    line, pile = _open_line(desk)
    if label.fault is None and (label.item_gtin or label.sscc):
        piece = replenishing_pieces.named(desk, label, pile)
        if piece is not None or replenishing_pieces.is_open(desk):
            return replenishing_pieces.take(desk, label, line, pile, piece, _face(desk, line).code)
        return _goods(desk, label, line, pile)
    place = queries.location_by_code(desk.session, desk.context.site_id or 0, label.text) if label.text else None
    if place is None:
        labels.refuse_unreadable(label)
        raise mistakes.UnknownLabel(label=labels.shown(label))
    if (desk.context.pending or {}).get("needs") in {"place", "pieces"}:
        return _put(desk, line, place)
    if place.id != pile.account.location_id:
        raise replenishing.TakeFromPlace(wanted=pile.place, place=place.code)
    return told(desk)


def _goods(desk: Desk, label: Label, line: ReplenishmentLine, pile: Pile) -> Answer:
    is_unit = label.sscc is not None and label.sscc == pile.sscc
    scanned = catalog.items_by_gtin(desk.session, label.item_gtin) if label.item_gtin else ()
    each = next((one.base_qty for one in scanned if one.item.id == pile.account.trade_item_id), None)
    other_lot = label.lot_no is not None and label.lot_no != pile.lot_no
    if (each is None and not is_unit) or other_lot:
        raise replenishing.OtherGoodsWanted(item=pile.names, lot_no=pile.lot_no or "-", place=pile.place)
    left = line.qty - line.done_qty
    qty = desk.context.next_qty * (each or 1) if desk.context.next_qty else left
    if qty > left:
        raise replenishing.TooManyToReplenish(item=pile.names, left=left, wanted=qty)
    if qty < pile.qty and pile.is_told_apart:
        return replenishing_pieces.ask(desk, line, pile, qty, is_unit=is_unit)
    face = _face(desk, line)
    skipped = (desk.context.pending or {}).get("skipped", [])
    desk.context.pending = {"needs": "place", "line": line.id, "qty": qty, "names": pile.names, "skipped": skipped}
    desk.clear_next()
    text = N_("%(qty)s × %(item)s in hand. Take them to %(place)s and scan it.")
    values = {"qty": qty, "item": pile.names, "place": face.code}
    return Answer(Outcome.OK, "taken_in_hand", text, values, None, (Expect.PLACE,), _understood(pile, qty))


def _understood(pile: Pile, qty: int) -> dict[str, Any]:
    return {"kind": "goods", "item": pile.names, "lot_no": pile.lot_no, "sscc": pile.sscc, "qty": qty}


def _put(desk: Desk, line: ReplenishmentLine, place: Location) -> Answer:
    face = _face(desk, line)
    if place.id != face.id:
        raise replenishing.OtherPlaceWanted(wanted=face.code, place=place.code)
    pending = dict(desk.context.pending or {})
    in_hand = replenishing_pieces.in_hand(pending)
    qty = pieces.count(in_hand) if in_hand else int(pending["qty"])
    desk.context.pending = {"skipped": pending.get("skipped", [])}
    _, desk.posting_id = fills.carry(
        desk.session, line.id, qty, key=f"scan:{desk.key}", at=desk.event_at, device=desk.device, in_hand=in_hand
    )
    values = {"qty": qty, "item": pending["names"], "place": face.code, "number": desk.context.document_no}
    text = N_("%(qty)s × %(item)s filled into %(place)s.")
    if _left_when_done(desk, line):
        text = N_("%(qty)s × %(item)s filled into %(place)s: %(number)s is done.")
    return Answer(Outcome.OK, "replenished", text, values, None, expects(desk), is_undoable=True)


def _left_when_done(desk: Desk, line: ReplenishmentLine) -> bool:
    """Leave the replenishment when nothing of it is open any more."""
    is_done = desk.session.get_one(Replenishment, line.replenishment_id).state != "open"
    if is_done:
        desk.context.document_no = desk.context.pending = None
    return is_done


def told(desk: Desk) -> Answer:
    """Say what is to be taken next, and from where."""
    line, pile = _open_line(desk)
    text = N_("Take %(qty)s × %(item)s, lot %(lot_no)s, from %(place)s.")
    values = {
        "qty": line.qty - line.done_qty,
        "item": pile.names,
        "lot_no": pile.lot_no or "-",
        "place": pile.place,
    }
    return Answer(Outcome.OK, "replenish_from", text, values, None, (Expect.GOODS, Expect.PLACE))


def command(desk: Desk, given: Command) -> Answer | None:
    """Answer a command that means something of its own here; None for those that every move understands."""
    pending = desk.context.pending or {}
    match given.verb:
        case Verb.NEXT:
            line = _line(desk)
            desk.context.pending = {"skipped": [*pending.get("skipped", []), line.id]}
            return told(desk)
        case Verb.SHORT:
            return _short(desk)
        case Verb.DONE | Verb.CONFIRM if replenishing_pieces.is_open(desk):
            line, pile = _open_line(desk)
            return replenishing_pieces.done(desk, pile, _face(desk, line).code)
        case Verb.DONE:
            desk.context.document_no = desk.context.pending = None
            return Answer(Outcome.OK, "replenishment_left", N_("The replenishment is left."), expects=expects(desk))
        case _:
            return None


def _short(desk: Desk) -> Answer:
    """Fewer lie there than the books say: the line ends with what was carried, and the place is counted."""
    line = _line(desk)
    place = _place_of(desk, line)
    fills.end_short(desk.session, line.id)
    number = desk.context.document_no or ""
    item_id = desk.session.get_one(Account, line.account_id).trade_item_id
    count_no = counting.trigger(desk.session, place.id, item_id, f"short replenishment {number}")
    desk.context.pending = {"skipped": (desk.context.pending or {}).get("skipped", [])}
    _left_when_done(desk, line)
    text = N_("Noted: too few in %(place)s. It will be counted (%(count)s).")
    values = {"place": place.code, "count": count_no}
    return Answer(Outcome.WARN, "replenish_short", text, values, None, expects(desk))


def expects(desk: Desk) -> tuple[Expect, ...]:
    """Return what may be scanned next."""
    needs = (desk.context.pending or {}).get("needs")
    if needs == "pieces":
        return replenishing_pieces.EXPECTS
    return (Expect.PLACE,) if needs == "place" else (Expect.GOODS, Expect.PLACE)
