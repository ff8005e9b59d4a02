"""What pages, paper and spreadsheets say of rounds: the driver's lines, costs by owner, chart, map, who is left."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _

from routing.rounds.answer import Call, PlanRound
from routing.rounds.chart import chart
from routing.rounds.desk.asking import parts_of, place_of
from routing.rounds.desk.reading import WholeRounds
from routing.rounds.problem import Amount, Somewhere
from routing.rounds.shares import Bill
from web import rounds_words as words
from web.plan_pictures import colour

NOTHING = Amount()
LABEL, SPAN, ROW, TOP = 150, 850, 26, 26  # units of the time chart
MAP_WIDTH, MAP_HEIGHT, MAP_MARGIN = 900.0, 560.0, 60.0


@dataclass(frozen=True)
class Order:
    """An order at a call: its number, goods and owner by name."""

    number: str
    goods: str
    owner: str
    consignment_no: str | None


@dataclass(frozen=True)
class Line:
    """One line of the driver's list. Amounts in g and cm3; `number` counts the calls away from the depot."""

    number: int
    kind: str
    place: str
    code: str
    orders: tuple[Order, ...]
    window: str
    arrive_at: int
    begin_at: int
    leave_at: int
    unload: Amount
    load: Amount
    board: Amount
    drive_m: int
    rest_s: int


@dataclass(frozen=True)
class Sheet:
    """One round with its truck and the driver's lines."""

    one: PlanRound
    plate: str
    lines: tuple[Line, ...]
    colour: str

    @property
    def stops(self) -> int:
        """How many calls away from the depot."""
        return sum(line.kind != "depot" for line in self.lines)


@dataclass(frozen=True)
class Left:
    """An order that is left out, why, and what would change it."""

    number: str
    owner: str
    place: str
    reason: str
    advice: str
    must_go: bool


@dataclass(frozen=True)
class Bar:
    """One bar of the time chart as drawn."""

    kind: str
    x: str
    width: str
    title: str


@dataclass(frozen=True)
class ChartView:
    """The time chart as drawn: (y, round, plate, bars) a row, marks with their clock time, kinds with their words."""

    width: int
    height: int
    rows: tuple[tuple[int, str, str, tuple[Bar, ...]], ...]
    marks: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Spot:
    """A place on the map; ``number``: when it is called on the round that is shown alone."""

    x: str
    y: str
    name: str
    is_depot: bool
    number: str
    anchor: str
    label_x: str


@dataclass(frozen=True)
class MapView:
    """Rounds on the map: (colour, path, title) a round, and the places."""

    width: float
    height: float
    paths: tuple[tuple[str, str, str], ...]
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class RoundsReport:
    """Everything that the desk shows of made rounds, in the reader's language."""

    whole: WholeRounds
    sheets: tuple[Sheet, ...]
    bills: tuple[tuple[str, Bill], ...]
    left: tuple[Left, ...]
    adds_up: bool

    def sheet(self, round_no: str) -> Sheet:
        """The sheet of a round. Raises UnknownRound."""
        self.whole.round(round_no)
        return next(one for one in self.sheets if one.one.id == round_no)


def report_of(whole: WholeRounds) -> RoundsReport:
    """The report of made rounds."""
    left_out = {one.id: one for one in whole.plan.unserved}
    parts = parts_of(whole.asked)
    must = {name for key, one in left_out.items() if one.must_go for name in parts.get(key, ())}
    bills = whole.bills()
    return RoundsReport(
        whole,
        tuple(_sheet(whole, one, number, parts) for number, one in enumerate(whole.plan.rounds)),
        tuple((_owner(whole, one.owner), one) for one in bills),
        tuple(
            Left(
                one.order_no, _owner(whole, one.owner), _code_name(whole, one.place),
                words.sentence(words.REASONS[one.reason], one.values or {}),
                words.sentence(words.ADVICE[one.reason], one.values or {}), one.order_no in must,
            )
            for one in whole.orders
            if one.reason is not None
        ),
        sum(one.share_minor for one in bills) == whole.plan.cost_minor,
    )  # fmt: skip


def _owner(whole: WholeRounds, code: str) -> str:
    """An owner's name in the reader's language; what a file says where it is no company of ours."""
    zh, en = whole.names.get(code, ("", ""))
    if code == "-":
        return str(_("nobody named"))
    return ((zh or en) if str(get_locale()) == "zh" else (en or zh)) or code


def _code_name(whole: WholeRounds, place: str) -> str:
    known = {one.code for one in whole.problem.places}
    return words.place_name(whole.problem, Somewhere(place=place)) if place in known else place


def _sheet(whole: WholeRounds, one: PlanRound, number: int, parts: Mapping[str, Sequence[str]]) -> Sheet:
    lines, count = [], 0
    for at, call in enumerate(one.calls):
        count += call.kind != "depot"
        lines.append(_line(whole, one, at, call, count, parts))
    return Sheet(one, whole.plates[one.id], tuple(lines), colour(number))


def _where(whole: WholeRounds, call: Call) -> tuple[Somewhere, list[tuple[int, int]], Amount, Amount]:
    """Where a call is, its windows, what is unloaded and what is loaded there."""
    problem = whole.problem
    if call.kind == "depot":
        return next(one for one in problem.depots if one.code == call.id), [], NOTHING, NOTHING
    if call.kind == "stop":
        stop = next(one for one in problem.stops if one.id == call.id)
        return stop, [(one.open_at, one.close_at) for one in stop.windows], stop.deliver, stop.collect
    move = next(one for one in problem.transfers if one.id == call.id)
    end = move.pick if call.kind == "pick" else move.drop
    windows = [(end.window.open_at, end.window.close_at)] if end.window is not None else []
    return end, windows, *((NOTHING, move.amount) if call.kind == "pick" else (move.amount, NOTHING))


