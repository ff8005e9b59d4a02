"""Put-away: which places may take goods, and which of them is suggested."""

from collections.abc import Iterable
from dataclasses import dataclass

from wms.floor.rules.mistakes import (
    NotAStoragePlace,
    NotBonded,
    NotForBlocked,
    PlaceFull,
    WrongTemperature,
)

STORAGE_KINDS = frozenset({"bin", "shop_floor", "quarantine"})
BLOCKED_STATUSES = frozenset({"damaged", "quarantine", "expired"})


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

    @property
    def is_empty(self) -> bool:
        return not self.item_ids


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
    if not _fits(goods, place):
        raise PlaceFull(item=goods.item, place=place.code, qty=goods.qty)


def _fits(goods: Goods, place: Place) -> bool:
    heavy = place.max_weight_g is not None and place.used_weight_g + goods.weight_g > place.max_weight_g
    bulky = place.max_volume_mm3 is not None and place.used_volume_mm3 + goods.volume_mm3 > place.max_volume_mm3
    return not (heavy or bulky)


def may_take(goods: Goods, place: Place) -> bool:
    """Whether :func:`check_place` has nothing against it, and suggesting it makes sense."""
    if place.kind not in STORAGE_KINDS or (place.kind == "quarantine") != goods.is_blocked:
        return False
    return (
        goods.temperature_class == place.temperature_class
        and (place.is_bonded or not goods.is_bonded)
        and _fits(goods, place)
    )


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
