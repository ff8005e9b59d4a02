"""Reads of replenishment proposals: what to send where, what is at risk, what lies too much."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from wms.catalog.tables import TradeItem
from wms.freight.tables.supply import Proposal, ProposalRun
from wms.freight.tables.transfers import Transfer
from wms.parties.tables import Company, Person, Site

ORIGIN, DESTINATION = aliased(Site), aliased(Site)


@dataclass(frozen=True)
class ProposalRow:
    """A proposal with its names; ``why`` holds every number behind it."""

    id: int
    state: str
    owner_code: str
    item_code: str
    item_name_zh: str
    item_name_en: str
    base_unit: str
    from_site: str
    to_site: str
    mode: str
    computed_on: date
    qty: int
    risk_permille: int
    overstock_qty: int
    why: dict[str, Any]
    transfer_no: str | None
    decided_at: datetime | None
    decided_by_zh: str | None
    decided_by_en: str | None
    decision_reason: str | None


def proposals(
    session: Session, *, state: str | None = None, to_site: str | None = None, only_risky: bool = False,
    only_overstock: bool = False, proposal_id: int | None = None, after: int = 0, limit: int = 50,
) -> list[ProposalRow]:  # fmt: skip
    """Proposals by id, from behind ``after``. Risky: out of stock in transit with a chance of one in ten and more."""
    by = aliased(Person)
    wanted = (
        select(
            Proposal.id, Proposal.state, Company.code.label("owner_code"), TradeItem.code.label("item_code"),
            TradeItem.name_zh.label("item_name_zh"), TradeItem.name_en.label("item_name_en"), TradeItem.base_unit,
            ORIGIN.code.label("from_site"), DESTINATION.code.label("to_site"), Proposal.mode, Proposal.computed_on,
            Proposal.qty, Proposal.risk_permille, Proposal.overstock_qty, Proposal.why, Transfer.transfer_no,
            Proposal.decided_at, by.name_zh.label("decided_by_zh"), by.name_en.label("decided_by_en"),
            Proposal.decision_reason,
        )
        .join(Company, Company.id == Proposal.owner_id)
        .join(TradeItem, TradeItem.id == Proposal.trade_item_id)
        .join(ORIGIN, ORIGIN.id == Proposal.from_site_id)
        .join(DESTINATION, DESTINATION.id == Proposal.to_site_id)
        .outerjoin(Transfer, Transfer.id == Proposal.transfer_id)
        .outerjoin(by, by.id == Proposal.decided_by)
        .where(Proposal.id > after)
        .order_by(Proposal.id)
        .limit(limit)
    )  # fmt: skip
    if state:
        wanted = wanted.where(Proposal.state == state)
    if to_site:
        wanted = wanted.where(DESTINATION.code == to_site)
    if only_risky:
        wanted = wanted.where(Proposal.risk_permille >= 100)
    if only_overstock:
        wanted = wanted.where(Proposal.overstock_qty > 0)
    if proposal_id is not None:
        wanted = wanted.where(Proposal.id == proposal_id)
    return [ProposalRow(**row) for row in session.execute(wanted).mappings()]


@dataclass(frozen=True)
class RunRow:
    """The newest working out of proposals on one way of an owner."""

    id: int
    owner_code: str
    from_site: str
    to_site: str
    mode: str
    is_scheduled: bool
    person_zh: str | None
    person_en: str | None
    n_items: int
    to_send: int
    recorded_at: datetime


def newest_runs(session: Session, *, to_site: str | None = None, limit: int = 50) -> list[RunRow]:
    """Return the newest run of each owner and way, the newest first."""
    newest = select(func.max(ProposalRun.id)).group_by(
        ProposalRun.owner_id, ProposalRun.from_site_id, ProposalRun.to_site_id
    )
    sent = select(func.count()).where(Proposal.run_id == ProposalRun.id, Proposal.qty > 0).scalar_subquery()
    wanted = (
        select(
            ProposalRun.id, Company.code.label("owner_code"), ORIGIN.code.label("from_site"),
            DESTINATION.code.label("to_site"), ProposalRun.mode, ProposalRun.is_scheduled,
            Person.name_zh.label("person_zh"), Person.name_en.label("person_en"), ProposalRun.n_items,
            sent.label("to_send"), ProposalRun.recorded_at,
        )
        .join(Company, Company.id == ProposalRun.owner_id)
        .join(ORIGIN, ORIGIN.id == ProposalRun.from_site_id)
        .join(DESTINATION, DESTINATION.id == ProposalRun.to_site_id)
        .outerjoin(Person, Person.id == ProposalRun.person_id)
        .where(ProposalRun.id.in_(newest))
        .order_by(ProposalRun.id.desc())
        .limit(limit)
    )  # fmt: skip
    if to_site:
        wanted = wanted.where(DESTINATION.code == to_site)
    return [RunRow(**row) for row in session.execute(wanted).mappings()]
