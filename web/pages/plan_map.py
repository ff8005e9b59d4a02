"""The map of a plan: land only, no borders (Natural Earth by world-atlas), routes as the services have them.

A plate carrée whose middle is the Pacific side of Asia, so that Europe lies left and America right of Chenglingji.
Everything is drawn here as SVG: no script, no request, works offline.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from routing.canals import closed_in, sea_points
from routing.network import Network, Place, Service, Status
from routing.plan import Plan, PlanLeg
from web.assets import FOLDER, vendored

WEST, EAST, NORTH, SOUTH = -22.0, 298.0, 80.0, -48.0
SCALE = 4.0
WIDTH, HEIGHT = (EAST - WEST) * SCALE, (NORTH - SOUTH) * SCALE
STEPS = 48
CLOSED: Status = "closed"
DRAWN_CLOSED = closed_in({})  # the way points of routes.json pass no canal
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One service used: its path on the map, its mode, and how many consignments take it."""

    service: str
    mode: str
    path: str
    consignments: int
    width: str


@dataclass(frozen=True)
class Spot:
    """A place on the map with where its label goes."""

    place: Place
    x: float
    y: float
    label_x: float
    label_y: float
    anchor: str


def project(lon: float, lat: float) -> Point:
    """Map units of a point in degrees; ``lon`` may run past 180."""
    return round((lon - WEST) * SCALE, 1), round((NORTH - lat) * SCALE, 1)


@cache
def land_path() -> str:
    """All land as one SVG path, drawn again 360 degrees further so that it goes on beyond 180 degrees east."""
    topology = json.loads((FOLDER / vendored()["world-atlas"] / "land-110m.json").read_text("utf-8"))
    arcs = [_arc(topology, arc) for arc in topology["arcs"]]
    parts: list[str] = []
    for geometry in topology["objects"]["land"]["geometries"]:
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        for polygon in polygons:
            for ring in polygon:
                points = _unwrapped(_ring(arcs, ring))
                parts.extend(_closed(points, shift) for shift in (-360, 0, 360))
    return "".join(part for part in parts if part)


def _arc(topology: dict[str, Any], deltas: list[list[int]]) -> list[Point]:
    """TopoJSON keeps each arc as differences of whole numbers with one scale for all."""
    (kx, ky), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    x = y = 0
    points = []
    for dx, dy in deltas:
        x, y = x + dx, y + dy
        points.append((x * kx + tx, y * ky + ty))
    return points


def _ring(arcs: list[list[Point]], ring: list[int]) -> list[Point]:
    points: list[Point] = []
    for index in ring:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        points.extend(arc if not points else arc[1:])
    return points


def _closed(points: list[Point], shift: int) -> str:
    shown = [project(lon + shift, lat) for lon, lat in points]
    if all(x < -20 for x, _ in shown) or all(x > WIDTH + 20 for x, _ in shown) or all(y > HEIGHT for _, y in shown):
        return ""
    return f"M{_joined(shown)}Z"


def _joined(points: Iterable[Point]) -> str:
    return "L".join(f"{x:g} {y:g}" for x, y in points)


@cache
def _drawn() -> dict[str, list[list[int]]]:
    routes: dict[str, list[list[int]]] = json.loads(
        files("routing").joinpath("data", "routes.json").read_text("utf-8")
    )["routes"]
    return routes


def great_circle(one: Point, other: Point) -> list[Point]:
    """Points (lon, lat in degrees) along the great circle between two places."""
    (lon1, lat1), (lon2, lat2) = ((math.radians(a), math.radians(b)) for a, b in (one, other))
    a, b = _vector(lon1, lat1), _vector(lon2, lat2)
    angle = math.acos(max(-1.0, min(1.0, sum(p * q for p, q in zip(a, b, strict=True)))))
    if angle < 1e-9:
        return [one, other]
    found = []
    for step in range(STEPS + 1):
        share = step / STEPS
        k, m = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
        x, y, z = (k * p + m * q for p, q in zip(a, b, strict=True))
        found.append((math.degrees(math.atan2(y, x)), math.degrees(math.asin(max(-1.0, min(1.0, z))))))
    return found


