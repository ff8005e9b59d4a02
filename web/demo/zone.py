"""Sites of the Yueyang pilot zone and overseas, and the places in them: docks, racks, inspection bays.

A rack position is coded aisle, bay, level: ``A03-12-2``; a dock ``DOCK-05``. Coordinates are those of the places, the
buildings are invented.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from web.demo.bulk import insert_rows
from web.demo.read_data import document_of, rows_of
from wms.parties.tables import Location, Site

G_PER_KG, MM3_PER_DM3 = 1000, 1_000_000
# An aisle with the racks on both sides of it is 4.2 m wide, a bay 1.4 m; docks stand in front of the first cross-aisle.
AISLE_MM, BAY_MM, FRONT_MM = 4_200, 1_400, 3_000
GROUND = (
    ("docks", "dock", "DOCK"),
    ("staging", "staging", "STAGE"),
    ("inspection", "inspection", "INSP"),
    ("quarantine", "quarantine", "QRT"),
    ("packing", "packing", "PACK"),
    ("gate_buffer", "gate_buffer", "GATE"),
    ("chutes", "chute", "CHUTE"),
)


def site_rows() -> list[dict[str, Any]]:
    """Every site, as its table wants it."""
    rows: list[dict[str, Any]] = []
    for row in rows_of("sites.csv"):
        empty_as_none = {name: value or None for name, value in row.items()}
        rows.append(empty_as_none | {"lat_deg": Decimal(row["lat_deg"]), "lon_deg": Decimal(row["lon_deg"])})
    return rows


def location_rows() -> list[dict[str, Any]]:
    """Every place, by the code of its site; ``holds`` says what stands in it when the demo begins."""
    return [place for layout in document_of("layouts.json") for place in _places(layout)]


def _places(layout: dict[str, Any]) -> Iterator[dict[str, Any]]:
    common = {"site": layout["site"], "is_bonded": layout["is_bonded"], "holds": ""}
    for name, kind, prefix in GROUND:
        for number in range(1, layout.get(name, 0) + 1):
            yield {
                **common, "code": f"{prefix}-{number:02d}", "kind": kind, "temperature_class": layout["temperature"],
                "pick_sequence": number, "max_weight_g": None, "max_volume_mm3": None, "zone": None, "aisle": None,
                "bay": None, "level": None, "x_mm": number * FRONT_MM, "y_mm": 0,
            }  # fmt: skip
    for rack in layout["racks"]:
        yield from _rack(common, rack)


def _rack(common: dict[str, Any], rack: dict[str, Any]) -> Iterator[dict[str, Any]]:
    sequence = 1000
    for aisle in range(1, rack["aisles"] + 1):
        bays = range(1, rack["bays"] + 1)
        # Walked like a snake: up one aisle, down the next.
        for bay in bays if aisle % 2 else reversed(bays):
            for level in range(1, rack["levels"] + 1):
                sequence += 1
                yield {
                    **common, "holds": rack["holds"], "code": f"{rack['zone']}{aisle:02d}-{bay:02d}-{level}",
                    "kind": rack["kind"], "temperature_class": rack["temperature"], "pick_sequence": sequence,
                    "max_weight_g": rack["max_kg"] * G_PER_KG, "max_volume_mm3": rack["max_dm3"] * MM3_PER_DM3,
                    "zone": rack["zone"], "aisle": aisle, "bay": bay, "level": level, "x_mm": aisle * AISLE_MM,
                    "y_mm": FRONT_MM + bay * BAY_MM,
                }  # fmt: skip


def enter_zone(session: Session) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """Write sites and places; return site ids by code and place ids by site code and place code."""
    rows = site_rows()
    sites = dict(zip((row["code"] for row in rows), insert_rows(session, Site, rows), strict=True))
    places = location_rows()
    ours = ("site", "holds")
    columns = [
        {name: value for name, value in place.items() if name not in ours} | {"site_id": sites[place["site"]]}
        for place in places
    ]
    ids = insert_rows(session, Location, columns)
    return sites, {(place["site"], place["code"]): made for place, made in zip(places, ids, strict=True)}
