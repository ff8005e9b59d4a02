"""The report of a plan on A4: figures, map, time chart, costs by owner, boxes with their pictures, who stays behind."""

import io
import re
from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from reportlab.lib import colors
from reportlab.pdfgen.canvas import Canvas

from routing.chart import Chart
from routing.network import yueyang
from routing.pictures import Picture, Step
from web.formats import money, percent, quantity, volume, weight
from web.pages import plan_map, plan_words
from web.paper import fonts
from web.paper.flow import FOOT, HEIGHT, MARGIN, MM, ROOM, SMALL, Column, Flow, report
from web.paper.pdf import write
from web.plan_pictures import LINE, WALL, colour
from web.plan_report import SHARES, BoxPart, Report, local, local_at, picture_of, pieces_words

ROW, TIGHT = 5.2 * MM, 3.4 * MM
MODE_COLOURS = {
    "barge": "#4d93a8", "ocean": "#0a5a72", "rail": "#b53a0c", "truck": "#d0805f", "air": "#c28a1a",
    "wait": "#c9d4d9", "strip": "#8fa3ac",
}  # fmt: skip


def pdf(found: Report, *, printed_at: datetime) -> bytes:
    """The whole report as a PDF."""
    title, buffer = _("Report of plan %(number)s", number=found.whole.plan_id), io.BytesIO()
    with report(buffer, title, title, printed_at) as flow:
        flow.facts(_figures(found), 64 * MM)
        if found.whole.plan.segments:
            _map(flow, found)
        if found.chart is not None:
            _chart(flow, found, found.chart)
        _owners(flow, found)
        _left(flow, found)
        _departures(flow, found)
        if found.boxes:
            flow.heading(_("Boxes"), 80 * MM)
        for part in found.boxes:
            _box(flow, found, part)
    return buffer.getvalue()


def _figures(found: Report) -> list[tuple[str, str]]:
    plan = found.whole.plan
    boxes = sum(1 for one in plan.boxes if one.kind != "loose")
    return [
        (_("State"), str(_(plan_words.STATES[found.whole.state][1]))),
        (_("Cost"), money(plan.cost_minor, "CNY")),
        (_("Proven bound"), f"{money(plan.bound_minor, 'CNY')} ({_('Gap')} {plan_words.gap(plan.gap_ppm)})"),
        (_("Saved against the dispatcher's baseline"), money(plan.saving_minor, "CNY")),
        (_("Consignments that go"), quantity(len(plan.assignments))),
        (_("Consignments that stay behind"), quantity(len(plan.unserved))),
        (_("Boxes and pallets"), _("%(boxes)s, and %(count)s co-loads", boxes=boxes, count=len(plan.boxes) - boxes)),
        (_("CO₂e on the way"), weight(plan.co2_g)),
        (_("Solver"), f"{plan.solver}, {_('Seed')} {plan.seed}"),
        (_("Snapshot"), plan.snapshot_sha256),
    ]


SEGMENT = re.compile(r"M([^MZ]+)(Z?)")


def _path(canvas: Canvas, text: str, x: float, y: float, scale: float) -> object:
    """An SVG path of straight lines as the canvas draws it; ``y`` is the height of its upper edge."""
    path = canvas.beginPath()
    for body, closed in SEGMENT.findall(text):
        points = [tuple(float(part) for part in pair.split()) for pair in body.split("L")]
        for number, (px, py) in enumerate(points):
            (path.lineTo if number else path.moveTo)(x + px * scale, y - py * scale)
        if closed:
            path.close()
    return path


