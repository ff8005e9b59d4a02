"""What a plan's report says, once for page, PDF and spreadsheet: figures, costs by owner, boxes with their loads, time
chart, who stays behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import format_datetime, get_locale
from flask_babel import gettext as _

from routing import booking_requests, report
from routing.bill import Bill, bills, off_by_minor
from routing.chart import Chart, chart
from routing.hand_over.reading import Whole
from routing.network import yueyang
from routing.pictures import Picture, Step, picture, steps
from routing.plan import PlanBox, PlanLoad, Unserved
from routing.report import PAPERS
from web.pages import plan_words
from web.pages.plan_words import BoxRow
from wms.errors import N_
from wms.freight.queries import ConsignmentRow

NOT_LOOKED_AT = {
    "no_dimensions": N_("No picture: these goods have no dimensions of pieces; volume and weight are counted."),
    "too_many_pieces": N_("No picture: too many pieces for the loader; volume and weight are counted."),
}
SHARES = {
    "measure": N_("Boxes are shared by weight or measure, the larger of the two."),
    "alone": N_("Boxes are shared in proportion to what each would pay alone on that way."),
    "shapley": N_("Boxes are shared by what each adds to the price (Shapley); full boxes by weight or measure."),
}


@dataclass(frozen=True)
class Inside:
    """A consignment in a box: its goods, owner and share in fen."""

    number: str
    goods_name: str
    owner: str
    volume_cm3: int
    weight_g: int
    share_minor: int
    colour: int


@dataclass(frozen=True)
class BoxPart:
    """A box with what is in it, its picture where there is one, and the loading sequence."""

    row: BoxRow
    inside: tuple[Inside, ...]
    load: PlanLoad | None
    steps: tuple[Step, ...]
    has_picture: bool
    word: str

    @property
    def box(self) -> PlanBox:
        """The box itself."""
        return self.row.box


@dataclass(frozen=True)
class Left:
    """Who stays behind, why, and what would change it."""

    one: Unserved
    owner: str
    reason: str
    advice: str


@dataclass(frozen=True)
class Report:
    """The whole report in the reader's language."""

    whole: Whole
    names: dict[str, str]
    owners: dict[str, str]
    bills: tuple[tuple[str, Bill], ...]
    boxes: tuple[BoxPart, ...]
    chart: Chart | None
    left: tuple[Left, ...]
    requests: tuple[booking_requests.Request, ...]
    adds_up: bool


def report_of(whole: Whole) -> Report:
    """Everything that the report of a plan says."""
    names = plan_words.place_names(yueyang())
    owners = {row.owner_code: owner_name(row) for row in whole.books.values()}
    plan = whole.plan
    return Report(
        whole=whole,
        names=names,
        owners=owners,
        bills=tuple((owners.get(one.owner, one.owner), one) for one in bills(plan)),
        boxes=tuple(_box(whole, row, owners) for row in plan_words.box_rows(plan, names)),
        chart=chart(plan),
        left=tuple(
            Left(
                one, owners.get(one.owner, one.owner),
                plan_words.sentence(report.REASONS[one.reason], one.values, names),
                plan_words.sentence(report.ADVICE[one.reason], one.values, names),
            )
            for one in plan.unserved
        ),
        requests=tuple(booking_requests.requests(plan, whole.plan_id, whole.goods, whole.goods_names())),
        adds_up=not off_by_minor(plan),
    )  # fmt: skip


def owner_name(row: ConsignmentRow) -> str:
    """An owner's name in the reader's language."""
    names = (row.owner_zh, row.owner_en) if str(get_locale()) == "zh" else (row.owner_en, row.owner_zh)
    return names[0] or names[1] or row.owner_code


def _box(whole: Whole, row: BoxRow, owners: Mapping[str, str]) -> BoxPart:
    load = whole.loads.get(row.box.id)
    order = list(dict.fromkeys(line.consignment for line in load.lines)) if load is not None else []
    goods, names = whole.goods, whole.goods_names()
    by_number = {one.consignment: one for one in whole.plan.assignments}
    inside = tuple(
        Inside(
            number, names.get(number, ""), owners.get(goods[number].owner, goods[number].owner),
            goods[number].volume_cm3, goods[number].weight_g, by_number[number].costs.share_minor,
            order.index(number) if number in order else -1,
        )
        for number in row.box.consignments
    )  # fmt: skip
    has_picture = load is not None and bool(load.spots) and whole.inner_mm(row.box.id) is not None
    word = _(NOT_LOOKED_AT[load.word]) if load is not None and load.word else ""
    sequence = tuple(steps(load, goods)) if load is not None and has_picture else ()
    return BoxPart(row, inside, load, sequence, has_picture, word)


