"""Truck rounds: depots, trucks, stops that are delivered to and collected from, transfers between two places.

All amounts are integers with their unit; instants are seconds since 1970 (UTC), written as ISO 8601 with an offset.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Final, Literal

from pydantic import Field

from routing.network import Frozen, Instant

FORMAT: Final = "dongting-rounds/1"
MOST_STOPS, MOST_KINDS, MOST_TRUCKS, MOST_WINDOWS, MOST_TRIPS = 1000, 24, 500, 4, 6
DIMENSIONS = ("weight_g", "volume_cm3", "pallets")
Name = Annotated[str, Field(min_length=1, max_length=64)]
MOST_AMOUNT = 10**12
Counted = Annotated[int, Field(le=MOST_AMOUNT)]  # negative amounts are refused by name in `reading.py`


class Amount(Frozen):
    """What goods weigh and measure, and how many pallet places they take."""

    weight_g: Counted = 0
    volume_cm3: Counted = 0
    pallets: Counted = 0

    def parts(self) -> tuple[int, int, int]:
        """The amount in the order of `DIMENSIONS`."""
        return (self.weight_g, self.volume_cm3, self.pallets)


class Window(Frozen):
    """Work at the place begins within it; arriving earlier means waiting."""

    open_at: Instant
    close_at: Instant


class Site(Frozen):
    """A place of the problem's own, or one that ships (`routing/data/places.json`)."""

    code: Name
    name_zh: str = ""
    name_en: str = ""
    lat_udeg: Annotated[int, Field(ge=-90_000_000, le=90_000_000)]
    lon_udeg: Annotated[int, Field(ge=-180_000_000, le=180_000_000)]


class Somewhere(Frozen):
    """Either the code of a place or a point of its own in millionths of a degree."""

    place: str | None = None
    lat_udeg: Annotated[int, Field(ge=-90_000_000, le=90_000_000)] | None = None
    lon_udeg: Annotated[int, Field(ge=-180_000_000, le=180_000_000)] | None = None


class Depot(Somewhere):
    """Where rounds begin and end. `load_s`: time at its dock before each trip."""

    code: Name
    open_at: Instant
    close_at: Instant
    load_s: Annotated[int, Field(ge=0, le=86_400)] = 0


class Truck(Frozen):
    """`count` equal trucks of a depot. `km_minor` and `hour_minor` in fen; an hour counts from leaving to coming back.

    `shift_s`: most seconds from leaving to coming back; `trips`: how often it may load at its depot.
    """

    code: Name
    count: int
    depot: str
    payload_g: Counted
    volume_cm3: Counted
    pallets: Counted | None = None
    fixed_minor: Annotated[int, Field(ge=0, le=10**9)]
    km_minor: Annotated[int, Field(ge=0, le=10**6)]
    hour_minor: Annotated[int, Field(ge=0, le=10**7)]
    speed_km_h: Annotated[int, Field(ge=1, le=120)]
    start_at: Instant
    end_at: Instant
    shift_s: Annotated[int, Field(ge=0, le=7 * 86_400)]
    trips: Annotated[int, Field(ge=1, le=MOST_TRIPS)] = 1

    def holds(self) -> tuple[int, int, int]:
        """What it carries, in the order of `DIMENSIONS`."""
        return (self.payload_g, self.volume_cm3, MOST_AMOUNT if self.pallets is None else self.pallets)


class Stop(Somewhere):
    """A county, shop or consignee: `deliver` comes from the depot, `collect` goes to it.

    `trucks`: only these kinds get there (none named: all). `depot`: only its trucks may come. `must_go`: a plan that
    leaves it out is infeasible.
    """

    id: Name
    owner: Name = "-"
    deliver: Amount = Amount()
    collect: Amount = Amount()
    service_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    windows: Annotated[tuple[Window, ...], Field(max_length=MOST_WINDOWS)] = ()
    trucks: tuple[str, ...] = ()
    depot: str | None = None
    must_go: bool = False


class End(Somewhere):
    """One end of a transfer."""

    window: Window | None = None
    service_s: Annotated[int, Field(ge=0, le=86_400)] = 0


class Transfer(Frozen):
    """Goods fetched at one place and brought to another by the same truck on the same trip."""

    id: Name
    owner: Name = "-"
    amount: Amount
    pick: End
    drop: End
    trucks: tuple[str, ...] = ()
    must_go: bool = False


class Hours(Frozen):
    """Driver hours: `drive_s` in a round, never more than `spell_s` without a rest of `rest_s`.

    `service_is_rest`: whether a stop as long as a rest counts as one (where others unload).
    """

    drive_s: Annotated[int, Field(gt=0, le=86_400)]
    spell_s: Annotated[int, Field(gt=0, le=86_400)]
    rest_s: Annotated[int, Field(gt=0, le=86_400)]
    service_is_rest: bool = False
    valid_from: str = ""
    source: str = ""
    mark: str = ""


Mode = Literal["joint", "unified", "centralised"]


class Problem(Frozen):
    """All that a plan of rounds depends on besides seed and time. Road metres: great circle x detour."""

    format: Literal["dongting-rounds/1"] = FORMAT
    mode: Mode = "joint"
    hours: Hours
    detour_permille: Annotated[int, Field(ge=1000, le=5000)]
    detour_source: str = ""
    places: tuple[Site, ...] = ()
    depots: Annotated[tuple[Depot, ...], Field(min_length=1, max_length=MOST_KINDS)]
    trucks: Annotated[tuple[Truck, ...], Field(min_length=1, max_length=MOST_KINDS)]
    stops: tuple[Stop, ...] = ()
    transfers: tuple[Transfer, ...] = ()

    def snapshot_sha256(self) -> str:
        """SHA-256 of the canonical JSON (sorted keys, no blanks, UTF-8) of the whole problem."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def point(self, where: Somewhere) -> tuple[int, int]:
        """Latitude and longitude in millionths of a degree."""
        if where.place is not None:
            site = next(one for one in self.places if one.code == where.place)
            return site.lat_udeg, site.lon_udeg
        assert where.lat_udeg is not None
        assert where.lon_udeg is not None
        return where.lat_udeg, where.lon_udeg