def _map(flow: Flow, found: Report) -> None:
    scale = ROOM / plan_map.WIDTH
    height = plan_map.HEIGHT * scale
    flow.heading(_("Map"), height)
    canvas, top = flow.canvas, flow.y
    canvas.saveState()
    frame = canvas.beginPath()
    frame.rect(MARGIN, top - height, ROOM, height)
    canvas.clipPath(frame, stroke=0, fill=0)
    canvas.setFillColor(colors.HexColor("#eef6f8"))
    canvas.rect(MARGIN, top - height, ROOM, height, stroke=0, fill=1)
    canvas.setFillColor(colors.HexColor("#ccd6da"))
    canvas.drawPath(_path(canvas, plan_map.land_path(), MARGIN, top, scale), stroke=0, fill=1)
    network = yueyang()
    for line in plan_map.lines_of(found.whole.plan, network):
        canvas.setStrokeColor(colors.HexColor(MODE_COLOURS[line.mode]))
        canvas.setLineWidth(max(0.6, float(line.width) * scale * 1.4))
        canvas.drawPath(_path(canvas, line.path, MARGIN, top, scale), stroke=1, fill=0)
    for spot in plan_map.spots_of(found.whole.plan, network):
        x, y = MARGIN + spot.x * scale, top - spot.y * scale
        canvas.setFillGray(1)
        canvas.setStrokeGray(0.1)
        canvas.setLineWidth(0.7)
        canvas.circle(x, y, 1.4, stroke=1, fill=1)
        canvas.setFillGray(0)
        name = found.names[spot.place.code]
        shift = fonts.width_pt(name, 5.5) if spot.anchor == "end" else 0
        write(canvas, name, MARGIN + spot.label_x * scale - shift, top - spot.label_y * scale, 5.5, 40 * MM)
    canvas.restoreState()
    flow.y = top - height - 2 * MM
    _key(flow, [mode for mode in ("barge", "ocean", "rail", "truck", "air")
                if any(leg.mode == mode for leg in found.whole.plan.legs)])  # fmt: skip


def _key(flow: Flow, kinds: Sequence[str]) -> None:
    flow.need(ROW)
    flow.y -= 3.4 * MM
    x = MARGIN
    for kind in kinds:
        flow.canvas.setFillColor(colors.HexColor(MODE_COLOURS[kind]))
        flow.canvas.rect(x, flow.y, 5 * MM, 2 * MM, stroke=0, fill=1)
        flow.canvas.setFillGray(0)
        words = kind_word(kind)
        write(flow.canvas, words, x + 6 * MM, flow.y, SMALL, 40 * MM)
        x += 10 * MM + fonts.width_pt(words, SMALL)


def kind_word(kind: str) -> str:
    """What a stretch of the time chart is called."""
    if kind == "wait":
        return str(_("waits for its departure"))
    return str(_("is unpacked")) if kind == "strip" else str(_(plan_words.MODES[kind][1]))


def _chart(flow: Flow, found: Report, chart: Chart) -> None:
    label = 52 * MM
    scale = (ROOM - label) / (chart.until_at - chart.from_at)
    flow.heading(_("Time chart"), 30 * MM)

    def marks() -> None:
        flow.y -= 3.6 * MM
        for mark in chart.marks:
            x = MARGIN + label + (mark - chart.from_at) * scale
            write(flow.canvas, local(mark)[5:10], x, flow.y, SMALL, 20 * MM)
        flow.y -= 1 * MM

    marks()
    for row in chart.rows:
        if flow.y - TIGHT * 1.3 < FOOT + 4 * MM:
            flow.need(HEIGHT)
            marks()
        flow.y -= TIGHT * 1.3
        ends = (found.names.get(code, code) for code in (row.stuffing_place, row.stripping_place))
        write(flow.canvas, f"{' – '.join(ends)} ({len(row.boxes)})", MARGIN, flow.y, SMALL, label - 2 * MM)
        for bar in row.bars:
            flow.canvas.setFillColor(colors.HexColor(MODE_COLOURS[bar.kind]))
            x = MARGIN + label + (bar.from_at - chart.from_at) * scale
            flow.canvas.rect(x, flow.y - 0.4, (bar.until_at - bar.from_at) * scale, 2.4 * MM, stroke=0, fill=1)
        flow.canvas.setFillGray(0)
    flow.y -= 1 * MM
    used = {bar.kind for row in chart.rows for bar in row.bars}
    _key(flow, [kind for kind in MODE_COLOURS if kind in used])


