"""Lists from files: what may be imported, a template of each, a dry run, and the import itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from web.api.idempotency import stored_problem
from web.api.paging import page_of
from web.api.problems import answer, document
from web.api.schemas import Instant, Page, Query
from web.auth.policy import READERS, policy
from web.context import current_scope, database, settings, unit_of_work
from web.downloads import csv_response, xlsx_response
from web.i18n import localised
from web.imports import queued, refusals
from web.imports.columns import Fault
from web.imports.intake import Kind
from web.imports.kinds import KINDS, kind_of
from web.imports.running import MOST_LISTED, Outcome, run
from web.imports.tables import ImportRun

bp = APIBlueprint("api_imports", __name__, url_prefix="/api/v1/imports", tag="Files")
FIELD = "file"
RUN_NAMES = ("id", "kind", "file_name", "sha256", "size_bytes", "is_dry_run", "state", "rows_read")
RUN_TIMES = ("recorded_at", "started_at", "ended_at")


class ImportQuery(Query):
    """How a file is taken. ``dry_run``: only check. ``existing``: refuse rows that are known, or pass over them.

    ``wait``: answer when all of it is read, however large it is.

    ``encoding`` of a CSV is found by itself unless it is named. ``at`` is when opening stock counts (now, if left out).
    """

    dry_run: bool = False
    wait: bool = False
    existing: Literal["refuse", "keep"] = "refuse"
    encoding: Literal["utf-8", "gb18030", "utf-16"] | None = None
    at: Instant | None = None


class TemplateQuery(Query):
    """Which form the template has."""

    format: Literal["csv", "xlsx"] = "csv"


@bp.url_value_preprocessor
def widen(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Let this resource take larger bodies than any other; runs before the guard reads the form."""
    request.max_content_length = settings().import_limit_bytes


@bp.get("")
@policy(*READERS)
def kinds() -> Response:
    """List what may be imported, with the columns of each."""
    return jsonify(
        [{"kind": kind.name, "columns": [_described(one) for one in kind.columns]} for kind in KINDS.values()]
    )


def _described(column: Any) -> dict[str, Any]:
    names = {"name": column.name, "is_needed": column.is_needed, "other_names": column.names}
    return names | {"example": column.example, "default": column.default}


@bp.get("/<kind_name>/template")
@policy(*READERS)
@bp.input(TemplateQuery, location="query", arg_name="query")
def template(kind_name: str, query: TemplateQuery) -> Response:
    """Give an empty list of the kind with one example row."""
    return template_of(kind_of(kind_name), query.format)


def template_of(kind: Kind, form: str) -> Response:
    """An empty list of a kind with one example row, as CSV or XLSX."""
    columns = [column.name for column in kind.columns]
    rows = [[column.example for column in kind.columns]]
    make = csv_response if form == "csv" else xlsx_response
    return make(kind.name, columns, rows)


@bp.post("/<kind_name>")
@policy("supervisor")
@bp.input(ImportQuery, location="query", arg_name="query")
def take(kind_name: str, query: ImportQuery) -> Response:
    """Check a CSV or XLSX file (multipart field `file`) and enter all of its rows, or none when one is bad.

    The content names the file: the same file again gets the first answer. A dry run answers 200 with every bad row;
    a real run with a bad row answers 422 with the same list. A large file is read by a job: the answer is 202 with the
    address that tells how far it is and what came of it.
    """
    kind = kind_of(kind_name)
    sent = sent_file()
    given = Given(
        kind, sent.stream, query.dry_run, query.existing == "keep", query.encoding, query.at, sent.filename or ""
    )
    if query.wait or not given.is_large:
        return said(given.run())
    with unit_of_work() as session:
        body = run_body(queued.known(session, given.queue(session)))
    response = jsonify(body)
    response.status_code, response.headers["Location"] = 202, body["status_url"]
    return response


@bp.get("/runs")
@policy(*READERS)
@bp.input(Page, location="query", arg_name="query")
def runs(query: Page) -> Response:
    """List large files on their way in and what came of them, in the order in which they were sent."""
    with unit_of_work() as session:
        rows = queued.from_row(session, after=query.after, limit=query.limit + 1)
    return page_of([run_body(row, with_faults=False) for row in rows], after=query.after, limit=query.limit)


