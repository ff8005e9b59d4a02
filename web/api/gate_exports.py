"""What came, crossed and was decided in any period, as one file that is written while it is read."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from iot.history import of_period
from web.api.schemas import Query
from web.auth.policy import policy
from web.context import current_scope, database, settings
from web.downloads import BYTE_ORDER_MARK, harmless
from web.live import WATCHERS
from wms.db import Database, Scope
from wms.errors import N_, Kind, WmsError
from wms.gate.queries.period import decisions_between, passages_between

bp = APIBlueprint("api_gate_exports", __name__, url_prefix="/api/v1/gate-exports", tag="Gates")

EVENTS, PASSAGES, DECISIONS = "events", "passages", "decisions"
COLUMNS: Mapping[str, Sequence[str]] = {
    EVENTS: (
        "id", "inbox_id", "site", "device", "lane", "kind", "event_at", "recorded_at", "skew_ms", "is_live", "flags",
        "payload", "adapter", "adapter_version", "state",
    ),
    PASSAGES: (
        "id", "seq_no", "site", "lane", "direction", "state", "hold_code", "plate", "plate_confidence_permille",
        "trailer_plate", "containers", "weight_g", "visit_id", "opened_at", "decided_at", "passed_at", "closed_at",
        "goods_refusal",
    ),
    DECISIONS: (
        "id", "passage_id", "seq_no", "verdict", "hold_code", "rule_version", "inputs_hash", "inputs", "checks",
        "gate_pass_id", "decided_at",
    ),
}  # fmt: skip
LINES = 200  # rows sent at once


class PeriodMissing(WmsError):
    """One end of the period was not given."""

    code = "period_missing"
    kind = Kind.INVALID
    text = N_("Say from when and to when: %(end)s is empty.")


class NotAnInstant(WmsError):
    """An end of the period that no calendar has."""

    code = "period_not_an_instant"
    kind = Kind.INVALID
    text = N_("%(given)s is neither a day like 2026-11-26 nor an instant like 2026-11-26T08:00:00+08:00.")


class PeriodBackwards(WmsError):
    """The period has no length."""

    code = "period_backwards"
    kind = Kind.INVALID
    text = N_("The period from %(from_at)s to %(to_at)s ends before it has begun.")


class PeriodAhead(WmsError):
    """The period lies in the future."""

    code = "period_ahead"
    kind = Kind.INVALID
    text = N_("Nothing has happened from %(from_at)s on yet.")


class PeriodQuery(Query):
    """``from`` and ``to``: a day (the whole of it) or an instant; without an offset the clock of the house counts."""

    of: Literal["events", "passages", "decisions"] = "passages"
    format: Literal["csv", "jsonl"] = "csv"
    from_at: str = Field(default="", alias="from", max_length=40)
    to_at: str = Field(default="", alias="to", max_length=40)


@bp.get("")
@policy(*WATCHERS, per_minute=20)
@bp.input(PeriodQuery, location="query", arg_name="query")
def export(query: PeriodQuery) -> Response:
    """Give events, passages or decisions of a period as CSV or JSON lines, of any length, the oldest first."""
    return file_of(query)


def file_of(query: PeriodQuery) -> Response:
    """The file, written while it is read. Raises the refusals of :func:`period_of`."""
    from_at, to_at = period_of(query.from_at, query.to_at, ZoneInfo(settings().time_zone), datetime.now(UTC))
    rows = _rows(database(), current_scope(), query.of, from_at, to_at)
    lines = _csv(COLUMNS[query.of], rows) if query.format == "csv" else _json_lines(rows)
    response = Response(lines, mimetype="text/csv" if query.format == "csv" else "application/x-ndjson")
    name = f"{query.of}-{from_at:%Y%m%dT%H%M%SZ}-{to_at:%Y%m%dT%H%M%SZ}.{query.format}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def period_of(given_from: str, given_to: str, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Begin and end (excluded) in UTC. Raises PeriodMissing, NotAnInstant, PeriodBackwards, PeriodAhead."""
    from_at, to_at = _instant("from", given_from, zone), _instant("to", given_to, zone, ends=True)
    if from_at >= to_at:
        raise PeriodBackwards(field="to", from_at=given_from, to_at=given_to)
    if from_at > now:
        raise PeriodAhead(field="from", from_at=given_from)
    return from_at, min(to_at, now + timedelta(days=1))  # clocks may be ahead of ours by some hours, not by years


def _instant(field: str, given: str, zone: ZoneInfo, *, ends: bool = False) -> datetime:
    if not given:
        raise PeriodMissing(field=field, end=field)
    try:
        if len(given) == len("2026-11-26"):
            day = date.fromisoformat(given) + timedelta(days=int(ends))
            return datetime.combine(day, time(), zone).astimezone(UTC)
        # A plus sign in an address is read as a space.
        found = datetime.fromisoformat(given.replace(" ", "+") if "T" in given else given)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotAnInstant(field=field, given=given) from None


def _rows(house: Database, scope: Scope, of: str, from_at: datetime, to_at: datetime) -> Iterator[Mapping[str, Any]]:
    if of == EVENTS:
        yield from of_period(house, scope, from_at, to_at)
        return
    read = passages_between if of == PASSAGES else decisions_between
    with house.unit_of_work(scope) as session:
        yield from read(session, from_at, to_at)


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _json_lines(rows: Iterator[Mapping[str, Any]]) -> Iterator[str]:
    lines: list[str] = []
    for row in rows:
        lines.append(json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False) + "\n")
        if len(lines) == LINES:
            yield "".join(lines)
            lines.clear()
    yield "".join(lines)


def _csv(columns: Sequence[str], rows: Iterator[Mapping[str, Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(BYTE_ORDER_MARK)
    writer.writerow(columns)
    for number, row in enumerate(rows, 1):
        writer.writerow([_cell(row[column]) for column in columns])
        if number % LINES == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return harmless(json.dumps(value, ensure_ascii=False)) if value else ""
    return harmless(_plain(value))
