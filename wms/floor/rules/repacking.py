"""Splitting and packing over: which of the goods that lie in a unit are meant, and how many of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from wms.floor.rules.units import NothingNamed, NotSoManyInUnit
from wms.stock.rules import AccountKey


@dataclass(frozen=True)
class Wanted:
    """Goods to be taken: ``qty`` base units of an item, where given of one lot and one quality status.

    ``weight_g`` is what they weigh, where each piece has a weight of its own; ``serials`` their numbers.
    """

    trade_item_id: int
    qty: int
    lot_id: int | None = None
    quality_status: str | None = None
    weight_g: int | None = None
    serials: tuple[str, ...] = ()
    item: str = ""


class Lying(Protocol):
    """What lies somewhere, as far as choosing from it goes."""

    @property
    def account(self) -> AccountKey: ...
    @property
    def free_qty(self) -> int: ...


@dataclass(frozen=True)
class Taken:
    """``qty`` base units of the ``place``-th lying account are taken for the ``wanted``."""

    place: int
    wanted: Wanted
    qty: int


def choose(lying: Sequence[Lying], wanted: Iterable[Wanted], source: str) -> tuple[Taken, ...]:
    """Return what is taken from where, in the order that things lie. Raises NothingNamed, NotSoManyInUnit."""
    left = [one.free_qty for one in lying]
    taken: list[Taken] = []
    for one in wanted:
        open_qty = one.qty
        for place, there in enumerate(lying):
            if open_qty and left[place] and _is_meant(there.account, one):
                part = min(open_qty, left[place])
                taken.append(Taken(place, one, part))
                left[place] -= part
                open_qty -= part
        if open_qty:
            raise NotSoManyInUnit(found=one.qty - open_qty, wanted=one.qty, item=one.item, source=source)
    if not taken:
        raise NothingNamed(field="lines")
    return tuple(taken)


def _is_meant(account: AccountKey, wanted: Wanted) -> bool:
    return (
        account.trade_item_id == wanted.trade_item_id
        and (wanted.lot_id is None or account.lot_id == wanted.lot_id)
        and (wanted.quality_status is None or account.quality_status == wanted.quality_status)
    )
