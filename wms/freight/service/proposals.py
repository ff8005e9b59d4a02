"""Replenishment proposals: worked out from the ledger's own demand, explained, accepted as transfers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.errors import NotFound
from wms.freight.queries import supply
from wms.freight.rules.demand import Forecast
from wms.freight.rules.replenish import (
    Advice,
    LeadTime,
    NothingToSend,
    NotOverseas,
    ProposalDecided,
    Situation,
    Terms,
    UnknownProposal,
    advise,
)
from wms.freight.rules.seasons import seasonal_forecast
from wms.freight.rules.transfers import WantedLine, check_reason
from wms.freight.service import transfers
from wms.freight.service.transfer_desk import acting_person, name_of
from wms.freight.tables.supply import Proposal, ProposalRun
from wms.freight.tables.transfers import Transfer
from wms.parties import dated
from wms.parties.tables import Company, Site
from wms.record.service import append_leaf

LEAD_TIME, SERVICE, REVIEW = "replenish.lead_time", "replenish.service_permille", "replenish.review_days"
SEASON = "replenish.season_days"
HISTORY, OVERSTOCK = "replenish.history_days", "replenish.overstock_days"
LEAD_TIME_DAYS = "replenish.lead_time_days"
LEAST_ORDER, PALLET_FROM = "replenish.least_order", "replenish.pallet_from_permille"
AT_ONCE = 200  # items whose days are in memory at once
REPLENISHED = ("overseas", "ordinary", "bonded", "shop")


@dataclass(frozen=True)
class Propose:
    """Work out proposals for the items of an owner (all, or these) between two sites by one mode."""

    owner_id: int
    from_site_id: int
    to_site_id: int
    mode: str
    item_codes: tuple[str, ...] = ()
    service_permille: int | None = None
    is_scheduled: bool = False


def propose(session: Session, command: Propose, now: datetime) -> list[Proposal]:
    """Work out and store a proposal for each item; what nobody decided on yet is superseded.

    Raises NotOverseas, NotFound, BadServiceLevel, NoDatedValue.
    """
    origin, destination = session.get_one(Site, command.from_site_id), session.get_one(Site, command.to_site_id)
    if destination.kind not in REPLENISHED or origin.id == destination.id:
        raise NotOverseas(field="to_site", site=destination.code, origin=origin.code)
    owner = session.get_one(Company, command.owner_id)
    items = _items(session, command)
    today = now.astimezone(ZoneInfo(destination.time_zone)).date()
    run = ProposalRun(
        owner_id=owner.id, from_site_id=origin.id, to_site_id=destination.id, mode=command.mode,
        is_scheduled=command.is_scheduled, person_id=acting_person(session), n_items=len(items),
    )  # fmt: skip
    session.add(run)
    session.flush()
    situations = (
        one
        for start in range(0, len(items), AT_ONCE)
        for one in _situations(session, command, owner, origin, destination, items[start : start + AT_ONCE], today)
    )
    made = []
    for item, situation in situations:
        advice = advise(situation)
        session.execute(
            update(Proposal)
            .where(
                Proposal.owner_id == owner.id, Proposal.from_site_id == origin.id,
                Proposal.to_site_id == destination.id, Proposal.trade_item_id == item.id,
                Proposal.state == "proposed",
            )
            .values(state="superseded")
        )  # fmt: skip
        one = Proposal(
            owner_id=owner.id, from_site_id=origin.id, to_site_id=destination.id, trade_item_id=item.id,
            mode=command.mode, computed_on=today, qty=advice.qty, risk_permille=advice.risk_permille,
            overstock_qty=advice.overstock_qty, why=explain(situation, advice), run_id=run.id,
        )  # fmt: skip
        session.add(one)
        session.flush()
        made.append(one)
    return made


def _items(session: Session, command: Propose) -> list[TradeItem]:
    wanted = select(TradeItem).where(TradeItem.owner_id == command.owner_id).order_by(TradeItem.id)
    if command.item_codes:
        wanted = wanted.where(TradeItem.code.in_(command.item_codes))
    items = list(session.scalars(wanted))
    unknown = set(command.item_codes) - {item.code for item in items}
    if unknown:
        raise NotFound(field="items", what=", ".join(sorted(unknown)))
    return items


def _situations(
    session: Session, command: Propose, owner: Company, origin: Site, destination: Site, items: Sequence[TradeItem],
    today: date,
) -> list[tuple[TradeItem, Situation]]:  # fmt: skip
    ids = [item.id for item in items]
    recent, all_days = (int(dated.value(session, name, today)) for name in (HISTORY, SEASON))
    since = today - timedelta(days=max(recent, all_days))
    days = supply.demand(session, owner.id, destination.id, ids, since=since, until=today)
    there = supply.stock(session, owner.id, destination.id, ids, today)
    here = supply.stock(session, owner.id, origin.id, ids, today)
    coming = supply.on_the_way(session, owner.id, destination.id, ids)
    lead = lead_time(session, origin, destination, command.mode, today)
    packs = supply.packs(session, ids)
    review_md = int(dated.value(session, REVIEW, today, destination.code)) * 1000
    ahead = -(-(lead.mean_md + review_md) // 1000)
    overstock = int(dated.value(session, OVERSTOCK, today, destination.code))
    found = []
    for item in items:
        subject = f"{owner.code}/{item.code}"
        demand = seasonal_forecast(days[item.id], recent, today, ahead)
        service = command.service_permille or int(dated.value(session, SERVICE, today, subject))
        found.append(
            (
                item,
                Situation(
                    demand, lead, review_md, service, there[item.id].qty, coming.get(item.id, 0),
                    here[item.id].free, _terms(session, packs.get(item.id, {}), subject, today), overstock,
                ),
            )
        )  # fmt: skip
    return found


def lead_time(session: Session, origin: Site, destination: Site, mode: str, on: date) -> LeadTime:
    """How long a way takes: as the transfers of late did, else as dated data say (way, else mode)."""
    since = on - timedelta(days=int(dated.value(session, LEAD_TIME_DAYS, on)))
    observed = supply.observed_lead_time(session, origin.id, destination.id, mode, since)
    if observed is not None:
        return observed
    subject = f"{origin.code}>{destination.code}:{mode}"
    known = dated.value(session, LEAD_TIME, on, subject)
    if mode in known:  # the general row tells it by mode
        known = known[mode]
        subject = mode
    return LeadTime(int(known["mean_md"]), int(known["deviation_md"]), f"{LEAD_TIME} {subject}")


def _terms(session: Session, packs: Mapping[str, int], subject: str, on: date) -> Terms:
    return Terms(
        least_qty=int(dated.value(session, LEAST_ORDER, on, subject)),
        pack_qty=packs.get("carton", packs.get("box", 1)),
        pallet_qty=packs.get("pallet"),
        pallet_from_permille=int(dated.value(session, PALLET_FROM, on)),
    )


def explain(situation: Situation, advice: Advice) -> dict[str, Any]:
    """Every number of an advice and where it is from, as JSON; demand in thousandths of a unit a day."""
    demand: Forecast = situation.forecast
    return {
        "demand": {
            "pattern": demand.pattern.value,
            "method": demand.method,
            "mean_milli_per_day": int(demand.mean * 1000),
            "variance_milli": int(demand.variance * 1000),
            "days": demand.days,
            "selling_days": demand.selling_days,
            "out_of_stock_days": demand.out_of_stock_days,
            "season_permille": demand.season_permille,
            "season_years": demand.season_years,
        },
        "lead_time": asdict(situation.lead),
        "review_md": situation.review_md,
        "service_permille": situation.service_permille,
        "on_hand_qty": situation.on_hand_qty,
        "on_the_way_qty": situation.on_the_way_qty,
        "available_at_origin_qty": situation.available_qty,
        "terms": asdict(situation.terms),
        "overstock_days": situation.overstock_days,
        "advice": asdict(advice),
    }


def accept(
    session: Session, proposal_id: int, now: datetime, *, qty: int | None = None, depart_on: date | None = None
) -> Transfer:
    """Draw up the transfer that a proposal advises, or another quantity.

    Raises UnknownProposal, ProposalDecided, NothingToSend, and what drawing up refuses.
    """
    one = _locked(session, proposal_id)
    amount = one.qty if qty is None else qty
    if amount <= 0:
        raise NothingToSend(proposal_id=proposal_id)
    origin = session.get_one(Site, one.from_site_id)
    item = session.get_one(TradeItem, one.trade_item_id)
    leaves = depart_on or now.astimezone(ZoneInfo(origin.time_zone)).date()
    days = -(-int(one.why["lead_time"]["mean_md"]) // 1000)
    transfer = transfers.draw_up(
        session,
        transfers.DrawUp(
            one.owner_id, one.from_site_id, one.to_site_id, one.mode, leaves, leaves + timedelta(days=days),
            (WantedLine(item.code, amount),), reason=f"proposal {one.id}",
        ),
        now,
    )  # fmt: skip
    _decide(session, one, "accepted", now, "", transfer.id)
    append_leaf(
        session,
        "proposal_accepted",
        {"transfer_no": transfer.transfer_no, "advised": one.qty, "qty": amount, "why": one.why["advice"]},
        one.id,
    )
    return transfer


def dismiss(session: Session, proposal_id: int, reason: str, now: datetime) -> Proposal:
    """Decide against a proposal, with a reason. Raises ReasonMissing, UnknownProposal, ProposalDecided."""
    said = check_reason(reason)
    one = _locked(session, proposal_id)
    _decide(session, one, "dismissed", now, said, None)
    append_leaf(session, "proposal_dismissed", {"reason": said}, one.id)
    return one


def _locked(session: Session, proposal_id: int) -> Proposal:
    one = session.scalar(
        select(Proposal)
        .where(Proposal.id == proposal_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if one is None:
        raise UnknownProposal(proposal_id=proposal_id)
    if one.state != "proposed":
        at = (one.decided_at or one.recorded_at).isoformat(timespec="minutes")
        raise ProposalDecided(proposal_id=proposal_id, state=one.state, at=at, person=name_of(session, one.decided_by))
    return one


def _decide(session: Session, one: Proposal, state: str, now: datetime, reason: str, transfer_id: int | None) -> None:
    person_id = acting_person(session)
    with session.no_autoflush:
        one.state, one.decided_at, one.decided_by, one.decision_reason = state, now, person_id, reason or None
        one.transfer_id = transfer_id
    session.flush()