def picture_of(whole: Whole, box_no: str) -> Picture | None:
    """The picture of a box; None where there is no such box or no load of it."""
    load, inner = whole.loads.get(box_no), whole.inner_mm(box_no)
    return picture(load, inner, whole.goods) if load is not None and load.spots and inner is not None else None


def pieces_words(count: int) -> str:
    """How many pieces."""
    return str(_("%(count)s pieces", count=count))


def local(seconds: int) -> str:
    """An instant to the minute in the installation's time zone."""
    return str(format_datetime(plan_words.at(seconds), "yyyy-MM-dd HH:mm"))


def local_at(value: datetime) -> str:
    """The same for a datetime."""
    return str(format_datetime(value, "yyyy-MM-dd HH:mm"))


def yuan(minor: int) -> Decimal:
    """Fen as yuan, exact."""
    return Decimal(minor).scaleb(-2)


def tenths(amount: int, per: int, places: int) -> Decimal:
    """amount / per with so many places, half up."""
    return (Decimal(amount) / per).quantize(Decimal(1).scaleb(-places))


def sheets(found: Report) -> list[tuple[str, list[str], list[list[Any]]]]:
    """The report as sheets of a spreadsheet: title, columns, rows."""
    return [_summary(found), _bills(found), _boxes(found), _goods(found), _loading(found), _legs(found), _left(found)]


Sheet = tuple[str, list[str], list[list[Any]]]


def _summary(found: Report) -> Sheet:
    plan = found.whole.plan
    rows: list[list[Any]] = [
        [_("Plan"), found.whole.plan_id],
        [_("State"), str(_(plan_words.STATES[found.whole.state][1]))],
        [_("Cost (CNY)"), yuan(plan.cost_minor)],
        [_("Proven bound (CNY)"), yuan(plan.bound_minor)],
        [_("Gap"), plan_words.gap(plan.gap_ppm)],
        [_("Saved against the dispatcher's baseline (CNY)"), yuan(plan.saving_minor)],
        [_("CO₂e (t)"), tenths(plan.co2_g, 1_000_000, 2)],
        [_("Consignments that go"), len(plan.assignments)],
        [_("Consignments that stay behind"), len(plan.unserved)],
        [_("Rule of sharing"), str(_(SHARES[plan.share_rule]))],
        [_("Solver"), plan.solver],
        [_("Seed"), plan.seed],
        [_("Snapshot"), plan.snapshot_sha256],
    ]
    return _("Summary"), [_("Figure"), _("Value")], rows


def _bills(found: Report) -> Sheet:
    columns = [
        _("Owner"), _("Code"), _("Consignments"), _("Boxes"), _("Own ways (CNY)"), _("Shares of boxes (CNY)"),
        _("Total (CNY)"), _("Each alone (CNY)"), _("Saving (CNY)"), _("CO₂e (t)"),
    ]  # fmt: skip
    rows: list[list[Any]] = [
        [
            name, one.owner, one.consignments, one.boxes, yuan(one.ways_minor), yuan(one.share_minor),
            yuan(one.total_minor), yuan(one.alone_minor), yuan(one.saving_minor), tenths(one.co2_g, 1_000_000, 2),
        ]
        for name, one in found.bills
    ]  # fmt: skip
    plan = found.whole.plan
    whole = [one for _name, one in found.bills]
    shares = sum(one.share_minor for one in whole)
    rows.append(
        [
            _("Total"), "", len(plan.assignments), len(plan.boxes), yuan(sum(one.ways_minor for one in whole)),
            yuan(shares), yuan(plan.cost_minor), yuan(sum(one.alone_minor for one in whole)),
            yuan(sum(one.saving_minor for one in whole)), tenths(plan.co2_g, 1_000_000, 2),
        ]
    )  # fmt: skip
    return _("Cost by owner"), columns, rows


