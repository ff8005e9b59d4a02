"""The scan page, what it asks for while it works, its service worker, and sheets of barcodes to practise on."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request, url_for
from flask_babel import get_locale
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from sqlalchemy.orm import Session

from web import symbols
from web.assets import A_YEAR_S, asset
from web.auth.policy import policy, public
from web.context import unit_of_work
from web.i18n import LOCALES, named, words_hash
from web.pages import scan_sheets
from web.symbols import SymbolKind
from wms.errors import N_, NotFound
from wms.floor import place_queries, queries
from wms.floor.service.scanning import jobs
from wms.parties.tables import Site

bp = Blueprint("scan", __name__)

MODULES = Path(__file__).parent.parent / "static" / "js" / "scan"
MOST_SHOWN = 50
JOB_NAMES = {
    "receive": N_("Receive"),
    "put_away": N_("Put away"),
    "move": N_("Move"),
    "pick": N_("Pick"),
    "pack": N_("Pack"),
    "sort": N_("Sort"),
    "load": N_("Load a vehicle"),
    "count": N_("Count"),
    "return": N_("Return"),
    "units": N_("Units"),
}


@bp.get("/scan")
@policy("clerk", "supervisor")
def index() -> str:
    """Receive and put away with a keyboard-wedge scanner or the camera, online or not."""
    named_jobs = [(job, JOB_NAMES[job]) for job in jobs()]
    return render_template(
        "scan/index.html", reasons=scan_sheets.REASONS, unit_words=scan_sheets.UNIT_WORDS, jobs=named_jobs
    )


@bp.get("/scan/state.json")
@policy("clerk", "supervisor")
def state() -> Response:
    """What the page shows beside the scan field, and a fresh token against forged requests."""
    with unit_of_work() as session:
        return jsonify(csrf=generate_csrf(), locale=str(get_locale()), **_work(session, request.args.get("site")))


def _work(session: Session, site_code: str | None) -> dict[str, Any]:
    sites = session.scalars(select(Site).where(Site.kind.in_(("bonded", "ordinary", "overseas"))).order_by(Site.code))
    shown = [{"code": site.code, "name": named(site)} for site in sites]
    open_notices = [
        row
        for wanted in ("receiving", "open")
        for row in queries.notices(session, state=wanted, limit=MOST_SHOWN)
    ]
    site_id = place_queries.site_id_of(session, site_code) if site_code else None
    waiting = place_queries.waiting(session, site_id, MOST_SHOWN) if site_id else ()
    return {
        "sites": shown,
        "notices": [
            {"no": row.notice_no, "site": row.site_code, "state": row.state, "owner": _owner(row)}
            for row in open_notices[:MOST_SHOWN]
        ],
        "waiting": [
            {"item": named(one), "qty": one.left_qty, "from": one.from_code, "lot_no": one.lot_no, "sscc": one.sscc}
            for one in waiting
        ],
    }


def _owner(row: queries.NoticeRow) -> str:
    return row.owner_name_zh if str(get_locale()) == "zh" else row.owner_name_en


@bp.get("/scan/labels")
@policy("clerk", "supervisor")
def labels() -> str:
    """A printable sheet: the labels of a notice's goods, docks, bins and commands, to scan from paper or screen."""
    with unit_of_work() as session:
        sheet = scan_sheets.sheet(session, request.args.get("notice"))
    return render_template("scan/labels.html", sheet=sheet, commands=scan_sheets.COMMANDS)


@bp.get("/scan/device")
@policy("clerk", "supervisor")
def device() -> str:
    """Test codes for a new scanner: keyboard layout, capitals, separator, suffix."""
    return render_template("scan/device.html", tests=scan_sheets.DEVICE_TESTS)


@bp.get("/scan/symbol.svg")
@policy("clerk", "supervisor")
def symbol() -> Response:
    """One barcode. ``kind`` is gs1-128, gs1-datamatrix, ean, code128 or qr."""
    try:
        kind = SymbolKind(request.args.get("kind", ""))
    except ValueError:
        raise symbols.Unprintable(data="-", symbol=request.args.get("kind", "")[:20], reason="unknown kind") from None
    return Response(symbols.svg(kind, request.args.get("data", "")), mimetype="image/svg+xml")


@bp.get("/sw.js")
@public
def service_worker() -> Response:
    """The service worker: keeps the scan page usable without a network. Served from the root for its scope."""
    urls = precached()
    version = hashlib.sha256("\n".join([*urls, _modules_hash()]).encode()).hexdigest()[:16]
    source = (MODULES / "worker.js").read_text(encoding="utf-8")
    head = f"const VERSION = {json.dumps(version)};\nconst PRECACHE = {json.dumps(urls)};\n"
    response = Response(head + source, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Service-Worker-Allowed"] = "/"
    return response


@bp.get("/scan/modules/<version>/<name>")
@public
def module(version: str, name: str) -> Response:
    """A script of the page. The version stands in the path, so that modules importing each other are of one version."""
    found = next((path for path in _modules() if path.name == name), None)
    if found is None:
        raise NotFound(what=name)
    response = Response(found.read_bytes(), mimetype="text/javascript")
    is_current = version == _modules_hash()[:12]
    response.headers["Cache-Control"] = f"public, max-age={A_YEAR_S}, immutable" if is_current else "no-cache"
    return response


@bp.app_template_global()
def module_url(name: str) -> str:
    """Return the address of a script of the scan page, kept for good by browsers."""
    return url_for("scan.module", version=_modules_hash()[:12], name=name)


def precached() -> list[str]:
    """Return the addresses that the scan page needs when there is no network."""
    files = [
        "css/tokens.css",
        "css/layout.css",
        "css/parts.css",
        "css/scan.css",
        "js/base.js",
        "icons/sprite.svg",
        "icons/dongting.svg",
        "htmx.org/htmx.min.js",
        "zxing-wasm/reader.js",
        "zxing-wasm/zxing_reader.wasm",
    ]
    modules = [module_url(path.name) for path in _modules()]
    words = [url_for("home.words", locale=locale, v=words_hash()) for locale in LOCALES]
    return [*(asset(file) for file in files), *modules, *words]


@cache
def _modules() -> tuple[Path, ...]:
    return tuple(path for path in sorted(MODULES.glob("*.js")) if path.name != "worker.js")


@cache
def _modules_hash() -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(MODULES.glob("*.js")))).hexdigest()
