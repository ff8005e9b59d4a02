"""The report of a plan: map, time chart, costs by owner, boxes with pictures, booking requests, who stays behind."""

from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request

from routing.chart import Bar, Chart
from routing.hand_over.reading import Whole, own_rows, whole
from routing.network import yueyang
from web import plan_downloads
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.pages import plan_map, plan_words
from web.paper.plan_pdf import kind_word
from web.plan_pictures import colour
from web.plan_report import SHARES, Report, local, report_of
from wms.errors import NotFound

bp = Blueprint("plan_report", __name__, url_prefix="/plan")
LABEL, SPAN, ROW, TOP = 240, 760, 24, 26  # units of the time chart


@dataclass(frozen=True)
class Stretch:
    """One bar of the time chart as drawn."""

    kind: str
    x: str
    width: str
    title: str


@dataclass(frozen=True)
class ChartRow:
    """One row of the time chart as drawn."""

    y: int
    label: str
    boxes: int
    bars: tuple[Stretch, ...]


@dataclass(frozen=True)
class ChartView:
    """The time chart as drawn: rows, the days named above, and which kinds of bar there are."""

    height: int
    rows: tuple[ChartRow, ...]
    marks: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...]


def _read(plan_id: int) -> Whole:
    with unit_of_work() as session:
        return whole(session, plan_id)


@bp.get("/<int:plan_id>/report")
@policy(*READERS, firms=True, subject="made_plan")
def show(plan_id: int) -> str:
    """The whole report on one page."""
    found = report_of(_read(plan_id))
    plan, network = found.whole.plan, yueyang()
    return render_template(
        "plan/report.html", found=found, plan=plan, plan_id=plan_id, words=plan_words, names=found.names,
        lines=plan_map.lines_of(plan, network), spots=plan_map.spots_of(plan, network), width=plan_map.WIDTH,
        height=plan_map.HEIGHT, chart=chart_view(found.chart, found) if found.chart is not None else None,
        label=LABEL, span=SPAN, row_height=ROW, colour=colour, share_rule=SHARES[plan.share_rule],
    )  # fmt: skip


def chart_view(chart: Chart, found: Report) -> ChartView:
    """Where each bar of the time chart lies."""
    whole_s = chart.until_at - chart.from_at

    def place(at: int) -> float:
        return LABEL + (at - chart.from_at) * SPAN / whole_s

    def drawn(bar: Bar, closed_by: str = "") -> Stretch:
        title = f"{bar.departure or kind_word(bar.kind)}: {local(bar.from_at)} – {local(bar.until_at)}"
        title = f"{plan_words.cutoff_word(closed_by)} · {title}" if closed_by else title
        width = (bar.until_at - bar.from_at) * SPAN / whole_s
        return Stretch(bar.kind, f"{place(bar.from_at):.1f}", f"{max(1.0, width):.1f}", title)

    rows = tuple(
        ChartRow(
            TOP + number * ROW,
            " → ".join(found.names.get(code, code) for code in (row.stuffing_place, row.stripping_place)),
            len(row.boxes), tuple(drawn(bar, row.closed_by if bar is row.bars[0] else "") for bar in row.bars),
        )
        for number, row in enumerate(chart.rows)
    )  # fmt: skip
    used = dict.fromkeys(bar.kind for row in chart.rows for bar in row.bars)
    return ChartView(
        TOP + len(rows) * ROW + 6, rows, tuple((f"{place(mark):.1f}", local(mark)[5:10]) for mark in chart.marks),
        tuple((kind, kind_word(kind)) for kind in used),
    )  # fmt: skip


@bp.get("/<int:plan_id>/report.pdf")
@policy(*READERS, firms=True, subject="made_plan")
def pdf(plan_id: int) -> Response:
    """The report on paper."""
    return plan_downloads.report_pdf(report_of(_read(plan_id)))


@bp.get("/<int:plan_id>/report.xlsx")
@policy(*READERS, firms=True, subject="made_plan")
def xlsx(plan_id: int) -> Response:
    """The report as a spreadsheet."""
    return plan_downloads.report_xlsx(report_of(_read(plan_id)))


@bp.get("/<int:plan_id>/boxes/<box_no>.svg")
@policy(*READERS, firms=True, subject="made_plan")
def box(plan_id: int, box_no: str) -> Response:
    """The picture of one box."""
    return plan_downloads.box_svg(_read(plan_id), box_no)


@bp.get("/<int:plan_id>/booking-requests/<request_no>")
@policy(*READERS, firms=True, subject="made_plan")
def booking_request(plan_id: int, request_no: str) -> Response:
    """One booking request as a file: ``?format=`` json, csv or xlsx."""
    form = request.args.get("format", "json")
    if form not in plan_downloads.FORMATS:
        raise NotFound(what=form[:20])
    found = report_of(_read(plan_id))
    return plan_downloads.request_file(plan_downloads.request_of(found.requests, request_no), form)


@bp.get("/<int:plan_id>/share")
@policy(*READERS, firms=True, subject="plan_share")
def share(plan_id: int) -> str:
    """What a plan means for the caller's own consignments, whoever made it: box, delivery, share, cost, saving."""
    with unit_of_work() as session:
        rows = own_rows(session, plan_id)
    if not rows:
        raise NotFound(what=str(plan_id))
    return render_template("plan/share.html", rows=rows, plan_id=plan_id, words=plan_words)