def _boxes(found: Report) -> Sheet:
    columns = [
        _("Box"), _("Equipment"), _("From"), _("To"), _("Class of goods"), _("Goods must be there by"), _("Leaves"),
        _("Volume (m³)"), _("Weight (kg)"), _("Volume used (%)"), _("Weight used (%)"), _("Consignments"),
        _("Price (CNY)"), _("First cut-off"), _("Arrives"), _("Late case"),
    ]  # fmt: skip
    rows: list[list[Any]] = [
        [
            one.box.id, one.row.equipment, one.row.origin, one.row.destination, one.row.load_class,
            local_at(one.row.close_at), local_at(one.row.depart_at), tenths(one.box.volume_cm3, 1_000_000, 3),
            tenths(one.box.weight_g, 1000, 3),
            tenths(one.box.volume_permille, 10, 1) if one.box.kind != "loose" else "",
            tenths(one.box.weight_permille, 10, 1) if one.box.kind != "loose" else "",
            len(one.box.consignments), yuan(one.box.price_minor), one.row.closed_by,
            local_at(one.row.arrive_at), local_at(one.row.late_at) if one.row.late_at is not None else "",
        ]
        for one in found.boxes
    ]  # fmt: skip
    return _("Boxes"), columns, rows


def _goods(found: Report) -> Sheet:
    columns = [
        _("Consignment"), _("Goods"), _("Owner"), _("From"), _("To"), _("Box"), _("Delivery"), _("Share (CNY)"),
        _("Whole cost (CNY)"), _("Going alone (CNY)"),
    ]  # fmt: skip
    goods, names = found.whole.goods, found.whole.goods_names()
    rows: list[list[Any]] = [
        [
            one.consignment, names.get(one.consignment, ""), found.owners.get(one.owner, one.owner),
            found.names.get(goods[one.consignment].origin, goods[one.consignment].origin),
            found.names.get(goods[one.consignment].destination, goods[one.consignment].destination),
            one.box, local(one.deliver_at), yuan(one.costs.share_minor), yuan(one.total_minor), yuan(one.alone_minor),
        ]
        for one in found.whole.plan.assignments
    ]  # fmt: skip
    return _("Consignments"), columns, rows


def _loading(found: Report) -> Sheet:
    columns = [
        _("Box"), _("Piece from"), _("Piece to"), _("Consignment"), _("Length (mm)"), _("Width (mm)"),
        _("Height (mm)"), _("From the far end (mm)"), _("From the left wall (mm)"), _("From the floor (mm)"),
    ]  # fmt: skip
    rows: list[list[Any]] = [
        [
            part.box.id, one.first, one.last, one.consignment, one.length_mm, one.width_mm, one.height_mm,
            one.from_end_mm, one.from_left_mm, one.from_floor_mm,
        ]
        for part in found.boxes
        for one in part.steps
    ]  # fmt: skip
    return _("Loading sequence"), columns, rows


def _legs(found: Report) -> Sheet:
    columns = [
        _("Departure"), _("Mode"), _("From"), _("To"), _("Cut-off"), _("Leaves"), _("Arrives"), _("Used"),
        _("Allotment"), _("Unit"), *(plan_words.cutoff_word(one) for one in PAPERS),
    ]  # fmt: skip
    rows: list[list[Any]] = [
        [
            leg.departure, str(_(plan_words.MODES[leg.mode][1])), found.names.get(leg.origin, leg.origin),
            found.names.get(leg.destination, leg.destination), local(leg.cutoff_at), local(leg.depart_at),
            local(leg.arrive_at), leg.taken, leg.capacity, plan_words.UNITS[leg.unit],
            *(local(leg.papers[one]) if one in leg.papers else "" for one in PAPERS),
        ]
        for leg in found.whole.plan.legs
    ]  # fmt: skip
    return _("Departures"), columns, rows


def _left(found: Report) -> Sheet:
    columns = [_("Consignment"), _("Owner"), _("Why it stays behind"), _("What would change it")]
    rows: list[list[Any]] = [[one.one.consignment, one.owner, one.reason, one.advice] for one in found.left]
    return _("Stay behind"), columns, rows