@bp.get("/runs/<int:run_id>")
@policy(*READERS, subject="import_run")
def run_state(run_id: int) -> Response:
    """Tell how far a large file is, and what came of it with every bad row."""
    with unit_of_work() as session:
        return jsonify(run_body(queued.known(session, run_id)))


def run_body(row: ImportRun, *, with_faults: bool = True) -> dict[str, Any]:
    """Return a run in the request's language."""
    said = row.said or {}
    times = {name: at.isoformat() if (at := getattr(row, name)) else None for name in RUN_TIMES}
    body = {name: getattr(row, name) for name in RUN_NAMES} | times
    body |= {"status_url": f"/api/v1/imports/runs/{row.id}", "is_entered": row.state == "entered"}
    body |= {"bad_rows": said.get("n_bad", 0), "taken": said.get("taken"), "is_replayed": said.get("is_replayed")}
    body["detail"] = stored_problem(said["refusal"])["detail"] if "refusal" in said else None
    if with_faults:
        body["are_all_listed"] = len(said.get("faults", ())) < MOST_LISTED
        body["faults"] = [
            {name: one[name] for name in ("row", "field", "code")} | {"detail": stored_problem(one)["detail"]}
            for one in said.get("faults", ())
        ]
    return body


def sent_file() -> FileStorage:
    """The file of the request. Raises NoFile."""
    sent = request.files.get(FIELD)
    if sent is None or not sent.filename:
        raise refusals.NoFile(field=FIELD, name=FIELD)
    return sent


@dataclass(frozen=True)
class Given:
    """A file and how it is to be taken; the page of imports sends the same."""

    kind: Kind
    file: IO[bytes]
    is_dry_run: bool
    keep_existing: bool = False
    encoding: str | None = None
    at: datetime | None = None
    name: str = ""

    @property
    def is_large(self) -> bool:
        """Whether a job reads it."""
        return queued.size_of(self.file) > settings().import_at_once_bytes

    def queue(self, session: Session) -> int:
        """Keep it for a job; return the run's id."""
        order = queued.Order(
            self.kind.name, self.name, self.is_dry_run, self.keep_existing, self.encoding,
            self.at or datetime.now(UTC),
        )  # fmt: skip
        return queued.take_in(session, order, self.file)

    def run(self) -> tuple[Mapping[str, Any] | Outcome, bool]:
        """Take it for the caller."""
        return run(
            database(), current_scope(), self.kind, self.file, event_at=self.at or datetime.now(UTC),
            is_dry_run=self.is_dry_run, keep_existing=self.keep_existing, encoding=self.encoding,
        )  # fmt: skip


def said(result: tuple[Mapping[str, Any] | Outcome, bool]) -> Response:
    """What came of a file: 201 with the stored answer, 200 for a dry run, 422 with every bad row."""
    outcome, is_replayed = result
    if not isinstance(outcome, Outcome):
        response = jsonify({**outcome, "is_entered": True, "bad_rows": 0, "faults": []})
        response.status_code = 201
        if is_replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response
    report = reported(outcome)
    if outcome.is_dry_run:
        return jsonify(report)
    detail = _("%(bad)s of %(rows)s rows are bad; none was entered.", bad=outcome.n_bad, rows=outcome.n_rows)
    faults = report.pop("faults")
    return answer(document(422, "bad_rows", detail, errors=faults, **report))


def reported(outcome: Outcome) -> dict[str, Any]:
    """Return what came of a file of which nothing was entered, in the request's language."""
    return {
        "kind": outcome.kind,
        "form": outcome.form,
        "encoding": outcome.encoding,
        "sha256": outcome.sha256,
        "is_dry_run": outcome.is_dry_run,
        "is_entered": False,
        "rows": outcome.n_rows,
        "would_take": outcome.n_taken,
        "bad_rows": outcome.n_bad,
        "are_all_listed": len(outcome.faults) < MOST_LISTED,
        "faults": [fault_body(fault) for fault in outcome.faults],
    }


def fault_body(fault: Fault) -> dict[str, Any]:
    """Return one bad row: its number, the column, the refusal's code, and the reason in the request's language."""
    refusal = fault.refusal
    detail = localised(refusal.text, refusal.values)
    return {"row": fault.row, "field": refusal.field, "code": refusal.code, "detail": detail}
