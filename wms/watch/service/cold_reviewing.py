"""A breach is reviewed by a person who answers for it: its goods are good again, or spoilt; findings are closed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from wms.floor.service import tasks
from wms.parties.tables import Person
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.tables import Posting, StockHold
from wms.watch.rules.temperatures import (
    BreachNotOver,
    BreachReviewed,
    NamedPersonNeeded,
    NotOfThisBreach,
    UnknownBreach,
    UnknownFinding,
    check_reason,
)
from wms.watch.rules.tracing import Window
from wms.watch.service import cold_holding
from wms.watch.service.cold_evaluating import OPEN_STATES, task_of
from wms.watch.tables.temperatures import TemperatureBreach, TemperatureFinding, TemperatureHold, TemperaturePlace


@dataclass(frozen=True)
class Review:
    """What becomes of the goods of a breach: ``good`` or ``damaged``, all alike but for the holds named apart."""

    breach_id: int
    decision: str
    reason: str
    at: datetime
    apart: Mapping[int, str]


def review(session: Session, command: Review) -> TemperatureBreach:
    """Decide on every unit that a breach holds, wherever it lies now.

    Goods that another breach holds as well are held again for that one.

    Raises:
        ReviewReasonMissing, UnknownBreach, BreachReviewed, BreachNotOver, NamedPersonNeeded, NotOfThisBreach.
    """
    said = check_reason(command.reason)
    person_id = _named_person(session)
    breach = _locked(session, command.breach_id)
    holds = list(
        session.scalars(
            select(TemperatureHold).where(TemperatureHold.breach_id == breach.id).order_by(TemperatureHold.id)
        )
    )
    for hold_id in command.apart:
        if hold_id not in {one.id for one in holds}:
            raise NotOfThisBreach(field="apart", hold_id=hold_id, breach_id=breach.id)
    with session.no_autoflush:
        breach.state, breach.reviewed_at, breach.reviewed_by = "reviewed", command.at, person_id
        breach.review_reason = said
    session.flush()
    for one in holds:
        if one.state == "held":
            _decide(session, breach, one, command.apart.get(one.id, command.decision), said, command.at)
    tasks.finish(session, "inspect", task_of(breach.id))
    append_leaf(
        session,
        "temperature_breach_reviewed",
        {"decision": command.decision, "apart": sorted(command.apart.items()), "reason": said},
        breach.id,
    )
    _hold_for_others(session, breach, holds, command.at)
    session.flush()
    return breach


def _named_person(session: Session) -> int:
    found: int | None = session.scalar(select(func.app_person()))
    if found is None:
        raise NamedPersonNeeded
    return found


def _locked(session: Session, breach_id: int) -> TemperatureBreach:
    place_id = session.scalar(select(TemperatureBreach.place_id).where(TemperatureBreach.id == breach_id))
    if place_id is None:
        raise UnknownBreach(breach_id=breach_id)
    place = session.scalars(  # the order of locks is the evaluation's: first the place
        select(TemperaturePlace).where(TemperaturePlace.id == place_id).with_for_update(key_share=True)
    ).one()
    breach = session.scalars(
        select(TemperatureBreach)
        .where(TemperatureBreach.id == breach_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if breach.state == "reviewed":
        by = session.get(Person, breach.reviewed_by) if breach.reviewed_by else None
        at = breach.reviewed_at.isoformat(timespec="minutes") if breach.reviewed_at else "-"
        raise BreachReviewed(person=f"{by.name_zh} {by.name_en}" if by else "-", at=at)
    if breach.state == "running":
        raise BreachNotOver(place=place.code)
    return breach


def _decide(
    session: Session, breach: TemperatureBreach, one: TemperatureHold, decision: str, said: str, at: datetime
) -> None:
    """Post what was held to ``decision``, followed to where it lies on hold now."""
    posted_at = session.scalars(select(Posting.event_at).where(Posting.id == one.posting_id)).one()
    # Held goods move too: they are followed from the hold on, out of the held account.
    traced = cold_holding.follow_held(session, Window(one.account_id, posted_at, posted_at), one.qty)
    rows = session.execute(cold_holding.NOW, {"accounts": sorted(traced)}).all()
    left, lines = one.qty, list[ledger.Line]()
    for row in rows:
        if row.quality_status != "hold":
            continue
        qty = min(traced[row.id], row.qty - row.qty_reserved, left)
        if qty <= 0:
            continue
        account = cold_holding.key_of(row)
        lines += ledger.moved(account, replace(account, quality_status=decision), qty)
        left -= qty
    if lines:
        posting = ledger.Posting(
            f"cold:{breach.id}:decide:{one.id}", "cold_release" if decision == "good" else "cold_condemn", at,
            tuple(lines), f"breach:{breach.id}", said,
        )  # fmt: skip
        one.decision_posting_id = ledger.post(session, posting).posting_id
    session.execute(
        update(StockHold)
        .where(StockHold.posting_id == one.posting_id, StockHold.state == "open")
        .values(
            state="released", to_status=decision, release_reason=said, release_posting_id=one.decision_posting_id,
            released_by=breach.reviewed_by, released_at=at,
        )
    )  # fmt: skip
    with session.no_autoflush:
        one.state, one.decision = "decided", decision


def _hold_for_others(session: Session, breach: TemperatureBreach, holds: list[TemperatureHold], at: datetime) -> None:
    """What is good again but was in another breach nobody has reviewed is held for that one."""
    items = {one.trade_item_id for one in holds}
    if not items:
        return
    others = session.scalars(
        select(TemperatureBreach)
        .where(
            TemperatureBreach.id != breach.id,
            TemperatureBreach.state.in_(OPEN_STATES),
            TemperatureBreach.id.in_(select(TemperatureHold.breach_id).where(TemperatureHold.trade_item_id.in_(items))),
        )
        .order_by(TemperatureBreach.id)
    ).all()
    for other in others:
        limits = cold_holding.limits_on(session, at.date())
        cold_holding.hold(session, other, cold_holding.goods_of(session, other.place_id, limits), at)


def close_finding(session: Session, finding_id: int, cause: str, at: datetime) -> TemperatureFinding:
    """Close a finding with its cause in words. Raises ReviewReasonMissing, NamedPersonNeeded, UnknownFinding."""
    said = check_reason(cause)
    person_id = _named_person(session)
    found = session.scalar(
        select(TemperatureFinding)
        .where(TemperatureFinding.id == finding_id, TemperatureFinding.closed_at.is_(None))
        .with_for_update()
    )
    if found is None:
        raise UnknownFinding(finding_id=finding_id)
    found.closed_at, found.closed_by, found.cause = at, person_id, said
    append_leaf(session, "temperature_finding_closed", {"kind": found.kind, "cause": said}, found.id)
    session.flush()
    return found
