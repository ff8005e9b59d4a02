"""The plan made by hand in the books: its consignments announced, the plan stored as a finished job stores it."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import desk
from routing import queries as plans
from routing.plan import Plan
from routing.tables import StoredPlan
from routing.units import HOUR_S
from tests.build import make_company, number
from tests.routing.handmade import make
from wms.db import Database, Scope
from wms.freight import queries
from wms.freight.rules import ConsignmentForm, Piece
from wms.freight.service import announce
from wms.freight.tables import TransportBooking
from wms.parties.tables import Company


def stored_plan(
    session: Session, owner: Company, other: Company | None = None, *, company_id: int | None = None,
    modes: tuple[str, str] = ("0110", "0110"), **changes: Any,
) -> StoredPlan:  # fmt: skip
    """A solved plan of ``owner`` and ``other`` (by default the same firm); ``company_id``: the firm that asked."""
    second = other or (owner if company_id is not None else make_company(session, "owner_of_goods"))
    names = tuple(f"YY{number():06d}" for _ in range(4))
    problem, plan = make(names, (owner.code, second.code), modes)  # type: ignore[arg-type]
    ids = {}
    for one in problem.consignments:
        ids[one.id] = announce(
            session,
            ConsignmentForm(
                consignment_no=one.id, owner_id=owner.id if one.owner == owner.code else second.id, origin=one.origin,
                destination=one.destination, trade_mode=one.customs_mode, volume_cm3=one.volume_cm3,
                weight_g=one.weight_g, value_minor=one.value_minor, goods_name="瓷器", ready_at=_at(one.ready_at),
                due_at=_at(one.due_at), pieces=tuple(Piece(**piece.model_dump()) for piece in one.pieces), **changes,
            ),
        )  # fmt: skip
    row = StoredPlan(
        company_id=company_id, seconds_limit=5, weeks=4, seed=1, state="running",
        problem=problem.model_dump(mode="json"), snapshot_sha256=problem.snapshot_sha256(),
        versions={name: [key, 1] for name, key in ids.items()},
    )  # fmt: skip
    session.add(row)
    session.flush()
    desk.store(session, row.id, plan)
    session.flush()
    return row


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def successor(
    session: Session, base: StoredPlan, *, document: dict[str, Any] | None = None, without: tuple[str, ...] = (),
    stranded: tuple[str, ...] = (), boxes: dict[str, str] | None = None, later_h: int = 0, beside: bool = False,
    departures: dict[str, dict[str, Any]] | None = None,
) -> StoredPlan:  # fmt: skip
    """A solved repair of a plan: some stay behind or are stranded, some go in another box, all are closed later.

    ``document``: of another plan to begin with; ``beside``: a plan of its own that repairs none; ``departures``: how
    they run otherwise.
    """
    plan = Plan.model_validate(document or base.document)
    gone, named = {*without, *stranded}, boxes or {}
    rows = [
        one.model_copy(update={"box": named.get(one.consignment, one.box)})
        for one in plan.assignments
        if one.consignment not in gone
    ]
    old = {box.id: box for box in plan.boxes}
    homes = {one.consignment: one.box for one in plan.assignments}
    made = [
        old[homes[inside[0]]].model_copy(update={"id": name, "consignments": inside})
        for name in sorted({one.box for one in rows})
        if (inside := tuple(one.consignment for one in rows if one.box == name))
    ]
    closes = tuple(one.model_copy(update={"close_at": one.close_at + later_h * HOUR_S}) for one in plan.segments)
    plan = plan.model_copy(update={"assignments": tuple(rows), "boxes": tuple(made), "segments": closes, "loads": ()})
    changes = {"pinned": dict.fromkeys(stranded, ""), "departures": departures or {}}
    row = StoredPlan(
        company_id=base.company_id, seconds_limit=5, weeks=4, seed=1, state="solved",
        problem=(base.problem or {}) | {"changes": changes}, versions=dict(base.versions or {}),
        document=plan.model_dump(mode="json"), replaces_id=None if beside else base.id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def plan_of(database: Database, scope: Scope, plan_id: int) -> Plan:
    """The document of a stored plan."""
    with database.unit_of_work(scope) as session:
        found = plans.plan_document(session, plan_id)
    assert found is not None
    return found


def held(session: Session) -> dict[str, tuple[int, str]]:
    """Plan and segment of each live booking, by the consignment."""
    rows = session.scalars(select(TransportBooking).where(TransportBooking.ended_at.is_(None))).all()
    numbers = {row.id: row.consignment_no for row in queries.consignments(session)}
    return {numbers[row.consignment_id]: (row.plan_id, row.segment) for row in rows}
