"""A gate with one lane out, a registered truck, and bonded goods on an approved pass: built through the services."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.build import Shelf, make_company, make_person, make_shelf, now, number, receive_bonded
from wms.codes.containers import check_digit
from wms.customs.gate_pass_rules import NewPass, PassDocument, PassLine
from wms.customs.gate_passes import apply_for_pass, approve_pass, move_to_waiting
from wms.customs.tables import AccountBook, GatePass, VerificationLine, VerificationList
from wms.gate.rules import Seen, SeenContainer
from wms.gate.service import DecidePassage, NewLane, add_lane, register_vehicle
from wms.gate.tables import BarrierCommand, Lane, Release
from wms.parties.tables import Person
from wms.stock.ledger import Posting, moved, post
from wms.stock.tables import Account, Balance

VEHICLE_G, GOODS_G = 14_000_000, 6_000_000


@dataclass
class World:
    """What the tests of the gate start from."""

    shelf: Shelf
    lane: Lane
    officer: Person
    second: Person
    listed: VerificationList
    line: VerificationLine


def make_world(session: Session, *, declared: int = 1_000, stage: int = 0) -> World:
    """A site with one lane out and ``declared`` booked bonded units with a released list behind them."""
    shelf = make_shelf(session)
    lane = make_lane(session, shelf.site_id, stage=stage)
    customs = make_company(session, "customs")
    officer, second = (make_person(session, customs, "customs_officer") for _ in range(2))
    receive_bonded(session, shelf, declared)
    lines = moved(shelf.of_book("not_yet_booked"), shelf.of_book("book"), declared)
    post(session, Posting(f"book-{number()}", "book", now(), lines))
    listed, line = make_list(session, shelf, declared)
    return World(shelf, lane, officer, second, listed, line)


def make_lane(session: Session, site_id: int, *, direction: str = "E", stage: int = 0, kind: str = "goods") -> Lane:
    """A lane with a barrier of its own."""
    code = f"L{number()}"
    new = NewLane(site_id, code, direction, "出区通道", "Lane out", f"barrier-{code}", kind=kind, stage=stage)
    return add_lane(session, new)


def make_list(session: Session, shelf: Shelf, declared: int) -> tuple[VerificationList, VerificationLine]:
    """A released verification list that lets ``declared`` units out."""
    n = number()
    book = AccountBook(
        book_no=f"T4912W{n:06d}", company_id=shelf.owner_id, site_id=shelf.site_id, valid_from_on=now().date()
    )
    session.add(book)
    session.flush()
    listed = VerificationList(
        internal_no=f"QD-{n}", list_no=f"QD491226E{n:09d}", account_book_id=book.id, owner_id=shelf.owner_id,
        direction="E", trade_mode="5000", state="pre_deducted", entry_released_at=now(),
    )  # fmt: skip
    session.add(listed)
    session.flush()
    line = VerificationLine(
        verification_list_id=listed.id, line_no=1, book_line_id=shelf.book_line_id, trade_item_id=shelf.trade_item_id,
        declared_qty=Decimal(declared), customs_unit="011", declared_base_qty=declared,
    )  # fmt: skip
    session.add(line)
    session.flush()
    return listed, line


def new_plate() -> str:
    """A valid plate of Yueyang that no other test has."""
    return f"湘F{number() % 100_000:05d}"


def new_box() -> str:
    """A valid container number."""
    ten = f"DTGU{number() % 1_000_000:06d}"
    return f"{ten}{check_digit(ten)}"


def make_pass(
    session: Session,
    world: World,
    *,
    plate: str | None = None,
    qty: int = 100,
    state: str = "approved",
    **changes: object,
) -> GatePass:
    """A pass out for ``qty`` units on a registered truck, its goods waiting to leave."""
    plate = plate or new_plate()
    register_vehicle(session, plate, tare_g=VEHICLE_G)
    given: dict[str, object] = {
        "internal_no": f"HF-{number()}",
        "owner_id": world.shelf.owner_id,
        "site_id": world.shelf.site_id,
        "direction": "E",
        "pass_type": "3",
        "vehicle_plate": plate,
        "vehicle_weight_g": VEHICLE_G,
        "valid_from_at": now() - timedelta(hours=1),
        "valid_until_at": now() + timedelta(hours=8),
        "lines": (PassLine(world.shelf.trade_item_id, qty, GOODS_G, world.line.id),),
        "documents": (PassDocument("1", world.listed.list_no or "", world.listed.id),),
    }
    made = apply_for_pass(session, NewPass(**(given | changes)))  # type: ignore[arg-type]
    if made.direction == "E" and made.pass_type not in ("5", "6"):
        lines = range(1, len((given | changes)["lines"]) + 1)  # type: ignore[arg-type]
        places = dict.fromkeys(lines, world.shelf.bonded)
        move_to_waiting(session, made.id, places, key=f"waiting-{made.id}", event_at=now())
    if state == "approved":
        approve_pass(session, made.id, at=now())
    return made


def seen_of(gate_pass: GatePass, **changes: object) -> Seen:
    """Readings that agree with the pass."""
    given: dict[str, object] = {
        "plate": gate_pass.vehicle_plate,
        "plate_confidence_permille": 980,
        "containers": tuple(SeenContainer(n, True) for n in (gate_pass.container_no or "").split("|") if n),
        "weight_g": gate_pass.total_weight_g,
    }
    return Seen(**(given | changes))  # type: ignore[arg-type]


def crossing(lane: Lane, seen: Seen, *, seq_no: str | None = None, at: datetime | None = None) -> DecidePassage:
    """A passage of ``lane`` to be decided now."""
    at = at or now()
    return DecidePassage(seq_no or f"T{number():019d}", lane.id, at, at, seen)


def command_of(session: Session, passage_id: int) -> BarrierCommand:
    """The command of a passage's newest release."""
    wanted = (
        select(BarrierCommand)
        .join(Release, Release.id == BarrierCommand.release_id)
        .where(Release.passage_id == passage_id)
        .order_by(BarrierCommand.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return session.scalars(wanted).one()


def balance(session: Session, kind: str, shelf: Shelf) -> int:
    """Stock of the item in all accounts of one kind (virtual kinds: the sum of entries)."""
    from sqlalchemy import func

    from wms.stock.tables import Entry

    same = (Account.kind == kind, Account.trade_item_id == shelf.trade_item_id)
    if kind == "customer":
        found = select(func.sum(Entry.qty)).join(Account, Account.id == Entry.account_id).where(*same)
    else:
        found = select(func.sum(Balance.qty)).join(Account, Account.id == Balance.account_id).where(*same)
    return int(session.scalar(found) or 0)
