"""``shops.json`` in the data folder, as the demo's seed writes it: goods, firms, terms and the token for the API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

FORMAT = "dongting.shops.v1"


@dataclass(frozen=True)
class Goods:
    """What a shop sells: ``price`` in yuan for one unit, ``vat`` and ``consumption`` as shares of one."""

    item: str
    name: str
    model: str
    unit: str
    country: str
    price: Decimal
    weight_g: int
    vat: Decimal
    consumption: Decimal


@dataclass(frozen=True)
class Firm:
    """An enterprise by its customs number."""

    code: str
    name: str


@dataclass(frozen=True)
class ShopsFile:
    """Everything the shops know. ``pause_s``: between two sales once the opening is over."""

    seed: int
    token: str
    pause_s: float
    platform: Firm
    payer: Firm
    carrier: Firm
    terms: Mapping[str, str]
    area: str
    goods: tuple[Goods, ...]


def read_shops(path: Path) -> ShopsFile:
    """Read the file. Raises ValueError for another format."""
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if raw.get("format") != FORMAT:
        raise ValueError(f"{path} is no {FORMAT}")
    return ShopsFile(
        int(raw["seed"]), str(raw["token"]), float(raw["pause_s"]),
        Firm(**raw["platform"]), Firm(**raw["payer"]), Firm(**raw["carrier"]),
        dict(raw["terms"]), str(raw["area"]), tuple(_goods(one) for one in raw["goods"]),
    )  # fmt: skip


def _goods(one: Mapping[str, Any]) -> Goods:
    return Goods(
        one["item"], one["name"], one["model"], one["unit"], one["country"], Decimal(one["price"]),
        int(one["weight_g"]), Decimal(one["vat"]), Decimal(one["consumption"]),
    )  # fmt: skip