def _line(
    whole: WholeRounds, one: PlanRound, at: int, call: Call, number: int, parts: Mapping[str, Sequence[str]]
) -> Line:
    where, windows, unload, load = _where(whole, call)
    if call.kind == "depot":
        before = one.calls[at - 1].load if at else NOTHING
        if at == len(one.calls) - 1:
            unload = before
        else:
            load = call.load
            unload = before
    chosen = next((w for w in windows if w[0] <= call.begin_at <= w[1]), None)
    return Line(
        number, call.kind, words.place_name(whole.problem, where) if where.place else call.id, place_of(where),
        tuple(_order(whole, name) for name in parts.get(call.id, ())) if call.kind != "depot" else (),
        f"{words.clock(chosen[0])}–{words.clock(chosen[1])}" if chosen else "", call.arrive_at, call.begin_at,
        call.leave_at, unload, load, call.load, call.drive_m, call.rest_before_s,
    )  # fmt: skip


def _order(whole: WholeRounds, name: str) -> Order:
    entry: Mapping[str, Any] = whole.entries[name]
    return Order(name, str(entry.get("goods", "")), _owner(whole, str(entry["owner"])), entry.get("consignment_no"))


def chart_view(whole: WholeRounds) -> ChartView | None:
    """Where each bar of the time chart lies; None where nothing is driven."""
    found = chart(whole.plan)
    if found is None:
        return None
    whole_s = found.until_at - found.from_at

    def place(instant: int) -> float:
        return LABEL + (instant - found.from_at) * SPAN / whole_s

    rows = tuple(
        (
            TOP + number * ROW, row.round, whole.plates[row.round],
            tuple(
                Bar(
                    bar.kind, f"{place(bar.from_at):.1f}",
                    f"{max(1.0, (bar.until_at - bar.from_at) * SPAN / whole_s):.1f}",
                    f"{_(words.BARS[bar.kind])}: {words.clock(bar.from_at)}–{words.clock(bar.until_at)}",
                )
                for bar in row.bars
            ),
        )
        for number, row in enumerate(found.rows)
    )  # fmt: skip
    used = {bar.kind for row in found.rows for bar in row.bars}
    return ChartView(
        LABEL + SPAN + 20, TOP + len(rows) * ROW + 6, rows,
        tuple((f"{place(mark):.1f}", words.clock(mark)) for mark in found.marks),
        tuple((kind, str(_(text))) for kind, text in words.BARS.items() if kind in used),
    )  # fmt: skip


def map_view(report: RoundsReport, sheets: Sequence[Sheet]) -> MapView | None:
    """The rounds on a map of their own country, north up; one alone has its calls numbered. None where none is driven.

    Straight lines between the calls: the road itself is not known, its length is the great circle × the detour.
    """
    if not sheets:
        return None
    problem = report.whole.problem
    points = {
        (call.kind == "depot", line.code, line.place): problem.point(_where(report.whole, call)[0])
        for sheet in sheets
        for call, line in zip(sheet.one.calls, sheet.lines, strict=True)
    }
    lats, lons = [lat for lat, _lon in points.values()], [lon for _lat, lon in points.values()]
    shrink = math.cos(math.radians((min(lats) + max(lats)) / 2e6))
    wide, high = max(1.0, (max(lons) - min(lons)) * shrink), max(1.0, float(max(lats) - min(lats)))
    scale = min((MAP_WIDTH - 2 * MAP_MARGIN) / wide, (MAP_HEIGHT - 2 * MAP_MARGIN) / high)
    left = (MAP_WIDTH - wide * scale) / 2
    height = high * scale + 2 * MAP_MARGIN

    def project(point: tuple[int, int]) -> tuple[float, float]:
        lat, lon = point
        return left + (lon - min(lons)) * shrink * scale, MAP_MARGIN + (max(lats) - lat) * scale

    paths = tuple(
        (
            sheet.colour,
            "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in
                           (project(problem.point(_where(report.whole, call)[0])) for call in sheet.one.calls)),
            f"{sheet.one.id} · {sheet.plate}",
        )
        for sheet in sheets
    )  # fmt: skip
    return MapView(MAP_WIDTH, height, paths, tuple(_spots(sheets, points, project)))


def _spots(
    sheets: Sequence[Sheet], points: Mapping[tuple[bool, str, str], tuple[int, int]], project: Any
) -> list[Spot]:  # fmt: skip
    lines = sheets[0].lines if len(sheets) == 1 else ()
    found: list[Spot] = []
    taken: set[tuple[float, float]] = set()
    for (is_depot, code, name), point in sorted(points.items(), reverse=True):  # the depot's label comes first
        x, y = project(point)
        numbers = [str(line.number) for line in lines if line.code == code and line.kind != "depot"]
        free = all(abs(x - other) > 70 or abs(y - over) > 15 for other, over in taken)
        taken.add((x, y))
        right = x < MAP_WIDTH - 160
        found.append(
            Spot(
                f"{x:.1f}", f"{y:.1f}", name if free else "", is_depot, ", ".join(numbers),
                "start" if right else "end", f"{x + (9 if right else -9):.1f}",
            )
        )  # fmt: skip
    return found
