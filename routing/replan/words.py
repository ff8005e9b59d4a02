"""A repair in words for a console: what broke, before and after, who moved and why, owner by owner."""

from __future__ import annotations

from collections.abc import Iterator

from routing.replan.breaks import sentence
from routing.replan.compare import Comparison, Move, Side
from routing.replan.repair import Repair
from routing.report import decimal, duration, percent
from routing.units import money
from wms.errors import N_

MOST_SHOWN = 60
WHAT = {
    "departure": N_("another departure"),
    "box": N_("another box"),
    "left_behind": N_("stays behind"),
    "now_goes": N_("goes now"),
    "new": N_("taken in"),
    "absent": N_("not in this plan"),
}
WHY = {
    "cancelled": N_("its departure is cancelled"),
    "no_connection": N_("it has no onward departure"),
    "missed": N_("its connection is missed"),
    "later": N_("its departure is late"),
    "too_late": N_("it would arrive too late"),
    "full": N_("its departure is full"),
    "not_ready": N_("it is not ready in time"),
    "new": N_("it is new"),
    "rolled": N_("its closed box goes on later"),
    "stranded": N_("no departure takes its closed box"),
    "": N_("room for others, or a cheaper box now"),
}


def lines(found: Repair) -> Iterator[str]:
    """The repair for a console."""
    yield f"what breaks  {len(found.breaks)}"
    for broken in found.breaks[:MOST_SHOWN]:
        count = len(broken.consignments)
        yield f"  {sentence(broken)}" + (f" ({count} consignments)" if count > 1 else "")
    yield from _more(len(found.breaks))
    yield ""
    yield from _sides(found.comparison)
    yield from _figures(found)
    yield from _moves(found.comparison)
    yield from _owners(found.comparison)


def _more(count: int) -> Iterator[str]:
    if count > MOST_SHOWN:
        yield f"  … and {count - MOST_SHOWN} more"


def _sides(one: Comparison) -> Iterator[str]:
    yield f"{'':12} {'before':>16} {'after':>16} {'change':>16}"
    for name, a, b in _rows(one.before, one.after):
        yield f"{name:12} {a:>16} {b:>16} {_change(name, one):>16}"


def _rows(a: Side, b: Side) -> Iterator[tuple[str, str, str]]:
    yield "cost CNY", money(a.cost_minor), money(b.cost_minor)
    yield "go", str(a.go), str(b.go)
    yield "stay behind", str(a.stay), str(b.stay)
    yield "late", str(a.late), str(b.late)
    yield "days late", decimal(a.late_s, 86_400, 1), decimal(b.late_s, 86_400, 1)
    yield "CO2e t", decimal(a.co2_g, 1_000_000, 2), decimal(b.co2_g, 1_000_000, 2)


def _change(name: str, one: Comparison) -> str:
    a, b = one.before, one.after
    if name == "cost CNY":
        return money(b.cost_minor - a.cost_minor)
    if name == "days late":
        return _signed(b.late_s - a.late_s, 86_400, 1)
    if name == "CO2e t":
        return _signed(b.co2_g - a.co2_g, 1_000_000, 2)
    return str({"go": b.go - a.go, "stay behind": b.stay - a.stay, "late": b.late - a.late}[name])


def _signed(amount: int, per: int, places: int) -> str:
    return ("-" if amount < 0 else "") + decimal(abs(amount), per, places)


def _figures(found: Repair) -> Iterator[str]:
    one, plan, price = found.comparison, found.plan, found.stability
    share = f"{one.unmoved_permille() / 10:.1f} %"
    yield (
        f"disturbed    {len(one.moves)} moved; of {one.untouched} that nothing concerned {one.unmoved} did not "
        f"({share}); {one.frozen} frozen"
    )
    yield (
        f"stability    CNY {money(one.stability_minor)} counted, paid by nobody (CNY {money(price.move_minor)} for "
        f"another departure, {money(price.rebox_minor)} for another box; {price.source})"
    )
    if found.proved:
        yield f"proven bound CNY {money(plan.bound_minor)}   gap {percent(plan.gap_ppm)}   (from the old plan's bound)"
    else:
        yield "proven bound none: these events do not let the old one be carried over"
    yield (
        f"run          {plan.solver}, seed {plan.seed}, {plan.elapsed_ms / 1000:.1f} s, "
        f"snapshot {plan.snapshot_sha256[:16]}, checked"
    )


def _moves(one: Comparison) -> Iterator[str]:
    if one.moves:
        yield ""
        yield "moved"
    for move in one.moves[:MOST_SHOWN]:
        yield f"  {move.consignment}  {move.owner}  {WHAT[move.what]}: {_way(move)}  {WHY[move.code]}"
    yield from _more(len(one.moves))


def _way(move: Move) -> str:
    ends = (f"{move.from_segment} {move.from_box}".strip(), f"{move.to_segment} {move.to_box}".strip())
    later = ""
    if move.delay_s:
        later = f", {duration(abs(move.delay_s))} {'later' if move.delay_s > 0 else 'earlier'}"
    return f"{ends[0] or '-'} -> {ends[1] or '-'}{later}, CNY {money(move.added_minor)}"


def _owners(one: Comparison) -> Iterator[str]:
    yield ""
    yield f"{'owner':16} {'before CNY':>16} {'after CNY':>16} {'moved':>6} {'stay':>6} {'days later':>11}"
    for row in one.owners:
        days = _signed(row.delay_s, 86_400, 1)
        a, b = money(row.before_minor), money(row.after_minor)
        yield f"{row.owner:16} {a:>16} {b:>16} {row.moved:>6} {row.stay:>6} {days:>11}"
