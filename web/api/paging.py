"""Lists in pages by `Link` headers (RFC 8288): the next page is an address, not something to compute."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify, request


def link_next(after: int | None, limit: int, first: bool) -> str:
    """Return the `Link` header's value: ``next`` unless the list ends, ``first`` unless this is the first page."""
    links = []
    if after is not None:
        links.append(f'<{_address(after, limit)}>; rel="next"')
    if not first:
        links.append(f'<{_address(None, limit)}>; rel="first"')
    return ", ".join(links)


def _address(after: int | None, limit: int) -> str:
    kept = {name: value for name, value in request.args.items() if name not in ("after", "limit")}
    given = kept | {"limit": str(limit)} | ({"after": str(after)} if after is not None else {})
    return f"{request.path}?{urlencode(given)}"


def page_of(rows: Sequence[Mapping[str, Any]], *, after: int, limit: int, key: str = "id") -> Response:
    """Return a page of a list as JSON. Ask the database for ``limit + 1`` rows: the extra one says there is more.

    ``key`` names the field that orders the list and that ``after`` continues from.
    """
    shown = list(rows[:limit])
    more = int(shown[-1][key]) if len(rows) > limit else None
    response = jsonify(shown)
    if links := link_next(more, limit, first=after == 0):
        response.headers["Link"] = links
    return response
