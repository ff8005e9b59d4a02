"""Files of a plan: its report as PDF and spreadsheet, the pictures of its boxes, its booking requests."""

import json
import re
from datetime import UTC, datetime

from flask import Response

from routing.booking_requests import COLUMNS, Request, document, rows
from routing.hand_over.reading import Whole
from web.downloads import book_response, csv_response, xlsx_response
from web.paper import making, plan_pdf
from web.plan_pictures import svg
from web.plan_report import Report, picture_of, sheets
from wms.errors import NotFound

FORMATS = ("json", "csv", "xlsx")


def report_pdf(found: Report) -> Response:
    """The report on paper."""
    content = plan_pdf.pdf(found, printed_at=making.local_time(datetime.now(UTC)))
    headers = {"Content-Disposition": f'inline; filename="plan-{found.whole.plan_id}.pdf"'}
    return Response(content, mimetype="application/pdf", headers=headers)


def report_xlsx(found: Report) -> Response:
    """The report as a spreadsheet of several sheets."""
    return book_response(f"plan-{found.whole.plan_id}", sheets(found))


def box_svg(whole: Whole, box_no: str) -> Response:
    """The picture of a box. Raises NotFound where there is none."""
    shown = picture_of(whole, box_no)
    if shown is None:
        raise NotFound(what=box_no[:80])
    response = Response(svg(shown, box_no), mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "private, max-age=86400"  # a plan that is made never changes
    return response


def request_of(requests: tuple[Request, ...], request_no: str) -> Request:
    """The booking request with this number. Raises NotFound."""
    for one in requests:
        if one.request_no == request_no:
            return one
    raise NotFound(what=request_no[:80])


def request_file(request: Request, form: str) -> Response:
    """A booking request as JSON, CSV or XLSX."""
    name = re.sub(r"[^A-Za-z0-9-]+", "-", f"{request.request_no}-{request.leg.departure}")
    if form == "csv":
        return csv_response(name, COLUMNS, rows(request))
    if form == "xlsx":
        return xlsx_response(name, COLUMNS, rows(request))
    text = json.dumps(document(request), ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
    return Response(text, mimetype="application/json", headers=headers)
