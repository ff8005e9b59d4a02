"""Replenishment proposals for warehouses far away, and what they sell: why this number, and how long it lasts."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.schemas import Body, Code, Count, Page, Query, Text
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.errors import NotFound
from wms.freight.queries import proposals as queries
from wms.freight.queries import sell_through as selling
from wms.freight.rules import MODES
from wms.freight.rules.replenish import PROPOSAL_STATES, UnknownProposal
from wms.freight.service import proposals
from wms.freight.service.transfer_desk import site_by_code
from wms.parties import dated
from wms.parties.tables import Company

bp = APIBlueprint("api_supply", __name__, url_prefix="/api/v1", tag="Replenishment")
PLANS = ("planner", "supervisor")
REGIONS = "sales.regions"


class ProposeIn(Body):
    """Between which sites, by which mode; all items of the owner unless some are named."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"owner": "HNYL", "from_site": "CLJ-W1", "to_site": "OW-DUI", "mode": "rail"}]}
    )

    owner: Code
    from_site: Code
    to_site: Code
    mode: Literal[MODES]  # type: ignore[valid-type]
    items: Annotated[list[Code], Field(max_length=5_000)] = []  # noqa: RUF012 - pydantic copies it
    service_permille: Annotated[int, Field(strict=True)] | None = None


class AcceptIn(Body):
    """Draw up the transfer: as advised, or another quantity or day."""

    qty: Count | None = None
    depart_on: date | None = None


class DismissIn(Body):
    """Why not."""

    reason: Text


class ProposalQuery(Page):
    """Which proposals; ``risky``: likely out of stock before goods can arrive, ``overstock``: more than one keeps."""

    state: Literal[PROPOSAL_STATES] | None = None  # type: ignore[valid-type]
    to_site: str | None = None
    risky: bool = False
    overstock: bool = False


class SellQuery(Query):
    """Which days (``until`` is the first day after), by what, in which steps."""

    since: date | None = None
    until: date | None = None
    by: Literal[selling.GROUPS] = "site"  # type: ignore[valid-type]
    period: Literal[selling.PERIODS] = "all"  # type: ignore[valid-type]
    owner: str | None = None
    site: str | None = None


@bp.post("/replenishment-proposals")
@policy(*PLANS)
@bp.input(ProposeIn, arg_name="body")
def propose(body: ProposeIn) -> Response:
    """Work out what to send, from the ledger's demand, lead time and service level; each number is explained."""

    def act(session: Session) -> Mapping[str, Any]:
        command = proposals.Propose(
            _company(session, body.owner), site_by_code(session, body.from_site).id,
            site_by_code(session, body.to_site).id, body.mode, tuple(body.items), body.service_permille,
        )  # fmt: skip
        made = proposals.propose(session, command, datetime.now(UTC))
        return {
            "count": len(made),
            "to_send": [
                {"id": one.id, "qty": one.qty, "risk_permille": one.risk_permille, "overstock_qty": one.overstock_qty}
                for one in made
                if one.qty or one.overstock_qty
            ],
        }

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/replenishment-runs")
@policy(*READERS, firms=True)
@bp.input(Page, location="query", arg_name="query")
def runs(query: Page) -> Response:
    """List the newest run of each owner and way: by the clock or by whom, over how many items."""
    with unit_of_work() as session:
        rows = [asdict(row) for row in queries.newest_runs(session, limit=1_000)]
    rows = [row for row in rows[::-1] if row["id"] > query.after]
    return page_of(rows[: query.limit + 1], after=query.after, limit=query.limit)


@bp.get("/replenishment-proposals")
@policy(*READERS, firms=True)
@bp.input(ProposalQuery, location="query", arg_name="query")
def listed(query: ProposalQuery) -> Response:
    """List proposals in the order in which they were worked out."""
    with unit_of_work() as session:
        rows = queries.proposals(
            session, state=query.state, to_site=query.to_site, only_risky=query.risky, only_overstock=query.overstock,
            after=query.after, limit=query.limit + 1,
        )  # fmt: skip
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/replenishment-proposals/<int:proposal_id>")
@policy(*READERS, firms=True, subject="proposal")
def show(proposal_id: int) -> Response:
    """Show a proposal with every number it came from."""
    with unit_of_work() as session:
        rows = queries.proposals(session, proposal_id=proposal_id)
    if not rows:
        raise UnknownProposal(proposal_id=proposal_id)
    return jsonify(asdict(rows[0]))


@bp.post("/replenishment-proposals/<int:proposal_id>/acceptance")
@policy(*PLANS, subject="proposal")
@bp.input(AcceptIn, arg_name="body")
def accept(proposal_id: int, body: AcceptIn) -> Response:
    """Draw up the transfer that a proposal advises."""

    def act(session: Session) -> Mapping[str, Any]:
        made = proposals.accept(session, proposal_id, datetime.now(UTC), qty=body.qty, depart_on=body.depart_on)
        return {"id": proposal_id, "state": "accepted", "transfer_no": made.transfer_no}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/replenishment-proposals/<int:proposal_id>/dismissal")
@policy(*PLANS, subject="proposal")
@bp.input(DismissIn, arg_name="body")
def dismiss(proposal_id: int, body: DismissIn) -> Response:
    """Decide against a proposal, with a reason."""

    def act(session: Session) -> Mapping[str, Any]:
        one = proposals.dismiss(session, proposal_id, body.reason, datetime.now(UTC))
        return {"id": one.id, "state": one.state}

    return write(act, body.model_dump(mode="json"))


@bp.get("/sell-through")
@policy(*READERS, firms=True)
@bp.input(SellQuery, location="query", arg_name="query")
def sell_through(query: SellQuery) -> Response:
    """Tell what came, what was sold and how long the rest lasts, by site, country or region and by period."""
    with unit_of_work() as session:
        rows = sold(session, query.since, query.until, query.by, query.period, query.owner, query.site)
    return jsonify([asdict(row) for row in rows])


def sold(
    session: Session, since: date | None, until: date | None, by: str, period: str, owner: str | None, site: str | None
) -> list[selling.SellThrough]:
    """The rows of a question; without days the last thirteen weeks."""
    ends = until or datetime.now(UTC).date() + timedelta(days=1)
    begins = since or ends - timedelta(weeks=13)
    return selling.sell_through(
        session, since=begins, until=ends, by=by, period=period, site=site,
        regions=dated.value(session, REGIONS, ends), owner_id=_company(session, owner) if owner else None,
    )  # fmt: skip


def _company(session: Session, code: str) -> int:
    found = session.scalar(select(Company.id).where(Company.code == code))
    if found is None:
        raise NotFound(field="owner", what=code)
    return found
