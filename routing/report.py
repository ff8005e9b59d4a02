"""A plan in words. Reasons and advice are English sentences with %(name)s places; the front of house translates
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from routing.plan import Conflict, Plan, Unserved
from routing.units import CM3_PER_M3, DAY_S, HOUR_S, ceil_div, iso, money
from wms.errors import N_

REASONS: dict[str, str] = {
    "unknown_place": N_("%(place)s is no place of this network."),
    "no_size": N_("It has no volume or no weight (%(volume)s m³, %(weight)s kg)."),
    "no_service": N_("No service joins %(origin)s to %(destination)s."),
    "class_refused": N_(
        "No service there takes %(customs_mode)s goods that are %(temperature)s with dangerous-goods class "
        "%(dangerous)s."
    ),
    "too_large": N_(
        "It is larger or heavier than any box there: %(volume)s m³ and %(weight)s kg, at most %(most_volume)s m³ and "
        "%(most_weight)s kg."
    ),
    "piece_too_large": N_("One of its pieces is larger than any box there."),
    "too_late": N_("It is ready %(missed)s after the last cut-off (%(segment)s, %(close)s)."),
    "missed_cutoff": N_(
        "It misses the last %(cutoff)s by %(missed)s (%(departure)s; goods had to be there by %(close)s)."
    ),
    "no_departure": N_("No departure in the planning period on %(corridors)s."),
    "arrives_late": N_(
        "It would arrive %(late)s too late: best arrival %(arrives)s by %(segment)s, allowed until %(latest)s."
    ),
    "not_loadable": N_("The loader finds no way to put its pieces into any box there (%(boxes)s)."),
    "stranded": N_("It is in a closed box or on its way, and no departure that could carry it on is left."),
    "no_capacity": N_(
        "The allotment is taken: %(leg)s has %(left)s of %(capacity)s %(unit)s left, %(short)s more are needed."
    ),
}

ADVICE: dict[str, str] = {
    "unknown_place": N_("Correct the code of the place."),
    "no_size": N_("Enter its volume and weight."),
    "no_service": N_("Add a service or choose another place of delivery."),
    "class_refused": N_("Declare it under another mode or add a service that takes it."),
    "too_large": N_("Divide it into at least %(parts)s parts."),
    "piece_too_large": N_("Send the piece on an open-top or flat rack outside this plan."),
    "too_late": N_("Have it ready %(missed)s earlier or plan a longer period."),
    "missed_cutoff": N_("Have it ready %(missed)s earlier or plan a longer period."),
    "no_departure": N_("Plan a longer period."),
    "arrives_late": N_("Allow delivery %(late)s later."),
    "not_loadable": N_("Pack it into smaller or stronger pieces, or send it outside this plan."),
    "stranded": N_("Ask the carrier for another departure, or have the box opened and its goods planned anew."),
    "no_capacity": N_("Buy %(short)s %(unit)s more on %(leg)s; going alone it would cost %(cost)s CNY."),
}

CUTOFFS: dict[str, str] = {
    "gate_in": N_("gate-in cut-off"),
    "documents": N_("document cut-off"),
    "customs": N_("customs cut-off"),
    "vgm": N_("VGM cut-off"),
}
PAPERS = ("documents", "customs", "vgm")


def decimal(amount: int, per: int, places: int) -> str:
    """amount / per with a fixed number of places, exact: decimal(1234567, 1_000_000, 2) -> '1.23'."""
    scaled = (2 * amount * 10**places + per) // (2 * per)
    whole, part = divmod(scaled, 10**places)
    return f"{whole:,}.{part:0{places}d}" if places else f"{whole:,}"


def duration(seconds: int) -> str:
    """Days, hours and minutes: 93900 -> '1 d 2 h 5 min'."""
    days, rest = divmod(seconds, DAY_S)
    hours, rest = divmod(rest, HOUR_S)
    minutes = ceil_div(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 min"


def places_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a reason as its sentence shows them."""
    shown = dict(values)
    for name, target, per, places in (
        ("volume_cm3", "volume", CM3_PER_M3, 2),
        ("weight_g", "weight", 1000, 1),
        ("most_cm3", "most_volume", CM3_PER_M3, 2),
        ("most_g", "most_weight", 1000, 1),
    ):
        if name in values:
            shown[target] = decimal(values[name], per, places)
    for name, target in (("close_at", "close"), ("arrives_at", "arrives"), ("latest_at", "latest")):
        if name in values:
            shown[target] = iso(values[name])
    if "missed_minutes" in values:
        shown["missed"] = duration(values["missed_minutes"] * 60)
    if "late_s" in values:
        shown["late"] = duration(values["late_s"])
    if "cutoff" in values:
        shown["cutoff"] = CUTOFFS[values["cutoff"]]
    if "cost_minor" in values:
        shown["cost"] = money(values["cost_minor"])
    return shown


def reason(one: Unserved) -> str:
    """Why it stays behind, in English."""
    return REASONS[one.reason] % places_of(one.values)


def advice(one: Unserved) -> str:
    """What would change it, in English."""
    return ADVICE[one.reason] % places_of(one.values)


def conflict(one: Conflict) -> str:
    """A limit that stands against a plan, in English."""
    return f"{one.values['consignment']}: {REASONS[one.limit] % places_of(one.values)}"


def percent(ppm: int) -> str:
    """Parts per million as per cent with two places, rounded up: a gap is never flattered."""
    return f"{ceil_div(ppm, 100) // 100}.{ceil_div(ppm, 100) % 100:02d} %"


