"""For machines: is the process alive, is everything behind it ready, what has it counted."""

import socket
import time
from dataclasses import asdict, dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from iot import health as ingest
from migrations.run import head
from web.auth.policy import public
from web.context import database, settings
from web.metrics import READY, REQUESTS, exposition
from wms.db import Scope

bp = Blueprint("health", __name__)

WORKER_SILENT_S = 45  # a worker gives a sign every ten seconds
BROKER_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Check:
    """Whether one part is ready, and what was found in words for an operator."""

    ok: bool
    detail: str


@bp.get("/healthz")
@public
def healthz() -> Response:
    """Alive: the process answers. Says nothing of what is behind it, so that nobody restarts the web for a database."""
    return jsonify(status="ok")


@bp.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    """Ready: database, schema, broker and workers. 200, or 503 naming what is not."""
    checks = {"database": _database()}
    if checks["database"].ok:
        checks |= {"migrations": _migrations(), "workers": _workers()}
        if checks["migrations"].ok:
            checks["weeks"] = _weeks()
    checks["broker"] = _door(settings().broker_url)
    for part, check in checks.items():
        READY.labels(part).set(int(check.ok))
    ready = all(check.ok for check in checks.values())
    body = jsonify(
        status="ready" if ready else "not ready",
        checks={part: asdict(check) for part, check in checks.items()},
    )
    return body, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE


@bp.get("/metrics")
@public
def metrics() -> Response:
    """Counters of all processes in Prometheus' text format. No personal data, no company's figures."""
    return Response(exposition(settings()), content_type=CONTENT_TYPE_LATEST)


def _ask(query: str, **values: object) -> object:
    with database().engine.connect() as connection:
        return connection.execute(text(query), values).scalar()


def _database() -> Check:
    try:
        _ask("SELECT 1")
    except SQLAlchemyError:
        return Check(ok=False, detail="does not answer")
    return Check(ok=True, detail="answers")


def _migrations() -> Check:
    try:
        found = _ask("SELECT version_num FROM alembic_version")
    except SQLAlchemyError:
        return Check(ok=False, detail="the schema is missing: run `dongting db migrate`")
    wanted = head()
    return Check(found == wanted, f"at {found}" if found == wanted else f"at {found}, needs {wanted}")


def _workers() -> Check:
    try:
        alive = _ask(
            "SELECT count(*) FROM procrastinate_workers"
            " WHERE last_heartbeat > now() - make_interval(secs => :silent_s)",
            silent_s=WORKER_SILENT_S,
        )
    except SQLAlchemyError:
        return Check(ok=False, detail="cannot be counted")
    return Check(bool(alive), f"{alive} alive")


def _weeks() -> Check:
    """Events of the coming week have a place of their own; without one they are kept all the same, in the spare one."""
    try:
        ready = _ask("SELECT count(*) FROM event_weeks() WHERE low > event_week(clock_timestamp())")
        until = _ask("SELECT to_timestamp(min(m) / 100000000000 * 604800)::date"
                     " FROM (SELECT max(high) AS m FROM event_weeks() GROUP BY parent) AS ends")  # fmt: skip
    except SQLAlchemyError:
        return Check(ok=False, detail="cannot be counted")
    return Check(isinstance(ready, int) and ready > 1, f"weeks of events are made until {until}")


def _broker(url: str) -> Check:
    parts = urlsplit(url)
    port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=BROKER_TIMEOUT_S).close()
    except OSError as error:
        return Check(ok=False, detail=f"{parts.hostname}:{port} {error.strerror or 'does not answer'}")
    return Check(ok=True, detail=f"{parts.hostname}:{port} listens")


def _door(url: str) -> Check:
    """The broker listens, and what is taken in at it can be stored and is read."""
    broker = _broker(url)
    if not broker.ok:
        return broker
    try:
        with database().unit_of_work(Scope.system(settings().tenant_id)) as session:
            pulses = ingest.facts(session)
    except SQLAlchemyError:
        return Check(ok=True, detail=broker.detail)  # the database says for itself that it is away
    alive = [pulse for pulse in pulses if pulse.is_alive]
    if pulses and not alive:
        return Check(ok=False, detail=f"{broker.detail}; ingest is silent for {pulses[0].beat_age_ms // 1000} s")
    for pulse in alive:
        if not pulse.is_ready:
            late = f"{pulse.waiting} messages wait, the oldest for {pulse.oldest_waiting_ms // 1000} s"
            stuck = "are read late" if pulse.is_connected else "cannot be stored"
            return Check(ok=False, detail=f"{broker.detail}; messages {stuck}: {late}")
    return Check(ok=True, detail=broker.detail)


@bp.before_app_request
def start_clock() -> None:
    g.metrics_started_s = time.perf_counter()


@bp.after_app_request
def count_request(response: Response) -> Response:
    """By route, never by path: a path holds numbers without end."""
    if request.endpoint != "static" and "metrics_started_s" in g:
        spent_s = time.perf_counter() - g.metrics_started_s
        route = request.url_rule.rule if request.url_rule else "none"
        REQUESTS.labels(request.method, route, str(response.status_code)).observe(spent_s)
    return response
