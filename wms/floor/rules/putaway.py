"""Put-away: which places may take goods, and which of them is suggested, and why."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from wms.errors import N_
from wms.floor.rules.mistakes import (
    NotAStoragePlace,
    NotBonded,
    NotForBlocked,
    PlaceFull,
    ScanMistake,
    WrongTemperature,
)
from wms.floor.rules.storing_mistakes import ItemsNotMixed, LotsNotMixed, OwnersNotMixed

STORAGE_KINDS = frozenset({"bin", "shop_floor", "quarantine"})
BLOCKED_STATUSES = frozenset({"damaged", "quarantine", "expired"})
# In this order they are tried where nothing else is said; dated value putaway.strategies.
STRATEGIES = ("fixed", "same_lot", "same_item", "velocity", "zone", "empty", "beside", "any")
WHY: dict[str, str] = {
    "fixed": N_("it is the fixed place of these goods"),
    "same_lot": N_("the same goods of the same lot lie there"),
    "same_item": N_("the same goods lie there"),
    "velocity": N_("it is the nearest free place for goods that move as often as these"),
    "zone": N_("it is the nearest place with room in the zone of these goods"),
    "empty": N_("it is the nearest free place"),
    "beside": N_("no place is free; there is room beside other goods"),
    "any": N_("it is the nearest place with room left"),
    "same_unit": N_("the rest of its pallet stands there"),
    "cross_dock": N_("open orders wait for these goods"),
}


@dataclass(frozen=True)
class Goods:
    """Goods that want a place. Weight in grams and volume in mm³ of the whole quantity."""

    item: str | dict[str, str]
    trade_item_id: int
    lot_id: int | None
    qty: int
    weight_g: int
    volume_mm3: int
    temperature_class: str
    is_bonded: bool
    is_blocked: bool = False
    owner_id: int = 0
    velocity_class: str | None = None


@dataclass(frozen=True)
class Place:
    """A place and what lies there now. Limits that are None do not bind; ``sequence`` orders places by their way."""

    id: int
    code: str
    kind: str
    temperature_class: str
    is_bonded: bool
    sequence: int
    max_weight_g: int | None = None
    max_volume_mm3: int | None = None
    used_weight_g: int = 0
    used_volume_mm3: int = 0
    item_ids: frozenset[int] = frozenset()
    lot_ids: frozenset[int] = frozenset()
    max_count: int | None = None
    used_count: int = 0
    mixes_items: bool = True
    mixes_lots: bool = True
    mixes_owners: bool = True
    owner_ids: frozenset[int] = frozenset()
    zone: str | None = None
    velocity_class: str | None = None

    @property
    def is_empty(self) -> bool:
        return not self.item_ids


@dataclass(frozen=True)
class Strategy:
    """One way to look for a place; ``location_id`` belongs to "fixed", ``zone`` to "zone"."""

    name: str
    location_id: int | None = None
    zone: str | None = None


@dataclass(frozen=True)
class Suggestion:
    """A place, the strategy that found it, and in words why this one."""

    place: Place
    strategy: str

    @property
    def why(self) -> str:
        return WHY[self.strategy]


def check_place(goods: Goods, place: Place) -> None:
    """Raise what forbids these goods in this place. No reason overrides it: cold, customs and floor load are law."""
    if place.kind not in STORAGE_KINDS:
        raise NotAStoragePlace(place=place.code, place_kind=place.kind)
    if goods.is_blocked and place.kind != "quarantine":
        raise NotForBlocked(item=goods.item, place=place.code)
    if goods.temperature_class != place.temperature_class:
        raise WrongTemperature(
            item=goods.item, needed=goods.temperature_class, place=place.code, found=place.temperature_class
        )
    if goods.is_bonded and not place.is_bonded:
        raise NotBonded(item=goods.item, place=place.code)
    _check_mix(goods, place)
    if not _fits(goods, place):
        raise PlaceFull(item=goods.item, place=place.code, qty=goods.qty)


def _check_mix(goods: Goods, place: Place) -> None:
    if not place.mixes_items and place.item_ids - {goods.trade_item_id}:
        raise ItemsNotMixed(item=goods.item, place=place.code)
    if not place.mixes_lots and place.lot_ids - {goods.lot_id}:
        raise LotsNotMixed(item=goods.item, place=place.code)
    if not place.mixes_owners and place.owner_ids - {goods.owner_id}:
        raise OwnersNotMixed(item=goods.item, place=place.code)


def _fits(goods: Goods, place: Place) -> bool:
    heavy = place.max_weight_g is not None and place.used_weight_g + goods.weight_g > place.max_weight_g
    bulky = place.max_volume_mm3 is not None and place.used_volume_mm3 + goods.volume_mm3 > place.max_volume_mm3
    many = place.max_count is not None and place.used_count + goods.qty > place.max_count
    return not (heavy or bulky or many)


def may_take(goods: Goods, place: Place) -> bool:
    """Whether :func:`check_place` has nothing against it, and suggesting it makes sense."""
    if (place.kind == "quarantine") != goods.is_blocked:
        return False
    try:
        check_place(goods, place)
    except ScanMistake:
        return False
    return True


def suggest(goods: Goods, places: Iterable[Place]) -> Place | None:
    """Return the place to put goods: with the same item and lot, else the nearest empty one, else beside other items.

    Goods that are not bonded leave bonded places to those that need them. Two lots of one item in a bin cost a picker
    a look at every label, so they come last.
    """

    def rank(place: Place) -> tuple[bool, int, int]:
        same_item = goods.trade_item_id in place.item_ids
        same_lot = same_item and (goods.lot_id is None or goods.lot_id in place.lot_ids)
        company = 0 if same_lot else 1 if place.is_empty else 3 if same_item else 2
        return (place.is_bonded != goods.is_bonded, company, place.sequence)

    return min((place for place in places if may_take(goods, place)), key=rank, default=None)


def suggest_by(
    goods: Goods, strategies: Sequence[Strategy], look: Callable[[Strategy, bool], Iterable[Place]]
) -> Suggestion | None:
    """Return the first place that may take the goods, strategy by strategy.

    ``look`` gives the places that a strategy considers, nearest first, among bonded places (True) or others. Goods that
    are not bonded leave bonded places to those that need them: those are looked at last.
    """
    for bonded in (True,) if goods.is_bonded else (False, True):
        for strategy in strategies:
            for place in look(strategy, bonded):
                if may_take(goods, place):
                    return Suggestion(place, strategy.name)
    return None
