"""Gate passes out of the cold store for the trucks of the yard, by the real use cases: list, pass, goods, approval.

An approved truck comes once. The heavy one and the one with the wrong plate come again: their passes stay open.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from web.demo.documents import BOOKS, Approved, Goods, approve_list
from web.demo.goods import Item
from wms.codes.containers import check_digit
from wms.customs.gate_pass_rules import NewPass, PassDocument, PassLine
from wms.customs.gate_passes import apply_for_pass, approve_pass, move_to_waiting
from wms.customs.tables import GatePass, VerificationList
from wms.gate.service import register_vehicle
from wms.stock.ledger import AccountKey
from wms.stock.tables import Account, Balance

PALLETS_A_TRUCK, PASSES_A_LIST = 9, 5
BOX_G, VALID = 4_640_000, timedelta(hours=36)
LETTER = {"approved": "A", "heavy": "H", "wrong_plate": "W", "inbound_empty": "E"}
COLD_STORE, ZONE = "CLJ-F1", "CLJ"


@dataclass(frozen=True)
class Pallet:
    """Goods that may leave: where they lie and how many."""

    account: AccountKey
    item: Item
    qty: int


def free_pallets(session: Session, site_id: int, items: Mapping[int, Item], limit: int) -> list[Pallet]:
    """Booked, unreserved pallets of a site, oldest account first."""
    found = session.execute(
        select(Account, Balance.qty)
        .join(Balance, Balance.account_id == Account.id)
        .where(
            Account.site_id == site_id,
            Account.kind == "location",
            Account.quality_status == "good",
            Account.customs_status == "bonded",
            Account.handling_unit_id.is_not(None),
            Balance.qty > 0,
            Balance.qty_reserved == 0,
        )
        .order_by(Account.id)
        .limit(limit)
    )
    return [
        Pallet(
            AccountKey(
                row.kind, row.owner_id, row.trade_item_id, row.site_id, row.location_id, row.lot_id,
                row.handling_unit_id, row.customs_status, row.quality_status, row.book_line_id,
            ),
            items[row.trade_item_id],
            qty,
        )
        for row, qty in found
    ]  # fmt: skip


def made_so_far(session: Session, story: str) -> int:
    """How many passes of a story were ever issued; their numbers go on from there."""
    of_story = GatePass.internal_no.startswith(f"DEMO-{LETTER[story]}-")
    return len(session.scalars(select(GatePass.id).where(of_story)).all())


def missing(session: Session, wanted: Mapping[str, int]) -> list[str]:
    """Stories that lack open passes, each as often as it lacks one."""
    open_ones = session.scalars(
        select(GatePass.internal_no).where(GatePass.internal_no.startswith("DEMO-"), GatePass.state == "approved")
    ).all()
    letters = [number[5] for number in open_ones]
    return [story for story, count in wanted.items() for _ in range(count - letters.count(LETTER[story]))]


@dataclass(frozen=True)
class Zone:
    """What passes are issued with: ids by code, the present instant, the seed number."""

    companies: Mapping[str, int]
    sites: Mapping[str, int]
    now: datetime
    seed: int


def issue(session: Session, stories: Sequence[str], items: Mapping[int, Item], zone: Zone) -> int:
    """Issue an approved pass for each story, as far as pallets last; returns how many."""
    pallets = free_pallets(session, zone.sites[COLD_STORE], items, len(stories) * PALLETS_A_TRUCK)
    loads = [pallets[i : i + PALLETS_A_TRUCK] for i in range(0, len(pallets), PALLETS_A_TRUCK)]
    count = min(len(stories), len([load for load in loads if len(load) == PALLETS_A_TRUCK]))
    serial = len(session.scalars(select(VerificationList.id).where(VerificationList.direction == "E")).all())
    numbers = {story: made_so_far(session, story) for story in LETTER}
    for start in range(0, count, PASSES_A_LIST):
        some = loads[start : min(start + PASSES_A_LIST, count)]
        serial += 1
        approved = approve_list(
            session, serial=serial, site=COLD_STORE, direction="E", trade_mode="5000", goods=_totals(some),
            companies=zone.companies, at=zone.now - timedelta(hours=5),
        )  # fmt: skip
        for place, load in enumerate(some, start):
            numbers[stories[place]] += 1
            _issue_one(session, f"DEMO-{LETTER[stories[place]]}-{numbers[stories[place]]:04d}", load, approved, zone)
    return count


def _issue_one(session: Session, number: str, load: Sequence[Pallet], approved: Approved, zone: Zone) -> None:
    lines = tuple(
        PassLine(
            one.account.trade_item_id, one.qty, one.qty * one.item.gross_weight_g,
            approved.by_book_line[one.account.book_line_id or 0],
        )
        for one in load
    )  # fmt: skip
    made = _apply(session, number, zone, lines, (PassDocument("1", approved.list_no, approved.list_id),))
    sources = {line_no: one.account for line_no, one in enumerate(load, 1)}
    move_to_waiting(session, made.id, sources, key=f"demo-waiting:{number}", event_at=zone.now - timedelta(hours=2))
    approve_pass(session, made.id, at=zone.now - timedelta(hours=1))


def _totals(loads: Sequence[Sequence[Pallet]]) -> list[Goods]:
    totals: dict[int, Goods] = {}
    for one in (pallet for load in loads for pallet in load):
        line_id = one.account.book_line_id
        assert line_id is not None
        before = totals[line_id].qty if line_id in totals else 0
        totals[line_id] = Goods(one.item, line_id, before + one.qty)
    return list(totals.values())


def _apply(
    session: Session,
    number: str,
    zone: Zone,
    lines: tuple[PassLine, ...] = (),
    documents: tuple[PassDocument, ...] = (),
) -> GatePass:
    truck = truck_of(zone.seed, number)
    has_box = bool(lines) and (number[5] != LETTER["approved"] or int(number[-1]) % 2 == 0)
    register_vehicle(session, truck.plate, tare_g=truck.tare_g)
    is_empty = number[5] == LETTER["inbound_empty"]
    return apply_for_pass(
        session,
        NewPass(
            internal_no=number,
            owner_id=zone.companies[BOOKS[COLD_STORE][1]],
            site_id=zone.sites[ZONE],
            direction="I" if is_empty else "E",
            pass_type="6" if is_empty else "3",
            vehicle_plate=truck.plate,
            vehicle_weight_g=truck.tare_g,
            container_nos=(truck.container_no,) if has_box else (),
            container_weight_g=BOX_G if has_box else 0,
            valid_from_at=zone.now - timedelta(hours=1),
            valid_until_at=zone.now + VALID,
            lines=lines,
            documents=documents,
        ),
    )


def issue_empty(session: Session, count: int, zone: Zone) -> None:
    """Passes for empty trucks that come in to load."""
    first = made_so_far(session, "inbound_empty") + 1
    for serial in range(first, first + count):
        made = _apply(session, f"DEMO-{LETTER['inbound_empty']}-{serial:04d}", zone)
        approve_pass(session, made.id, at=zone.now - timedelta(minutes=30))


def extend(session: Session, now: datetime) -> None:
    """Passes that wait for their truck stay valid for as long as the demo is used."""
    session.execute(
        update(GatePass)
        .where(
            GatePass.internal_no.startswith("DEMO-"),
            GatePass.state == "approved",
            GatePass.valid_until_at < now + VALID / 2,
        )
        .values(valid_until_at=now + VALID)
    )


@dataclass(frozen=True)
class Truck:
    """A vehicle of the demo; plate, container and weight follow from the number of its pass."""

    plate: str
    container_no: str
    tare_g: int


def truck_of(seed: int, number: str) -> Truck:
    """The truck that comes with the pass ``number``."""
    rng = random.Random(f"dongting-truck-{seed}-{number}")  # noqa: S311 - synthetic data, no secret
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    plate = f"湘F{rng.choice(letters)}{int(number[-4:]) % 1000:03d}{'AHWEN'.index(number[5]) + rng.randrange(2) * 5}"
    ten = f"DTGU{rng.randrange(10**6):06d}"
    return Truck(plate, f"{ten}{check_digit(ten)}", rng.randrange(640, 760) * 20_000)
