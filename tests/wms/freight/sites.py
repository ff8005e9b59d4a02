"""Two ends of a way and goods that go it: built for a test, posted through the ledger."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests import build
from wms.catalog.tables import TradeItem
from wms.freight.rules.transfers import WantedLine
from wms.freight.service import transfers
from wms.freight.tables.transfers import Transfer
from wms.parties.tables import Company, Location, Person, Site
from wms.stock.ledger import AccountKey, Line, Posting, moved, post
from wms.stock.tables import Account, BookLine, Entry


@dataclass
class Ends:
    """Origin and destination with a dock and a bin each, an owner with one item, two people."""

    owner: Company
    item: TradeItem
    origin: Site
    shelf: Location
    destination: Site
    dock: Location
    clerk: Person
    supervisor: Person
    book_line: BookLine | None = None

    def at(self, place: Location, *, status: str = "free", **more: object) -> AccountKey:
        """The account of the item at a place."""
        book_line_id = self.book_line.id if self.book_line and status == "bonded" else None
        return AccountKey(
            "location", self.owner.id, self.item.id, place.site_id, place.id, customs_status=status,
            book_line_id=book_line_id, **more,  # type: ignore[arg-type]
        )  # fmt: skip


def make_ends(
    session: Session, *, kinds: tuple[str, str] = ("ordinary", "overseas"), zones: tuple[str, str] | None = None,
    areas: tuple[str | None, str | None] = (None, None),
) -> Ends:  # fmt: skip
    """Two sites of these kinds; the second in Berlin's time unless told otherwise."""
    owner, operator = build.make_company(session, "owner_of_goods"), build.make_company(session, "operator")
    origin, destination = build.make_site(session, kinds[0]), build.make_site(session, kinds[1])
    origin.time_zone, destination.time_zone = zones or ("Asia/Shanghai", "Europe/Berlin")
    origin.customs_area, destination.customs_area = areas
    item = build.make_item(session, owner, unit_value_minor=250)
    book_line = build.make_book_line(session, item) if kinds[0] == "bonded" else None
    ends = Ends(
        owner, item, origin, build.make_location(session, origin), destination,
        build.make_location(session, destination, kind="dock", code=f"DOCK-{build.number()}"),
        build.make_person(session, operator, "clerk"), build.make_person(session, operator, "supervisor"), book_line,
    )  # fmt: skip
    session.flush()
    return ends


def stock(
    session: Session, ends: Ends, qty: int, *, status: str = "free", at: datetime | None = None, **more: object
) -> AccountKey:
    """Put ``qty`` units on the origin's shelf; bonded ones with their book line."""
    account = ends.at(ends.shelf, status=status, **more)
    lines: tuple[Line, ...] = moved(AccountKey("supplier", ends.owner.id, ends.item.id), account, qty)
    if status == "bonded":
        assert ends.book_line is not None
        book = [
            AccountKey(kind, ends.owner.id, ends.item.id, book_line_id=ends.book_line.id)
            for kind in ("customs_source", "not_yet_booked")
        ]
        lines = (*lines, *moved(book[0], book[1], qty))
    when = at or datetime.now(UTC) - timedelta(hours=1)
    post(session, Posting(f"stock-{build.number()}", "receipt", when, lines))
    return account


def draw_up(session: Session, ends: Ends, qty: int, **given: object) -> Transfer:
    """A transfer of ``qty`` units that departs today."""
    values: dict[str, object] = {
        "owner_id": ends.owner.id, "from_site_id": ends.origin.id, "to_site_id": ends.destination.id, "mode": "truck",
        "depart_on": date.today(), "due_on": date.today() + timedelta(days=3),  # noqa: DTZ011 - any day will do
        "lines": (WantedLine(ends.item.code, qty),), "transfer_no": f"TR-{build.number()}",
    }  # fmt: skip
    return transfers.draw_up(session, transfers.DrawUp(**(values | given)), datetime.now(UTC))  # type: ignore[arg-type]


def sent(session: Session, ends: Ends, qty: int, **given: object) -> Transfer:
    """A transfer of ``qty`` units that has left."""
    made = draw_up(session, ends, qty, **given)
    transfers.load(session, made.transfer_no, {}, datetime.now(UTC))
    return transfers.depart(session, transfers.Depart(made.transfer_no, datetime.now(UTC)))


def sum_of(session: Session, ends: Ends, kind: str, **dimensions: object) -> int:
    """The sum of entries of the item in accounts of one kind."""
    wanted = (
        select(func.coalesce(func.sum(Entry.qty), 0))
        .join(Account, Account.id == Entry.account_id)
        .where(Account.kind == kind, Account.trade_item_id == ends.item.id)
    )
    for name, value in dimensions.items():
        wanted = wanted.where(getattr(Account, name) == value)
    return int(session.scalar(wanted) or 0)
