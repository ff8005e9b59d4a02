"""Kilometres by road. Sea distances come with the services (searoute, cached in `data/services.json`)."""

from __future__ import annotations

from functools import lru_cache

from geopy.distance import great_circle

from routing.network import Land, Network, Place
from routing.units import ceil_div


@lru_cache(maxsize=65_536)
def _great_circle_m(a_lat: int, a_lon: int, b_lat: int, b_lon: int) -> int:
    metres: float = great_circle((a_lat / 1e6, a_lon / 1e6), (b_lat / 1e6, b_lon / 1e6)).meters
    return round(metres)


class Roads:
    """Which places a truck joins, and how far apart they are by road."""

    def __init__(self, network: Network) -> None:
        self._places = {place.code: place for place in network.places}
        self._lands = {land.land: land for land in network.rules.road.lands}
        self._detour_permille = network.rules.road.detour_permille

    def land(self, place: str) -> Land | None:
        """How trucks go around `place`; None where the network knows no trucks there."""
        return self._lands.get(self._places[place].land)

    def km(self, origin: str, destination: str) -> int | None:
        """Road kilometres (great circle x detour, rounded up), or None where no truck goes or it is out of reach."""
        one, other = self._places[origin], self._places[destination]
        if origin == destination:
            return 0
        land = self._lands.get(one.land)
        if land is None or one.land != other.land:
            return None
        km = ceil_div(crow_m(one, other) * self._detour_permille, 1_000_000)
        return km if km <= land.max_km else None


def crow_m(one: Place, other: Place) -> int:
    """Great-circle metres between two places."""
    return _great_circle_m(one.lat_udeg, one.lon_udeg, other.lat_udeg, other.lon_udeg)
