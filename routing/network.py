"""What can be sailed, railed, trucked and flown: places, equipment, services, corridors and the rules of price.

A *service* is one leg with a weekly timetable. A *corridor* chains services into one sealed move of equipment from the
place where it is stuffed to the place where it is stripped. Every figure carries its source and mark: [V] published,
[GK] trade knowledge that has to be checked before it is quoted outside. The seeded network of Yueyang lies in `data/`.
"""

from __future__ import annotations

import csv
import json
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from routing.units import instant_s, iso

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Canal = Literal["suez", "panama"]
Status = Literal["open", "closed"]
CANALS: tuple[Canal, ...] = ("suez", "panama")
Positive = Annotated[int, Field(gt=0)]
Inside = Annotated[int, Field(gt=0, le=30_000)]  # mm; the loader thinks of no longer box
NotNegative = Annotated[int, Field(ge=0)]


def _seconds(value: object) -> object:
    return instant_s(value) if isinstance(value, str) else value


Instant = Annotated[int, BeforeValidator(_seconds), PlainSerializer(iso, return_type=str, when_used="json")]


class Frozen(BaseModel):
    """A record that cannot change and refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(Frozen):
    """A node. `land` names the road network it stands on: a truck goes only between places of one land."""

    code: str
    name_zh: str
    name_en: str
    kind: Literal["port", "rail", "airport", "city", "county", "border"]
    lat_udeg: Annotated[int, Field(ge=-90_000_000, le=90_000_000)]
    lon_udeg: Annotated[int, Field(ge=-180_000_000, le=180_000_000)]
    land: str
    scheme: Literal["unlocode", "gb2260", "iata", "own"] = "unlocode"


class Equipment(Frozen):
    """A container or air pallet. `usable_cm3` is the inner volume times the stuffing factor."""

    code: str
    kind: Literal["box", "uld"]
    inner_mm: tuple[Inside, Inside, Inside]
    usable_cm3: Positive
    payload_g: Positive
    teu: NotNegative
    temperatures: tuple[str, ...]
    source: str
    mark: str


class Break(Frozen):
    """Loose air cargo from `from_kg` of chargeable weight at a rate a kg, never less than the minimum."""

    from_kg: NotNegative
    rate_minor_kg: NotNegative
    minimum_minor: NotNegative = 0


class UldPrice(Frozen):
    """A pallet pays pivot_kg at the pivot rate whatever is on it, and each kg above at the over-pivot rate."""

    pivot_kg: NotNegative
    pivot_rate_minor_kg: NotNegative
    over_rate_minor_kg: NotNegative


class CutOffs(Frozen):
    """Hours before departure by which what belongs to the equipment must be there besides the equipment itself
    (`cutoff_h` of the service: gate-in). A packed box has its papers, its customs and its verified gross mass only once
    it is stuffed, so each of them closes the stuffing."""

    documents_h: NotNegative | None = None
    customs_h: NotNegative | None = None
    vgm_h: NotNegative | None = None
    source: str
    mark: str


class Delay(Frozen):
    """How much later than the timetable it arrives: per cent of departures -> hours that no more of them are late.

    Between two of them the hours are in proportion; below the first they are the first.
    """

    hours: Annotated[dict[str, NotNegative], Field(min_length=1)]
    observed: str
    source: str
    mark: str

    def known(self) -> list[tuple[int, int]]:
        """Per cent and hours, in order."""
        return sorted((int(percent), hours) for percent, hours in self.hours.items())


class Service(Frozen):
    """One leg with a weekly timetable (`departs`: 'mon 10:00', UTC) and what it sells us a departure.
    `cutoff_h`: gate-in; `cutoffs`: the others. `via`: borders that it crosses."""

    code: str
    mode: Literal["barge", "ocean", "rail", "truck", "air"]
    origin: str
    destination: str
    departs: Annotated[tuple[str, ...], Field(min_length=1)]
    transit_h: int
    delay: Delay | None = Field(default=None, exclude_if=lambda held: held is None)
    cutoff_h: NotNegative
    cutoffs: CutOffs | None = Field(default=None, exclude_if=lambda held: held is None)
    capacity: int
    capacity_unit: Literal["teu", "kg"]
    distance_km: Positive
    freight_minor: dict[str, NotNegative]
    breaks: tuple[Break, ...] = ()
    uld: dict[str, UldPrice] = Field(default_factory=dict)
    via: tuple[str, ...] = Field(default=(), exclude_if=lambda held: not held)
    valid_from: str
    valid_to: str
    source: str
    mark: str


class Loose(Frozen):
    """Co-load space bought from a third party by weight or measure: the larger of volume and weight counts."""

    rate_minor_m3: Positive
    max_m3: Positive
    cm3_per_unit: Positive
    g_per_unit: Positive
    minimum_units: NotNegative


class Handling(Frozen):
    """Handling at both ends a m3 or `g_per_m3`, whichever is more."""

    origin: NotNegative
    destination: NotNegative
    g_per_m3: Positive


class Accepts(Frozen):
    """The classes of goods that a corridor takes."""

    customs: tuple[str, ...]
    temperature: tuple[str, ...]
    dangerous: tuple[str, ...]


class Corridor(Frozen):
    """One sealed move of equipment over one or more services, with what the ends cost."""

    code: str
    stuffing_place: str
    stripping_place: str
    services: Annotated[tuple[str, ...], Field(min_length=1)]
    transfer_h: NotNegative
    stuffing_close_h: NotNegative
    stripping_h: NotNegative
    accepts: Accepts
    box_charge_minor: dict[str, NotNegative]
    loose: Loose | None
    handling_minor_unit: Handling
    valid_from: str
    source: str
    mark: str


class Land(Frozen):
    """How trucks go and charge on one road network: pick-up charge, fen a tonne-km, reach, speed, time to gather."""

    land: str
    max_km: Positive
    pickup_minor: NotNegative
    rate_minor_tkm: NotNegative
    km_per_h: Positive
    gather_h: NotNegative
    source: str
    mark: str


class Road(Frozen):
    """Road distance = great circle x detour; a m3 counts as at least `g_per_m3`."""

    detour_permille: Annotated[int, Field(ge=1000)]
    detour_source: str
    detour_mark: str
    g_per_m3: Positive
    volume_rule_mark: str
    lands: tuple[Land, ...]


class CustomsGroups(Frozen):
    """Which trade modes may share a sealed unit: mode -> direction -> group. Different groups never mix."""

    source: str
    mark: str
    groups: dict[str, dict[Literal["export", "import"], str]]


class Surcharges(Frozen):
    """Permille of the plain price for dangerous goods and for loose goods under temperature."""

    dangerous_box_permille: Positive
    dangerous_loose_permille: Positive
    temperature_loose_permille: Positive
    source: str
    mark: str


class Holding(Frozen):
    """Stock in transit costs this share of its value a year."""

    rate_permille_year: NotNegative
    source: str
    mark: str


class Lateness(Frozen):
    """After the due instant: a share of value a day and an amount a m3 a day, for at most `max_days`."""

    value_per_100000_day: NotNegative
    minor_per_m3_day: NotNegative
    max_days: NotNegative
    source: str
    mark: str


class Carbon(Frozen):
    """Price of a tonne of CO2e and milligrams of CO2e a tonne-km by mode."""

    minor_per_t: NotNegative
    mg_per_tkm: dict[str, NotNegative]
    source: str
    mark: str
    factor_source: str


class Rules(Frozen):
    """The rules of price and class that hold on every corridor."""

    valid_from: str
    road: Road
    customs_groups: CustomsGroups
    surcharges: Surcharges
    holding: Holding
    lateness: Lateness
    carbon: Carbon


class Network(Frozen):
    """Everything that moves goods, frozen. `canals`: what the figures of the sea services assume; closed where nothing
    is said."""

    places: tuple[Place, ...]
    aliases: dict[str, str]
    equipment: tuple[Equipment, ...]
    services: tuple[Service, ...]
    corridors: tuple[Corridor, ...]
    rules: Rules
    canals: dict[Canal, Status] = Field(default_factory=dict, exclude_if=lambda held: not held)

    def official(self, written: str) -> str:
        """The official code for a code as somebody wrote it (case and blanks forgiven); unknown codes come back
        as they are.
        """
        code = written.strip().upper()
        return self.aliases.get(code, code)


def minute_of_week(text: str) -> int:
    """'tue 06:30' -> minutes since Monday 00:00 UTC. Raises ValueError."""
    day, _, clock = text.partition(" ")
    hour, _, minute = clock.partition(":")
    if day not in WEEKDAYS or not (0 <= int(hour) < 24 and 0 <= int(minute) < 60):
        raise ValueError(f"{text!r} is not a weekday and a time such as 'tue 06:30'")
    return (WEEKDAYS.index(day) * 24 + int(hour)) * 60 + int(minute)


def _data(name: str) -> Any:
    return json.loads(files("routing").joinpath("data", name).read_text("utf-8"))


def yueyang_document() -> dict[str, Any]:
    """The seeded network of Chenglingji, the China-Europe train and the airports as plain JSON data."""
    aliases = files("routing").joinpath("data", "aliases.csv").read_text("utf-8").splitlines()
    return {
        "places": _data("places.json")["places"],
        "aliases": {row["written"]: row["code"] for row in csv.DictReader(aliases)},
        "equipment": _data("equipment.json")["equipment"],
        "services": _data("services.json")["services"],
        "corridors": _data("corridors.json")["corridors"],
        "rules": _data("rules.json"),
        "canals": _data("services.json")["canals"],
    }


@lru_cache(maxsize=1)
def yueyang() -> Network:
    """The seeded network, validated."""
    return Network.model_validate(yueyang_document())
