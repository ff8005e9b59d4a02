"""/openapi.json and a page that shows it. No script and nothing from elsewhere: it reads with the network cut."""

from typing import Any, cast

from apiflask import APIFlask
from flask import Blueprint, Response, current_app, jsonify, render_template
from flask_babel import gettext as _

from web.api.idempotency import refusals
from web.auth.policy import policy_of, public

bp = Blueprint("openapi_pages", __name__)

SECURITY = {"token": {"type": "http", "scheme": "bearer", "description": "dongting token create --role ROLE"}}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "urn:dongting:problem: and the refusal's code"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong, in the language of Accept-Language"},
        "field": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def describe(app: APIFlask) -> None:
    """Set what the document says about itself. HTML blueprints are not in it."""
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        INFO={
            "description": "Bonded warehouse, gate and consolidation planning. Errors are application/problem+json "
            "(RFC 9457), lists page by Link (RFC 8288), writes take an Idempotency-Key.",
        },
        SERVERS=[{"url": "/"}],
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
    )


def document(app: APIFlask) -> dict[str, Any]:
    """Return the OpenAPI document of the API's routes."""
    spec: dict[str, Any] = cast("dict[str, Any]", app._get_spec("json", force_update=True))
    spec["paths"] = {path: item for path, item in sorted(spec["paths"].items()) if path.startswith("/api/")}
    spec["tags"] = list({tag["name"]: tag for tag in spec.get("tags", [])}.values())  # resources may share one
    parts = spec.setdefault("components", {})
    parts["securitySchemes"] = SECURITY
    parts.setdefault("schemas", {})["Problem"] = PROBLEM
    spec["security"] = [{"token": []}]
    problem = {
        "description": "The request was refused",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for item in spec["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"]["default"] = problem
    return spec


@bp.get("/openapi.json")
@public
def openapi() -> Response:
    """The document."""
    assert isinstance(current_app._get_current_object(), APIFlask)  # type: ignore[attr-defined]
    return jsonify(document(current_app._get_current_object()))  # type: ignore[attr-defined]


@bp.get("/docs")
@public
def docs() -> str:
    """The document as a page, with the roles of each route and the codes of all refusals."""
    spec = document(current_app._get_current_object())  # type: ignore[attr-defined]
    rules = {
        (rule.rule, method): policy_of(current_app, rule.endpoint)
        for rule in current_app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    texts = {code: _(refusal.text) for code, refusal in refusals().items()}
    return render_template("docs.html", spec=spec, roles=_roles_by_operation(rules), refusals=texts)


def _roles_by_operation(rules: dict[tuple[str, str], Any]) -> dict[tuple[str, str], list[str]]:
    """Return the roles of each (path as the document writes it, method in small letters)."""
    found = {}
    for (path, method), rule in rules.items():
        written = path
        while "<" in written:
            head, _less, rest = written.partition("<")
            name, _more, tail = rest.partition(">")
            written = f"{head}{{{name.rpartition(':')[2]}}}{tail}"
        found[written, method.lower()] = sorted(rule.roles) if rule else []
    return found
