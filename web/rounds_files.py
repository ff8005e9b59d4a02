"""Files of rounds: the round sheets as PDF and spreadsheet, a sheet of stops to begin with."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask import Response
from flask_babel import gettext as _

from routing.rounds.sheet import STOPS
from web import rounds_words as words
from web.downloads import book_response, csv_response
from web.paper import making, rounds_pdf
from web.rounds_view import Line, RoundsReport

SheetOf = tuple[str, Sequence[str], Iterable[Sequence[Any]]]
EXAMPLE = (
    "SHOP-1", "YMBEAUTY", "CN430681", "", "", "350", "2.4", "0", "0", "0", "0", "20", "08:00", "12:00", "", "", "no",
)  # fmt: skip


def template() -> Response:
    """A sheet of stops with its head and one line."""
    return csv_response("stops", STOPS, [EXAMPLE])


def report_pdf(found: RoundsReport) -> Response:
    """Figures, costs by owner, who is left out, and a page of lines for each truck."""
    content = rounds_pdf.pdf(found, printed_at=making.local_time(datetime.now(UTC)))
    headers = {"Content-Disposition": f'inline; filename="rounds-{found.whole.row.id}.pdf"'}
    return Response(content, mimetype="application/pdf", headers=headers)


def report_xlsx(found: RoundsReport) -> Response:
    """A sheet each for figures, costs, rounds, the drivers' lines, and who is left out."""
    return book_response(f"rounds-{found.whole.row.id}", _sheets(found))


def yuan(minor: int) -> Decimal:
    """Fen as yuan with two places."""
    return Decimal(minor).scaleb(-2)


def _sheets(found: RoundsReport) -> Iterable[SheetOf]:
    row, plan = found.whole.row, found.whole.plan
    yield _("Summary"), [_("What"), _("Fact")], [
        [_("Rounds of %(day)s", day=row.day_on.isoformat()), row.id], [_("State"), str(_(words.STATES[row.state][1]))],
        [_("Way of delivery"), str(_(words.MODES[row.mode][0]))], [_("Cost (CNY)"), yuan(plan.cost_minor)],
        [_("Proven bound (CNY)"), yuan(plan.bound_minor)], [_("Rounds"), len(plan.rounds)],
        [_("Left out"), len(found.left)], [_("Solver"), plan.solver], [_("Seed"), plan.seed],
        [_("Snapshot"), plan.snapshot_sha256],
    ]  # fmt: skip
    yield _("Cost by owner"), [_("Owner"), _("Orders"), _("Share (CNY)"), _("Each alone (CNY)"), _("Saving (CNY)")], [
        *([name, one.orders, yuan(one.share_minor), yuan(one.alone_minor), yuan(one.saving_minor)]
          for name, one in found.bills),
        [_("Total"), sum(one.orders for _name, one in found.bills), yuan(plan.cost_minor),
         yuan(sum(one.alone_minor for _name, one in found.bills)),
         yuan(sum(one.saving_minor for _name, one in found.bills))],
    ]  # fmt: skip
    yield _("Rounds"), [
        _("Round"), _("Truck"), _("Kind"), _("Leaves"), _("Back"), _("Stops"), _("km"), _("Driving"), _("On duty"),
        _("Fill (%)"), _("Cost (CNY)"),
    ], [
        [
            sheet.one.id, sheet.plate, sheet.one.truck, words.moment(sheet.one.calls[0].begin_at),
            words.moment(sheet.one.calls[-1].arrive_at), sheet.stops, Decimal(sheet.one.metres).scaleb(-3),
            words.span(sheet.one.drive_s), words.span(sheet.one.duration_s),
            Decimal(sheet.one.fill_permille).scaleb(-1), yuan(sheet.one.cost_minor),
        ]
        for sheet in found.sheets
    ]  # fmt: skip
    yield _("Round sheets"), [
        _("Round"), _("Truck"), _("No."), _("Place of call"), _("Orders"), _("Owner"), _("Window"), _("Arrives"),
        _("Begins"), _("Leaves"), _("Unload (kg)"), _("Unload (m³)"), _("Load (kg)"), _("Load (m³)"),
        _("On board (kg)"), _("Rest before (min)"), _("km"),
    ], [
        [sheet.one.id, sheet.plate, *_cells(line)] for sheet in found.sheets for line in sheet.lines
    ]  # fmt: skip
    yield _("Left out"), [
        _("Order"), _("Owner"), _("Place of call"), _("Why it is left out"), _("What would change it"),
    ], [
        [one.number, one.owner, one.place, one.reason, one.advice] for one in found.left
    ]  # fmt: skip


def _cells(line: Line) -> list[Any]:
    return [
        line.number if line.kind != "depot" else "", line.place, ", ".join(one.number for one in line.orders),
        ", ".join(dict.fromkeys(one.owner for one in line.orders)), line.window, words.clock(line.arrive_at),
        words.clock(line.begin_at), words.clock(line.leave_at), Decimal(line.unload.weight_g).scaleb(-3),
        Decimal(line.unload.volume_cm3).scaleb(-6), Decimal(line.load.weight_g).scaleb(-3),
        Decimal(line.load.volume_cm3).scaleb(-6), Decimal(line.board.weight_g).scaleb(-3), line.rest_s // 60,
        Decimal(line.drive_m).scaleb(-3),
    ]  # fmt: skip
