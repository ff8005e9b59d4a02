"""The firm's trucks: add, amend, withdraw with a reason; which are free on a day, as kinds of the planner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from routing.network import yueyang
from routing.rounds.desk.refusals import (
    PlateTaken,
    ReasonMissing,
    TruckBusy,
    TruckWithdrawn,
    TruckWrong,
    UnknownTruck,
)
from routing.rounds.problem import MOST_TRIPS
from routing.rounds.tables import FleetTruck, RoundTruck
from wms.codes.plates import normalise
from wms.errors import N_
from wms.record.service import append_leaf

BEIJING = timezone(timedelta(hours=8))
DAY_MIN, LEAD_MIN, STEP_MIN, LONGEST_REASON = 1440, 30, 15, 500
MOST_PAYLOAD_G, MOST_VOLUME_CM3, MOST_PALLETS, MOST_MINOR = 60_000_000, 200_000_000, 99, 10**7
Fleet = dict[str, list[list[Any]]]


@dataclass(frozen=True)
class TruckForm:
    """A truck as it is entered: g, cm3, fen, minutes after midnight in Beijing, seconds away from its home at most."""

    plate: str
    kind: str
    depot: str
    payload_g: int
    volume_cm3: int
    pallets: int | None
    fixed_minor: int
    km_minor: int
    hour_minor: int
    speed_km_h: int
    start_min: int
    end_min: int
    shift_s: int
    trips: int = 1


FIELDS = tuple(one.name for one in fields(TruckForm))
LIMITS: tuple[tuple[str, int, int, str], ...] = (
    ("payload_g", 1, MOST_PAYLOAD_G, N_("a truck carries more than nothing and at most 60 t")),
    ("volume_cm3", 1, MOST_VOLUME_CM3, N_("a truck holds more than nothing and at most 200 m³")),
    ("pallets", 0, MOST_PALLETS, N_("pallet places are 0 to 99")),
    ("fixed_minor", 0, MOST_MINOR, N_("a cost is 0 to 100,000 yuan")),
    ("km_minor", 0, 10**6, N_("a cost is 0 to 10,000 yuan")),
    ("hour_minor", 0, MOST_MINOR, N_("a cost is 0 to 100,000 yuan")),
    ("speed_km_h", 1, 120, N_("the mean speed is 1 to 120 km/h")),
    ("start_min", 0, DAY_MIN - 1, N_("is no time of the day")),
    ("end_min", 1, DAY_MIN, N_("is no time of the day")),
    ("shift_s", 600, 86_400, N_("a shift is ten minutes to 24 hours")),
    ("trips", 1, MOST_TRIPS, N_("a truck loads 1 to 6 times a day")),
)


def check_truck(form: TruckForm) -> TruckForm:
    """The form with its plate and place as they are written officially. Raises TruckWrong, naming the field."""
    plate, kind = normalise(form.plate), form.kind.strip()
    _refuse_unless(0 < len(plate) <= 16 and plate.isprintable(), "plate", N_("a plate has 1 to 16 characters"))
    _refuse_unless(0 < len(kind) <= 16 and kind.isprintable(), "kind", N_("a kind has 1 to 16 characters"))
    depot = yueyang().official(form.depot.strip())
    _refuse_unless(depot in {one.code for one in yueyang().places}, "depot", N_("is no place of the network"))
    for name, least, most, rule in LIMITS:
        value = getattr(form, name)
        _refuse_unless(value is None or least <= value <= most, name, rule)
    _refuse_unless(form.start_min < form.end_min, "end_min", N_("the truck ends before it starts"))
    return TruckForm(**(vars(form) | {"plate": plate, "kind": kind, "depot": depot}))


def _refuse_unless(holds: bool, name: str, rule: str) -> None:
    if not holds:
        raise TruckWrong(field=name, name=name, rule=rule)


def add_truck(session: Session, form: TruckForm, *, company_id: int | None, person_id: int | None) -> int:
    """Enter a truck; returns its id. Raises TruckWrong, PlateTaken."""
    form = check_truck(form)
    values = vars(form) | {"company_id": company_id, "recorded_by": person_id}
    made = session.execute(
        insert(FleetTruck).values(values).on_conflict_do_nothing().returning(FleetTruck.id)
    ).scalar_one_or_none()
    if made is None:
        raise PlateTaken(field="plate", plate=form.plate)
    _tell(session, "fleet_truck_added", made, form.plate, person_id)
    return made


def amend_truck(session: Session, plate: str, form: TruckForm, *, person_id: int | None) -> int:
    """Change a truck; rounds made before with it cannot be accepted any more. Its plate stays. Returns its version.

    Raises UnknownTruck, TruckWithdrawn, TruckWrong.
    """
    row = _live(session, plate)
    form = check_truck(TruckForm(**(vars(form) | {"plate": row.plate})))
    for name in FIELDS:
        setattr(row, name, getattr(form, name))
    row.version += 1
    session.flush()
    _tell(session, "fleet_truck_amended", row.id, row.plate, person_id)
    return row.version


def withdraw_truck(session: Session, plate: str, reason: str, *, person_id: int | None, now: datetime) -> None:
    """Take a truck out of the fleet. Raises UnknownTruck, TruckWithdrawn, ReasonMissing, TruckBusy."""
    said = given_reason(reason)
    row = _live(session, plate)
    day = session.scalar(
        select(RoundTruck.day_on)
        .where(RoundTruck.truck_id == row.id, RoundTruck.ended_at.is_(None), RoundTruck.back_at > now)
        .order_by(RoundTruck.day_on)
        .limit(1)
    )
    if day is not None:
        raise TruckBusy(plate=row.plate, day=day.isoformat())
    row.withdrawn_at, row.withdrawn_by, row.withdrawn_reason = now, person_id, said
    row.version += 1
    session.flush()
    _tell(session, "fleet_truck_withdrawn", row.id, row.plate, person_id, reason=said)


def given_reason(reason: str) -> str:
    """The reason without blanks around it. Raises ReasonMissing."""
    said = reason.strip()
    if not 0 < len(said) <= LONGEST_REASON:
        raise ReasonMissing(field="reason")
    return said


def _live(session: Session, plate: str) -> FleetTruck:
    rows = session.scalars(
        select(FleetTruck).where(FleetTruck.plate == normalise(plate)).order_by(FleetTruck.id.desc()).with_for_update()
    ).all()
    if not rows:
        raise UnknownTruck(field="plate", plate=plate[:40])
    for row in rows:
        if row.withdrawn_at is None:
            return row
    raise TruckWithdrawn(field="plate", plate=rows[0].plate)


def _tell(session: Session, what: str, truck_id: int, plate: str, person_id: int | None, **more: str) -> None:
    append_leaf(session, what, {"truck_id": truck_id, "plate": plate, "person_id": person_id, **more}, truck_id)


def trucks(session: Session, *, company_id: int | None) -> list[FleetTruck]:
    """The fleet of the operator or of a firm by home and plate; those withdrawn last, the latest first."""
    return list(
        session.scalars(
            select(FleetTruck)
            .where(FleetTruck.company_id.is_not_distinct_from(company_id))
            .order_by(
                FleetTruck.withdrawn_at.desc().nulls_first(), FleetTruck.depot, FleetTruck.plate, FleetTruck.id
            )
        )
    )  # fmt: skip


def truck(session: Session, plate: str) -> FleetTruck:
    """A truck by its plate, the one of today before those withdrawn. Raises UnknownTruck."""
    row = session.scalar(
        select(FleetTruck)
        .where(FleetTruck.plate == normalise(plate))
        .order_by(FleetTruck.withdrawn_at.desc().nulls_first(), FleetTruck.id.desc())
        .limit(1)
    )
    if row is None:
        raise UnknownTruck(field="plate", plate=plate[:40])
    return row


def free_trucks(session: Session, hub: str, day: date, *, company_id: int | None) -> list[FleetTruck]:
    """The trucks with their home at the hub that drive no live round on the day."""
    live = select(RoundTruck.truck_id).where(
        RoundTruck.day_on == day, RoundTruck.ended_at.is_(None), RoundTruck.truck_id.is_not(None)
    )
    busy = set(session.scalars(live))
    return [
        row
        for row in trucks(session, company_id=company_id)
        if row.withdrawn_at is None and row.depot == hub and row.id not in busy
    ]


def kinds(rows: Sequence[FleetTruck], day: date, now: datetime) -> tuple[list[dict[str, Any]], Fleet]:
    """Equal trucks as kinds of the planner, and which trucks each kind stands for ([id, plate, version]).

    On the day itself nobody leaves before half an hour from now; a truck whose day is over by then is left out.
    """
    earliest = _earliest(day, now)
    found: dict[tuple[Any, ...], list[FleetTruck]] = {}
    for row in rows:
        if max(row.start_min, earliest) < row.end_min:
            found.setdefault(tuple(getattr(row, name) for name in FIELDS if name != "plate"), []).append(row)
    documents, fleet = [], {}
    for alike in found.values():
        one, code, number = alike[0], alike[0].kind, 1
        while code in fleet:
            number += 1
            code = f"{one.kind}/{number}"
        fleet[code] = [[row.id, row.plate, row.version] for row in alike]
        documents.append(
            {name: getattr(one, name) for name in FIELDS if name not in {"plate", "kind", "start_min", "end_min"}}
            | {
                "code": code, "count": len(alike), "start_at": _instant(day, max(one.start_min, earliest)),
                "end_at": _instant(day, one.end_min),
            }
        )  # fmt: skip
    return documents, fleet


def _earliest(day: date, now: datetime) -> int:
    """Minutes after midnight before which nobody leaves."""
    here = now.astimezone(BEIJING)
    if here.date() > day:
        return DAY_MIN
    if here.date() < day:
        return 0
    return -(-(here.hour * 60 + here.minute + LEAD_MIN) // STEP_MIN) * STEP_MIN


def _instant(day: date, minutes: int) -> str:
    midnight = datetime(day.year, day.month, day.day, tzinfo=BEIJING)
    return min(midnight + timedelta(minutes=minutes), midnight + timedelta(seconds=86_399)).isoformat()

