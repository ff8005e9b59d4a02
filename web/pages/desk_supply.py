"""Replenishment proposals and sell-through as the desk sees them."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.api.supply import sold
from web.auth.policy import READERS, policy
from web.context import current_identity, unit_of_work
from web.downloads import csv_response
from web.pages.deeds import do_and_say
from wms.freight.queries import proposals as queries
from wms.freight.queries.sell_through import GROUPS, PERIODS, SellThrough
from wms.freight.rules.replenish import UnknownProposal
from wms.freight.service import proposals
from wms.parties.tables import Company, Site

bp = Blueprint("desk_supply", __name__, url_prefix="/desk")
SHOWN = 100
COLUMNS = (
    "place", "owner_code", "item_code", "name_en", "name_zh", "base_unit", "period_on", "days", "opening_qty",
    "received_qty", "sold_qty", "other_qty", "closing_qty", "permille", "cover_weeks_tenths",
)  # fmt: skip


@bp.get("/replenishment")
@policy(*READERS, firms=True)
def index() -> str:
    """List what stands proposed: what to send, what runs short, what lies too much."""
    only = request.args.get("only", "")
    after = request.args.get("after", "0")
    with unit_of_work() as session:
        rows = queries.proposals(
            session, state="proposed", to_site=request.args.get("site") or None, only_risky=only == "risky",
            only_overstock=only == "overstock", limit=SHOWN + 1,
            after=int(after) if after.isdecimal() and len(after) < 19 else 0,
        )  # fmt: skip
        sites = session.scalars(select(Site).where(Site.kind == "overseas").order_by(Site.code)).all()
        runs = queries.newest_runs(session, to_site=request.args.get("site") or None)
    return render_template(
        "supply/index.html", rows=rows[:SHOWN], more=rows[SHOWN - 1].id if len(rows) > SHOWN else None, sites=sites,
        runs=runs, only=only, kept={name: value for name, value in request.args.items() if name in {"site", "only"}},
    )  # fmt: skip


@bp.get("/replenishment/<int:proposal_id>")
@policy(*READERS, firms=True, subject="proposal")
def show(proposal_id: int) -> str:
    """Show why a proposal says what it says."""
    with unit_of_work() as session:
        rows = queries.proposals(session, proposal_id=proposal_id)
    if not rows:
        raise UnknownProposal(proposal_id=proposal_id)
    who = current_identity()
    may = who is not None and who.sees_all and bool({"planner", "supervisor"} & who.roles)
    return render_template("supply/proposal.html", row=rows[0], may_decide=may and rows[0].state == "proposed")


@bp.post("/replenishment/<int:proposal_id>")
@policy("planner", "supervisor", subject="proposal")
def decide(proposal_id: int) -> AnyResponse:
    """Accept a proposal as a transfer, or dismiss it with a reason."""
    given = request.form.get("qty", "")
    qty = int(given) if given.isdecimal() and len(given) < 16 else None
    content = {"qty": qty, "reason": request.form.get("reason", ""), "dismiss": "dismiss" in request.form}

    def act(session: Session) -> dict[str, Any]:
        if content["dismiss"]:
            proposals.dismiss(session, proposal_id, str(content["reason"]), datetime.now(UTC))
            return {"transfer_no": None}
        return {"transfer_no": proposals.accept(session, proposal_id, datetime.now(UTC), qty=qty).transfer_no}

    return _deed(act, content, proposal_id)


def _deed(act: Callable[[Session], dict[str, Any]], content: dict[str, Any], proposal_id: int) -> AnyResponse:
    body = do_and_say(content, act)
    if body is not None and body["transfer_no"]:
        flash(_("Transfer %(number)s is drawn up.", number=body["transfer_no"]), "ok")
        return redirect(url_for("desk_transfers.show", transfer_no=body["transfer_no"]))
    return redirect(url_for("desk_supply.show", proposal_id=proposal_id))


@bp.get("/sell-through")
@policy(*READERS, firms=True)
def sell_through() -> str:
    """Show what came, what was sold and how long the rest lasts."""
    with unit_of_work() as session:
        rows = _asked(session)
        owners = session.scalars(select(Company).order_by(Company.code)).all()
    return render_template(
        "supply/sell_through.html", rows=rows[:SHOWN], is_cut=len(rows) > SHOWN, groups=GROUPS, periods=PERIODS,
        owners=owners, kept=dict(request.args.items()),
    )  # fmt: skip


@bp.get("/sell-through.csv")
@policy(*READERS, firms=True)
def export() -> Response:
    """The same as a file, whole."""
    with unit_of_work() as session:
        rows = _asked(session)
    return csv_response("sell-through", COLUMNS, ([getattr(row, name) for name in COLUMNS] for row in rows))


def _asked(session: Session) -> list[SellThrough]:
    by, period = request.args.get("by", "site"), request.args.get("period", "all")
    return sold(
        session, _day("since"), _day("until"), by if by in GROUPS else "site", period if period in PERIODS else "all",
        request.args.get("owner") or None, request.args.get("site") or None,
    )  # fmt: skip


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