def _owners(flow: Flow, found: Report) -> None:
    plan = found.whole.plan
    flow.heading(_("Cost by owner"))
    columns = [
        Column(_("Owner"), 34), Column(_("Consignments"), 14, True), Column(_("Own ways"), 20, True),
        Column(_("Shares of boxes"), 20, True), Column(_("Total"), 20, True), Column(_("Each alone"), 20, True),
        Column(_("Saving"), 20, True),
    ]  # fmt: skip
    rows = [
        [name, quantity(one.consignments), *(money(part, "CNY") for part in
         (one.ways_minor, one.share_minor, one.total_minor, one.alone_minor, one.saving_minor))]
        for name, one in found.bills
    ]  # fmt: skip
    whole = [one for _name, one in found.bills]
    sums = (
        sum(one.ways_minor for one in whole), sum(one.share_minor for one in whole), plan.cost_minor,
        sum(one.alone_minor for one in whole), sum(one.saving_minor for one in whole),
    )  # fmt: skip
    rows.append([_("Total"), quantity(len(plan.assignments)), *(money(part, "CNY") for part in sums)])
    flow.table(columns, rows, last_bold=True)
    flow.y -= 1 * MM
    flow.line(str(_(SHARES[plan.share_rule])), size=SMALL)
    if found.adds_up:
        flow.line(_("The shares add up to the price of every box, and the totals to the cost of the plan, to the fen."),
                  size=SMALL)  # fmt: skip


def _left(flow: Flow, found: Report) -> None:
    if not found.left:
        return
    flow.heading(_("Stay behind"))
    columns = [
        Column(_("Consignment"), 22), Column(_("Owner"), 26), Column(_("Why it stays behind"), 60),
        Column(_("What would change it"), 50),
    ]  # fmt: skip
    flow.table(columns, [[one.one.consignment, one.owner, one.reason, one.advice] for one in found.left])


def _departures(flow: Flow, found: Report) -> None:
    if not found.requests:
        return
    flow.heading(_("Departures"))
    columns = [
        Column(_("Booking request"), 20), Column(_("Departure"), 34), Column(_("From – to"), 34),
        Column(_("Cut-off"), 22), Column(_("Leaves"), 22), Column(_("Arrives"), 22), Column(_("Boxes"), 10, True),
    ]  # fmt: skip
    rows = [
        [
            one.request_no, one.leg.departure,
            " – ".join(found.names.get(code, code) for code in (one.leg.origin, one.leg.destination)),
            local(one.leg.cutoff_at), local(one.leg.depart_at), local(one.leg.arrive_at), str(len(one.lines)),
        ]
        for one in found.requests
    ]  # fmt: skip
    flow.table(columns, rows)


def _box(flow: Flow, found: Report, part: BoxPart) -> None:
    box, shown = part.box, picture_of(found.whole, part.box.id) if part.has_picture else None
    picture_height = 96 * MM * shown.height / shown.width if shown is not None else 0
    flow.need(max(picture_height, len(part.inside[:6]) * TIGHT + 8 * MM) + 20 * MM)
    flow.y -= 7 * MM
    title = f"{box.id} · {part.row.equipment} · {part.row.origin} – {part.row.destination}"
    write(flow.canvas, title, MARGIN, flow.y, 10, ROOM, is_bold=True)
    times = [
        " ".join((_("Goods must be there by"), local_at(part.row.close_at), part.row.closed_by)).strip(),
        f"{_('Arrives')} {local_at(part.row.arrive_at)}",
        *([f"{_('Late case')} {local_at(part.row.late_at)}"] if part.row.late_at is not None else []),
    ]
    facts = [
        f"{volume(box.volume_cm3 * 1000)}", f"{weight(box.weight_g, 'kg')}", money(box.price_minor, "CNY"),
    ]  # fmt: skip
    if box.kind != "loose":
        facts.append(f"{_('Volume used')} {percent(box.volume_permille, 1000)}")
        facts.append(f"{_('Weight used')} {percent(box.weight_permille, 1000)}")
    flow.y -= 4 * MM
    write(flow.canvas, " · ".join(times), MARGIN, flow.y, SMALL, ROOM)
    flow.y -= 4 * MM
    write(flow.canvas, " · ".join([part.row.load_class, *facts]), MARGIN, flow.y, SMALL, ROOM)
    top = flow.y - 2 * MM
    if shown is not None:
        _draw(flow.canvas, shown, MARGIN, top, 96 * MM / shown.width)
    flow.y = top
    _inside(flow, part, 100 * MM if shown is not None else 0, top - picture_height)
    if part.word:
        flow.line(part.word, size=SMALL)
    _steps(flow, part)
    flow.y -= 2 * MM


