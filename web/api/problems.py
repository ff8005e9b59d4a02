"""Every refusal as an answer: problem+json (RFC 9457) under /api, a page otherwise. One table from kind to status."""

from typing import Any

import structlog
from apiflask.exceptions import HTTPError
from flask import Flask, Response, current_app, g, jsonify, render_template, request
from flask_babel import gettext as _
from pydantic import ValidationError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from web.api.wrong_fields import wrong_fields
from web.i18n import localised
from wms.errors import N_, Kind, Unavailable, WmsError

log = structlog.get_logger("web")

STATUS = {
    Kind.INVALID: 422,
    Kind.REFUSED: 409,
    Kind.CONFLICT: 409,
    Kind.NOT_FOUND: 404,
    Kind.FORBIDDEN: 403,
    Kind.UNAVAILABLE: 503,
}
STATUS_OF_CODE = {
    "not_logged_in": 401,
    "unknown_token": 401,
    "token_expired": 401,
    "token_revoked": 401,
    "form_expired": 400,
    "too_many_requests": 429,
    "key_reused": 422,  # draft-ietf-httpapi-idempotency-key-header-07, section 2.7
    "unsupported_media_type": 415,
    "not_json": 400,
}
TITLES = {
    400: N_("The request cannot be read"),
    401: N_("Not logged in"),
    403: N_("Not allowed"),
    404: N_("Not found"),
    405: N_("Not possible this way"),
    409: N_("Refused"),
    413: N_("Too large"),
    415: N_("Wrong kind of content"),
    422: N_("Something in the request is wrong"),
    429: N_("Too many requests"),
    500: N_("An error on our side"),
    503: N_("Not available just now"),
}
DETAILS = {
    400: N_("The request cannot be read. If it is meant to be JSON, it is not."),
    404: N_("There is nothing at this address."),
    405: N_("This address does not take %(method)s requests."),
    413: N_("The request is larger than %(limit)s bytes."),
    415: N_("Send the body as application/json."),
    500: N_("Something failed on our side and was logged under the number %(request_id)s. Nothing was changed."),
}
CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    500: "internal_error",
}
TYPE = "urn:dongting:problem:"
NO_PAGES = "dongting.no_pages"  # an application that serves no page has none for its errors either


def status_of(error: WmsError | type[WmsError]) -> int:
    """Return the HTTP status of a refusal: its code's own, else its kind's."""
    return STATUS_OF_CODE.get(error.code, STATUS[error.kind])


def wants_json() -> bool:
    """Whether the answer goes to a program: under /api, the live stream, and of a process without pages."""
    return request.path.startswith(("/api/", "/live", "/openapi.json")) or NO_PAGES in current_app.extensions


def problem_body(error: WmsError) -> dict[str, Any]:
    """Return the problem document of a refusal in the request's language; also used for items of a batch."""
    return document(status_of(error), error.code, localised(error.text, error.values), error.field)


def document(status: int, code: str, detail: str, field: str | None = None, **more: Any) -> dict[str, Any]:
    body = {"type": TYPE + code, "title": _(TITLES.get(status, "")) or code, "status": status, "detail": detail}
    if field:
        body["field"] = field
    return body | more


def answer(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """Return a problem as JSON or as a page, whichever the caller reads."""
    status = int(body["status"])
    if wants_json():
        response = jsonify(body)
        response.mimetype = "application/problem+json"
    elif request.headers.get("HX-Request"):
        response = Response(render_template("problem_fragment.html", problem=body))
    else:
        response = Response(render_template("problem.html", problem=body))
    response.status_code = status
    response.headers.update(headers or {})
    return response


def on_refusal(error: WmsError) -> Response:
    headers = {}
    if (status := status_of(error)) == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="dongting"'
    if (wait_s := getattr(error, "wait_s", None)) is not None:
        headers["Retry-After"] = str(wait_s)
    elif status == 503:
        headers["Retry-After"] = "5"
    return answer(problem_body(error), headers)


def on_wrong_fields(error: ValidationError, location: str = "json") -> Response:
    """Name each field that broke a rule; the first one is the problem's own field and detail."""
    errors = wrong_fields(error)
    first = errors[0]
    detail = f"{first['field']}: {first['detail']}" if first["field"] else first["detail"]
    return answer(document(422, "invalid_field", detail, first["field"] or None, errors=errors, location=location))


def on_api_error(error: HTTPError) -> Response:
    """APIFlask's own error: a body or query that does not fit its schema."""
    if isinstance(error.__cause__, ValidationError):
        return on_wrong_fields(error.__cause__, next(iter(error.detail or {"json": None})))
    return _http(error.status_code, {})


def on_http_error(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return error.get_response()  # type: ignore[return-value]  # a redirect
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return _http(error.code, kept)


def _http(status: int, headers: dict[str, str]) -> Response:
    values = {
        "method": request.method,
        "limit": request.max_content_length,
        "request_id": g.get("request_id", ""),
    }
    detail = _(DETAILS.get(status, TITLES.get(status, "")) or "The request was refused.", **values)
    return answer(document(status, CODES.get(status, f"http_{status}"), detail), headers)


def on_database_away(error: OperationalError | PoolTimeout) -> Response:
    log.warning("database_unavailable", error=str(error))
    return on_refusal(Unavailable())


def unreadable() -> dict[str, Any]:
    """Return the problem document of a value that no column can hold."""
    return document(422, "unreadable_value", _("A value in the request is too large or cannot be stored."))


def on_unreadable_data(error: DataError) -> Response:
    """A value that no column can hold: a NUL in a text, a number beyond 64 bits."""
    log.info("unreadable_data", error=str(error.orig))
    return answer(unreadable())


def on_crash(error: Exception) -> Response:
    log.error("request_failed", exc_info=error)
    return _http(500, {})


def install_problems(app: Flask) -> None:
    app.error_callback = on_api_error  # type: ignore[attr-defined]
    app.register_error_handler(WmsError, on_refusal)
    app.register_error_handler(ValidationError, on_wrong_fields)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(OperationalError, on_database_away)
    app.register_error_handler(PoolTimeout, on_database_away)
    app.register_error_handler(DataError, on_unreadable_data)
    app.register_error_handler(Exception, on_crash)