def lines(plan: Plan) -> Iterator[str]:
    """The plan for a console."""
    proof = " (proven)" if plan.infeasible_proved else " (not proven in the time given)"
    yield f"state        {plan.state}{proof if plan.state == 'infeasible' else ''}"
    for one in plan.conflicts:
        yield f"  conflict   {conflict(one)}"
    yield from _figures(plan)
    yield from _ranks(plan)
    yield from _boxes(plan)
    yield from _times(plan)
    yield from _loads(plan)
    if plan.unserved:
        yield ""
        yield "stay behind"
    for left in plan.unserved:
        yield f"  {left.consignment}  {reason(left)} {advice(left)}"


def _figures(plan: Plan) -> Iterator[str]:
    base, saved = plan.baselines, f"{plan.saving_permille / 10:.1f} %"
    if plan.stopped:
        yield "stopped      early: the best plan until then, loaded and checked"
    yield f"cost         CNY {money(plan.cost_minor)}"
    if plan.left_out_minor:
        left = f"CNY {money(plan.left_out_minor)} as the price of what is left out"
        yield f"objective    CNY {money(plan.objective_minor)} (with {left})"
    proved = f"{plan.blocks_proved} of {plan.blocks} blocks solved to the end"
    yield f"proven bound CNY {money(plan.bound_minor)}   gap {percent(plan.gap_ppm)}   ({proved})"
    yield f"saving       CNY {money(plan.saving_minor)} = {saved} against the dispatcher's baseline"
    yield (
        f"baselines    A each alone {money(base.a_minor)}   B cheapest, then boxes {money(base.b_minor)}   "
        f"C by box rate {money(base.c_minor)}"
    )
    yield f"shares       {SHARES[plan.share_rule]}"
    yield f"CO2e         {decimal(plan.co2_g, 1_000_000, 1)} t"
    yield f"goods        {len(plan.assignments)} go, {len(plan.unserved)} stay behind"
    spent = f"{plan.elapsed_ms / 1000:.1f} s"
    if plan.stages_ms:
        yield "time         " + ", ".join(f"{name} {ms / 1000:.1f} s" for name, ms in plan.stages_ms.items())
    yield f"run          {plan.solver}, seed {plan.seed}, {spent}, snapshot {plan.snapshot_sha256[:16]}, checked"


def _ranks(plan: Plan) -> Iterator[str]:
    """What an emergency plan does for each rank of relief goods."""
    for one in plan.ranks:
        mean = f", {one.hours // one.go:,} h in the mean" if one.go else ""
        step = f"gap of its step {percent(one.gap_ppm)}"
        yield f"rank {one.priority}       {one.go} of {one.consignments} go{mean}, {step}"


SHARES = {
    "measure": "by weight or measure, the larger of the two",
    "alone": "in proportion to what each would pay alone on that segment",
    "shapley": "by what each adds to the price (Shapley), up to twelve in a box; larger ones by weight or measure",
}
HEADER = ("box", "kind", "segment", "class", "m3", "kg", "vol%", "wt%", "CNY", "consignments")
WIDTHS = ("<6", "<8", "<30", "<32", ">7", ">8", ">5", ">5", ">12", ">3")


def _row(cells: Iterable[str]) -> str:
    return " ".join(f"{cell:{width}}" for cell, width in zip(cells, WIDTHS, strict=True))


def _boxes(plan: Plan) -> Iterator[str]:
    yield ""
    yield _row(HEADER)
    for box in plan.boxes:
        fill = (decimal(box.volume_permille, 10, 1), decimal(box.weight_permille, 10, 1))
        yield _row(
            (
                box.id,
                box.equipment,
                box.segment,
                box.load_class,
                decimal(box.volume_cm3, CM3_PER_M3, 1),
                decimal(box.weight_g, 1000, 0),
                *(fill if box.kind != "loose" else ("", "")),
                money(box.price_minor),
                str(len(box.consignments)),
            )
        )


TIMES = ("segment", "goods by", "cut-off", "leaves", "arrives", "late case")
TIME_WIDTHS = ("<30", "<17", "<18", "<17", "<17", "<17")


def _times(plan: Plan) -> Iterator[str]:
    """When goods must be there and by which cut-off, and arrivals as planned and in the late case, in UTC."""
    if not plan.segments:
        return
    rows = [
        (
            one.id, _minute(one.close_at), CUTOFFS[one.closed_by[1]] if one.closed_by is not None else "",
            _minute(one.depart_at), _minute(one.arrive_at), _minute(one.late_at) if one.late_at is not None else "",
        )
        for one in plan.segments
    ]  # fmt: skip
    yield ""
    for row in (TIMES, *rows):
        yield " ".join(f"{cell:{width}}" for cell, width in zip(row, TIME_WIDTHS, strict=True)).rstrip()


def _minute(instant: int) -> str:
    return f"{iso(instant)[:16]}Z"


WORDS = {"no_dimensions": "without dimensions of pieces", "too_many_pieces": "with too many pieces for the loader"}


def _loads(plan: Plan) -> Iterator[str]:
    """How the boxes are loaded in three dimensions, and what could not be looked at."""
    if plan.loads:
        yield ""
        pieces = sum(len(load.spots) for load in plan.loads)
        yield f"loaded in 3D {sum(bool(load.spots) for load in plan.loads)} of {len(plan.loads)} boxes, {pieces} pieces"
    for load in plan.loads:
        if load.spots and load.centre_mm is not None:
            centre = " / ".join(str(part) for part in load.centre_mm)
            yield f"  {load.box}  {decimal(load.volume_ppm, 10_000, 1)} % of the inside, centre of mass {centre} mm"
        if load.spared:
            yield f"  {load.box}  not looked at, {WORDS[load.word]}: {', '.join(load.spared)}"