def _vector(lon: float, lat: float) -> tuple[float, float, float]:
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def route_of(service: Service, places: dict[str, Place], closed: tuple[str, ...] = DRAWN_CLOSED) -> str:
    """The SVG path of a service: its own way points, or the great circle where it flies. The way points of ships are
    drawn for some canals closed; where others are, searoute is asked."""
    drawn = _drawn().get(service.code)
    if service.mode == "ocean" and closed != DRAWN_CLOSED and _way_differs(service, places, closed):
        points = list(sea_points(places[service.origin], places[service.destination], closed))
    elif drawn is not None:
        points = [(lon / 100, lat / 100) for lon, lat in drawn]
    else:
        ends = [places[code] for code in (service.origin, service.destination)]
        points = great_circle(*((one.lon_udeg / 1e6, one.lat_udeg / 1e6) for one in ends))
    shift = 360 if points[0][0] < WEST else 0
    return "M" + _joined(project(lon + shift, lat) for lon, lat in _unwrapped(points))


def _way_differs(service: Service, places: dict[str, Place], closed: tuple[str, ...]) -> bool:
    ends = places[service.origin], places[service.destination]
    return sea_points(*ends, closed) != sea_points(*ends, DRAWN_CLOSED)


def _unwrapped(points: list[Point]) -> list[Point]:
    """The same points with longitudes that go on past 180 instead of jumping."""
    found: list[Point] = []
    for given, lat in points:
        lon = given
        if found:
            while lon - found[-1][0] > 180:
                lon -= 360
            while lon - found[-1][0] < -180:
                lon += 360
        found.append((lon, lat))
    return found


def lines_of(plan: Plan, network: Network) -> list[Line]:
    """The services that the plan uses, the busiest drawn last."""
    used: dict[tuple[str, tuple[str, ...]], int] = {}
    segments = {one.id: one for one in plan.segments}
    way_of = {leg.departure: (leg.service, _closed_for(plan, leg)) for leg in plan.legs}
    for one in plan.assignments:
        for departure in segments[one.segment].departures:
            used[way_of[departure]] = used.get(way_of[departure], 0) + 1
    places = {place.code: place for place in network.places}
    services = {service.code: service for service in network.services}
    most = max(used.values(), default=1)
    return [
        Line(
            code,
            services[code].mode,
            route_of(services[code], places, closed),
            count,
            f"{1.4 + 3.6 * math.sqrt(count / most):.1f}",
        )
        for (code, closed), count in sorted(used.items(), key=lambda item: (item[1], item[0]))
    ]


def _closed_for(plan: Plan, leg: PlanLeg) -> tuple[str, ...]:
    """The canals that are closed for a departure; a plan that says nothing of canals is drawn as the seeded network."""
    canals = {**plan.canals, **({leg.detour: CLOSED} if leg.detour is not None else {})}
    return closed_in(canals) if plan.canals else DRAWN_CLOSED


LABEL_LEFT = {"LGG", "USLAX", "DEHAM", "EHU", "JFK"}
LABEL_BELOW = {"CNCSD", "CSX", "CNZZO", "YYA", "DEDUI", "FRA", "KIX", "LAX", "PLMAA"}


def spots_of(plan: Plan, network: Network) -> list[Spot]:
    """The places where the plan's boxes are stuffed and stripped; places on top of each other share one label."""
    wanted = {code for one in plan.segments for code in (one.stuffing_place, one.stripping_place)}
    found: list[Spot] = []
    for place in network.places:
        if place.code in wanted:
            lon = place.lon_udeg / 1e6
            x, y = project(lon if lon > WEST else lon + 360, place.lat_udeg / 1e6)
            if any(abs(x - other.x) < 9 and abs(y - other.y) < 9 for other in found):
                continue
            left, below = place.code in LABEL_LEFT, place.code in LABEL_BELOW
            found.append(
                Spot(place, x, y, x + (-7 if left else 7), y + (16 if below else -6), "end" if left else "start")
            )
    return found
