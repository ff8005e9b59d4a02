"""What a plan's codes are called, and its rows as a page shows them: places, classes, equipment, reasons,
itineraries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_babel import format_datetime, get_locale
from flask_babel import gettext as _
from markupsafe import Markup

from routing import report
from routing.network import Network
from routing.plan import Assignment, Plan, PlanBox, PlanLeg, PlanSegment
from wms.errors import N_

STATES = {
    "queued": ("busy", N_("waiting")),
    "running": ("busy", N_("being planned")),
    "solved": ("ok", N_("solved")),
    "infeasible": ("stop", N_("no plan is possible")),
    "failed": ("stop", N_("failed")),
    "accepted": ("ok", N_("accepted")),
    "superseded": ("", N_("superseded")),
}
STAGES = {
    "queued": N_("Waiting for a worker"),
    "snapshot": N_("Freezing the open consignments"),
    "paths": N_("Finding every possible way"),
    "baselines": N_("Working out the dispatcher's baselines"),
    "rough plan": N_("Looking for a rough plan of each region"),
    "bound": N_("Proving how good a plan can be at best"),
    "search": N_("Improving the plan"),
    "loading": N_("Loading every box in three dimensions"),
    "check": N_("Checking the plan independently"),
    "done": N_("Done"),
    "failed": N_("Failed"),
}
MODES = {
    "barge": ("ship", N_("Barge")),
    "ocean": ("ship", N_("Ocean")),
    "rail": ("train", N_("Rail")),
    "truck": ("truck", N_("Road")),
    "air": ("plane", N_("Air")),
}
CLASSES = {
    "general_export": N_("general export"),
    "parcel_export": N_("parcel export"),
    "bonded_export": N_("from the bonded zone"),
    "general_import": N_("general import"),
    "parcel_import": N_("parcel import"),
    "bonded_import": N_("into the bonded zone"),
    "ambient": N_("ambient"),
    "chilled": N_("chilled"),
    "frozen": N_("frozen"),
    "class9": N_("dangerous goods class 9"),
}
UNITS = {"teu": "TEU", "kg": "kg"}


@dataclass(frozen=True)
class Hop:
    """One leg of an itinerary as shown: mode, ends, when it leaves."""

    icon: str
    mode: str
    origin: str
    destination: str
    depart_at: datetime


@dataclass(frozen=True)
class BoxRow:
    """A box with its segment's ends and departure."""

    box: PlanBox
    equipment: str
    origin: str
    destination: str
    depart_at: datetime
    close_at: datetime
    load_class: str
    closed_by: str
    arrive_at: datetime
    late_at: datetime | None


@dataclass(frozen=True)
class GoodsRow:
    """A consignment with its box, itinerary and cost."""

    one: Assignment
    origin: str
    destination: str
    equipment: str
    hops: tuple[Hop, ...]
    deliver_at: datetime
    late_days: int


def moment(value: datetime) -> Markup:
    """An instant to the minute: departures and cut-offs have no seconds. The exact one stands in ``datetime``."""
    exact = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}">{}</time>').format(exact, format_datetime(value, "yyyy-MM-dd HH:mm"))


def place_names(network: Network) -> dict[str, str]:
    """Place codes → names in the page's language."""
    chinese = str(get_locale()) == "zh"
    return {place.code: place.name_zh if chinese else place.name_en for place in network.places}


def load_class(code: str) -> str:
    """'bonded_export/frozen/none' in words."""
    return " · ".join(_(CLASSES.get(part, part)) for part in code.split("/") if part not in {"none", "ambient"})


def equipment(code: str) -> str:
    """Equipment as a dispatcher calls it."""
    if code == "LCL":
        return str(_("co-load"))
    if code.startswith("AIR+"):
        return str(_("loose air cargo"))
    return {"40HQR": str(_("40HQ rail")), "40RFR": str(_("40RF rail"))}.get(code, code)


def at(seconds: int) -> datetime:
    """Seconds since 1970 as an instant."""
    return datetime.fromtimestamp(seconds, UTC)


