"""The board on which a list of moves is laid out before any is posted.

Everything that a list touches is read at once; each move then sees what the ones before it in the list have done, so
that two moves of one list cannot take the same goods or fill the same space twice.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.orm import Session

from wms.floor import inside_queries as reads
from wms.floor.inside_queries import Pile
from wms.floor.rules import moving
from wms.floor.rules.putaway import Goods, Place
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line


@dataclass(frozen=True)
class Taken:
    """``qty`` base units of a pile that a move carries away; which pieces, where they are told apart."""

    pile: Pile
    qty: int
    weight_g: int | None = None
    serials: tuple[str, ...] = ()


@dataclass
class Board:
    """Piles and places of a list of moves, kept up to date while the list is laid out."""

    places: dict[int, Place] = field(default_factory=dict)
    _piles: dict[AccountKey, Pile] = field(default_factory=dict)
    _in_place: dict[int, list[AccountKey]] = field(default_factory=lambda: defaultdict(list))
    _on_unit: dict[int, list[AccountKey]] = field(default_factory=lambda: defaultdict(list))

    def lay(self, piles: Iterable[Pile]) -> None:
        """Put piles on the board."""
        for pile in piles:
            if pile.account not in self._piles:
                self._index(pile.account)
            self._piles[pile.account] = pile

    def _index(self, account: AccountKey) -> None:
        if account.location_id is not None:
            self._in_place[account.location_id].append(account)
        if account.handling_unit_id is not None:
            self._on_unit[account.handling_unit_id].append(account)

    def loose(self, location_id: int, item_id: int) -> list[Pile]:
        """Return what lies loose of an item in a place, good stock first."""
        return [pile for pile in self._at(location_id, item_id) if pile.account.handling_unit_id is None]

    def _at(self, location_id: int, item_id: int) -> list[Pile]:
        piles = (self._piles[account] for account in self._in_place[location_id])
        return [pile for pile in piles if pile.qty > 0 and pile.account.trade_item_id == item_id]

    def on(self, unit_ids: Iterable[int]) -> list[Pile]:
        """Return everything that stands on these units."""
        piles = (self._piles[account] for unit_id in unit_ids for account in self._on_unit[unit_id])
        return [pile for pile in piles if pile.qty > 0]

    def carry(self, taken: list[Taken], location_id: int, *, as_unit: bool) -> list[Line]:
        """Move what was taken to a place, on the board and as ledger lines; without its unit unless ``as_unit``.

        Raises what :func:`wms.floor.rules.moving.check_move` forbids, in which case the board stays as it was.
        """
        lines: list[Line] = []
        place = self.places[location_id]
        for one in taken:
            place = with_goods(place, one)
        for one in taken:
            lines += self._carry_one(one, location_id, as_unit=as_unit)
        self.places[location_id] = place
        return lines

    def _carry_one(self, one: Taken, location_id: int, *, as_unit: bool) -> tuple[Line, Line]:
        account = one.pile.account
        unit_id = account.handling_unit_id if as_unit else None
        target = replace(account, location_id=location_id, handling_unit_id=unit_id)
        here = self._piles[account]
        self._piles[account] = replace(here, qty=here.qty - one.qty)
        there = self._piles.get(target)
        if there is None:
            self._index(target)
            there = replace(here, account=target, account_id=0, qty=0, reserved=0, place=self.places[location_id].code)
        self._piles[target] = replace(there, qty=there.qty + one.qty)
        if account.location_id in self.places:
            self.places[account.location_id] = _without(self.places[account.location_id], goods_of(here, one.qty))
        return ledger.moved(account, target, one.qty, weight_g=one.weight_g, serials=one.serials)


def goods_of(pile: Pile, qty: int) -> Goods:
    """Return a part of a pile as the rules see it."""
    return Goods(
        pile.names,
        pile.account.trade_item_id,
        pile.account.lot_id,
        qty,
        qty * pile.gross_weight_g,
        qty * pile.volume_mm3,
        pile.temperature_class,
        pile.is_bonded,
        pile.is_blocked,
        pile.account.owner_id,
    )


def with_goods(place: Place, taken: Taken) -> Place:
    """Return a place as it is with the goods in it. Raises what the rules forbid."""
    goods = goods_of(taken.pile, taken.qty)
    moving.check_move(goods, place)
    return replace(
        place,
        used_weight_g=place.used_weight_g + goods.weight_g,
        used_volume_mm3=place.used_volume_mm3 + goods.volume_mm3,
        used_count=place.used_count + goods.qty,
        item_ids=place.item_ids | {goods.trade_item_id},
        owner_ids=place.owner_ids | {goods.owner_id},
        lot_ids=place.lot_ids | ({goods.lot_id} if goods.lot_id is not None else frozenset()),
    )


def _without(place: Place, goods: Goods) -> Place:
    return replace(
        place,
        used_weight_g=place.used_weight_g - goods.weight_g,
        used_volume_mm3=place.used_volume_mm3 - goods.volume_mm3,
        used_count=place.used_count - goods.qty,
    )


def whole(session: Session, piles: list[Pile]) -> list[Taken]:
    """Take everything that stands on a unit. Raises ReservedFor where a part of it is promised to a document."""
    for pile in piles:
        refuse_reserved(session, pile, pile.qty)
    return [Taken(pile, pile.qty) for pile in piles]


def part(session: Session, piles: list[Pile], qty: int, lot_no: str | None) -> list[Taken]:
    """Take ``qty`` base units of one item from its piles in one place; blocked goods only where nothing else lies.

    Raises LotUnclear, OwnerUnclear, NotEnoughHere, ReservedFor.
    """
    first = piles[0]
    of_lot = [pile for pile in piles if lot_no is None or pile.lot_no == lot_no]
    _refuse_unclear(of_lot or piles, first)
    sound = [pile for pile in of_lot if not pile.is_blocked] or of_lot
    lying = sum(pile.qty for pile in sound)
    if lying < qty:
        raise moving.NotEnoughHere(item=first.names, place=first.place, left=lying, wanted=qty)
    taken: list[Taken] = []
    left = qty
    for pile in sound:
        here = min(left, pile.free)
        if here > 0:
            taken.append(Taken(pile, here))
            left -= here
    if left > 0:
        for pile in sound:
            refuse_reserved(session, pile, pile.qty)
    return taken


def _refuse_unclear(piles: list[Pile], first: Pile) -> None:
    lots = sorted({pile.lot_no or "-" for pile in piles})
    if len(lots) > 1:
        raise moving.LotUnclear(item=first.names, place=first.place, lots=", ".join(lots))
    owners = {pile.account.owner_id: pile.owner for pile in piles}
    if len(owners) > 1:
        shown = {name: ", ".join(owner[name] for owner in owners.values()) for name in ("zh", "en")}
        raise moving.OwnerUnclear(item=first.names, place=first.place, owners=shown)


def refuse_reserved(session: Session, pile: Pile, wanted: int) -> None:
    """Raise ReservedFor where so many of a pile are not free, with the document that holds them."""
    if pile.free < wanted:
        raise moving.ReservedFor(
            item=pile.names,
            place=pile.place,
            reserved=pile.reserved,
            document=reads.holder(session, pile.account_id),
        )


def moment(at: datetime, taken: Iterable[Taken]) -> datetime:
    """Return when a move counts as happened: not earlier than what brought the goods (handhelds' clocks differ)."""
    return max([at, *(one.pile.last_event_at for one in taken)])