def _draw(canvas: Canvas, shown: Picture, x: float, top: float, scale: float) -> None:
    def edges(lines: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> None:
        canvas.setStrokeColor(colors.HexColor(WALL))
        canvas.setLineWidth(0.5)
        for (x1, y1), (x2, y2) in lines:
            canvas.line(x + x1 * scale, top - y1 * scale, x + x2 * scale, top - y2 * scale)

    edges(shown.behind)
    canvas.setStrokeColor(colors.HexColor(LINE))
    canvas.setLineWidth(0.15)
    for face in shown.faces:
        canvas.setFillColor(colors.HexColor(colour(face.whose, face.side)))
        path = canvas.beginPath()
        for number, (px, py) in enumerate(face.corners):
            (path.lineTo if number else path.moveTo)(x + px * scale, top - py * scale)
        path.close()
        canvas.drawPath(path, stroke=1, fill=1)
    canvas.setDash(2, 2)
    edges(shown.before)
    canvas.setDash()
    canvas.setFillGray(0)


def _inside(flow: Flow, part: BoxPart, indent: float, until: float) -> None:
    """What is in the box, beside its picture as far as that goes and below it afterwards."""
    for one in part.inside:
        flow.need(TIGHT)
        if flow.y - TIGHT < until:
            indent = 0
        flow.y -= TIGHT
        x = MARGIN + indent
        if one.colour >= 0:
            flow.canvas.setFillColor(colors.HexColor(colour(one.colour)))
            flow.canvas.rect(x, flow.y, 2.4 * MM, 2 * MM, stroke=0, fill=1)
            flow.canvas.setFillGray(0)
        text = f"{one.number} {one.goods_name} · {one.owner} · {money(one.share_minor, 'CNY')}"
        write(flow.canvas, text, x + 4 * MM, flow.y, SMALL, ROOM - indent - 4 * MM)
    flow.y = min(flow.y, until)


def _steps(flow: Flow, part: BoxPart) -> None:
    """The loading sequence in two columns."""
    if not part.steps:
        return
    flow.need(3 * TIGHT)
    flow.y -= TIGHT * 1.4
    write(flow.canvas, _("Loading sequence, from the far end to the door"), MARGIN, flow.y, SMALL + 0.4, ROOM,
          is_bold=True)  # fmt: skip
    half, lines = ROOM / 2, [step_words(one) for one in part.steps]
    for number in range(0, len(lines), 2):
        flow.need(TIGHT)
        flow.y -= TIGHT * 0.95
        for place, text in enumerate(lines[number : number + 2]):
            write(flow.canvas, text, MARGIN + place * half, flow.y, SMALL - 0.6, half - 2 * MM)


def step_words(step: Step) -> str:
    """A step of the loading sequence in one line."""
    numbers = f"{step.first}–{step.last}" if step.count > 1 else str(step.first)
    sides = f"{step.length_mm}x{step.width_mm}x{step.height_mm}"
    return (
        f"{numbers}: {pieces_words(step.count)} {step.consignment} {sides} mm @ "
        f"{step.from_end_mm}/{step.from_left_mm}/{step.from_floor_mm}"
    )
