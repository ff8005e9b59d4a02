"""The supervisor's overview: what waits, who does what now, what was done today; and how old stock is."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.api.supervision import aged, done, expiring, today
from web.api.tasks import assigned, freed, prioritised
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.pages.deeds import do_and_say
from wms.errors import NotFound
from wms.floor import supervision_queries as queries
from wms.parties import queries as parties
from wms.parties.tables import Person, PersonRole
from wms.stock.queries import Stock, stock_card

bp = Blueprint("work", __name__, url_prefix="/desk")
SHOWN = 100


@bp.get("/work")
@policy(*READERS)
def show() -> str:
    """Work by kind, tasks in the order they should be done, people at work, and what they did today."""
    site, kind = request.args.get("site") or None, request.args.get("kind") or None
    with unit_of_work() as session:
        rows = queries.tasks(session, site=site, kind=kind, limit=SHOWN, most_urgent=True)
        busy = queries.tasks(session, site=site, states=("taken",), limit=SHOWN)
        work = queries.work(session, site)
        finished = done(session, today(), today(), "day", None)
        sites = parties.sites(session)
        people = list(session.scalars(
            select(Person).join(PersonRole, PersonRole.person_id == Person.id)
            .where(Person.is_active, PersonRole.role.in_(("clerk", "supervisor"))).distinct().order_by(Person.id)
        ))  # fmt: skip
    return render_template(
        "desk/work.html", tasks=rows, busy=busy, work=work, finished=finished, sites=sites, people=people, site=site,
        kind=kind,
    )  # fmt: skip


@bp.post("/work/<int:task_id>")
@policy("supervisor")
def change(task_id: int) -> AnyResponse:
    """Give a task to somebody, put it back on offer, or make it urgent (``deed`` says which)."""
    form = request.form
    deed, given = form.get("deed", ""), form.get("person_id", "") or form.get("priority", "")
    number = int(given) if given.isdecimal() and len(given) < 19 else 0
    deeds: dict[str, Callable[[Session], dict[str, Any]]] = {
        "assign": lambda session: assigned(session, task_id, number),
        "free": lambda session: freed(session, task_id),
        "urgent": lambda session: prioritised(session, task_id, min(number, 9)),
    }
    if deed not in deeds:
        raise NotFound(field="deed", what=deed[:40])
    content = {"task_id": task_id, "deed": deed, "given": given}
    body = do_and_say(content, deeds[deed])
    if body is not None:
        flash(_("Task %(task)s was changed.", task=body["subject_no"]))
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if value}
    return redirect(url_for("work.show", **kept))


@bp.get("/age")
@policy(*READERS, firms=True)
def age() -> str:
    """How old stock is, and when it expires, by bucket and line by line."""
    site = request.args.get("site") or None
    with unit_of_work() as session:
        old, soon = aged(session, site, None), expiring(session, site, None)
        sites = parties.sites(session)
    return render_template(
        "desk/age.html", old=old[:SHOWN], soon=soon[:SHOWN], sites=sites, site=site, ages=_sums(old),
        expiries=_sums(soon), n_old=len(old), n_soon=len(soon),
    )  # fmt: skip


def _sums(rows: list[queries.AgedRow]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for row in sorted(rows, key=lambda row: (row.days is None, row.days)):
        counted[row.bucket] += 1
    return dict(counted)


@bp.get("/card")
@policy(*READERS, firms=True)
def card() -> str:
    """The stock card of an item or a place: every movement with the stock after it."""
    names = ("trade_item_id", "lot_id", "location_id", "handling_unit_id", "owner_id", "site_id")
    given = {
        name: int(value) for name in names if (value := request.args.get(name, "")).isdecimal() and len(value) < 19
    }
    found = None
    if given.keys() & set(names[:4]):
        with unit_of_work() as session:
            found = stock_card(session, Stock(**given), limit=1000)  # type: ignore[arg-type]
    return render_template("desk/card.html", card=found, given=given)
