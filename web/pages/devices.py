"""What each device sent and how it was understood; an administrator registers devices and mends how they are read."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from iot import messages
from iot.devices import FORMATS
from iot.register import BadProfile, NewDevice, change_device, register_device
from iot.tables import FAMILIES, Device
from web.api.devices import READING_AGAIN
from web.auth.policy import policy
from web.context import current_scope, settings, unit_of_work
from web.live import WATCHERS
from web.pages.deeds import do_and_say, do_once, refusal_of
from wms.errors import N_, NotFound
from wms.parties.tables import Site
from wms.record.service import append_leaf

bp = Blueprint("devices", __name__)
PAGE, LISTED = 50, 200
STATES = {
    "": N_("All messages"),
    "open": N_("Not understood"),
    "parsed": N_("Was understood"),
    "dead": N_("In quarantine"),
    "received": N_("Not yet read"),
}


@bp.get("/gate/devices")
@policy(*WATCHERS)
def show() -> str:
    """Every device: sent, held, missing, not understood, last heard."""
    with unit_of_work() as session:
        rows = messages.devices(session, after=_number("after"), limit=LISTED + 1)
    return render_template("devices/devices.html", devices=rows[:LISTED], has_more=len(rows) > LISTED)


def _day(name: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(request.args.get(name, "")), time(), ZoneInfo(settings().time_zone))
    except (ValueError, OverflowError):
        return None


def _number(name: str) -> int:
    given = request.args.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0


@bp.get("/gate/device-messages")
@policy(*WATCHERS)
def listed() -> str:
    """Messages of a device, in a state, in a period; the newest first."""
    state = request.args.get("state", "")
    since, until = _day("since"), _day("until")
    asked = messages.Asked(
        _number("device") or None,
        state if state in STATES else None,
        since,
        until + timedelta(days=1) if until else None,
        _number("before"),
    )
    with unit_of_work() as session:
        rows = messages.messages(session, asked, PAGE + 1)
        known = messages.devices(session)
        gaps = messages.gaps(session, asked.device_id) if asked.device_id else ()
        return render_template(
            "devices/messages.html", rows=rows[:PAGE], has_more=len(rows) > PAGE, devices=known, gaps=gaps, asked=asked,
            states=STATES, given=request.args,
        )  # fmt: skip


@bp.get("/gate/device-messages/<int:message_id>")
@policy(*WATCHERS)
def one(message_id: int) -> str:
    """One message: its bytes, what was read from it and what was not."""
    with unit_of_work() as session:
        found = messages.understanding(session, message_id)
        payload = bytes(found.message.payload)
        shown_as, shown = messages.shown_raw(payload)
        known = FORMATS.get(found.message.adapter or "")
        return render_template(
            "devices/message.html", found=found, shown_as=shown_as, shown=shown, size=len(payload),
            sha256=bytes(found.message.payload_sha256).hex(), today=known.version if known else None,
            pretty=lambda body: json.dumps(body, ensure_ascii=False, indent=2), may_read_again=_may_read_again(),
        )  # fmt: skip


def _may_read_again() -> bool:
    return current_scope().role in READING_AGAIN


@bp.post("/gate/device-messages/<int:message_id>/replay")
@policy(*READING_AGAIN)
def read_again(message_id: int) -> AnyResponse:
    """Read the message again with today's adapter; what comes of it is history."""

    def act(session: Session) -> dict[str, Any]:
        messages.understanding(session, message_id)
        return {"n": _read_again(session, [message_id])}

    _say(do_and_say({"message_id": message_id}, act))
    return redirect(url_for("devices.one", message_id=message_id))


@bp.post("/gate/device-messages/replay")
@policy(*READING_AGAIN)
def read_all_again() -> AnyResponse:
    """Read again what could not be understood, of one device or of all; five hundred at a time."""
    given = request.form.get("device_id", "")
    device_id = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None

    def act(session: Session) -> dict[str, Any]:
        ids = messages.open_letters(session, device_id)
        return {"n": _read_again(session, ids)}

    _say(do_and_say({"device_id": device_id}, act))
    return redirect(url_for("devices.listed", device=device_id, state="open"))


