"""The gate, live: lanes, the vehicle that stands in each, the reason of a hold, its release, alarms."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from pydantic import ValidationError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from iot.evidence import behind
from web.api.gate_exports import PeriodQuery, file_of
from web.api.gates import officer_id, release_body
from web.api.problems import problem_body
from web.auth.policy import policy
from web.context import current_scope, settings, unit_of_work
from web.evidence import export, media_of
from web.live import WATCHERS
from web.pages.deeds import refusal_of
from web.pages.gate_lanes import CAUSES
from web.pages.gate_words import NAMES
from wms.codes import plates
from wms.errors import NotFound, WmsError
from wms.gate import queries
from wms.gate.queries import Explained
from wms.gate.queries.besides import photo_bytes, photos_of
from wms.gate.rules.release_terms import OTHER
from wms.gate.service import ReleaseHold, add_picture, approve_release, close_passage, refuse_release, release_hold
from wms.gate.service.pictures import has_picture
from wms.gate.service.releasing import holds_of, terms_of
from wms.gate.tables import Passage
from wms.record.bundles import signing_key
from wms.watch import queries as watch
from wms.watch import service as watching
from wms.watch.queries.fence import clips_of

bp = Blueprint("gate", __name__, url_prefix="/gate")
MOST_PICTURE_BYTES = 8 * 1024 * 1024
RECENT, ALARMS_SHOWN, PAGE = 15, 8, 50
EXPORTERS = ("customs_officer", "auditor")


def _render(template: str, **given: Any) -> str:
    role = current_scope().role
    return render_template(
        template, **NAMES, **given, may_release=role == "customs_officer", person_id=current_scope().person_id,
        may_settle=role in ("customs_officer", "supervisor"),
    )  # fmt: skip


def _now(session: Session) -> dict[str, Any]:
    return {
        "lanes": queries.lanes_now(session),
        "passages": queries.passages(session, limit=RECENT),
        "alarms": watch.alarms(session, limit=ALARMS_SHOWN),
        "raised": watch.count_raised(session),
        "last_note": watch.last_note_id(session),
    }


@bp.get("")
@policy(*WATCHERS)
def index() -> str:
    """All lanes now, the latest passages, and the alarms that are not settled."""
    with unit_of_work() as session:
        return _render("gate/index.html", **_now(session))


@bp.get("/now")
@policy(*WATCHERS)
def now() -> str:
    """The parts of the page that change, for scripts to put in place."""
    with unit_of_work() as session:
        return _render("gate/now.html", **_now(session))


@bp.get("/passages")
@policy(*WATCHERS)
def passages() -> str:
    """Passages by state or plate, the newest first."""
    asked = {name: request.args.get(name, "").strip() for name in ("state", "plate", "after")}
    plate = plates.normalise(asked["plate"]) if asked["plate"] else None
    after = int(asked["after"]) if asked["after"].isdecimal() and len(asked["after"]) < 19 else 0
    with unit_of_work() as session:
        rows = queries.passages(session, after=after, limit=PAGE + 1, state=asked["state"] or None, plate=plate)
        return _render("gate/passages.html", passages=rows[:PAGE], has_more=len(rows) > PAGE, asked=asked)


@bp.get("/export")
@policy(*WATCHERS)
def export_period() -> AnyResponse | str | tuple[str, int]:
    """A file of any period; without one, the form that asks for it."""
    asked = {name: request.args.get(name, "").strip() for name in ("of", "from", "to", "format")}
    given = {name: value for name, value in asked.items() if value}
    if not given:
        today = datetime.now(ZoneInfo(settings().time_zone)).date().isoformat()
        return _render("gate/export.html", asked=asked | {"from": today, "to": today}, problem=None)
    try:
        return file_of(PeriodQuery.model_validate(given))
    except ValidationError:
        problem: dict[str, Any] = {"detail": _("There is no such contents or file format."), "status": 422}
    except WmsError as refusal:
        problem = problem_body(refusal)
    return _render("gate/export.html", asked=asked, problem=problem), int(problem["status"])


@bp.get("/passages/<int:passage_id>")
@policy(*WATCHERS)
def passage(passage_id: int) -> str:
    """Why was this vehicle let out, or held?"""
    return _passage_page(passage_id)


def _passage_page(passage_id: int, problem: dict[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        found = queries.explain(session, passage_id)
        last_note, terms = watch.last_note_id(session), terms_of(session, datetime.now(UTC))
        codes = holds_of(session, session.get_one(Passage, passage_id)) if found.passage.state == "held" else set()
        raws = behind(session, [reading.reading_id for reading in found.readings])
        return _render(
            "gate/passage.html", it=found, problem=problem, form=request.form, last_note=last_note, raws=raws,
            media=media_of(found), clips=clips_of(session, "passage", passage_id),
            CAUSES=CAUSES, key_id=signing_key(settings().data_dir).key_id, may_export=current_scope().role in EXPORTERS,
            terms=terms, needs_second=terms.needs_second(codes),
            needs_picture=terms.needs_picture(codes) and not has_picture(session, passage_id), **_told(found),
        )  # fmt: skip


@bp.get("/passages/<int:passage_id>/evidence")
@policy("customs_officer", "auditor")
def evidence(passage_id: int) -> AnyResponse:
    """Take the evidence of a passage away as one signed bundle; the record says who did."""
    with unit_of_work() as session:
        return export(session, passage_id, settings().data_dir, current_scope().person_id).response()


@bp.get("/passages/<int:passage_id>/raw/<int:reading_id>")
@policy(*WATCHERS)
def raw(passage_id: int, reading_id: int) -> AnyResponse:
    """Show the bytes behind one reading, as the device sent them."""
    with unit_of_work() as session:
        found = queries.explain(session, passage_id)
        mine = [reading.reading_id for reading in found.readings if reading.reading_id == reading_id]
        held = behind(session, mine).get(reading_id)
    if held is None:
        raise NotFound(what=reading_id)
    return Response(
        held.payload, mimetype="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="message-{held.inbox_id}.bin"'},
    )  # fmt: skip


@bp.get("/passages/<int:passage_id>/pictures/<sha256>")
@policy(*WATCHERS)
def picture(passage_id: int, sha256: str) -> AnyResponse:
    """Show a picture that an officer added."""
    with unit_of_work() as session:
        photo = next((one for one in photos_of(session, passage_id) if one.sha256 == sha256), None)
        content = photo_bytes(session, passage_id) if photo is not None else {}
    if photo is None:
        raise NotFound(what=sha256[:64])
    return Response(content[sha256], mimetype=photo.media_type, headers={"Cache-Control": "private, no-store"})


def _told(found: Explained) -> dict[str, Any]:
    case = found.case
    seen = case.seen if case else None
    asked_pass = (
        next((p for p in case.passes if p.pass_id == found.gate_pass.id), None) if case and found.gate_pass else None
    )
    near = [p for p in case.passes if case and p is not asked_pass] if case else []
    return {
        "seen": seen,
        "asked_pass": asked_pass,
        "near_passes": near,
        "inputs_text": json.dumps(found.inputs, ensure_ascii=False, indent=1) if found.inputs else "",
        "waiting": next((release for release in found.releases if release.state == "requested"), None),
    }


@bp.post("/passages/<int:passage_id>/release")
@policy("customs_officer")
def release(passage_id: int) -> AnyResponse | tuple[str, int]:
    """Release a held vehicle with a reason."""
    reason = request.form.get("reason", "").strip()[:500]
    kind, at = request.form.get("reason_code", "").strip() or OTHER, datetime.now(UTC)
    sent = request.files.get("picture")
    content = sent.stream.read(MOST_PICTURE_BYTES + 1) if sent else b""

    def act(session: Session) -> dict[str, Any]:
        if content:
            add_picture(session, passage_id, content)
        return dict(release_body(release_hold(session, ReleaseHold(passage_id, officer_id(), reason, at, kind))))

    told = {"reason": reason, "reason_code": kind, "picture": hashlib.sha256(content).hexdigest()}
    problem = refusal_of(told, act, _("The release is recorded."))
    if problem is not None:
        return _passage_page(passage_id, problem), int(problem["status"])
    return redirect(url_for("gate.passage", passage_id=passage_id))


@bp.post("/passages/<int:passage_id>/second")
@policy("customs_officer")
def second(passage_id: int) -> AnyResponse | tuple[str, int]:
    """The second officer agrees with a release, or does not (``deed``)."""
    asked, deed, at = request.form.get("release_id", ""), request.form.get("deed", ""), datetime.now(UTC)
    release_id = int(asked) if asked.isdecimal() and len(asked) < 19 else 0

    def act(session: Session) -> dict[str, Any]:
        if deed == "approve":
            return dict(release_body(approve_release(session, release_id, officer_id=officer_id(), at=at)))
        return dict(release_body(refuse_release(session, release_id, officer_id=officer_id())))

    problem = refusal_of({"release_id": release_id, "deed": deed}, act, _("Your answer is recorded."))
    if problem is not None:
        return _passage_page(passage_id, problem), int(problem["status"])
    return redirect(url_for("gate.passage", passage_id=passage_id))


@bp.post("/passages/<int:passage_id>/gone")
@policy("customs_officer")
def gone(passage_id: int) -> AnyResponse | tuple[str, int]:
    """A held vehicle has left the lane backwards, where no loop could see it."""
    at = datetime.now(UTC)

    def act(session: Session) -> dict[str, Any]:
        officer_id()
        return {"state": close_passage(session, passage_id, at=at, went_through=False).state}

    problem = refusal_of({}, act, _("The lane is free."))
    if problem is not None:
        return _passage_page(passage_id, problem), int(problem["status"])
    return redirect(url_for("gate.index"))


@bp.get("/alarms")
@policy(*WATCHERS)
def alarms() -> str:
    """All alarms, the newest first."""
    with unit_of_work() as session:
        return _render("gate/alarms.html", alarms=watch.alarms(session, only_open=False, limit=PAGE), problem=None)


@bp.post("/alarms/<int:alarm_id>")
@policy("customs_officer", "supervisor")
def settle_alarm(alarm_id: int) -> AnyResponse | tuple[str, int]:
    """Acknowledge an alarm, or close it with its cause (``deed``)."""
    deed, cause, at = request.form.get("deed", ""), request.form.get("cause", "").strip()[:500], datetime.now(UTC)

    def act(session: Session) -> dict[str, Any]:
        if deed == "close":
            return {"state": watching.close(session, alarm_id, person_id=officer_id(), cause=cause, at=at).state}
        return {"state": watching.acknowledge(session, alarm_id, person_id=officer_id(), at=at).state}

    problem = refusal_of({"deed": deed, "cause": cause}, act, _("The alarm is recorded under your name."))
    if problem is not None:
        with unit_of_work() as session:
            rows = watch.alarms(session, only_open=False, limit=PAGE)
            return _render("gate/alarms.html", alarms=rows, problem=problem), int(problem["status"])
    return redirect(url_for("gate.alarms" if request.form.get("from") == "alarms" else "gate.index"))
