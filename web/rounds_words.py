"""What rounds are called in the reader's language: states, modes, places, reasons with what would change them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import format_datetime, get_locale
from flask_babel import gettext as _

from routing.rounds.problem import Amount, Problem, Somewhere
from web.formats import money, quantity, volume, weight
from web.pages.plan_words import STATES as PLAN_STATES
from web.pages.plan_words import at
from wms.errors import N_

STATES = {
    **{name: PLAN_STATES[name] for name in ("queued", "running", "solved", "infeasible", "failed")},
    "accepted": ("ok", N_("booked")),
    "cancelled": ("", N_("cancelled")),
}
MODES = {
    "joint": (N_("Joint"), N_("Owners share the trucks; each order is a call of its own.")),
    "unified": (N_("Unified"), N_("Each place is called at once for all owners.")),
    "centralised": (N_("Centralised"), N_("Unified, and all goods go through one hub.")),
}
KINDS = {"collect": N_("collect"), "deliver": N_("deliver")}
SOURCES = {"desk": N_("from the books"), "upload": N_("from a file")}
BARS = {
    "load": N_("loads at the depot"),
    "drive": N_("drives"),
    "rest": N_("rests"),
    "wait": N_("waits for the door to open"),
    "work": N_("loads and unloads"),
}
REASONS = {
    "no_truck": N_("No truck of the fleet may go there."),
    "too_much": N_("%(amount)s are too much for the largest truck %(truck)s: it holds %(holds)s."),
    "too_far": N_("%(km)s km there and back; truck %(truck)s drives at most %(most_km)s km in its driver's hours."),
    "closed": N_("Truck %(truck)s can be there at %(arrive)s at the earliest; the door closes at %(close)s."),
    "back_late": N_("Truck %(truck)s would be back at %(back)s; it must be at %(end)s."),
    "shift": N_("A round only for it is longer than %(hours)s hours, the longest shift of truck %(truck)s."),
    "depot_closed": N_("Depot %(depot)s is closed while truck %(truck)s is on duty."),
    "no_truck_left": N_("All trucks that could serve it are out."),
    "later": N_("It was not looked at: rounds are made for the %(most)s most urgent orders."),
}
ADVICE = {
    "no_truck": N_("Allow a kind of truck there, or give its depot one."),
    "too_much": N_("Divide it, or add a larger truck."),
    "too_far": N_("Serve it from a nearer depot, or on two days."),
    "closed": N_("%(minutes)s minutes more would do: keep the door open longer, or leave earlier."),
    "back_late": N_("%(minutes)s minutes more would do: let the truck come home later."),
    "shift": N_("Allow a longer shift."),
    "depot_closed": N_("Open the depot while the truck is on duty."),
    "no_truck_left": N_("One more %(truck)s would serve it alone for %(cost)s."),
    "later": N_("Book these rounds, then ask for the day again."),
}
FIELDS = {
    "plate": N_("Plate"),
    "kind": N_("Kind"),
    "depot": N_("Home"),
    "payload_g": N_("Payload (kg)"),
    "volume_cm3": N_("Hold (m³)"),
    "pallets": N_("Pallet places"),
    "fixed_minor": N_("Fixed cost (CNY)"),
    "km_minor": N_("Cost a km (CNY)"),
    "hour_minor": N_("Cost an hour (CNY)"),
    "speed_km_h": N_("Mean speed (km/h)"),
    "start_min": N_("On duty from"),
    "end_min": N_("On duty until"),
    "shift_s": N_("Longest shift (hours)"),
    "trips": N_("Trips a day"),
}


def clock(instant: int | datetime) -> str:
    """Hours and minutes in the reader's time."""
    return str(format_datetime(at(instant) if isinstance(instant, int) else instant, "HH:mm"))


def moment(instant: int | datetime) -> str:
    """Day, hours and minutes in the reader's time."""
    return str(format_datetime(at(instant) if isinstance(instant, int) else instant, "MM-dd HH:mm"))


def span(seconds: int) -> str:
    """Hours and minutes of a span."""
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d}"


def minutes_of_day(minutes: int) -> str:
    """A clock time given in minutes after midnight."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def place_name(problem: Problem, where: Somewhere) -> str:
    """A place of the problem by its name."""
    site = next(one for one in problem.places if one.code == where.place)
    names = (site.name_zh, site.name_en) if str(get_locale()) == "zh" else (site.name_en, site.name_zh)
    return names[0] or names[1] or site.code


def goods(amount: Amount) -> str:
    """Weight and volume of goods."""
    return f"{weight(amount.weight_g, 'kg')} · {volume(amount.volume_cm3 * 1000)}"


def _amount(what: str, value: int) -> str:
    if what == "weight_g":
        return weight(value, "kg")
    return volume(value * 1000) if what == "volume_cm3" else quantity(value)


def sentence(template: str, values: Mapping[str, Any]) -> str:
    """A reason or advice in the page's language."""
    shown = dict(values)
    if "what" in values:
        shown |= {name: _amount(str(values["what"]), int(values[name])) for name in ("amount", "holds")}
    for name, written in (("arrive_at", "arrive"), ("close_at", "close"), ("back_at", "back"), ("end_at", "end")):
        if name in values:
            shown[written] = moment(int(values[name]))
    for late, limit in (("arrive_at", "close_at"), ("back_at", "end_at")):
        if late in values:
            shown["minutes"] = -(-(int(values[late]) - int(values[limit])) // 60)
    if "shift_s" in values:
        shown["hours"] = span(int(values["shift_s"]))
    if "cost_minor" in values:
        shown["cost"] = money(int(values["cost_minor"]), "CNY")
    return str(_(template, **shown))
