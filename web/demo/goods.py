"""Trade items: a few thousand, drawn from families of real kinds of goods under invented brands.

GTINs carry GS1 prefix 952, which GS1 keeps for demonstrations: no product in any shop has one of these numbers.
"""

import random
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from web.demo.bulk import insert_rows
from web.demo.read_data import document_of, rows_of
from wms.catalog.tables import PackagingLevel, TradeItem
from wms.codes.gs1_keys import check_digit

GS1_PREFIX = "952"
CARTON = (30_000, 60_000_000)  # grams, mm3
PALLET = (1_000_000, 1_850_000_000)
GRAMS_OVER_NET = 1040  # gross is 4 % above net, in thousandths
COUNTRY_DIGITS = {"AU": "61", "NZ": "64", "US": "10", "DE": "49"}


@dataclass(frozen=True)
class Item:
    """A trade item of the demo with what the table of trade items does not hold. Weights in grams of a base unit."""

    owner: str
    category: str
    code: str
    gtin: str
    name_zh: str
    name_en: str
    base_unit: str
    hs_code: str
    record_no: str | None
    customs_unit: str
    country_of_origin: str
    temperature_class: str
    gross_weight_g: int
    volume_mm3: int
    unit_value_minor: int
    is_lot_controlled: bool
    is_expiry_controlled: bool
    per_carton: int
    per_pallet: int
    life_days: int

    @property
    def net_weight_g(self) -> int:
        """Net weight of a base unit."""
        return self.gross_weight_g * 1000 // GRAMS_OVER_NET


def gtin13(number: int) -> str:
    """The GTIN-13 of the demo with that running number."""
    payload = f"{GS1_PREFIX}{number:09d}"
    return f"{payload}{check_digit(payload)}"


def gtin14(gtin: str, indicator: int) -> str:
    """The GTIN-14 of a packaging round the item ``gtin``."""
    payload = f"{indicator}{gtin[:12]}"
    return f"{payload}{check_digit(payload)}"


def draw_items(seed: int) -> list[Item]:
    """All trade items; the same seed gives the same items."""
    rng = random.Random(f"dongting-goods-{seed}")  # noqa: S311 - synthetic data, no secret
    families: dict[str, list[dict[str, str]]] = {}
    for row in rows_of("families.csv"):
        families.setdefault(row["category"], []).append(row)
    items: list[Item] = []
    for category, spec in document_of("ranges.json").items():
        items += _draw_range(rng, category, spec, families[category], len(items))
    return items


def _draw_range(
    rng: random.Random, category: str, spec: dict[str, Any], families: list[dict[str, str]], start: int
) -> list[Item]:
    made: list[Item] = []
    names: set[str] = set()
    while len(made) < spec["count"]:
        family = families[len(made) % len(families)]
        origin = rng.choice(family["origins"].split())
        zh, en = _name(rng, spec, family, origin)
        if zh in names:
            continue
        names.add(zh)
        made.append(_item(rng, category, spec, family, origin, (zh, en), start + len(made) + 1))
    return made


def _name(rng: random.Random, spec: dict[str, Any], family: dict[str, str], origin: str) -> tuple[str, str]:
    variant = rng.choice(spec["variants"])
    if spec["mode"] == "plant":  # meat is known by the plant that packed it
        plant = f"D{COUNTRY_DIGITS[origin]}{rng.randrange(10, 100)}"
        return (
            f"冷冻{family['name_zh'].removeprefix('冻')} {origin} 厂号{plant} {variant[0]}",
            f"Frozen {family['name_en'].lower()} {origin} est. {plant} {variant[1]}",
        )
    brand = rng.choice(spec["marks"])
    return f"{brand[0]} {family['name_zh']} {variant[0]}", f"{brand[1]} {family['name_en'].lower()}, {variant[1]}"


def _item(
    rng: random.Random, category: str, spec: dict[str, Any], family: dict[str, str], origin: str,
    names: tuple[str, str], number: int,
) -> Item:  # fmt: skip
    net_g = _round_to(rng.randint(int(family["weight_lo_g"]), int(family["weight_hi_g"])), 10)
    gross_g = net_g * GRAMS_OVER_NET // 1000
    g_per_dm3 = rng.randint(int(family["g_per_dm3_lo"]), int(family["g_per_dm3_hi"]))
    volume_mm3 = gross_g * 1_000_000 // g_per_dm3
    per_carton = _fitting(int(family["per_carton"]), gross_g, volume_mm3, CARTON)
    is_imported = origin != "CN"
    return Item(
        owner=spec["owner"],
        category=category,
        code=f"{spec['prefix']}{number:05d}",
        gtin=gtin13(number),
        name_zh=names[0],
        name_en=names[1],
        base_unit=family["base_unit"],
        hs_code=family["hs_code"],
        record_no=f"{spec['prefix']}{number:06d}" if is_imported else None,
        customs_unit=family["customs_unit"],
        country_of_origin=origin,
        temperature_class=family["temperature"],
        gross_weight_g=gross_g,
        volume_mm3=volume_mm3,
        unit_value_minor=_round_to(rng.randint(int(family["value_lo_minor"]), int(family["value_hi_minor"])), 100),
        is_lot_controlled=family["is_lot"] == "1",
        is_expiry_controlled=family["is_expiry"] == "1",
        per_carton=per_carton,
        per_pallet=max(1, _fitting(int(family["per_pallet"]), gross_g, volume_mm3, PALLET) // per_carton) * per_carton,
        life_days=int(family["life_days"]),
    )


def _fitting(wanted: int, weight_g: int, volume_mm3: int, limits: tuple[int, int]) -> int:
    """As many pieces as a person lifts and a pallet carries, at most what the family's packing says."""
    return max(1, min(wanted, limits[0] // weight_g, limits[1] // volume_mm3))


def _round_to(number: int, step: int) -> int:
    return max(step, number // step * step)


PACKING_ONLY = ("category", "owner", "per_carton", "per_pallet", "life_days")


def edges(volume_mm3: int) -> dict[str, int]:
    """Length, width and height (mm) of a box of about that volume, in the proportion 5 : 4 : 3."""
    part = max(1, round((volume_mm3 / 60) ** (1 / 3)))
    return {"length_mm": 5 * part, "width_mm": 4 * part, "height_mm": 3 * part}


def enter_items(session: Session, items: list[Item], companies: dict[str, int]) -> dict[str, int]:
    """Write trade items and their packagings; return item ids by code."""
    rows = [
        {name: value for name, value in vars(item).items() if name not in PACKING_ONLY}
        | {"owner_id": companies[item.owner]}
        | edges(item.volume_mm3)
        for item in items
    ]
    ids = dict(zip((item.code for item in items), insert_rows(session, TradeItem, rows), strict=True))
    insert_rows(session, PackagingLevel, [row for item in items for row in _packagings(item, ids[item.code])])
    return ids


def _packagings(item: Item, item_id: int) -> list[dict[str, Any]]:
    wanted = (("carton", item.per_carton, 1), ("pallet", item.per_pallet, 2))
    return [
        {"trade_item_id": item_id, "unit": unit, "base_qty": qty, "gtin": gtin14(item.gtin, indicator)}
        for unit, qty, indicator in wanted
        if qty > 1 and unit != item.base_unit
    ]
