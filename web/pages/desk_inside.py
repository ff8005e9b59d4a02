"""What is done inside the warehouse as the desk sees it: counts, returns, and what waits for a second person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from web.api.idempotency import request_key
from web.auth.policy import READERS, policy
from web.context import current_identity, unit_of_work
from web.pages.deeds import refusal_of
from wms.errors import Forbidden, NotFound
from wms.floor import count_queries, destruction_queries, processing_queries, replenish_queries, return_queries
from wms.floor.service import adjusting, count_deciding, destroying, quarantining, replenishing
from wms.floor.service.count_deciding import Decide
from wms.parties.tables import Site

bp = Blueprint("desk_inside", __name__, url_prefix="/desk")
SHOWN = 50
PAGES = ("desk_inside.counts", "desk_inside.returns", "desk_inside.inside")


@bp.get("/counts")
@policy(*READERS)
def counts() -> str:
    """Counts that run, differences that wait for a supervisor, bonded goods that are missing or too many."""
    site, after = _site(), _after()
    with unit_of_work() as session:
        return render_template(
            "desk/counts.html",
            counts=count_queries.counts(session, site=site, state=None if after else "open", after=after, limit=SHOWN),
            differences=count_queries.differences(session, site=site, state="waiting", limit=SHOWN),
            cases=count_queries.cases(session, site=site, state="open", limit=SHOWN),
            **_common(session, site),
        )


@bp.get("/returns")
@policy(*READERS, firms=True)
def returns() -> str:
    """Goods that come back: announced, taken in, graded."""
    site = _site()
    with unit_of_work() as session:
        rows = return_queries.returns(session, site=site, after=_after(), limit=SHOWN + 1)
        more = rows[SHOWN - 1].id if len(rows) > SHOWN else None
        return render_template("desk/returns.html", rows=rows[:SHOWN], more=more, **_common(session, site))


@bp.get("/inside")
@policy(*READERS)
def inside() -> str:
    """Adjustments, quarantines and destructions that wait; processing orders and replenishments that run."""
    site = _site()
    with unit_of_work() as session:
        asked = destruction_queries.destructions(session, site=site, state="requested", limit=SHOWN)
        approved = destruction_queries.destructions(session, site=site, state="approved", limit=SHOWN)
        return render_template(
            "desk/inside.html",
            adjustments=count_queries.adjustments(session, site=site, state="waiting", limit=SHOWN),
            quarantines=destruction_queries.quarantines(session, site=site, state="open", limit=SHOWN),
            destructions=[*asked, *approved],
            orders=processing_queries.orders(session, site=site, state="open", limit=SHOWN),
            fills=replenish_queries.replenishments(session, site=site, state="open", limit=SHOWN),
            **_common(session, site),
        )


def _site() -> str | None:
    return request.args.get("site") or None


def _after() -> int:
    given = request.args.get("after", "0")
    return int(given) if given.isdecimal() and len(given) < 19 else 0


def _common(session: Session, site: str | None) -> dict[str, Any]:
    who = current_identity()
    return {
        "sites": session.scalars(select(Site).order_by(Site.code)).all(),
        "kept": {"site": site} if site else {},
        "roles": who.roles if who else frozenset(),
    }


@dataclass(frozen=True)
class Asked:
    """What a form asks for: on which row, by which key, with which words."""

    number: str
    key: str
    qty: int
    note: str
    now: datetime


Deed = Callable[[Session, Asked], object]


def _difference(deed: Callable[[Session, Decide], object]) -> Deed:
    return lambda session, one: deed(session, Decide(one.key, int(one.number), one.qty, one.now, one.note or None))


def _fill(session: Session, one: Asked) -> object:
    site_id = session.scalar(select(Site.id).where(Site.code == one.number))
    if site_id is None:
        raise NotFound(what=one.number)
    return replenishing.propose(session, one.key, site_id, one.now)


SUPERVISOR, FLOOR = frozenset({"supervisor"}), frozenset({"supervisor", "clerk"})
DEEDS: Mapping[str, tuple[frozenset[str], Deed]] = {
    "difference-approve": (SUPERVISOR, _difference(count_deciding.approve)),
    "difference-reject": (SUPERVISOR, _difference(count_deciding.reject)),
    "adjustment-approve": (SUPERVISOR, lambda session, one: adjusting.approve(session, one.number, one.now)),
    "adjustment-reject": (SUPERVISOR, lambda session, one: adjusting.reject(session, one.number, one.now)),
    "destruction-approve": (SUPERVISOR, lambda session, one: destroying.approve(session, one.number, one.now)),
    "destruction-reject": (SUPERVISOR, lambda session, one: destroying.reject(session, one.number, one.now)),
    "destruction-witness": (
        FLOOR | {"customs_officer"},
        lambda session, one: destroying.witness(session, one.number),
    ),
    "destruction-carry-out": (FLOOR, lambda session, one: destroying.carry_out(session, one.number, one.now)),
    "quarantine-good": (
        SUPERVISOR,
        lambda session, one: quarantining.decide(session, one.key, one.number, "good", one.now),
    ),
    "quarantine-damaged": (
        SUPERVISOR,
        lambda session, one: quarantining.decide(session, one.key, one.number, "damaged", one.now),
    ),
    "fill": (SUPERVISOR, _fill),
}


@bp.post("/inside")
@policy("supervisor", "clerk", "customs_officer")
def act() -> Response | tuple[str, int]:
    """Decide on something that waits; whoever asked for it or counted it is refused by the use case."""
    form = {name: request.form.get(name, "").strip() for name in ("deed", "number", "qty", "note", "back")}
    who, known = current_identity(), DEEDS.get(form["deed"])
    if known is None or who is None or not known[0] & who.roles:
        raise Forbidden
    key = request_key()
    asked = Asked(form["number"], key, _whole(form["qty"]), form["note"][:2000], datetime.now(UTC))

    def deed(session: Session) -> dict[str, Any]:
        known[1](session, asked)
        return {}

    problem = refusal_of(form, deed, _("Done."))
    if problem is not None:
        return render_template("problem.html", problem=problem), 409
    return redirect(url_for(form["back"] if form["back"] in PAGES else PAGES[-1]))


def _whole(given: str) -> int:
    return int(given) if given.lstrip("-").isdecimal() and len(given) < 19 else 0
