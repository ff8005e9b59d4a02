"""Asking for rounds: the problem is frozen with the request, a job of the queue makes, checks and stores the answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from routing.problem import BadProblem, Fault
from routing.rounds.answer import RoundsPlan
from routing.rounds.check import check
from routing.rounds.desk.fleet import BEIJING, Fleet, free_trucks, kinds
from routing.rounds.desk.gathering import COLLECT, DELIVER, gather
from routing.rounds.desk.refusals import FileMissing, NothingToDrive, NoTruckAtHome, refused
from routing.rounds.modes import apart, in_mode, united
from routing.rounds.problem import MOST_STOPS, Mode, Problem
from routing.rounds.reading import MOST_BYTES, asked_of, asked_problem, depot_document
from routing.rounds.shares import shares
from routing.rounds.solve import make_rounds
from routing.rounds.tables import RoundOrder, RoundPlan
from wms.db import Database, Scope, tenant_of
from wms.errors import N_, InvalidField
from wms.parties.tables import Company
from wms.record.jobs import defer

log = logging.getLogger("routing.rounds")
TASK = "routing.rounds"


@dataclass(frozen=True)
class Ask:
    """What somebody asks for. ``company_id``: a firm that plans its own; None: the operator. ``work``: iterations
    instead of seconds, then the same seed gives the same rounds on any machine.
    """

    hub: str
    day: date
    mode: Mode = "joint"
    seconds: int = 15
    work: int | None = None
    seed: int = 1
    name: str = ""
    person_id: int | None = None
    company_id: int | None = None


@dataclass(frozen=True)
class Upload:
    """A file of the console: its name and text; ``trucks`` a sheet of trucks that belongs to a sheet of stops."""

    name: str
    text: str
    trucks: str | None = None


def request_rounds(session: Session, ask: Ask, now: datetime) -> int:
    """Rounds for what the books want driven with the trucks that are free; returns the plan's id.

    Raises NothingToDrive, NoTruckAtHome, RoundsFileRefused.
    """
    day, hub = ask.day, ask.hub
    trucks, fleet = kinds(free_trucks(session, hub, day, company_id=ask.company_id), day, now)
    home_by = max((one["end_at"] for one in trucks), default=None)
    found = gather(session, hub, day, home_by)
    if not found.entries:
        raise NothingToDrive(field="day", day=day.isoformat(), hub=hub)
    if not trucks:
        raise NoTruckAtHome(field="hub", day=day.isoformat(), hub=hub)
    document = {
        "mode": ask.mode, "depots": [depot_document(hub, day.isoformat())], "trucks": trucks, "stops": found.stops,
        "transfers": found.transfers,
    }  # fmt: skip
    try:
        asked = asked_problem(document)
    except BadProblem as bad:
        raise refused(bad) from bad
    return _keep(session, ask, asked, "desk", [*found.entries, *found.later], fleet)


def request_upload(session: Session, ask: Ask, upload: Upload, now: datetime) -> int:
    """Rounds for a file of the console, CSV of stops or JSON; a CSV without trucks takes those of the fleet that are
    free, else those that ship. Returns the plan's id. Raises FileMissing, RoundsFileRefused.
    """
    if not upload.text.strip():
        raise FileMissing(field="stops")
    day = ask.day.isoformat()
    rows, fleet = kinds(free_trucks(session, ask.hub, ask.day, company_id=ask.company_id), ask.day, now)
    is_sheet = upload.name.lower().endswith(".csv")
    if upload.trucks is not None and not is_sheet:
        rule = N_("goes with a sheet of stops; a problem names its own")
        raise InvalidField(field="trucks", name="trucks", rule=rule)
    own = rows if is_sheet and upload.trucks is None and rows else None
    try:
        asked = asked_of(
            Path(upload.name), upload.text, trucks=upload.trucks, fleet=own, hub=ask.hub, day=day,
            mode=ask.mode if is_sheet else None,
        )  # fmt: skip
    except BadProblem as bad:
        raise refused(bad) from bad
    if not asked.stops and not asked.transfers:
        raise NothingToDrive(field="stops", day=day, hub=ask.hub)
    entries = _entries(session, asked, ask.company_id)
    return _keep(session, ask, asked, "upload", entries, fleet if own is not None else {})


def text_of(content: bytes) -> str:
    """The text of an uploaded file. Raises RoundsFileRefused where it is too large or not UTF-8."""
    if len(content) > MOST_BYTES:
        fault = Fault("(file)", "too_large", f"the file has more than {MOST_BYTES} bytes")
        raise refused(BadProblem([fault]))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused(BadProblem([Fault("(file)", "not_utf8", f"not UTF-8 at byte {error.start}")])) from error


def _entries(session: Session, asked: Problem, company_id: int | None) -> list[dict[str, Any]]:
    """One entry an order; an owner written as the code of a company sees its own orders. A firm that plans writes into
    nobody's list but its own (``company_id``): to it other owners are names.
    """
    codes = {one.owner for one in asked.stops} | {one.owner for one in asked.transfers}
    known = select(Company.code, Company.id).where(Company.code.in_(codes))
    if company_id is not None:
        known = known.where(Company.id == company_id)
    ids = {row[0]: row[1] for row in session.execute(known)}
    found: list[dict[str, Any]] = []
    for stop in asked.stops:
        kind = COLLECT if any(stop.collect.parts()) and not any(stop.deliver.parts()) else DELIVER
        found.append(_plain(stop.id, kind, stop.owner, place_of(stop), ids))
    found += [_plain(one.id, DELIVER, one.owner, place_of(one.drop), ids) for one in asked.transfers]
    return found


def _plain(name: str, kind: str, owner: str, place: str, ids: Mapping[str, int]) -> dict[str, Any]:
    return {"id": name, "kind": kind, "owner": owner, "owner_id": ids.get(owner), "forwarder_id": None, "place": place}


def place_of(where: Any) -> str:
    """A place's code, or its point in degrees."""
    if where.place is not None:
        return str(where.place)
    return f"{where.lat_udeg / 1e6:.4f}, {where.lon_udeg / 1e6:.4f}"