def _read_again(session: Session, ids: Sequence[int]) -> int:
    return messages.read_again(session, ids, settings().secret_key, current_scope().person_id).messages


def _say(done: Mapping[str, Any] | None) -> None:
    if done is not None:
        flash(_("%(n)s messages were read again. What comes of it is history and moves no barrier.", n=done["n"]))


@bp.get("/admin/devices")
@policy("administrator")
def register() -> str:
    """The register: enter a device, or change how its messages are read."""
    return _register_page()


def _register_page(problem: Mapping[str, Any] | None = None, token: str | None = None) -> str:
    with unit_of_work() as session:
        rows = session.execute(select(Device, Site.code).join(Site, Site.id == Device.site_id).order_by(Device.id))
        sites = session.scalars(select(Site).order_by(Site.code)).all()
        return render_template(
            "devices/register.html", rows=rows.all(), sites=sites, families=FAMILIES, formats=FORMATS, problem=problem,
            token=token, form=request.form, dumps=lambda body: json.dumps(body, ensure_ascii=False),
        )  # fmt: skip


def _profile() -> dict[str, Any]:
    """The profile of the form. Raises :class:`BadProfile`."""
    try:
        found = json.loads(request.form.get("profile", "").strip() or "{}")
    except (ValueError, RecursionError):
        raise BadProfile(field="profile") from None
    if not isinstance(found, dict) or "\\u0000" in json.dumps(found):
        raise BadProfile(field="profile")
    return found


@bp.post("/admin/devices")
@policy("administrator")
def enter() -> str | tuple[str, int]:
    """Enter a device; its token is shown once."""
    form = {name: request.form.get(name, "").strip() for name in ("code", "site_id", "family", "format", "lane")}
    form |= {name: request.form.get(name, "").strip()[:80] for name in ("name_zh", "name_en")}
    filters = tuple(request.form.get("topic_filters", "").split())[:20]
    tokens: list[str] = []

    def act(session: Session) -> dict[str, Any]:
        site_id = int(form["site_id"]) if form["site_id"].isascii() and form["site_id"].isdigit() else 0
        if session.get(Site, site_id) is None:
            raise NotFound(field="site_id", what=form["site_id"])
        new = NewDevice(
            form["code"], site_id, form["family"], form["format"], form["lane"] or None, form["name_zh"],
            form["name_en"], filters, _profile(),
        )  # fmt: skip
        device_id, token = register_device(session, new, settings().secret_key)
        tokens.append(token)
        append_leaf(session, "device_registered", {"device": form["code"], "by": current_scope().person_id})
        return {"device_id": device_id}

    _body, problem = do_once({**form, "filters": list(filters)}, act)
    if problem is not None:
        return _register_page(problem), 422
    return _register_page(token=tokens[-1] if tokens else None)


@bp.post("/admin/devices/<int:device_id>")
@policy("administrator")
def mend(device_id: int) -> AnyResponse | tuple[str, int]:
    """Change the format and profile that a device's messages are read with, or put it out of use."""
    format_name, active = request.form.get("format", ""), request.form.get("is_active") == "1"

    def act(session: Session) -> dict[str, Any]:
        change_device(session, device_id, format_name, _profile(), is_active=active)
        body = {"device_id": device_id, "format": format_name, "active": active, "by": current_scope().person_id}
        append_leaf(session, "device_changed", body)
        return {"device_id": device_id}

    content = {"device_id": device_id, "format": format_name, "profile": request.form.get("profile", ""), "on": active}
    said = _("The device is read so from now on; read its messages again where that helps.")
    problem = refusal_of(content, act, said)
    if problem is not None:
        return _register_page(problem), 422
    return redirect(url_for("devices.register"))
