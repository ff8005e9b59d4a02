"""Patrol rounds along the fence: set up, walked checkpoint by checkpoint, and alarmed where one was missed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.record.service import append_leaf
from wms.watch.rules.fence import (
    CheckpointTwice,
    NoRoundOpen,
    RouteExists,
    RouteTimes,
    UnknownCheckpoint,
    UnknownRoute,
    VisitedAlready,
    rounds_due,
)
from wms.watch.service.alarms import NewAlarm, announce, raise_alarm
from wms.watch.tables import PatrolCheckpoint, PatrolRound, PatrolRoute, PatrolVisit

SHORTEST_S = 60
MISSED, FINDING = "patrol_missed", "patrol_finding"


@dataclass(frozen=True)
class NewCheckpoint:
    """A place on a route; ``x_dm`` and ``y_dm`` on the plan of the site."""

    code: str
    name_zh: str
    name_en: str
    x_dm: int | None = None
    y_dm: int | None = None


@dataclass(frozen=True)
class NewRoute:
    """A round every ``every_s`` from ``first_at``, finished within ``within_s``; checkpoints in any order."""

    site_id: int
    code: str
    name_zh: str
    name_en: str
    first_at: datetime
    every_s: int
    within_s: int
    checkpoints: tuple[NewCheckpoint, ...]


def add_route(session: Session, new: NewRoute) -> PatrolRoute:
    """Set a route up. Raises RouteExists, RouteTimes, CheckpointTwice, UnknownCheckpoint when it has none."""
    if not SHORTEST_S <= new.within_s <= new.every_s:
        raise RouteTimes(field="within_s")
    if not new.checkpoints:
        raise UnknownCheckpoint(field="checkpoints", route=new.code, checkpoint="-")
    codes = [one.code for one in new.checkpoints]
    twice = next((code for code in codes if codes.count(code) > 1), None)
    if twice is not None:
        raise CheckpointTwice(field="checkpoints", route=new.code, checkpoint=twice)
    same = select(PatrolRoute.id).where(PatrolRoute.site_id == new.site_id, PatrolRoute.code == new.code)
    if session.scalar(same) is not None:
        raise RouteExists(field="code", route=new.code)
    route = PatrolRoute(**{name: given for name, given in vars(new).items() if name != "checkpoints"})
    session.add(route)
    session.flush()
    for number, checkpoint in enumerate(new.checkpoints, 1):
        session.add(PatrolCheckpoint(route_id=route.id, place_no=number, **vars(checkpoint)))
    session.flush()
    return route


def route_by_code(session: Session, site_id: int, code: str) -> PatrolRoute:
    """The route of a site. Raises :class:`UnknownRoute`."""
    found = session.scalar(select(PatrolRoute).where(PatrolRoute.site_id == site_id, PatrolRoute.code == code))
    if found is None:
        raise UnknownRoute(route=code)
    return found


def visit(
    session: Session, route_id: int, checkpoint: str, *, person_id: int, at: datetime, finding: str = ""
) -> PatrolVisit:
    """Somebody is at a checkpoint of the round that is due now; the last one ends the round.

    ``finding``: what is not in order there; it raises an alarm. Raises UnknownRoute, UnknownCheckpoint, NoRoundOpen,
    VisitedAlready.
    """
    route = session.get(PatrolRoute, route_id)
    if route is None:
        raise UnknownRoute(route=route_id)
    place = session.scalar(
        select(PatrolCheckpoint).where(PatrolCheckpoint.route_id == route_id, PatrolCheckpoint.code == checkpoint)
    )
    if place is None:
        raise UnknownCheckpoint(field="checkpoint", route=route.code, checkpoint=checkpoint)
    begin_rounds(session, route, at)
    current = session.scalars(
        select(PatrolRound)
        .where(
            PatrolRound.route_id == route_id,
            PatrolRound.state == "open",
            PatrolRound.due_at <= at,
            PatrolRound.due_until_at > at,
        )
        .with_for_update()
    ).one_or_none()
    if current is None:
        _refuse(session, route, place, at)
    return _note(session, route, current, place, person_id, at, finding.strip()[:500])  # type: ignore[arg-type]


def _refuse(session: Session, route: PatrolRoute, place: PatrolCheckpoint, at: datetime) -> None:
    """Say why there is no round to be walked: its checkpoints were visited, or none is due."""
    walked = session.scalar(
        select(PatrolVisit.id)
        .join(PatrolRound, PatrolRound.id == PatrolVisit.round_id)
        .where(
            PatrolRound.route_id == route.id,
            PatrolRound.due_at <= at,
            PatrolRound.due_until_at > at,
            PatrolVisit.checkpoint_id == place.id,
        )
    )
    if walked is not None:
        raise VisitedAlready(checkpoint=place.code)
    raise NoRoundOpen(route=route.code)


def _note(
    session: Session,
    route: PatrolRoute,
    current: PatrolRound,
    place: PatrolCheckpoint,
    person_id: int,
    at: datetime,
    finding: str,
) -> PatrolVisit:
    made = session.scalar(
        insert(PatrolVisit)
        .values(round_id=current.id, checkpoint_id=place.id, person_id=person_id, at=at, finding=finding)
        .on_conflict_do_nothing(index_elements=["round_id", "checkpoint_id"])
        .returning(PatrolVisit.id)
    )
    if made is None:
        raise VisitedAlready(checkpoint=place.code)
    if finding:
        raise_alarm(session, NewAlarm(route.site_id, "patrol", FINDING, f"{route.code} {place.code}", at, finding))
    if not _not_visited(session, current):
        current.state, current.ended_at = "done", at
        session.flush()
    said = {"route": route.code, "checkpoint": place.code, "person_id": person_id, "finding": finding, "at": at}
    append_leaf(session, "patrol_visit", said, made)
    announce(session, "fence", route.id)
    return session.get_one(PatrolVisit, made)


def _not_visited(session: Session, one: PatrolRound) -> list[str]:
    visited = select(PatrolVisit.checkpoint_id).where(PatrolVisit.round_id == one.id)
    return list(
        session.scalars(
            select(PatrolCheckpoint.code)
            .where(PatrolCheckpoint.route_id == one.route_id, PatrolCheckpoint.id.not_in(visited))
            .order_by(PatrolCheckpoint.place_no)
        )
    )


def begin_rounds(session: Session, route: PatrolRoute, now: datetime) -> int:
    """Write the rounds of a route that have become due; each once, whoever is first."""
    last = session.scalar(select(func.max(PatrolRound.due_at)).where(PatrolRound.route_id == route.id))
    rows = [
        {"route_id": route.id, "due_at": at, "due_until_at": at + timedelta(seconds=route.within_s)}
        for at in rounds_due(route.first_at, route.every_s, last, now)
    ]
    if rows:
        session.execute(insert(PatrolRound).on_conflict_do_nothing(index_elements=["route_id", "due_at"]), rows)
    return len(rows)


def judge_rounds(session: Session, now: datetime) -> int:
    """Begin what is due, and alarm of each round whose time is over with checkpoints that nobody visited."""
    for route in session.scalars(select(PatrolRoute).where(PatrolRoute.is_active).order_by(PatrolRoute.id)):
        begin_rounds(session, route, now)
    over = session.scalars(
        select(PatrolRound)
        .where(PatrolRound.state == "open", PatrolRound.due_until_at <= now)
        .order_by(PatrolRound.id)
        .with_for_update(skip_locked=True)
    ).all()
    for one in over:
        missed = _not_visited(session, one)
        route = session.get_one(PatrolRoute, one.route_id)
        one.state, one.ended_at = ("missed" if missed else "done"), now
        session.flush()
        if missed:
            new = NewAlarm(route.site_id, "patrol", MISSED, route.code, one.due_until_at, ", ".join(missed))
            raise_alarm(session, new, timedelta(0))
            append_leaf(session, MISSED, {"route": route.code, "due_at": one.due_at, "missed": missed}, one.id)
    return len(over)