def _keep(
    session: Session, ask: Ask, asked: Problem, source: str, entries: list[dict[str, Any]], fleet: Fleet
) -> int:
    asked = asked.model_copy(update={"mode": ask.mode if source == "desk" else asked.mode})
    problem = in_mode(asked, asked.mode)
    starts = min(one.start_at for one in asked.trucks)
    row = RoundPlan(
        company_id=ask.company_id, requested_by=ask.person_id, name=ask.name[:80], source=source, mode=asked.mode,
        hub=asked.depots[0].code, day_on=datetime.fromtimestamp(starts, UTC).astimezone(BEIJING).date(),
        seconds_limit=ask.seconds, work_limit=ask.work, seed=ask.seed, snapshot_sha256=problem.snapshot_sha256(),
        problem=asked.model_dump(mode="json"), orders=entries, fleet=fleet,
    )  # fmt: skip
    session.add(row)
    session.flush()
    tenant = tenant_of(session)
    defer(session, TASK, lock=f"rounds-{row.id}", plan_id=row.id, tenant_id=tenant, company_id=ask.company_id)
    return row.id


# --- the job ------------------------------------------------------------------------------------------------


def run_rounds(database: Database, *, plan_id: int, tenant_id: int, company_id: int | None = None) -> None:
    """The job: make, check, store. Safe to run again: what has its answer is left alone."""
    scope = Scope(tenant_id, role="planner", company_id=company_id, sees_all=company_id is None)
    with database.unit_of_work(scope) as session:
        row = session.get(RoundPlan, plan_id, with_for_update=True)
        if row is None or row.state not in {"queued", "running"}:
            return
        row.state = "running"
        asked = Problem.model_validate(row.problem)
        seconds, work, seed = row.seconds_limit, row.work_limit, row.seed
    try:
        problem = in_mode(asked, asked.mode)
        plan = make_rounds(problem, seconds=seconds, work=work, seed=seed)
        findings = check(problem.model_dump(mode="json"), plan.model_dump(mode="json"))
    except DBAPIError:
        raise  # the database went away: the worker runs the job again
    except Exception as error:
        _fail(database, scope, plan_id, f"{type(error).__name__}: {error}")  # a page that waits must not wait for ever
        raise
    if findings:
        log.error("the checker refused rounds %s: %s", plan_id, findings[:5])
        said = "; ".join(f"{one.rule} {one.where}: {one.text}" for one in findings[:20])
        _fail(database, scope, plan_id, said)
        return
    with database.unit_of_work(scope) as session:
        store(session, plan_id, plan)


