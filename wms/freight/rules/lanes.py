"""Transfer lanes: how long goods take from site to site by a mode. Thousandths of a day, as lead times are counted."""

from decimal import Decimal

from wms.errors import N_, Kind, WmsError
from wms.freight.rules import MODES

MOST_DAYS = 365


class BadLane(WmsError):
    """The lane says something that cannot be."""

    code = "bad_lane"
    kind = Kind.INVALID
    text = N_("This is no transfer lane: %(fault)s.")


def subject_of(origin: str, destination: str, mode: str) -> str:
    """Return under which name a lane's lead time stands."""
    return f"{origin}>{destination}:{mode}"


def parts_of(subject: str) -> tuple[str, str, str] | None:
    """Return (origin, destination, mode) of a lane's name; None where it is no lane's."""
    sites, colon, mode = subject.rpartition(":")
    origin, arrow, destination = sites.partition(">")
    return (origin, destination, mode) if colon and arrow else None


def lead_time(origin: str, destination: str, mode: str, mean_days: Decimal, deviation_days: Decimal) -> dict[str, int]:
    """Return a lane's lead time as it is kept. Raises BadLane, naming the field."""
    if origin == destination:
        raise BadLane(field="to_site", fault=N_("it ends where it begins"))
    if mode not in MODES:
        raise BadLane(field="mode", fault=N_("nothing is sent by this mode"))
    if not 0 < mean_days <= MOST_DAYS:
        raise BadLane(field="mean_days", fault=N_("the mean must be more than no day and at most a year"))
    if not 0 <= deviation_days <= mean_days:
        raise BadLane(field="deviation_days", fault=N_("the deviation must be from nought to the mean"))
    mean, deviation = mean_days * 1000, deviation_days * 1000
    if mean != int(mean) or deviation != int(deviation):
        raise BadLane(field="mean_days", fault=N_("days are given to thousandths"))
    return {"mean_md": int(mean), "deviation_md": int(deviation)}
