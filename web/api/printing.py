"""Printers, and the queue of what they print."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from apiflask import APIBlueprint
from flask import Response, current_app
from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException, abort

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.schemas import Body, Code, Page
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.inside import ask
from wms.errors import NotFound
from wms.floor.rules.printing import CannotPrint, NoPaperInZpl
from wms.floor.service import printing
from wms.floor.tables.printing import Printer, PrintJob
from wms.parties.tables import Person, Site

bp = APIBlueprint("api_printing", __name__, url_prefix="/api/v1", tag="Paper")
PRINTABLE = ("api_labels", "api_papers")


class PrinterIn(Body):
    """A printer on a raw socket. ``site`` is a code; ``dots_per_mm`` 8 is 203 dpi, 12 is 300 dpi."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"name": "DOCK-1", "site": "YY-1", "kind": "zpl", "host": "10.1.2.3", "port": 9100}
        }
    )

    name: Code
    site: Code
    kind: Literal["zpl", "pdf"]
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] = 9100
    dots_per_mm: Literal[6, 8, 12, 24] = 8


class PrinterChange(Body):
    """Take a printer into use or out of it."""

    is_active: bool


class PrintIn(Body):
    """What to print: ``of`` is the address of a label or paper, ``printer`` the name of a printer in use."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"printer": "DOCK-1", "of": "/api/v1/labels/units/369012340000000437?copies=2"}}
    )

    printer: Code
    of: Annotated[str, Field(min_length=1, max_length=500)]


@bp.get("/printers")
@policy(*READERS)
@bp.input(Page, location="query", arg_name="query")
def printers(query: Page) -> Response:
    """List printers."""
    wanted = select(Printer, Site.code).join(Site, Site.id == Printer.site_id).where(Printer.id > query.after)
    with unit_of_work() as session:
        rows = session.execute(wanted.order_by(Printer.id).limit(query.limit + 1)).all()
    return page_of([_printer(*row) for row in rows], after=query.after, limit=query.limit)


def _printer(printer: Printer, site: str) -> dict[str, Any]:
    names = ("id", "name", "kind", "host", "port", "dots_per_mm", "is_active")
    return {name: getattr(printer, name) for name in names} | {"site": site}


@bp.post("/printers")
@policy("supervisor")
@bp.input(PrinterIn, arg_name="body")
def new_printer(body: PrinterIn) -> Response:
    """Enter a printer."""
    return write(lambda session: _enter(session, body), body.model_dump(mode="json"), status=201)


def _enter(session: Session, body: PrinterIn) -> Mapping[str, Any]:
    site_id = session.scalar(select(Site.id).where(func.upper(Site.code) == body.site.upper()))
    if site_id is None:
        raise NotFound(field="site", what=body.site)
    new = printing.NewPrinter(body.name, site_id, body.kind, body.host, body.port, body.dots_per_mm)
    made = session.get_one(Printer, printing.add_printer(session, new))
    return _printer(made, body.site.upper())


@bp.patch("/printers/<int:printer_id>")
@policy("supervisor")
@bp.input(PrinterChange, arg_name="body")
def change_printer(printer_id: int, body: PrinterChange) -> Response:
    """Take a printer into use or out of it."""

    def act(session: Session) -> Mapping[str, Any]:
        printing.set_active(session, printer_id, body.is_active)
        return {"id": printer_id, "is_active": body.is_active}

    return write(act, body.model_dump(mode="json"))


@bp.get("/prints")
@policy(*READERS)
@bp.input(Page, location="query", arg_name="query")
def prints(query: Page) -> Response:
    """List print jobs in the order they were asked for."""
    with unit_of_work() as session:
        rows = print_jobs(session, after=query.after, limit=query.limit + 1)
    return page_of(rows, after=query.after, limit=query.limit)


def print_jobs(session: Session, *, after: int = 0, limit: int = 50, newest: bool = False) -> list[dict[str, Any]]:
    """Return print jobs with printer and person, oldest first or newest first."""
    order = PrintJob.id.desc() if newest else PrintJob.id
    found = session.execute(
        select(PrintJob, Printer.name, Person.name_zh, Person.name_en)
        .join(Printer, Printer.id == PrintJob.printer_id)
        .outerjoin(Person, Person.id == PrintJob.person_id)
        .where(PrintJob.id > after)
        .order_by(order)
        .limit(limit)
    )
    names = ("id", "title", "state", "tries", "error", "recorded_at", "printed_at")
    return [
        {name: getattr(job, name) for name in names} | {"printer": printer, "person_zh": zh, "person_en": en}
        for job, printer, zh, en in found
    ]


@bp.post("/prints")
@policy("clerk", "supervisor")
@bp.input(PrintIn, arg_name="body")
def new_print(body: PrintIn) -> Response:
    """Print a label or paper. It is made now, as the caller may see it, and sent by a job that tries again."""

    def act(session: Session) -> Mapping[str, Any]:
        return {"id": print_address(session, body.printer, body.of)}

    return write(act, body.model_dump(mode="json"), status=201)


def print_address(session: Session, printer_name: str, address: str) -> int:
    """Queue what stands at ``address`` for a printer; return the print job's id.

    Raises UnknownPrinter, CannotPrint, NoPaperInZpl, or answers with the refusal of the label itself.
    """
    printer = printing.printer_named(session, printer_name)
    parts = urlsplit(address)
    blueprint = _blueprint_at(parts.path) if not (parts.scheme or parts.netloc) else None
    if blueprint not in PRINTABLE:
        raise CannotPrint(field="of", address=address[:100])
    if printer.kind == "zpl" and blueprint == "api_papers":
        raise NoPaperInZpl(field="printer", printer=printer.name)
    asked = dict(parse_qsl(parts.query)) | {"format": printer.kind, "dots": str(printer.dots_per_mm)}
    said = ask(f"{parts.path}?{urlencode(asked)}")
    if said.status_code != 200:
        abort(said)
    return printing.queue(session, printer.id, address[:200], said.get_data())


def _blueprint_at(path: str) -> str | None:
    try:
        endpoint, _values = current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return None
    return str(endpoint).partition(".")[0]


@bp.post("/prints/<int:print_id>/again")
@policy("clerk", "supervisor")
def print_again(print_id: int) -> Response:
    """Print once more what was printed or failed: the same bytes, not today's."""

    def act(session: Session) -> Mapping[str, Any]:
        printing.again(session, print_id)
        return {"id": print_id, "state": "queued"}

    return write(act, {"print_id": print_id})
