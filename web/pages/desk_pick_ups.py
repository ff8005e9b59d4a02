"""Parcels that their buyers collect in person (线下自提) at the desk: what was collected, and noting the next."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.api.lookups import id_of
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.pages.deeds import refusal_of
from wms.customs import document_queries as documents
from wms.customs.parcels import pick_up
from wms.errors import N_, InvalidField
from wms.floor.service.counting_in import APP_PERSON
from wms.parties.tables import Site

bp = Blueprint("desk_pick_ups", __name__, url_prefix="/desk/pick-ups")
SHOWN = 50
FIELDS = {"declaration": N_("Number of the parcel declaration"), "site": N_("Collected at (site)")}


@bp.get("")
@policy(*READERS, firms=True)
def index() -> str:
    """Collected parcels, the newest first, or that of one declaration."""
    return _page({}, None)


@bp.post("")
@policy("clerk", "supervisor", "declarant")
def note() -> AnyResponse | tuple[str, int]:
    """Note that a buyer collected a parcel; a mistake is shown beside its field."""
    form = {name: request.form.get(name, "").strip()[:80] for name in FIELDS}

    def act(session: Session) -> dict[str, Any]:
        for name, label in FIELDS.items():
            if not form[name]:
                raise InvalidField(field=name, name=label, rule=N_("must be given"))
        site_id, person_id = id_of(session, Site, form["site"]), session.scalar(select(APP_PERSON))
        return {"id": pick_up.pick_up(session, form["declaration"], site_id, person_id, datetime.now(UTC)).id}

    said = _("The parcel %(number)s is noted as collected.", number=form["declaration"])
    problem = refusal_of(form, act, said)
    if problem is not None:
        return _page(form, problem), 422
    return redirect(url_for("desk_pick_ups.index"))


def _page(form: Mapping[str, str], problem: dict[str, Any] | None) -> str:
    number, before = request.args.get("number", "").strip()[:80], request.args.get("before", "0")
    with unit_of_work() as session:
        rows = documents.pick_ups(
            session, number=number, before=int(before) if before.isdecimal() and len(before) < 19 else 0,
            limit=SHOWN + 1,
        )  # fmt: skip
        sites = session.scalars(select(Site).order_by(Site.code)).all()
        return render_template(
            "transits/pick_ups.html", rows=rows[:SHOWN], number=number, sites=sites, fields=FIELDS, form=form,
            more=rows[SHOWN - 1]["row"].id if len(rows) > SHOWN else None, problem=problem,
        )  # fmt: skip
