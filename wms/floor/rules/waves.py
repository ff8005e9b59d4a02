"""Waves: which orders are worked together, and how their picks are cut into rounds. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from wms.errors import N_, Kind, WmsError

METHODS = ("discrete", "batch", "cluster", "zone")


class NoOrdersForWave(WmsError):
    """Nothing waits that the rule would gather."""

    code = "no_orders_for_wave"
    kind = Kind.CONFLICT
    text = N_("No order that waits fits this rule.")


class WaveNotOpen(WmsError):
    """The wave was released, called off or ended before."""

    code = "wave_not_open"
    kind = Kind.CONFLICT
    text = N_("Wave %(wave)s is %(state)s; this can no longer be done.")


class WavePicked(WmsError):
    """Goods of it stand in totes already."""

    code = "wave_picked"
    kind = Kind.CONFLICT
    text = N_("%(qty)s units of wave %(wave)s are picked already. Undo the picks first, then call it off.")


class NoPackingPlace(WmsError):
    """Picked goods would have nowhere to stand."""

    code = "no_packing_place"
    kind = Kind.CONFLICT
    text = N_("Site %(site)s has no packing or staging place that may take these goods.")


class NotAPackingPlace(WmsError):
    """The place named is for something else, or of another site."""

    code = "other_packing_place"
    kind = Kind.INVALID
    text = N_("%(place)s is no packing or staging place of this site.")


class NothingToPick(WmsError):
    """Nothing is promised to any order of the wave."""

    code = "nothing_to_pick"
    kind = Kind.CONFLICT
    text = N_("No stock is promised to any order of wave %(wave)s, so there is nothing to pick.")


@dataclass(frozen=True)
class WaveRule:
    """Which orders a wave gathers; what is None does not limit. At most ``max_orders`` orders and ``max_lines`` lines.

    ``zone``: only orders all of whose stock lies in that zone (they are allocated already).
    """

    ship_by_until: datetime | None = None
    carrier: str | None = None
    kind: str | None = None
    priority_until: int | None = None
    zone: str | None = None
    max_orders: int = 200
    max_lines: int = 2_000

    def as_json(self) -> dict[str, object]:
        """Return the rule as it is kept with the wave."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        if self.ship_by_until is not None:
            given["ship_by_until"] = self.ship_by_until.isoformat()
        return given


@dataclass(frozen=True)
class ToPick:
    """Goods of one allocation that want to be picked; ``sequence`` orders places along the way past them."""

    allocation_id: int
    order_line_id: int
    order_id: int
    owner_id: int
    location_id: int
    sequence: int
    zone: str | None
    trade_item_id: int
    lot_id: int | None
    handling_unit_id: int | None
    is_whole_unit: bool
    qty: int
    priority: int
    ship_by_at: datetime | None = None


@dataclass(frozen=True)
class Round:
    """One pick list to be: its picks in the order of the places, and the slot of the cart that each order has."""

    picks: tuple[ToPick, ...]
    slots: dict[int, int]  # by order id; every order in slot 1 where all goods go into one tote
    zone: str | None = None


def rounds(method: str, picks: Sequence[ToPick], *, most_lines: int, cart_totes: int) -> list[Round]:
    """Cut the picks of a wave into rounds.

    discrete: one order, one list. batch: lists of at most ``most_lines`` over all orders of one owner into one tote,
    sorted to orders when they are packed. cluster: up to ``cart_totes`` orders, a tote of its own for each. zone: a
    list for each zone, brought together at the packing place.
    """
    made: list[Round] = []
    if method == "discrete":
        for own in _by(picks, lambda one: one.order_id):
            made += [_round(part, None) for part in _cut(own, most_lines)]
    elif method == "cluster":
        for group in _clusters(picks, cart_totes, most_lines):
            slots = {order_id: slot for slot, order_id in enumerate(dict.fromkeys(one.order_id for one in group), 1)}
            made.append(Round(_in_order(group), slots))
    else:
        for own in _by(picks, lambda one: (one.owner_id, (one.zone or "") if method == "zone" else "")):
            zone = own[0].zone if method == "zone" else None
            made += [_round(part, zone) for part in _cut(_in_order(own), most_lines)]
    return made


def _by(picks: Iterable[ToPick], key: object) -> list[list[ToPick]]:
    groups: dict[object, list[ToPick]] = defaultdict(list)
    for one in picks:
        groups[key(one)].append(one)  # type: ignore[operator]
    return list(groups.values())


def _in_order(picks: Iterable[ToPick]) -> tuple[ToPick, ...]:
    return tuple(sorted(picks, key=lambda one: (one.sequence, one.location_id, one.trade_item_id, one.allocation_id)))


def _cut(picks: Sequence[ToPick], most_lines: int) -> list[Sequence[ToPick]]:
    return [picks[i : i + most_lines] for i in range(0, len(picks), most_lines)]


def _round(picks: Sequence[ToPick], zone: str | None) -> Round:
    return Round(_in_order(picks), {one.order_id: 1 for one in picks}, zone)


def _clusters(picks: Sequence[ToPick], cart_totes: int, most_lines: int) -> list[list[ToPick]]:
    """Put orders of one owner that lie near each other on one cart: orders sorted by where their first pick is.

    A tote holds goods of one owner, so that a cart may carry several owners' totes but never mixes them in one.
    """
    orders = sorted(
        _by(picks, lambda one: one.order_id), key=lambda own: (min(one.sequence for one in own), own[0].order_id)
    )
    carts: list[list[ToPick]] = []
    totes = 0
    for own in orders:
        if not carts or totes == cart_totes or len(carts[-1]) + len(own) > most_lines:
            carts.append([])
            totes = 0
        carts[-1] += own
        totes += 1
    return carts
