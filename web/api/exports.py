"""Every list as one file: the list's own address is asked page by page, as the caller, until it ends.

So an export shows exactly what the list shows that person, of every resource there is or will be, and cannot open a
door that the list keeps shut.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from apiflask import APIBlueprint
from flask import Response, current_app
from pydantic import Field
from werkzeug.exceptions import HTTPException, abort

from web.api.schemas import Query
from web.auth.policy import READERS, policy
from web.downloads import csv_response, xlsx_response
from web.inside import ask
from wms.errors import N_, Kind, NotFound, WmsError

bp = APIBlueprint("api_exports", __name__, url_prefix="/api/v1/exports", tag="Files")
MOST_ROWS, PAGE = 50_000, 500


class NotAList(WmsError):
    """The address shows one thing, or none."""

    code = "not_a_list"
    kind = Kind.INVALID
    text = N_("%(address)s is no list that can be exported.")


class ExportQuery(Query):
    """``of``: the address of a list with its filters, like /api/v1/stock?site_id=1; ``format`` of the file."""

    of: str = Field(min_length=1, max_length=2000)
    format: Literal["csv", "xlsx"] = "csv"


@bp.get("")
@policy(*READERS, firms=True, per_minute=20)
@bp.input(ExportQuery, location="query", arg_name="query")
def export(query: ExportQuery) -> Response:
    """Give a list of the API as one CSV or XLSX file, at most 50,000 rows; nothing in it runs as a formula."""
    path, given = _address(query.of)
    rows, columns = [], dict[str, None]()
    for row in _pages(path, given):
        flat = flattened(row)
        columns.update(dict.fromkeys(flat))
        rows.append(flat)
        if len(rows) == MOST_ROWS:
            break
    make = csv_response if query.format == "csv" else xlsx_response
    name = path.removeprefix("/api/v1/").replace("/", "-")
    response = make(name, list(columns), ([row.get(column) for column in columns] for row in rows))
    response.headers["Dongting-Rows"] = str(len(rows))
    return response


def _address(given: str) -> tuple[str, dict[str, str]]:
    """Return path and parameters of a list in this API. Raises NotAList, NotFound."""
    parts = urlsplit(given)
    if (
        parts.scheme
        or parts.netloc
        or not parts.path.startswith("/api/v1/")
        or parts.path.startswith(bp.url_prefix or "")
    ):
        raise NotAList(field="of", address=given[:100])
    try:
        current_app.url_map.bind("").match(parts.path, method="GET")
    except HTTPException:
        raise NotFound(field="of", what=parts.path[:100]) from None
    return parts.path, dict(parse_qsl(parts.query))


def _pages(path: str, given: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    address = f"{path}?{urlencode({'limit': PAGE, **given})}"
    while address:
        response = ask(address)
        yield from _rows(response, path)
        address = _next(response)


def _rows(response: Response, path: str) -> list[dict[str, Any]]:
    """Return the rows of a page. A refusal of the list is the refusal of its export; raises NotAList."""
    if response.status_code >= 400:
        abort(response)
    rows = response.get_json(silent=True)
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        return rows
    raise NotAList(field="of", address=path[:100])


def _next(response: Response) -> str:
    for link in response.headers.get("Link", "").split(", "):
        target, _, relation = link.partition("; ")
        if relation == 'rel="next"':
            return target.strip("<>")
    return ""


def flattened(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return a row of plain cells: parts of an object get its name in front, lists stay JSON."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{before}{name}_")
        elif isinstance(value, list):
            flat[before + name] = json.dumps(value, ensure_ascii=False) if value else None
        else:
            flat[before + name] = value
    return flat
