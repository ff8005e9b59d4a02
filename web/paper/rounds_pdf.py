"""Rounds on A4: figures, costs by owner, who is left out; then a page for each driver."""

import io
from datetime import datetime

from flask_babel import gettext as _

from routing.rounds.words import WEAK_PPM
from web import rounds_words as words
from web.formats import money, quantity
from web.pages import plan_words
from web.paper.flow import HEIGHT, MM, SMALL, Column, Flow, report
from web.rounds_view import Line, RoundsReport, Sheet

ROW = 5.2 * MM


def pdf(found: RoundsReport, *, printed_at: datetime) -> bytes:
    """The report and the round sheets as a PDF."""
    row, buffer = found.whole.row, io.BytesIO()
    title = _("Rounds of %(day)s", day=row.day_on.isoformat())
    with report(buffer, title, f"{title} · {row.id}", printed_at) as flow:
        flow.facts(_figures(found), 54 * MM)
        _owners(flow, found)
        _left(flow, found)
        for sheet in found.sheets:
            flow.need(HEIGHT)
            _sheet(flow, sheet)
    return buffer.getvalue()


def _figures(found: RoundsReport) -> list[tuple[str, str]]:
    row, plan = found.whole.row, found.whole.plan
    return [
        (_("State"), str(_(words.STATES[row.state][1]))),
        (_("Way of delivery"), str(_(words.MODES[row.mode][0]))),
        (_("Cost"), money(plan.cost_minor, "CNY")),
        (_("Proven bound"), f"{money(plan.bound_minor, 'CNY')} ({_('Gap')} {plan_words.gap(plan.gap_ppm)})"),
        *([("", _("a weak bound: the gap says more of it than of the rounds"))] if plan.gap_ppm > WEAK_PPM else []),
        (_("Rounds"), quantity(len(plan.rounds))),
        (_("Left out"), quantity(len(found.left))),
        (_("Solver"), f"{plan.solver}, {_('Seed')} {plan.seed}"),
        (_("Snapshot"), plan.snapshot_sha256),
    ]


def _owners(flow: Flow, found: RoundsReport) -> None:
    if not found.bills:
        return
    flow.heading(_("Cost by owner"))
    columns = [
        Column(_("Owner"), 40), Column(_("Orders"), 12, True), Column(_("Share"), 20, True),
        Column(_("Each alone"), 20, True), Column(_("Saving"), 20, True),
    ]  # fmt: skip
    rows = [
        [name, quantity(one.orders), *(money(part, "CNY") for part in
         (one.share_minor, one.alone_minor, one.saving_minor))]
        for name, one in found.bills
    ]  # fmt: skip
    lines = [one for _name, one in found.bills]
    rows.append(
        [
            _("Total"), quantity(sum(one.orders for one in lines)), money(found.whole.plan.cost_minor, "CNY"),
            money(sum(one.alone_minor for one in lines), "CNY"), money(sum(one.saving_minor for one in lines), "CNY"),
        ]
    )  # fmt: skip
    flow.table(columns, rows, last_bold=True)
    flow.y -= 1 * MM
    flow.line(_("A round is shared in proportion to what each order would cost with a truck of its own."), size=SMALL)


def _left(flow: Flow, found: RoundsReport) -> None:
    if not found.left:
        return
    flow.heading(_("Left out"))
    columns = [
        Column(_("Order"), 22), Column(_("Owner"), 26), Column(_("Why it is left out"), 56),
        Column(_("What would change it"), 50),
    ]  # fmt: skip
    flow.table(columns, [[one.number, one.owner, one.reason, one.advice] for one in found.left])


def _sheet(flow: Flow, sheet: Sheet) -> None:
    one = sheet.one
    flow.line(f"{one.id} · {sheet.plate} · {one.truck}", size=15, is_bold=True)
    flow.y -= 2 * MM
    flow.facts(
        [
            (_("Leaves"), words.moment(one.calls[0].begin_at)),
            (_("Back"), words.moment(one.calls[-1].arrive_at)),
            (_("Stops"), quantity(sheet.stops)),
            (_("Distance"), f"{one.metres / 1000:,.1f} km, {_('Driving')} {words.span(one.drive_s)}"),
            (_("Cost"), money(one.cost_minor, "CNY")),
        ],
        54 * MM,
    )
    flow.y -= 3 * MM
    columns = [
        Column(_("No."), 9, True), Column(_("Place of call"), 25), Column(_("Orders"), 36), Column(_("Window"), 20),
        Column(_("Arrives"), 14), Column(_("Leaves"), 14), Column(_("Unload here"), 30), Column(_("Load here"), 30),
        Column(_("Done"), 12),
    ]  # fmt: skip
    flow.table(columns, [_cells(line) for line in sheet.lines])


def _cells(line: Line) -> list[str]:
    rest = f"{_('rest of %(minutes)s min before', minutes=line.rest_s // 60)}; " if line.rest_s else ""
    return [
        str(line.number) if line.kind != "depot" else "", line.place,
        rest + ", ".join(f"{one.number} {one.goods}".strip() for one in line.orders), line.window,
        words.clock(line.arrive_at), words.clock(line.leave_at),
        *(words.goods(one) if any(one.parts()) else "" for one in (line.unload, line.load)),
        "[   ]" if line.kind != "depot" else "",
    ]  # fmt: skip
