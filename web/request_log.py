"""One line in the log for each request: number, caller, route, status, time. Never a body, a cookie or a token."""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger("web")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
QUIET = ("static", "health.healthz", "health.readyz", "health.metrics")  # asked every few seconds


def number_request() -> None:
    """Take the proxy's request number when it has a sane form, else make one; it goes into every line of the log."""
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    g.started_s = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def log_request(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if request.endpoint in QUIET and response.status_code < 500:
        return response
    who = g.get("caller")
    log.info(
        "request",
        method=request.method,
        path=request.path,
        route=request.endpoint,
        status=response.status_code,
        ms=round((time.perf_counter() - g.get("started_s", time.perf_counter())) * 1000, 1),
        person_id=who.person_id if who else None,
        token_id=who.token_id if who else None,
        address=request.remote_addr,
    )
    return response


def install_request_log(app: Flask) -> None:
    app.before_request(number_request)
    app.after_request(log_request)
