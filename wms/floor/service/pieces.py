"""Pieces that are scanned one by one: which piece a label names, and from which pile each is taken."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from wms.catalog.queries import ScannedItem
from wms.codes.gs1 import Label
from wms.floor import inside_queries as reads
from wms.floor import piece_queries
from wms.floor.inside_queries import Pile
from wms.floor.piece_queries import SerialSpot
from wms.floor.rules import moving, piece_mistakes
from wms.floor.rules import pieces as rules
from wms.floor.rules.pieces import Control, Piece
from wms.floor.service import moving_board as boards
from wms.floor.service.moving_board import Taken
from wms.stock.rules import AccountKey


def control_of(scanned: ScannedItem) -> Control:
    """Return by what the pieces of a scanned item are told apart."""
    item = scanned.item
    return Control({"zh": item.name_zh, "en": item.name_en}, item.is_serial_controlled, item.is_catch_weight)


def is_filed(session: Session, trade_item_id: int, serial: str) -> bool:
    """Whether a number of this item was ever received."""
    return bool(piece_queries.spots(session, trade_item_id, [serial]))


def named(scanned: ScannedItem, label: Label, next_qty: int | None) -> Piece | None:
    """Return the piece that a label names; None where it names none, or the item's pieces are all alike."""
    qty = (label.count or 1) * scanned.base_qty
    return rules.named(control_of(scanned), label.serial, label.net_weight_g, qty, next_qty or 1)


def kept(pending: dict[str, Any]) -> tuple[Piece, ...]:
    """Return the pieces that a handheld's context remembers."""
    return tuple(Piece(**one) for one in pending.get("pieces", ()))


def where(session: Session, trade_item_id: int, serial: str, control: Control, site_id: int | None) -> SerialSpot:
    """Return where a number lies in this site. Raises UnknownSerial, SerialGone."""
    spot = piece_queries.spots(session, trade_item_id, [serial]).get(serial)
    if spot is None:
        raise piece_mistakes.UnknownSerial(serial=serial, item=dict(control.names))
    if spot.location_id is None or spot.site_id != site_id:
        raise piece_mistakes.SerialGone(serial=serial, item=dict(control.names))
    return spot


def taken_by_serial(session: Session, trade_item_id: int, pieces: Sequence[Piece]) -> list[Taken]:
    """Return numbered pieces as they are taken, from the accounts in which they lie now. Raises ReservedFor."""
    spots = piece_queries.spots(session, trade_item_id, rules.serials_of(pieces))
    by_account: dict[int, list[Piece]] = {}
    for piece in pieces:
        if piece.serial in spots:
            by_account.setdefault(spots[piece.serial].account_id, []).append(piece)
    taken: list[Taken] = []
    for pile in reads.piles_in(session, by_account):
        mine = by_account[pile.account_id]
        boards.refuse_reserved(session, pile, len(mine))
        taken.append(Taken(pile, len(mine), rules.weight_of(mine), rules.serials_of(mine)))
    return taken


def taken_by_weight(
    session: Session, piles: list[Pile], pieces: Sequence[Piece], lot_no: str | None
) -> list[Taken]:
    """Return weighed pieces as they are taken: from pile after pile, in the order in which they were scanned.

    Raises LotUnclear, OwnerUnclear, NotEnoughHere, ReservedFor, WeightOfOne.
    """
    taken: list[Taken] = []
    left: Sequence[Piece] = pieces
    parts = boards.part(session, piles, rules.count(pieces), lot_no)
    for one in parts:
        mine, left = rules.fitting(left, one.pile.free)
        if mine:
            taken.append(Taken(one.pile, rules.count(mine), rules.weight_of(mine)))
    if left:  # a carton that would be taken from two piles: only who weighs its pieces can say what stays in each
        raise piece_mistakes.WeightOfOne(item=parts[0].pile.names, qty=left[0].qty)
    return taken


def named_out_of(
    session: Session, piles: Sequence[Pile], serials: Sequence[str], weight_g: int | None
) -> list[Taken]:  # fmt: skip
    """Return pieces as they are taken out of piles of one item, by their numbers.

    Raises UnknownSerial, SerialNotHere, ReservedFor, WeightUnclear, WeightMissing.
    """
    first = piles[0]
    control = piece_queries.control_of(session, first.account.trade_item_id)
    spots = piece_queries.spots(session, first.account.trade_item_id, serials)
    mine: dict[int, list[str]] = {}
    for serial in dict.fromkeys(serials):
        spot = spots.get(serial)
        if spot is None:
            raise piece_mistakes.UnknownSerial(serial=serial, item=dict(control.names))
        mine.setdefault(spot.account_id, []).append(serial)
    by_account = {pile.account_id: pile for pile in piles}
    for account_id, numbers in mine.items():
        if account_id not in by_account:
            raise not_here(spots[numbers[0]], control, first.place)
        boards.refuse_reserved(session, by_account[account_id], len(numbers))
    taken = [Taken(by_account[one], len(numbers), None, tuple(numbers)) for one, numbers in mine.items()]
    return with_weight(session, taken, weight_g)


def with_weight(session: Session, taken: list[Taken], weight_g: int | None) -> list[Taken]:
    """Return what is taken with its grams. Raises WeightUnclear, SerialMissing, WeightMissing."""
    if weight_g is not None and len(taken) > 1:
        pile = taken[0].pile
        raise moving.WeightUnclear(qty=sum(one.qty for one in taken), item=pile.names, place=pile.place)
    weighed = [replace(one, weight_g=weight_g) for one in taken]
    refuse_parts(session, weighed)
    return weighed


def too_heavy(session: Session, taken: Sequence[Taken]) -> piece_mistakes.WeightsDiffer:
    """Return the mistake that says what was named of goods and what the books say of them."""
    pile = taken[0].pile
    named = sum(one.qty for one in taken), sum(one.weight_g or 0 for one in taken)
    return weights_differ(session, [one.pile.account for one in taken], named, pile.names, pile.place)


def weights_differ(
    session: Session, accounts: Collection[AccountKey], in_hand: tuple[int, int], names: Mapping[str, str], place: str
) -> piece_mistakes.WeightsDiffer:  # fmt: skip
    """Return the mistake that says what was scanned (pieces, grams) and what the books say of these accounts."""
    qty, weight_g = in_hand
    held, held_g = piece_queries.held(session, accounts)
    return piece_mistakes.WeightsDiffer(
        qty=qty, weight_g=weight_g, item=dict(names), place=place, held=held, held_g=held_g
    )


def refuse_parts(session: Session, taken: Sequence[Taken]) -> None:
    """Raise SerialMissing or WeightMissing where a part of a pile is meant and its pieces were not named.

    Who takes all that lies in an account need not name them: only one answer is possible.
    """
    for one in taken:
        if one.qty < one.pile.qty and one.pile.is_told_apart and not one.serials and one.weight_g is None:
            rules.refuse_unnamed(piece_queries.control_of(session, one.pile.account.trade_item_id))


def not_here(spot: SerialSpot, control: Control, here: str) -> piece_mistakes.SerialNotHere:
    """Return the mistake that names both places."""
    names = dict(control.names)
    return piece_mistakes.SerialNotHere(serial=spot.serial, item=names, place=spot.place or "-", here=here)


def is_overtaken(taken: Sequence[Taken], pieces: Sequence[Piece]) -> bool:
    """Whether pieces in hand lie elsewhere by now."""
    lying = {one.pile.account.location_id for one in taken}
    return len(lying) > 1 or sum(one.qty for one in taken) < rules.count(pieces)
