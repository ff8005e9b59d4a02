"""The inspection centre on one page: orders, the parcels under inspection, and the steps of one parcel."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.auth.policy import policy
from web.context import current_scope, unit_of_work
from web.live import WATCHERS
from web.pages.deeds import refusal_of
from wms.customs import inspection_queries as queries
from wms.customs import inspections
from wms.customs.inspection_rules import MODES, MOST_PICTURE_BYTES
from wms.customs.inspections import Order, Result
from wms.errors import N_

bp = Blueprint("inspections", __name__, url_prefix="/gate/inspections")
LOOKS = {
    "waiting": ("warn", N_("waiting for inspection")),
    "examining": ("busy", N_("under inspection")),
    "cleared": ("ok", N_("inspected, free to go")),
    "detained": ("stop", N_("detained after inspection")),
}
MADE_BY = {"officer": N_("officer's order"), "rule": N_("drawn at random"), "receipt": N_("customs' receipt 500")}
STEPS = {
    "ordered": N_("Inspection ordered"),
    "started": N_("Taken on a lane"),
    "xray": N_("X-ray"),
    "unpack": N_("Unpacked"),
    "customs": N_("Let go by customs"),
    "lifted": N_("Detention lifted"),
}
OUTCOMES = {"passed": N_("passed"), "suspicious": N_("suspicious, to be unpacked"), "failed": N_("failed, detained")}
OPEN_SHOWN = 200


def _render(template: str, **given: Any) -> str:
    return render_template(
        template, LOOKS=LOOKS, MADE_BY=MADE_BY, STEPS=STEPS, OUTCOMES=OUTCOMES, MODES=MODES, **given,
        may_inspect=current_scope().role == "customs_officer",
    )  # fmt: skip


def _list_page(problem: dict[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        return _render(
            "inspections/index.html", rows=queries.inspections(session, is_open=True, limit=OPEN_SHOWN),
            done=queries.newest(session), lanes=queries.lanes(session), problem=problem, form=request.form,
        )  # fmt: skip


def _one_page(inspection_id: int, problem: dict[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        row, steps, pictures = queries.inspection(session, inspection_id)
        lanes = [lane for lane in queries.lanes(session) if lane.mode == row.trade_mode and lane.is_open]
        return _render(
            "inspections/show.html", it=row, steps=steps, pictures=pictures, lanes=lanes, problem=problem,
            form=request.form,
        )  # fmt: skip


@bp.get("")
@policy(*WATCHERS)
def index() -> str:
    """Parcels under inspection, and those decided last."""
    return _list_page()


@bp.post("")
@policy("customs_officer")
def order() -> AnyResponse | tuple[str, int]:
    """Order the inspection of parcels, or let the random rule draw (``deed``)."""
    given = {
        name: request.form.get(name, "").strip()[:4000] for name in ("deed", "mode", "parcels", "reason", "customs_no")
    }
    at, person_id = datetime.now(UTC), current_scope().person_id

    def act(session: Session) -> dict[str, Any]:
        if given["deed"] == "draw":
            drawn, made = inspections.draw(session, given["mode"], at, person_id=person_id)
            return {"drawn": drawn, "order_no": made.order_no if made else None}
        parcels = tuple(given["parcels"].replace(",", " ").replace("，", " ").split())[:500]
        command = Order(
            parcels or ("",), given["mode"], given["reason"][:500], at, person_id, given["customs_no"][:80] or None
        )
        return {"order_no": inspections.order(session, command).order_no}

    done = _("The draw is done.") if given["deed"] == "draw" else _("The parcels are on hold.")
    problem = refusal_of(given, act, done)
    if problem is not None:
        return _list_page(problem), int(problem["status"])
    return redirect(url_for("inspections.index"))


@bp.get("/<int:inspection_id>")
@policy(*WATCHERS)
def show(inspection_id: int) -> str:
    """One parcel with its steps and pictures."""
    return _one_page(inspection_id)


@bp.get("/pictures/<int:picture_id>")
@policy(*WATCHERS)
def picture(picture_id: int) -> AnyResponse:
    """The bytes of a picture."""
    with unit_of_work() as session:
        media_type, content = queries.picture(session, picture_id)
    return AnyResponse(content, mimetype=media_type)


@bp.post("/<int:inspection_id>")
@policy("customs_officer")
def step(inspection_id: int) -> AnyResponse | tuple[str, int]:
    """Take the parcel on a lane, keep a picture, write a result or lift a detention (``deed``)."""
    given = {
        name: request.form.get(name, "").strip()[:1000] for name in ("deed", "lane", "method", "outcome", "finding")
    }
    at, person_id = datetime.now(UTC), current_scope().person_id
    upload = request.files.get("picture")
    content = upload.read(MOST_PICTURE_BYTES + 1) if upload is not None else b""

    def act(session: Session) -> dict[str, Any]:
        if given["deed"] == "start":
            lane_id = int(given["lane"]) if given["lane"].isdecimal() and len(given["lane"]) < 19 else 0
            return {"state": inspections.start(session, inspection_id, lane_id, at, person_id).state}
        if given["deed"] == "picture":
            return {"picture_id": inspections.add_picture(session, inspection_id, content, at, person_id).id}
        if given["deed"] == "lift":
            return {"state": inspections.lift(session, inspection_id, given["finding"], at, person_id).state}
        method = given["method"] if given["method"] in ("xray", "unpack") else "unpack"
        outcome = given["outcome"] if given["outcome"] in OUTCOMES else "suspicious"
        said = Result(inspection_id, method, outcome, given["finding"], at, person_id)
        return {"state": inspections.note_result(session, said).state}

    problem = refusal_of(given | {"bytes": len(content)}, act, _("The step is recorded under your name."))
    if problem is not None:
        return _one_page(inspection_id, problem), int(problem["status"])
    return redirect(url_for("inspections.show", inspection_id=inspection_id))
