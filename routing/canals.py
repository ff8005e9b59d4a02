"""Canals open or closed: how far and how long the sea services go then.

The ways are searoute's; each service keeps its stated speed, so its transit grows and shrinks with its way. What the
figures of a network assume of the canals stands in `Network.canals`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import searoute

from routing.changes import DepartureChange
from routing.network import CANALS, Canal, Network, Place, Service, Status
from routing.units import ceil_div

ALWAYS_CLOSED = ("northwest",)


@lru_cache(maxsize=4096)
def sea_km(a_lon: int, a_lat: int, b_lon: int, b_lat: int, closed: tuple[str, ...]) -> int:
    """Kilometres by sea between two points in microdegrees, past no closed canal."""
    km: float = _route((a_lon, a_lat), (b_lon, b_lat), closed).properties["length"]
    return round(km)


@lru_cache(maxsize=256)
def sea_points(one: Place, other: Place, closed: tuple[str, ...]) -> tuple[tuple[float, float], ...]:
    """The way by sea between two places as points (longitude, latitude) in degrees."""
    found = _route(_point(one), _point(other), closed).geometry["coordinates"]
    return tuple((float(lon), float(lat)) for lon, lat, *_ in found)


def _route(one: tuple[int, int], other: tuple[int, int], closed: tuple[str, ...]) -> Any:
    ends = [(lon / 1e6, lat / 1e6) for lon, lat in (one, other)]
    return searoute.searoute(*ends, restrictions=[*ALWAYS_CLOSED, *closed])


def closed_in(canals: Mapping[Canal, Status]) -> tuple[str, ...]:
    """The canals that are closed; one that is not mentioned is."""
    return tuple(name for name in CANALS if canals.get(name, "closed") == "closed")


def ways(network: Network, service: Service, wanted: Mapping[Canal, Status]) -> tuple[int, int]:
    """Searoute's kilometres as the network states the canals, and as they are wanted. (1, 1) for other modes."""
    if service.mode != "ocean":
        return 1, 1
    places = {place.code: place for place in network.places}
    one, other = (_point(places[code]) for code in (service.origin, service.destination))
    stated, asked = closed_in(network.canals), closed_in({**network.canals, **wanted})
    return sea_km(*one, *other, stated), sea_km(*one, *other, asked)


def _point(place: Place) -> tuple[int, int]:
    return place.lon_udeg, place.lat_udeg


def with_canals(network: Network, wanted: Mapping[Canal, Status]) -> Network:
    """The network with its sea services on the ways that are open then: distance and transit follow."""
    if all(network.canals.get(name, "closed") == status for name, status in wanted.items()):
        return network
    services = []
    for service in network.services:
        before, after = ways(network, service, wanted)
        if before != after:
            words = ", ".join(f"{name} {status}" for name, status in sorted(wanted.items()))
            service = service.model_copy(  # noqa: PLW2901 - the same service on another way
                update={
                    "distance_km": ceil_div(service.distance_km * after, before),
                    "transit_h": ceil_div(service.transit_h * after, before),
                    "source": f"{service.source}; {words}: {after} km by searoute instead of {before}",
                }
            )
        services.append(service)
    return network.model_copy(update={"services": tuple(services), "canals": {**network.canals, **wanted}})


def without_detours(changes: Mapping[str, DepartureChange], network: Network) -> dict[str, DepartureChange]:
    """The changes without the detours round canals that a network has closed: its own figures go round already."""
    closed = closed_in(network.canals)
    return {
        name: one.model_copy(update={"detour": None}) if one.detour and one.detour.canal in closed else one
        for name, one in changes.items()
    }
