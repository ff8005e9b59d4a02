"""Booked consignments, trucks and made rounds in the books, for tests of the desk, its pages and its API."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from routing.rounds.answer import RoundsPlan
from routing.rounds.desk.asking import Ask, Upload, request_rounds, request_upload, run_rounds, store
from routing.rounds.desk.fleet import BEIJING, TruckForm, add_truck
from routing.rounds.modes import in_mode
from routing.rounds.reading import asked_of
from routing.rounds.solve import make_rounds
from routing.rounds.tables import RoundPlan
from tests.build import number
from tests.wms.freight.builders import form
from wms.db import Database, Scope
from wms.freight.service import Booking, Leg, announce, book
from wms.parties.tables import Company

HUB = "CNCLJ"
COUNTIES = ("CN430621", "CN430623", "CN430624", "CN430626", "CN430681", "CN430682")
TRUCK = TruckForm(
    plate="", kind="T42", depot=HUB, payload_g=4_200_000, volume_cm3=17_000_000, pallets=7, fixed_minor=20_000,
    km_minor=190, hour_minor=4200, speed_km_h=45, start_min=360, end_min=1200, shift_s=43_200,
)  # fmt: skip


def now() -> datetime:
    return datetime.now(UTC)


@cache
def tomorrow() -> date:
    """The day after today in Beijing, the same for all tests of a process: its trucks leave in the future."""
    return (now().astimezone(BEIJING) + timedelta(days=1)).date()


def at_clock(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=BEIJING)


def make_trucks(session: Session, count: int = 2, *, company_id: int | None = None, **changes: Any) -> list[str]:
    """Equal trucks with their home at the hub; their plates."""
    plates = []
    for _ in range(count):
        one = replace(TRUCK, **({"plate": f"湘F{number() % 100_000:05d}"} | changes))
        add_truck(session, one, company_id=company_id, person_id=None)
        plates.append(one.plate)
    return plates


def booked(session: Session, owner: Company, origin: str = "CN430626", **changes: Any) -> str:
    """A consignment that a plan has booked onto a barge from the hub, cut-off in five days; its number.

    ``cut_off_at``, ``destination``, ``way`` (origin and destination of the leg) as given.
    """
    cut_off = changes.pop("cut_off_at", now() + timedelta(days=5))
    way = changes.pop("way", (HUB, "DEHAM"))
    stripped = changes.pop("stripped_at", cut_off + timedelta(days=30))
    one = form(owner.id, origin=origin, goods_name="岳阳黄茶", ready_at=now() - timedelta(hours=8), **changes)
    made = announce(session, one)
    leg = Leg(f"BARGE@{number()}", "BARGE", "barge", *way, cut_off + timedelta(hours=6), stripped)
    book(
        session,
        Booking(
            consignment_id=made, plan_id=1, box_no="B0001", equipment="20GP", segment="S", share_minor=1,
            total_minor=1, legs=(leg,), cut_off_at=cut_off, stripped_at=stripped,
            deliver_at=stripped + timedelta(days=3),
        ),
    )  # fmt: skip
    return one.consignment_no


def ask(**changes: Any) -> Ask:
    """Rounds for the hub tomorrow, counted in iterations so that they are the same everywhere."""
    return Ask(**({"hub": HUB, "day": tomorrow(), "work": 60, "seconds": 15} | changes))


def made(database: Database, scope: Scope, asked: Ask | None = None, upload: Upload | None = None) -> int:
    """Ask for rounds and run their job in this process; the plan's id."""
    wanted = asked or ask()
    who = scope
    if wanted.company_id is not None:
        who = Scope(scope.tenant_id, role="planner", company_id=wanted.company_id, sees_all=False)
    with database.unit_of_work(who) as session:
        if upload is not None:
            plan_id = request_upload(session, wanted, upload, now())
        else:
            plan_id = request_rounds(session, wanted, now())
    run_rounds(database, plan_id=plan_id, tenant_id=scope.tenant_id, company_id=wanted.company_id)
    return plan_id


@cache
def _answered() -> tuple[dict[str, Any], RoundsPlan]:
    """A small problem of tomorrow and its rounds, made once for all tests of a process."""
    day = tomorrow().isoformat()
    asked = asked_of(
        Path("stops.csv"), "id,owner,place,collect_kg,collect_m3\nORDER-1,A,CN430626,900,4\n", trucks=TRUCKS, day=day
    )
    return asked.model_dump(mode="json"), make_rounds(in_mode(asked, "joint"), work=5)


TRUCKS = "code,count,payload_kg,volume_m3,fixed_cny,km_cny,hour_cny,start,end\nT42,2,4200,17,200,1.9,42,06:00,20:00\n"


def stored_rounds(session: Session, owner: Company, *, company_id: int | None = None) -> RoundPlan:
    """Solved rounds for one order of ``owner``; ``company_id``: the firm that asked, else the operator."""
    problem, plan = _answered()
    row = RoundPlan(
        company_id=company_id, source="upload", mode="joint", hub=HUB, day_on=tomorrow(), seconds_limit=5, seed=1,
        snapshot_sha256=plan.snapshot_sha256, problem=problem, fleet={}, state="running",
        orders=[{"id": "ORDER-1", "kind": "collect", "owner": owner.code, "owner_id": owner.id, "place": "CN430626"}],
    )  # fmt: skip
    session.add(row)
    session.flush()
    store(session, row.id, plan)
    return row


def stored(session: Session, plan_id: int) -> RoundPlan:
    return session.get_one(RoundPlan, plan_id)