TASKS = {TASK: run_rounds}


def _fail(database: Database, scope: Scope, plan_id: int, fault: str) -> None:
    with database.unit_of_work(scope) as session:
        failed = update(RoundPlan).where(RoundPlan.id == plan_id, RoundPlan.state == "running")
        session.execute(failed.values(state="failed", fault=fault[:4000], finished_at=datetime.now(UTC)))


def parts_of(asked: Problem) -> dict[str, tuple[str, ...]]:
    """Stop or transfer of the plan → the orders that it is made of."""
    split = apart(asked, asked.mode)
    joined = united(split) if asked.mode != "joint" else ((one, (one.id,)) for one in split.stops)
    return {visit.id: names for visit, names in joined} | {one.id: (one.id,) for one in asked.transfers}


def store(session: Session, plan_id: int, plan: RoundsPlan) -> None:
    """Write checked rounds beside their request: figures, every order with its round and share or its reason."""
    row = session.get(RoundPlan, plan_id, with_for_update=True)
    if row is None or row.state != "running":
        return
    asked = Problem.model_validate(row.problem)
    parts = parts_of(asked)
    row.state, row.document, row.finished_at = plan.state, plan.model_dump(mode="json"), datetime.now(UTC)
    row.cost_minor, row.bound_minor, row.gap_ppm = plan.cost_minor, plan.bound_minor, plan.gap_ppm
    later = [entry for entry in row.orders if entry.get("later")]
    row.rounds, row.unserved = len(plan.rounds), sum(len(parts[one.id]) for one in plan.unserved) + len(later)
    row.solver, row.elapsed_ms = plan.solver, plan.elapsed_ms
    split = {one.order: one for one in shares(apart(asked, asked.mode), plan, parts)}
    row.alone_minor = sum(one.alone_minor for one in split.values())
    session.add_all(_orders(row, plan, parts, split, {one["id"]: one for one in row.orders}))
    session.add_all(RoundOrder(**_named(row.id, one), reason="later", values={"most": MOST_STOPS}) for one in later)
    session.flush()


def _orders(
    row: RoundPlan, plan: RoundsPlan, parts: Mapping[str, Sequence[str]], split: Mapping[str, Any],
    entries: Mapping[str, Mapping[str, Any]],
) -> list[RoundOrder]:  # fmt: skip
    found = []
    for one in plan.rounds:
        for call in one.calls:
            for name in parts.get(call.id, ()) if call.kind in {"stop", "drop"} else ():
                pick = next((it for it in one.calls if it.kind == "pick" and it.id == call.id), None)
                at = pick if pick is not None and entries[name]["kind"] == COLLECT else call
                share = split[name]
                found.append(
                    RoundOrder(
                        **_named(row.id, entries[name]), round_no=one.id,
                        arrive_at=datetime.fromtimestamp(at.arrive_at, UTC),
                        leave_at=datetime.fromtimestamp(at.leave_at, UTC),
                        share_minor=share.share_minor, alone_minor=share.alone_minor,
                    )
                )  # fmt: skip
    for left in plan.unserved:
        found += [
            RoundOrder(**_named(row.id, entries[name]), reason=left.reason, values=dict(left.values))
            for name in parts[left.id]
        ]
    return found


def _named(plan_id: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    names = ("kind", "consignment_id", "order_id", "owner_id", "forwarder_id", "owner", "place")
    return {"plan_id": plan_id, "order_no": entry["id"]} | {name: entry.get(name) for name in names}

