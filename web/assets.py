"""Addresses of static files that carry the hash of their content: cached for good, never stale."""

import hashlib
import json
from functools import cache
from pathlib import Path

from flask import Flask, Response, current_app, request, url_for

FOLDER = Path(__file__).parent / "static"
LOCK = FOLDER / "vendor" / "vendor.lock.json"
A_YEAR_S = 365 * 24 * 3600


@cache
def vendored() -> dict[str, str]:
    """Return the folder of each vendored package by its name without version."""
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    return {folder.rpartition("@")[0]: f"vendor/{folder}" for folder in lock}


@cache
def resolve(path: str) -> tuple[str, str]:
    """Return the path under static/ and its content hash. ``htmx.org/htmx.min.js`` finds the vendored version.

    Raises FileNotFoundError for a file that is not there: a template may not point into the void.
    """
    package, _, rest = path.partition("/")
    if package in vendored():
        path = f"{vendored()[package]}/{rest}"
    return path, hashlib.sha256((FOLDER / path).read_bytes()).hexdigest()[:12]


def asset(path: str) -> str:
    """Return the URL of a static file, with its content hash."""
    if current_app.debug:
        resolve.cache_clear()
    found, digest = resolve(path)
    return url_for("static", filename=found, v=digest)


def cache_for_good(response: Response) -> Response:
    """Let browsers keep a file whose address carries its hash; any other address of a file is asked for again."""
    if request.endpoint == "static":
        hashed = "v" in request.args and response.status_code == 200
        response.headers["Cache-Control"] = f"public, max-age={A_YEAR_S}, immutable" if hashed else "no-cache"
    return response


def install_assets(app: Flask) -> None:
    app.jinja_env.globals["asset"] = asset
    app.after_request(cache_for_good)