def sentence(template: str, values: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """A reason or advice of `routing.report` in the page's language, with places by name and instants in local time."""
    shown = report.places_of(values)
    for name in ("close_at", "arrives_at", "latest_at"):
        if name in values:
            shown[name.removesuffix("_at")] = format_datetime(at(values[name]), "yyyy-MM-dd HH:mm")
    for name in ("origin", "destination"):
        if name in shown:
            shown[name] = names.get(shown[name], shown[name])
    for name in ("temperature", "dangerous"):
        if name in shown:
            shown[name] = _(CLASSES.get(shown[name], shown[name])) if shown[name] != "none" else _("none")
    if "cutoff" in shown:
        shown["cutoff"] = _(report.CUTOFFS[values["cutoff"]])
    if "unit" in shown:
        shown["unit"] = UNITS.get(shown["unit"], shown["unit"])
    for name, seconds in (("missed", values.get("missed_minutes", 0) * 60), ("late", values.get("late_s", 0))):
        if name in shown:
            shown[name] = duration(seconds)
    return str(_(template, **shown))


def closed_by(segment: PlanSegment) -> str:
    """Which cut-off closes a segment, where there are several."""
    return cutoff_word(segment.closed_by[1]) if segment.closed_by else ""


def cutoff_word(kind: str) -> str:
    """A cut-off by name."""
    return str(_(report.CUTOFFS[kind]))


def cutoffs(leg: PlanLeg) -> list[tuple[str, int]]:
    """The cut-offs of a departure beside gate-in, in order of time: name and instant."""
    return [(str(_(report.CUTOFFS[name])), at) for name, at in sorted(leg.papers.items(), key=lambda item: item[1])]


def duration(seconds: int) -> str:
    """A span of time in days and hours, or minutes where it is short."""
    days, hours, minutes = seconds // 86_400, seconds % 86_400 // 3600, -(-(seconds % 3600) // 60)
    parts = []
    if days:
        parts.append(_("%(count)s d", count=days))
    if hours:
        parts.append(_("%(count)s h", count=hours))
    if minutes and not days:
        parts.append(_("%(count)s min", count=minutes))
    return " ".join(str(part) for part in parts) or str(_("%(count)s min", count=0))


def box_rows(plan: Plan, names: Mapping[str, str]) -> list[BoxRow]:
    """Boxes and pallets in order of departure, then co-loads."""
    segments = {one.id: one for one in plan.segments}
    rows = []
    for box in sorted(plan.boxes, key=lambda box: box.kind == "loose"):
        segment = segments[box.segment]
        ends = (
            names.get(segment.stuffing_place, segment.stuffing_place),
            names.get(segment.stripping_place, segment.stripping_place),
        )
        times = (at(segment.depart_at), at(segment.close_at))
        rows.append(
            BoxRow(
                box, equipment(box.equipment), *ends, *times, load_class(box.load_class), closed_by(segment),
                at(segment.arrive_at), at(segment.late_at) if segment.late_at is not None else None,
            )
        )
    return rows


def goods_rows(plan: Plan, ends: Mapping[str, tuple[str, str]], names: Mapping[str, str]) -> list[GoodsRow]:
    """All consignments that go; ``ends``: number → (origin, destination)."""
    segments = {one.id: one for one in plan.segments}
    legs = {leg.departure: leg for leg in plan.legs}
    boxes = {box.id: box for box in plan.boxes}
    rows = []
    for one in plan.assignments:
        origin, destination = ends.get(one.consignment, ("", ""))
        hops = tuple(hop(legs[name], names) for name in segments[one.segment].departures)
        late_days = -(-one.late_s // 86_400)
        box = equipment(boxes[one.box].equipment)
        shown = (names.get(origin, origin), names.get(destination, destination))
        rows.append(GoodsRow(one, *shown, box, hops, at(one.deliver_at), late_days))
    return rows


def hop(leg: PlanLeg, names: Mapping[str, str]) -> Hop:
    """One leg as an itinerary shows it."""
    icon, mode = MODES[leg.mode]
    return Hop(
        icon,
        str(_(mode)),
        names.get(leg.origin, leg.origin),
        names.get(leg.destination, leg.destination),
        at(leg.depart_at),
    )


def gap(ppm: int | None) -> str:
    """A gap in per cent with two places, never flattered."""
    return report.percent(ppm) if ppm is not None else "–"
