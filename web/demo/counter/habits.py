"""How the counter behaves: how long it takes, how often it loses, repeats, reorders, inspects; and its dice."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Habits:
    """Rates in parts of 1,000; times in milliseconds. The defaults are those of a calm day."""

    seed: int = 2020
    delay_low_ms: int = 400
    delay_high_ms: int = 2_500
    lose_permille: int = 0  # of messages in, and of answers out
    repeat_permille: int = 0
    reorder_permille: int = 0
    reorder_ms: int = 3_000  # how much later a reordered answer comes
    inspect_permille: int = 30
    return_permille: int = 0
    manual_permille: int = 20
    patience_ms: int = 60_000  # how long a list waits for its order, payment and waybill
    entry_ms: int = 1_500  # until a generated declaration is released
    gate: str = "auto"  # auto: a vehicle passes by itself after its pass was approved; told: the site's gate reports it
    asks_signature: bool = True
    office: str = "4902"
    single_limit: str = "5000"
    annual_limit: str = "26000"
    return_days: int = 30
    vat: str = "0.13"
    luxury_tax: str = "0.15"  # consumption tax of cosmetics
    luxury_from: str = "10"  # yuan for a gram or millilitre
    luxury_duty: str = "0.01"
    levied_share: str = "0.7"  # of consumption tax and VAT, within the single limit


def read_habits(path: Path | None, given: Mapping[str, Any] | None = None) -> Habits:
    """Return the habits of a file (JSON; absent: the defaults), changed by what was ``given``. Raises ValueError."""
    raw: dict[str, Any] = {}
    if path is not None and path.exists():
        raw = json.loads(path.read_text(encoding="utf-8"))
    raw |= {name: value for name, value in (given or {}).items() if value is not None}
    known = {one.name for one in fields(Habits)}
    if unknown := raw.keys() - known:
        raise ValueError(f"the counter knows no habit {', '.join(sorted(unknown))}")
    return replace(Habits(), **raw)


class Dice:
    """Repeatable chance: the n-th roll of one seed is the same in every run, also in one that was killed between."""

    def __init__(self, seed: int, rolls: int) -> None:
        self._seed, self.rolls = seed, rolls

    def _next(self) -> random.Random:
        self.rolls += 1
        return random.Random(f"{self._seed}-{self.rolls}")  # noqa: S311 - a game, not a secret

    def happens(self, permille: int) -> bool:
        return permille > 0 and self._next().randrange(1_000) < permille

    def between(self, low: int, high: int) -> int:
        return self._next().randint(low, max(low, high))
