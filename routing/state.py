"""A plan in the making: which box or loose bill each consignment is in, exact to the fen, with moves that can be
undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from routing.packing import Item, Packed, pack
from routing.paths import Group, Path, Paths
from routing.tariff import LOOSE, Offer

UNSERVED = -1


@dataclass(slots=True, eq=False)
class Box:
    """One unit of equipment, or the loose bill of a group (`offer` None)."""

    g: int
    offer: int | None
    volume_cm3: int = 0
    weight_g: int = 0
    price_minor: int = 0
    teu: int = 0
    kg: int = 0
    items: dict[int, None] = field(default_factory=dict)


class State:
    """Boxes, loose bills, allotment used and the total in fen. Every change goes through `put` and `take` and is
    journalled.
    """

    def __init__(self, paths: Paths, unserved_minor: dict[int, int]) -> None:
        self.paths = paths
        self.groups: tuple[Group, ...] = paths.groups
        goods = paths.problem.consignments
        self.volume = [one.volume_cm3 for one in goods]
        self.weight = [one.weight_g for one in goods]
        self.unserved_minor = unserved_minor
        self.ways: tuple[tuple[Path, ...], ...] = paths.by_consignment
        self.way: dict[int, int] = dict.fromkeys(unserved_minor, UNSERVED)
        self.box: dict[int, Box] = {}
        self.boxes: dict[int, list[Box]] = {}
        self.loose: dict[int, Box] = {}
        self.total_minor = sum(unserved_minor.values())
        self.legs = [
            tuple((leg.id, leg.service.capacity_unit == "teu") for leg in group.segment.legs) for group in paths.groups
        ]
        self.left = {leg.id: leg.capacity for group in paths.groups for leg in group.segment.legs}
        self._loose_offers = [tuple(offer for offer in group.offers if offer.kind == LOOSE) for group in paths.groups]
        self._loose_set = [
            frozenset(i for i, offer in enumerate(group.offers) if offer.kind == LOOSE) for group in paths.groups
        ]
        self._journal: list[Callable[[], None]] = []
        self.touched: dict[int, Box] = {}
        self.cuts: dict[int, list[tuple[str, frozenset[int]]]] = {}

    # --- undo -----------------------------------------------------------------------------------------------

    def mark(self) -> int:
        """A point to come back to with `back`."""
        return len(self._journal)

    def back(self, mark: int) -> None:
        """Undo everything since the mark."""
        while len(self._journal) > mark:
            self._journal.pop()()

    def forget(self) -> None:
        """Keep everything done so far."""
        self._journal.clear()
        self.touched.clear()

    # --- the loader's refusals ------------------------------------------------------------------------------

    def cut(self, code: str, ks: Iterable[int]) -> None:
        """These consignments, and any set that holds them, cannot be loaded into one box of this code."""
        refused = frozenset(ks)
        for k in refused:
            self.cuts.setdefault(k, []).append((code, refused))

    def refused(self, k: int, box: Box) -> bool:
        """Whether a cut forbids the consignment in this box beside what is in it."""
        if box.offer is None or k not in self.cuts:
            return False
        code = self.groups[box.g].offers[box.offer].code
        return any(code == kind and all(other == k or other in box.items for other in ks) for kind, ks in self.cuts[k])

    # --- prices ---------------------------------------------------------------------------------------------

    def priced(self, box: Box, volume_cm3: int, weight_g: int) -> tuple[int, int, int] | None:
        """Price, TEU and flight kg of the box with another load; None where it does not fit. Empty costs nothing."""
        if not volume_cm3:
            return 0, 0, 0
        if box.offer is not None:
            offer = self.groups[box.g].offers[box.offer]
            if volume_cm3 > offer.full_cm3() or weight_g > offer.full_g():
                return None
            if not offer.extra_max:
                return offer.fixed_minor, offer.teu, offer.kg
            return self._with_extra(offer, volume_cm3, weight_g)
        best: tuple[int, int, int] | None = None
        for offer in self._loose_offers[box.g]:
            priced = self._with_extra(offer, volume_cm3, weight_g)
            if priced is not None and (best is None or priced[0] < best[0]):
                best = priced
        return best

    @staticmethod
    def _with_extra(offer: Offer, volume_cm3: int, weight_g: int) -> tuple[int, int, int] | None:
        extra = offer.units(volume_cm3, weight_g)
        if extra is None:
            return None
        price = offer.fixed_minor - (-(extra * offer.extra_rate_minor) // offer.per_units)
        return price, offer.teu, offer.leg_kg(extra)

    def room(self, g: int, teu: int, kg: int) -> bool:
        """Whether every leg of the group still has this much allotment."""
        return all((teu if in_teu else kg) <= self.left[leg] for leg, in_teu in self.legs[g])

    def left_on(self, g: int) -> tuple[int, int]:
        """TEU and flight kg left for the group: the least over its legs (a large number where no leg counts it)."""
        teu = min((self.left[leg] for leg, in_teu in self.legs[g] if in_teu), default=10**9)
        kg = min((self.left[leg] for leg, in_teu in self.legs[g] if not in_teu), default=10**9)
        return teu, kg

    def tight(self) -> bool:
        """Whether a leg has no room left for one more of the largest unit that it carries."""
        for g, group in enumerate(self.groups):
            teu, kg = self.left_on(g)
            need = [(offer.teu, offer.leg_kg(offer.extra_max) if offer.kind != LOOSE else 0) for offer in group.offers]
            if any(one > teu or other > kg for one, other in need):
                return True
        return False

    # --- the two changes ------------------------------------------------------------------------------------

    def _set(self, box: Box, volume_cm3: int, weight_g: int, priced: tuple[int, int, int]) -> None:
        price, teu, kg = priced
        self.touched[id(box)] = box
        self.total_minor += price - box.price_minor
        if teu != box.teu or kg != box.kg:
            for leg, in_teu in self.legs[box.g]:
                self.left[leg] -= (teu - box.teu) if in_teu else (kg - box.kg)
        box.volume_cm3, box.weight_g, box.price_minor, box.teu, box.kg = volume_cm3, weight_g, price, teu, kg

    def take(self, k: int) -> None:
        """Take a consignment out of its box; it is unserved until put again."""
        box, way = self.box.pop(k), self.way[k]
        old = (box.volume_cm3, box.weight_g, (box.price_minor, box.teu, box.kg))
        priced = self.priced(box, box.volume_cm3 - self.volume[k], box.weight_g - self.weight[k])
        assert priced is not None
        self._set(box, box.volume_cm3 - self.volume[k], box.weight_g - self.weight[k], priced)
        del box.items[k]
        self.way[k] = UNSERVED
        self.total_minor += self.unserved_minor[k] - self.ways[k][way].cost_minor
        if not box.items and box.offer is not None:
            self.boxes[box.g].remove(box)

        def undo() -> None:
            if not box.items and box.offer is not None:
                self.boxes[box.g].append(box)
            box.items[k] = None
            self.box[k], self.way[k] = box, way
            self.total_minor -= self.unserved_minor[k] - self.ways[k][way].cost_minor
            self._set(box, *old)

        self._journal.append(undo)

    def put(self, k: int, way: int, box: Box, priced: tuple[int, int, int]) -> None:
        """Put an unserved consignment on one of its paths into a box whose new price is known from `cost_to_put`."""
        old = (box.volume_cm3, box.weight_g, (box.price_minor, box.teu, box.kg))
        if not box.items and box.offer is not None:
            self.boxes.setdefault(box.g, []).append(box)
        self._set(box, box.volume_cm3 + self.volume[k], box.weight_g + self.weight[k], priced)
        box.items[k] = None
        self.box[k], self.way[k] = box, way
        self.total_minor += self.ways[k][way].cost_minor - self.unserved_minor[k]

        def undo() -> None:
            del box.items[k], self.box[k]
            self.way[k] = UNSERVED
            self.total_minor -= self.ways[k][way].cost_minor - self.unserved_minor[k]
            self._set(box, *old)
            if not box.items and box.offer is not None:
                self.boxes[box.g].remove(box)

        self._journal.append(undo)

    # --- asking ---------------------------------------------------------------------------------------------

    def loose_of(self, g: int) -> Box | None:
        """The loose bill of a group, or None where it sells no loose space."""
        if not self._loose_offers[g]:
            return None
        if g not in self.loose:
            self.loose[g] = Box(g, None)
        return self.loose[g]

    def cost_to_put(self, k: int, way: int, box: Box) -> tuple[int, tuple[int, int, int]] | None:
        """Fen that the plan changes by, leaving the unserved price aside, and the box's new price; None where it
        does not fit or the loader refused it there.
        """
        path = self.ways[k][way]
        if box.offer is not None:
            if box.offer not in path.offers:
                return None
        elif self._loose_set[box.g].isdisjoint(path.offers):
            return None
        priced = self.priced(box, box.volume_cm3 + self.volume[k], box.weight_g + self.weight[k])
        if priced is None or not self.room(box.g, priced[1] - box.teu, priced[2] - box.kg):
            return None
        if self.cuts and self.refused(k, box):
            return None
        return path.cost_minor + priced[0] - box.price_minor, priced

    def best_put(
        self, k: int, *, new: bool, skip: Box | None = None, alone: bool = False
    ) -> tuple[int, int, Box, tuple[int, int, int]] | None:
        """The cheapest place for an unserved consignment: (fen, path, box, box's new price); `new`: may open a
        box for it alone; `alone`: shares no box, a loose bill at most.
        """
        best: tuple[int, int, Box, tuple[int, int, int]] | None = None
        for index, path in enumerate(self.ways[k]):
            if best is not None and path.cost_minor >= best[0]:
                continue
            places = [] if alone else list(self.boxes.get(path.g, ()))
            loose = self.loose_of(path.g)
            if loose is not None:
                places.append(loose)
            if new:
                places.extend(Box(path.g, o) for o in path.offers if self.groups[path.g].offers[o].kind != LOOSE)
            for box in places:
                if box is skip:
                    continue
                cost = self.cost_to_put(k, index, box)
                if cost is not None and (best is None or cost[0] < best[0]):
                    best = (cost[0], index, box, cost[1])
        return best

    def insert(self, k: int, *, new: bool, skip: Box | None = None) -> bool:
        """Put the consignment at its cheapest place, if that beats leaving it behind."""
        found = self.best_put(k, new=new, skip=skip)
        if found is None or found[0] >= self.unserved_minor[k]:
            return False
        self.put(k, found[1], found[2], found[3])
        return True

    def members(self, g: int) -> list[int]:
        """The consignments of a group, boxed and loose, in order."""
        held = [k for box in self.boxes.get(g, ()) for k in box.items]
        if g in self.loose:
            held.extend(self.loose[g].items)
        return sorted(held)

    def item(self, k: int, path: Path) -> Item:
        """The consignment as the packing sees it."""
        return Item(k, self.volume[k], self.weight[k], path.offers)

    def repack(self, g: int, ks: list[int], ways: dict[int, int]) -> bool:
        """Pack unserved consignments of an empty group afresh on the given paths; False where they cannot all go."""
        group = self.groups[g]
        teu, kg = self.left_on(g)
        packed = pack([self.item(k, self.ways[k][ways[k]]) for k in ks], group.offers, teu, kg)
        return packed is not None and self._lay(g, packed, ways)

    def _lay(self, g: int, packed: Packed, ways: dict[int, int]) -> bool:
        mark = self.mark()
        places = [(Box(g, offer), ks) for offer, ks in packed.boxes]
        loose = self.loose_of(g) if packed.loose else None
        if loose is not None:
            places.append((loose, packed.loose))
        for box, ks in places:
            for k in ks:
                cost = self.cost_to_put(k, ways[k], box)
                if cost is None:
                    self.back(mark)
                    return False
                self.put(k, ways[k], box, cost[1])
        return True
