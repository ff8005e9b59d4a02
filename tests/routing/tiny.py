"""Small networks and problems that can be solved by hand, and an exhaustive solver for them."""

from __future__ import annotations

import itertools
import random
from typing import Any

from routing.demand import Consignment
from routing.network import Network
from routing.paths import Paths
from routing.problem import Options, Problem
from routing.tariff import LOOSE, Offer
from routing.units import DAY_S, instant_s

START = "2026-03-02T00:00:00Z"


def network_document(
    *, departs: tuple[str, ...] = ("wed 12:00",), capacity: int = 4, box_minor: int = 1_000_000, loose: bool = True
) -> dict[str, Any]:
    """One sea corridor AAA-BBB with a box of 20 m3 / 10 t and loose space at CNY 800 a m3; nothing else costs
    anything.
    """
    note = {"source": "made up", "mark": "test"}
    return {
        "places": [
            {
                "code": "AAA",
                "name_zh": "甲",
                "name_en": "A",
                "kind": "port",
                "lat_udeg": 0,
                "lon_udeg": 0,
                "land": "china_a",
            },
            {
                "code": "BBB",
                "name_zh": "乙",
                "name_en": "B",
                "kind": "port",
                "lat_udeg": 0,
                "lon_udeg": 90_000_000,
                "land": "b",
            },
            {
                "code": "CCC",
                "name_zh": "丙",
                "name_en": "C",
                "kind": "city",
                "lat_udeg": 0,
                "lon_udeg": 91_000_000,
                "land": "b",
            },
        ],
        "aliases": {"AA1": "AAA"},
        "equipment": [
            {
                "code": "BOX",
                "kind": "box",
                "inner_mm": [5900, 2350, 2390],
                "usable_cm3": 20_000_000,
                "payload_g": 10_000_000,
                "teu": 1,
                "temperatures": ["ambient"],
                **note,
            },
        ],
        "services": [
            {
                "code": "SHIP",
                "mode": "ocean",
                "origin": "AAA",
                "destination": "BBB",
                "departs": list(departs),
                "transit_h": 240,
                "cutoff_h": 12,
                "capacity": capacity,
                "capacity_unit": "teu",
                "distance_km": 10_000,
                "freight_minor": {"BOX": box_minor},
                "valid_from": "2026-01-01",
                "valid_to": "2026-12-31",
                **note,
            }
        ],
        "corridors": [
            {
                "code": "AB",
                "stuffing_place": "AAA",
                "stripping_place": "BBB",
                "services": ["SHIP"],
                "transfer_h": 0,
                "stuffing_close_h": 12,
                "stripping_h": 24,
                "accepts": {"customs": ["export"], "temperature": ["ambient"], "dangerous": ["none"]},
                "box_charge_minor": {},
                "loose": {
                    "rate_minor_m3": 80_000,
                    "max_m3": 60,
                    "cm3_per_unit": 1000,
                    "g_per_unit": 1000,
                    "minimum_units": 1000,
                }
                if loose
                else None,
                "handling_minor_unit": {"origin": 0, "destination": 0, "g_per_m3": 1_000_000},
                "valid_from": "2026-01-01",
                **note,
            }
        ],
        "rules": {
            "valid_from": "2026-01-01",
            "road": {
                "detour_permille": 1300,
                "detour_source": "made up",
                "detour_mark": "test",
                "g_per_m3": 333_000,
                "volume_rule_mark": "test",
                "lands": [
                    {
                        "land": "b",
                        "max_km": 500,
                        "pickup_minor": 10_000,
                        "rate_minor_tkm": 100,
                        "km_per_h": 50,
                        "gather_h": 12,
                        **note,
                    }
                ],
            },
            "customs_groups": {"groups": {"0110": {"export": "export"}}, **note},
            "surcharges": {
                "dangerous_box_permille": 1250,
                "dangerous_loose_permille": 1500,
                "temperature_loose_permille": 2000,
                **note,
            },
            "holding": {"rate_permille_year": 0, **note},
            "lateness": {"value_per_100000_day": 1000, "minor_per_m3_day": 1000, "max_days": 5, **note},
            "carbon": {
                "minor_per_t": 0,
                "mg_per_tkm": {"ocean": 8000, "truck": 90_000},
                "factor_source": "made up",
                **note,
            },
        },
    }


def goods(
    name: str, m3: float, t: float = 1.0, *, to: str = "BBB", ready_day: int = 0, due_day: int = 40, **more: Any
) -> Consignment:
    """A consignment of AAA with a size in m3 and t."""
    start = instant_s(START)
    return Consignment(
        id=name,
        owner=more.pop("owner", "FIRM"),
        origin="AAA",
        destination=to,
        customs_mode="0110",
        volume_cm3=round(m3 * 1_000_000),
        weight_g=round(t * 1_000_000),
        value_minor=more.pop("value_minor", 0),
        ready_at=start + ready_day * DAY_S,
        due_at=start + due_day * DAY_S,
        **more,
    )


