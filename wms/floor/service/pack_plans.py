"""What was proposed for the packing of an order: which cartons in which order, and what lies where in each.

The proposal is made outside (it needs a solver) and kept here. The packer is told of it and may do otherwise: a parcel
remembers which carton was proposed for it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.db import tenant_of
from wms.floor.tables.packing import PackPlan, Parcel, ParcelItem
from wms.record.jobs import defer

JOB = "packing.plan"


@dataclass(frozen=True)
class Step:
    """One carton of a plan: the ``number``-th of ``count``, with its pieces in packing order."""

    number: int
    count: int
    carton: str
    pieces: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Spot:
    """The piece that is laid next: corner in mm from the carton's lower left rear corner, and size as it lies."""

    item: dict[str, str]
    x_mm: int
    y_mm: int
    z_mm: int
    size: str


def ask(session: Session, order_id: int) -> None:
    """Have the packing of an order planned, once this transaction is committed."""
    defer(session, JOB, tenant_id=tenant_of(session), order_id=order_id)


def keep(session: Session, order_id: int, answer: Mapping[str, Any], now: datetime) -> None:
    """Keep a proposal (cartons, left_out, cost_minor, bound_minor, is_proven); the newest one stands."""
    said = {
        "cartons": list(answer["cartons"]), "left_out": list(answer["left_out"]), "cost_minor": answer["cost_minor"],
        "bound_minor": answer["bound_minor"], "is_proven": answer["is_proven"], "planned_at": now,
    }  # fmt: skip
    session.execute(
        insert(PackPlan)
        .values(order_id=order_id, **said)
        .on_conflict_do_update(index_elements=["order_id"], set_=said)
    )


def plan_of(session: Session, order_id: int) -> PackPlan | None:
    """Return the proposal for an order."""
    found = select(PackPlan).where(PackPlan.order_id == order_id).execution_options(populate_existing=True)
    return session.scalars(found).one_or_none()


def next_step(session: Session, order_id: int) -> Step | None:
    """Return the carton that is proposed next; None without a plan, or when all its cartons were opened."""
    opened = select(func.count()).where(Parcel.order_id == order_id, Parcel.state != "void")
    return step_of(session, order_id, session.scalars(opened).one() + 1)


def step_of(session: Session, order_id: int, number: int) -> Step | None:
    """Return the ``number``-th carton of an order's plan."""
    plan = plan_of(session, order_id)
    if plan is None or not 0 < number <= len(plan.cartons):
        return None
    carton = plan.cartons[number - 1]
    return Step(number, len(plan.cartons), carton["carton"], tuple(carton["pieces"]))


def next_spot(session: Session, parcel: Parcel) -> Spot | None:
    """Return what is laid next into a parcel and where; None where the packer went another way, or it is complete."""
    if parcel.order_id is None or parcel.plan_step is None:
        return None
    step = step_of(session, parcel.order_id, parcel.plan_step)
    if step is None:
        return None
    packed = select(TradeItem.code, func.sum(ParcelItem.qty)).join(TradeItem, TradeItem.id == ParcelItem.trade_item_id)
    packed = packed.where(ParcelItem.parcel_id == parcel.id, ParcelItem.undone_at.is_(None)).group_by(TradeItem.code)
    inside = Counter({code: int(qty) for code, qty in session.execute(packed)})
    for piece in step.pieces:
        code = str(piece["piece"]).rpartition("#")[0]
        if inside[code] > 0:
            inside[code] -= 1
        else:
            return _spot(session, parcel.owner_id, code, piece)
    return None


def _spot(session: Session, owner_id: int, code: str, piece: Mapping[str, Any]) -> Spot:
    item = session.scalars(select(TradeItem).where(TradeItem.owner_id == owner_id, TradeItem.code == code)).one()
    size = f"{piece['length_mm']} × {piece['width_mm']} × {piece['height_mm']}"
    names = {"zh": item.name_zh, "en": item.name_en}
    return Spot(names, piece["x_mm"], piece["y_mm"], piece["z_mm"], size)
