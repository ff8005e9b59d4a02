"""Reads of rounds for pages and API. Row-level security decides what a caller finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from routing.rounds.answer import PlanRound, RoundsPlan
from routing.rounds.desk.booking import drivers
from routing.rounds.desk.refusals import UnknownRound, UnknownRounds
from routing.rounds.modes import in_mode
from routing.rounds.problem import Problem
from routing.rounds.shares import Bill
from routing.rounds.tables import RoundOrder, RoundPlan, RoundTruck
from wms.parties.tables import Company, Person


@dataclass(frozen=True)
class RoundsRow:
    """A plan of rounds without its document; money in fen, gap in parts per million."""

    id: int
    name: str
    state: str
    source: str
    mode: str
    hub: str
    day_on: date
    requested_at: datetime
    finished_at: datetime | None
    accepted_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    seconds_limit: int
    work_limit: int | None
    seed: int
    snapshot_sha256: str
    cost_minor: int | None
    bound_minor: int | None
    gap_ppm: int | None
    alone_minor: int | None
    rounds: int | None
    unserved: int | None
    solver: str | None
    elapsed_ms: int | None
    fault: str | None


NAMES = tuple(RoundsRow.__dataclass_fields__)


def _heads() -> Select[Any]:
    return select(*(getattr(RoundPlan, name) for name in NAMES))


def rounds_plans(session: Session, *, before_id: int | None = None, limit: int = 20) -> list[RoundsRow]:
    """The latest plans, newest first."""
    statement = _heads().order_by(RoundPlan.id.desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(RoundPlan.id < before_id)
    return [RoundsRow(*row) for row in session.execute(statement)]


def rounds_row(session: Session, plan_id: int) -> RoundsRow:
    """One plan without its document. Raises UnknownRounds where there is none or it is not the caller's."""
    row = session.execute(_heads().where(RoundPlan.id == plan_id)).one_or_none()
    if row is None:
        raise UnknownRounds(plan_id=plan_id)
    return RoundsRow(*row)


@dataclass(frozen=True)
class Driven:
    """What became of one round: booked when and by whom, or cancelled and why."""

    plate: str
    booked_at: datetime
    booked_by: str
    ended_at: datetime | None
    end_reason: str | None


@dataclass(frozen=True)
class WholeRounds:
    """A made plan with all that pages and files say of it. ``asked``: with each order a stop of its own; ``problem``:
    as its mode has it; ``orders``: as the desk keeps them; ``plates``: round → who drives it; ``driven``: only what was
    accepted; ``names``: company code → (zh, en).
    """

    row: RoundsRow
    asked: Problem
    problem: Problem
    plan: RoundsPlan
    orders: tuple[RoundOrder, ...]
    entries: dict[str, dict[str, Any]]
    plates: dict[str, str]
    driven: dict[str, Driven]
    names: dict[str, tuple[str, str]]

    def of_round(self, round_no: str) -> list[RoundOrder]:
        """The orders that a round serves, in order of arrival."""
        found = [one for one in self.orders if one.round_no == round_no]
        return sorted(found, key=lambda one: (one.arrive_at or self.row.requested_at, one.order_no))

    def round(self, round_no: str) -> PlanRound:
        """A round by its number. Raises UnknownRound."""
        for one in self.plan.rounds:
            if one.id == round_no:
                return one
        raise UnknownRound(plan_id=self.row.id, round_no=round_no[:20])

    def bills(self) -> list[Bill]:
        """One line an owner; they add up to the cost of the rounds."""
        served = [one for one in self.orders if one.round_no is not None]
        return [_bill(owner, served) for owner in sorted({one.owner for one in served})]


def _bill(owner: str, orders: Sequence[RoundOrder]) -> Bill:
    theirs = [one for one in orders if one.owner == owner]
    return Bill(
        owner, len(theirs), sum(one.share_minor or 0 for one in theirs), sum(one.alone_minor or 0 for one in theirs)
    )


def whole_rounds(session: Session, plan_id: int) -> WholeRounds:
    """The plan. Raises UnknownRounds where there is none, it is not the caller's, or it is not made yet."""
    row = session.get(RoundPlan, plan_id)
    if row is None or row.document is None:
        raise UnknownRounds(plan_id=plan_id)
    asked = Problem.model_validate(row.problem)
    plan = RoundsPlan.model_validate(row.document)
    orders = session.scalars(select(RoundOrder).where(RoundOrder.plan_id == plan_id).order_by(RoundOrder.order_no))
    found = tuple(orders.all())
    ids = {one.owner_id for one in found if one.owner_id is not None}
    companies = session.execute(
        select(Company.code, Company.name_zh, Company.name_en).where(Company.id.in_(ids))
    ).all()  # fmt: skip
    entries = {one["id"]: one for one in row.orders}
    return WholeRounds(
        rounds_row(session, plan_id), asked, in_mode(asked, asked.mode), plan, found, entries, drivers(row, plan),
        _driven(session, plan_id), {one[0]: (one[1], one[2]) for one in companies},
    )  # fmt: skip


def _driven(session: Session, plan_id: int) -> dict[str, Driven]:
    rows = session.execute(
        select(RoundTruck, Person.name_zh)
        .outerjoin(Person, Person.id == RoundTruck.booked_by)
        .where(RoundTruck.plan_id == plan_id)
    )
    return {
        row.RoundTruck.round_no: Driven(
            row.RoundTruck.plate, row.RoundTruck.booked_at, row.name_zh or "", row.RoundTruck.ended_at,
            row.RoundTruck.end_reason,
        )
        for row in rows
    }  # fmt: skip


@dataclass(frozen=True)
class OwnOrder:
    """What rounds mean for one order of the caller, whoever made them: money in fen."""

    plan_id: int
    order_no: str
    kind: str
    round_no: str | None
    plate: str | None
    place: str
    arrive_at: datetime | None
    leave_at: datetime | None
    share_minor: int | None
    alone_minor: int | None
    reason: str | None
    values: dict[str, Any] | None
    booked_at: datetime | None
    ended_at: datetime | None


def own_orders(session: Session, plan_id: int, *, company_id: int | None) -> list[OwnOrder]:
    """The orders of a plan that the caller owns or forwards (all for the operator)."""
    columns = [getattr(RoundOrder, name) for name in OwnOrder.__dataclass_fields__]
    statement = select(*columns).where(RoundOrder.plan_id == plan_id).order_by(RoundOrder.order_no)
    if company_id is not None:
        statement = statement.where((RoundOrder.owner_id == company_id) | (RoundOrder.forwarder_id == company_id))
    return [OwnOrder(*row) for row in session.execute(statement)]


def latest_own(session: Session, *, company_id: int | None, limit: int = 100) -> list[OwnOrder]:
    """The orders on rounds that are booked, the latest first: those that the caller owns or forwards (all for the
    operator).
    """
    columns = [getattr(RoundOrder, name) for name in OwnOrder.__dataclass_fields__]
    statement = (
        select(*columns)
        .where(RoundOrder.booked_at.is_not(None))
        .order_by(RoundOrder.plan_id.desc(), RoundOrder.arrive_at, RoundOrder.order_no)
        .limit(limit)
    )
    if company_id is not None:
        statement = statement.where((RoundOrder.owner_id == company_id) | (RoundOrder.forwarder_id == company_id))
    return [OwnOrder(*row) for row in session.execute(statement)]