def problem(consignments: list[Consignment], document: dict[str, Any] | None = None, weeks: int = 1) -> Problem:
    """A problem over the small network."""
    network = Network.model_validate(document or network_document())
    return Problem(
        network=network, options=Options(start_at=instant_s(START), weeks=weeks), consignments=tuple(consignments)
    )


def random_problem(seed: int) -> Problem:
    """Two or three departures, two kinds of box, tight allotments, up to five consignments."""
    rng = random.Random(seed)
    departs = ("tue 12:00", "fri 12:00", "sun 12:00")[: rng.choice((2, 3))]
    document = network_document(
        departs=departs,
        capacity=rng.choice((1, 2, 3)),
        box_minor=rng.randrange(4, 15) * 100_000,
        loose=rng.random() < 0.8,
    )
    small = {**document["equipment"][0], "code": "HALF", "usable_cm3": 9_000_000, "payload_g": 6_000_000}
    document["equipment"].append(small)
    document["services"][0]["freight_minor"]["HALF"] = rng.randrange(3, 8) * 100_000
    document["rules"]["holding"]["rate_permille_year"] = 180
    items = [
        goods(
            f"K{number}",
            rng.choice((0.5, 2.0, 4.5, 8.0, 11.0)),
            rng.choice((0.3, 2.0, 5.5)),
            to=rng.choice(("BBB", "CCC")),
            ready_day=rng.choice((0, 0, 2)),
            due_day=rng.choice((12, 14, 20)),
            value_minor=rng.randrange(1, 60) * 100_000,
        )
        for number in range(rng.choice((2, 3, 4, 5)))
    ]
    return problem(items, document)


def partitions(items: tuple[int, ...]) -> list[list[tuple[int, ...]]]:
    """All ways to divide items into parts."""
    if not items:
        return [[]]
    first, rest = items[0], items[1:]
    found = []
    for size in range(len(rest) + 1):
        for others in itertools.combinations(rest, size):
            left = tuple(one for one in rest if one not in others)
            found.extend([(first, *others), *parts] for parts in partitions(left))
    return found


def _group_choices(paths: Paths, offers: tuple[Offer, ...], items: tuple[int, ...]) -> dict[int, int]:
    """TEU used -> least fen, over every way to box the items whole with any subset going loose on one bill."""
    sizes = paths.problem.consignments
    best: dict[int, int] = {0: 0} if not items else {}
    for count in range(len(items) + 1):
        for loose in itertools.combinations(items, count):
            base = 0
            if loose:
                volume, weight = sum(sizes[k].volume_cm3 for k in loose), sum(sizes[k].weight_g for k in loose)
                prices = [p for o in offers if o.kind == LOOSE and (p := o.price(volume, weight)) is not None]
                if not prices:
                    continue
                base = min(prices)
            boxed = tuple(k for k in items if k not in loose)
            for parts in partitions(boxed):
                for kinds in itertools.product([o for o in offers if o.kind != LOOSE], repeat=len(parts)):
                    total, teu = base, 0
                    for part, offer in zip(parts, kinds, strict=True):
                        price = offer.price(
                            sum(sizes[k].volume_cm3 for k in part), sum(sizes[k].weight_g for k in part)
                        )
                        if price is None:
                            break
                        total, teu = total + price, teu + offer.teu
                    else:
                        best[teu] = min(total, best.get(teu, total))
    return best


def brute_force(paths: Paths, unserved: dict[int, int]) -> int:
    """The least objective over every choice of paths, boxes and loose space (one leg a group)."""
    ks = sorted(unserved)
    best: int | None = None
    memo: dict[tuple[int, tuple[int, ...]], dict[int, int]] = {}
    for choice in itertools.product(*[range(-1, len(paths.by_consignment[k])) for k in ks]):
        total, inside = 0, {}
        for k, index in zip(ks, choice, strict=True):
            if index < 0:
                total += unserved[k]
            else:
                way = paths.by_consignment[k][index]
                total += way.cost_minor
                inside.setdefault(way.g, []).append(k)
        if best is not None and total >= best:
            continue
        for g, items in inside.items():
            key = (g, tuple(items))
            if key not in memo:
                memo[key] = _group_choices(paths, paths.groups[g].offers, tuple(items))
            # Groups of different classes would share the leg; these problems have one class.
            capacity = paths.groups[g].segment.legs[0].capacity
            prices = [price for teu, price in memo[key].items() if teu <= capacity]
            if not prices:
                break
            total += min(prices)
        else:
            best = total if best is None else min(best, total)
    assert best is not None
    return best
