"""Reading a request's body: JSON as RFC 8259 says, and nothing that breaks the reader."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from flask import Flask, request
from flask.json.provider import DefaultJSONProvider

from wms.errors import N_, Kind, WmsError

TAKEN = ("application/json", "multipart/form-data")


class UnsupportedMediaType(WmsError):
    """A write came with a body that is not JSON."""

    code = "unsupported_media_type"
    kind = Kind.INVALID
    text = N_("Send the body as application/json.")


def _plain(value: Any) -> Any:
    """Instants in ISO 8601, UTC; days as they are; exact numbers as text, so that no digit is lost."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return DefaultJSONProvider.default(value)


class CarefulJson(DefaultJSONProvider):
    """JSON without NaN and infinities, which are not JSON, and without nesting that overruns the stack."""

    ensure_ascii = False
    default = staticmethod(_plain)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            return json.loads(s, parse_constant=_refuse_constant, **kwargs)
        except RecursionError:
            raise ValueError("nested too deep") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def refuse_other_media() -> None:
    """Raise :class:`UnsupportedMediaType` for a write to the API whose body is something else than JSON or files."""
    if not request.path.startswith("/api/") or request.method in ("GET", "HEAD", "OPTIONS", "DELETE"):
        return
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if has_body and request.mimetype not in TAKEN:
        raise UnsupportedMediaType


def install_reading(app: Flask) -> None:
    app.json_provider_class = CarefulJson
    app.json = CarefulJson(app)
    app.before_request(refuse_other_media)
