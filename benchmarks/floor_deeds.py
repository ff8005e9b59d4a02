"""What people do in a warehouse all day, as deeds that can be drawn: each a use case of the floor, often done wrong.

A deed goes through the same services as the API and the handhelds, in a unit of work of its own. A refusal is an answer
like any other. What came into the house, left it or was corrected is noted in a :class:`Tally`, which knows nothing of
the ledger: in the end both must say the same.
"""

import itertools
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.codes import gs1_keys
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor import leaving_queries, packing_queries, pick_queries
from wms.floor.rules.notices import LineIn
from wms.floor.rules.orders import OrderLineIn
from wms.floor.rules.repacking import Wanted
from wms.floor.rules.waves import WaveRule
from wms.floor.service import (
    adjusting,
    count_deciding,
    counting,
    departing,
    loading,
    packing,
    repacking,
    returning,
    shortage,
    undo_at_desk,
    units,
    unpicking,
    waves,
)
from wms.floor.service.acting import By
from wms.floor.service.allocating import allocate
from wms.floor.service.moving import MoveLine, MoveList, move_many
from wms.floor.service.notices import Announce, announce
from wms.floor.service.orders import PlaceOrder, cancel_order, place_order
from wms.floor.service.picking import Take, pick_many
from wms.floor.service.picking import Taken as Picked
from wms.floor.service.receiving_lists import ReceiveList, receive_list
from wms.floor.service.scanning import TakeScan, take_scan
from wms.floor.tables.counts import CountDifference
from wms.floor.tables.loading import VehicleLoad
from wms.floor.tables.packing import Parcel
from wms.floor.tables.picking import Pick, PickList
from wms.freight.rules.transfers import WantedLine
from wms.freight.service import transfer_arrivals, transfers
from wms.freight.tables.transfers import Transfer
from wms.parties.tables import Company, CompanyRole, Location, Person, PersonRole, Site
from wms.stock.ledger import AccountKey, Posting, moved, post
from wms.stock.tables import BookLine, HandlingUnit
from wms.watch.service import cold_evaluating, temperatures
from wms.watch.tables.temperatures import TemperaturePlace

HOUSE_KINDS = ("bonded", "ordinary", "overseas")
PLACES = {
    **{f"B-{n:02d}": "bin" for n in range(1, 13)},
    "INSP-1": "inspection", "DOCK-1": "dock", "PACK-1": "packing", "Q-1": "quarantine", "STAGE-1": "staging",
}  # fmt: skip
STANDING = text(
    "SELECT p.idem_key, EXISTS (SELECT 1 FROM posting r WHERE r.reverses_id = p.id) AS is_undone FROM posting p"
    " WHERE p.tenant_id = app_tenant() AND p.idem_key = ANY (:keys)"
)
PICKED = text(
    "SELECT l.handling_unit_id, l.trade_item_id, sum(l.picked_qty)::bigint AS qty FROM order_line ol"
    " JOIN pick_line l ON l.order_line_id = ol.id WHERE ol.order_id = :id AND l.picked_qty > 0"
    " GROUP BY 1, 2 ORDER BY 1, 2"
)
COLD_BINS = ("B-11", "B-12")


@dataclass(frozen=True)
class House:
    """One warehouse: ids of what stands in it. ``items`` are (id, code, GTIN)."""

    kind: str
    site_id: int
    site_code: str
    owner_id: int
    owner_code: str
    items: tuple[tuple[int, str, str], ...]
    places: dict[str, int]
    clerk_ids: tuple[int, ...]
    boss_ids: tuple[int, ...]
    book_line_ids: dict[int, int]

    @property
    def is_bonded(self) -> bool:
        return self.kind == "bonded"


class Tally:
    """What a clerk with a pencil would know: what was about to come in or leave, and what was told to stand.

    ``file`` keeps it line by line, so that it outlives the process; what was about to happen when the process or the
    database was killed is looked up in the end by its key.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.goods: dict[str, tuple[str, list[tuple[int, int]]]] = {}
        self.states: dict[str, str] = {}
        self._lock = threading.Lock()
        self._out = file.open("a", encoding="utf-8", buffering=1) if file else None

    def about(self, key: str, what: str, goods: list[tuple[int, int]]) -> None:
        """A posting under ``key`` is about to bring units in, out or back."""
        self._note("about", key, what, goods)

    def now(self, key: str, state: str) -> None:
        """It stands, fell (was refused), is about to be undone, or was undone."""
        self._note(state, key)

    def _note(self, state: str, key: str, what: str = "", goods: list[tuple[int, int]] | None = None) -> None:
        with self._lock:
            if self._out:
                self._out.write(json.dumps([state, key, what, goods]) + "\n")
            self.take(state, key, what, goods or [])

    def take(self, state: str, key: str, what: str, goods: list[tuple[int, int]]) -> None:
        """Take a line of a file in again."""
        if state == "about":
            self.goods[key] = (what, [(item, qty) for item, qty in goods])
        self.states[key] = state

    @classmethod
    def read(cls, files: Iterable[Path]) -> "Tally":
        """All that was kept by processes that are gone; a line that was cut off by a kill is none."""
        made = cls()
        for file in files:
            for line in file.read_text(encoding="utf-8").splitlines():
                with suppress(json.JSONDecodeError):
                    made.take(*json.loads(line))
        return made

    def reckon(self, session: Session) -> tuple[Counter[tuple[str, int]], list[str]]:
        """Units in, out and back by item, and what the ledger lost or kept against what was told."""
        rows = session.execute(STANDING, {"keys": list(self.goods)})
        found = {row.idem_key: row.is_undone for row in rows}
        sums: Counter[tuple[str, int]] = Counter()
        wrong = []
        for key, (what, goods) in self.goods.items():
            state, stands = self.states[key], key in found and not found[key]
            wanted = {"stands": True, "fell": False, "undone": False}.get(state, stands)
            if wanted != stands:
                wrong.append(f"{key} ({what} {goods}): told {state}, but the ledger says otherwise")
            if stands:
                for item, qty in goods:  # an item may stand there more than once
                    sums[what, item] += qty
        return sums, wrong


def build_houses(session: Session, kinds: tuple[str, ...] = HOUSE_KINDS, prefix: str = "SIM") -> tuple[House, ...]:
    """Sites of ``kinds`` for one owner; the same items everywhere."""
    owner = Company(code=f"{prefix}-OWNER", name_zh="货主", name_en="Owner")
    operator = Company(code=f"{prefix}-OPERATOR", name_zh="经营企业", name_en="Operator")
    session.add_all([owner, operator])
    session.flush()
    session.add_all(
        [CompanyRole(company_id=owner.id, role="owner_of_goods"), CompanyRole(company_id=operator.id, role="operator")]
    )
    items = []
    for n in range(6):
        digits = f"690{n + 1:09d}"
        items.append(
            TradeItem(
                owner_id=owner.id, code=f"{prefix}-{n + 1}", gtin=digits + str(gs1_keys.check_digit(digits)),
                name_zh=f"商品{n + 1}", name_en=f"Item {n + 1}", gross_weight_g=300, volume_mm3=480_000,
                length_mm=100, width_mm=80, height_mm=60,
            )
        )  # fmt: skip
    session.add_all(items)
    session.flush()
    return tuple(_house(session, kind, prefix, owner, operator, items) for kind in kinds)


def _house(
    session: Session, kind: str, prefix: str, owner: Company, operator: Company, items: list[TradeItem]
) -> House:
    site = Site(
        code=f"{prefix}-{kind.upper()}",
        name_zh=kind,
        name_en=kind,
        kind=kind,
        lat_deg=Decimal(29),
        lon_deg=Decimal(113),
    )
    session.add(site)
    session.flush()
    places = [
        Location(site_id=site.id, code=code, kind=place, is_bonded=kind == "bonded", pick_sequence=n)
        for n, (code, place) in enumerate(PLACES.items(), 1)
    ]
    people = [Person(company_id=operator.id, name_zh=f"员工{n}", name_en=f"Person {n}") for n in range(4)]
    session.add_all([*places, *people])
    session.flush()
    roles = ("clerk", "clerk", "supervisor", "supervisor")
    session.add_all(PersonRole(person_id=one.id, role=role) for one, role in zip(people, roles, strict=True))
    lines = {}
    if kind == "bonded":
        for n, item in enumerate(items, 1):
            line = BookLine(book_no="T4902W000001", line_no=n, trade_item_id=item.id, customs_unit="011")
            session.add(line)
            session.flush()
            lines[item.id] = line.id
    session.flush()
    return House(
        kind, site.id, site.code, owner.id, owner.code, tuple((i.id, i.code, i.gtin or "") for i in items),
        {place.code: place.id for place in places}, tuple(p.id for p in people[:2]), tuple(p.id for p in people[2:]),
        lines,
    )  # fmt: skip


class Worker:
    """One person of one house with a handheld; :meth:`do` does one deed and tells its outcome."""

    _numbers = itertools.count(1)

    def __init__(
        self, database: Database, tenant_id: int, house: House, tally: Tally, draw: random.Random,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC), others: tuple[House, ...] = (), name: str = "",
    ) -> None:  # fmt: skip
        self.database, self.tenant_id, self.house, self.tally, self.draw = database, tenant_id, house, tally, draw
        self.clock, self.others, self.outcomes = clock, others, Counter[str]()
        self.name = name or f"w{next(self._numbers)}"
        self._seq, self._prefix = 0, f"{self.name}-{draw.getrandbits(40):x}"

    # -- how a deed is done

    def do(self, name: str) -> str:
        """Do the deed ``name`` (one of :data:`DEEDS`); a refusal's code is its outcome."""
        try:
            outcome = DEEDS[name](self)
        except WmsError as refusal:
            outcome = refusal.code
        self.outcomes[f"{name}: {outcome}"] += 1
        return outcome

    def work(self, act: Callable[[Session], Any], *, boss: bool = False) -> Any:
        """One unit of work of a clerk, or of a supervisor; what it notes is noted only once it stands."""
        ids = self.house.boss_ids if boss else self.house.clerk_ids
        scope = Scope(self.tenant_id, self.draw.choice(ids), "supervisor" if boss else "clerk")
        return self.database.run(scope, act)

    def key(self) -> str:
        self._seq += 1
        return f"{self._prefix}-{self._seq}"

    def by(self) -> By:
        return By(self.key(), self.clock(), self.name)

    def item(self) -> tuple[int, str, str]:
        return self.draw.choice(self.house.items)

    def bin(self) -> str:
        return self.draw.choice([code for code, kind in PLACES.items() if kind == "bin"])

    def scan(self, job: str, code: str, **given: Any) -> Any:
        """One scan of this worker's device; sometimes sent twice, as a device does that got no answer."""
        self._seq += 1
        at = self.clock()
        scan = TakeScan(
            f"{self._prefix}:{self._seq}", self.name, self._prefix, self._seq, code, at, job,
            site_code=self.house.site_code, **given,
        )  # fmt: skip
        person = self.house.clerk_ids[sum(self.name.encode()) % len(self.house.clerk_ids)]
        scope = Scope(self.tenant_id, person, "clerk")
        taken = self.database.run(scope, lambda session: take_scan(session, scan, at))
        if self.draw.random() < 0.05:
            again = self.database.run(scope, lambda session: take_scan(session, scan, at))
            assert (again.replayed, again.answer.code) == (True, taken.answer.code)
        return taken.answer

    def one(self, session: Session, sql: str, **values: Any) -> Any:
        """One row of those that a statement finds, drawn; None where there is none."""
        rows = session.execute(text(sql), values).all()
        return self.draw.choice(rows) if rows else None

    # -- in

    def receive_by_scan(self) -> str:
        if self.house.is_bonded:
            return self._receive_bonded()
        item_id, code, gtin = self.item()
        number, qty = f"ASN-{self.key()}", self.draw.randint(1, 40)
        lines = (LineIn(code, self.draw.randint(1, 60)),)
        self.work(lambda s: announce(s, Announce(number, self.house.site_id, self.house.owner_id, "0110", lines)))
        steps = [number, "DOCK-1", f"QTY {qty}"]
        if self.draw.random() < 0.2:
            steps.insert(2, "NOT-A-LABEL")
        for step in steps:
            self.scan("receive", step, notice_no=number)
        return self._counted("receive", gtin, "in", item_id, qty, notice_no=number)

    def _counted(self, job: str, gtin: str, what: str, item_id: int, qty: int, **given: Any) -> str:
        """The scan that counts goods in, and now and then its undoing."""
        key = f"scan:{self._prefix}:{self._seq + 1}"
        self.tally.about(key, what, [(item_id, qty)])
        answer = self.scan(job, gtin, **given)
        self.tally.now(key, "stands" if answer.is_undoable else "fell")
        if answer.is_undoable and self.draw.random() < 0.15:
            self.tally.now(key, "undoing")
            if self.scan(job, "UNDO", **given).outcome.value == "ok":
                self.tally.now(key, "undone")
            else:
                self.tally.now(key, "stands")
        return str(answer.code)

    def _receive_bonded(self) -> str:
        item_id, qty, key = self.item()[0], self.draw.randint(1, 40), self.key()
        owner, line = self.house.owner_id, self.house.book_line_ids[item_id]
        shelf = AccountKey(
            "location", owner, item_id, self.house.site_id, self.house.places["DOCK-1"], None, None, "bonded", "good",
            line,
        )  # fmt: skip
        books = [AccountKey(kind, owner, item_id, book_line_id=line) for kind in ("customs_source", "book")]
        pairs = (*moved(AccountKey("supplier", owner, item_id), shelf, qty), *moved(books[0], books[1], qty))
        self.tally.about(key, "in", [(item_id, qty)])
        self.work(lambda s: post(s, Posting(key, "receipt", self.clock(), pairs)))
        self.tally.now(key, "stands")
        return "received"

    def receive_list(self) -> str:
        if self.house.is_bonded:
            return self._receive_bonded()
        number, key = f"ASN-{self.key()}", self.key()
        drawn = self.draw.sample(self.house.items, 3)
        lines = tuple(LineIn(code, self.draw.randint(5, 50)) for _, code, _ in drawn)
        self.work(lambda s: announce(s, Announce(number, self.house.site_id, self.house.owner_id, "0110", lines)))
        goods = [(item_id, line.qty) for (item_id, _, _), line in zip(drawn, lines, strict=True)]
        self.tally.about(f"list:{key}:0", "in", goods)
        self.work(lambda s: receive_list(s, ReceiveList(key, number, "DOCK-1", self.clock(), close=True)))
        self.tally.now(f"list:{key}:0", "stands")
        return "received"

    def come_back(self) -> str:
        """A customer sends goods back; they are taken in and graded."""
        if self.house.is_bonded:
            return "not here"
        (item_id, _, gtin), qty, number = self.item(), self.draw.randint(1, 4), f"RT-{self.key()}"
        lines = (returning.ReturnLineIn(item_id, qty),)
        new = returning.NewReturn(number, self.house.site_id, self.house.owner_id, lines, self.clock().date())
        self.work(lambda s: returning.announce(s, new))
        for step in (number, "INSP-1", f"QTY {qty}"):
            self.scan("return", step, document_no=number)
        code = self._counted("return", gtin, "back", item_id, qty, document_no=number)
        for step in (f"GRADE {self.draw.choice(['A', 'B', 'C'])}", "CONFIRM", "CONFIRM"):
            self.scan("return", step, document_no=number)
        return code

    def breach(self) -> str:
        """It was too warm where some of the goods stand: exactly those are held."""
        house, at, warm = self.house, self.clock(), self.draw.random() < 0.5
        readings = [
            temperatures.NewReading(f"T-{house.site_code}", at - timedelta(minutes=n), 21_000 if warm else 3_000)
            for n in range(90, -1, -10)
        ]

        def act(session: Session) -> str:
            place = session.scalars(select(TemperaturePlace).where(TemperaturePlace.site_id == house.site_id)).first()
            if place is None:
                code, since = f"COLD-{house.site_code}", at - timedelta(hours=3)
                new = temperatures.NewPlace(house.site_code, code, "冷藏区", "Chilled zone", "chilled")
                place = temperatures.add_place(session, new)
                for bin_code in COLD_BINS:
                    temperatures.add_member(session, code, temperatures.NewMember(since, location=bin_code))
                temperatures.add_sensor(session, code, temperatures.NewSensor(f"T-{house.site_code}", since))
            stored = temperatures.store(session, readings)
            cold_evaluating.evaluate(session, place.id, at)
            return f"{'warm' if warm else 'cold'}, {'new' if stored.new else 'known'}"

        return str(self.work(act, boss=True))

    def put_away(self) -> str:
        waiting = self.work(
            lambda s: self.one(
                s, "SELECT t.gtin, w.qty FROM put_away_task w JOIN trade_item t ON t.id = w.trade_item_id"
                " WHERE w.site_id = :site AND w.state = 'open' ORDER BY w.id LIMIT 20", site=self.house.site_id,
            )
        )  # fmt: skip
        if waiting is None:
            return "nothing waits"
        if self.draw.random() < 0.3:
            self.scan("put_away", f"QTY {self.draw.randint(1, waiting.qty + 1)}")
        if self.scan("put_away", waiting.gtin).code == "too_many":
            self.scan("put_away", "BACK")
            self.scan("put_away", "QTY 1")
            self.scan("put_away", waiting.gtin)
        answer = self.scan("put_away", self.bin())
        if answer.code == "other_place":
            answer = self.scan("put_away", "REASON NEARER")
        return str(answer.code)

    # -- inside

    def move(self) -> str:
        rows = self.work(
            lambda s: s.execute(
                text(
                    "SELECT t.code, p.code AS place, b.qty FROM balance b JOIN account a ON a.id = b.account_id"
                    " JOIN trade_item t ON t.id = a.trade_item_id JOIN location p ON p.id = a.location_id"
                    " WHERE a.site_id = :site AND b.qty > 0 AND p.kind IN ('bin', 'dock')"
                    " AND a.handling_unit_id IS NULL ORDER BY a.id"
                ),
                {"site": self.house.site_id},
            ).all()
        )
        rows = self.draw.sample(rows, min(3, len(rows)))
        lines = tuple(
            MoveLine(
                self.bin(), row.place, owner=self.house.owner_code, item=row.code, qty=self.draw.randint(1, row.qty + 2)
            )
            for row in rows
        )
        if not lines:
            return "nothing lies"
        key = self.key()
        done = self.work(lambda s: move_many(s, MoveList(key, self.house.site_id, lines, self.clock())))
        return ", ".join(sorted({one.code if isinstance(one, WmsError) else "moved" for one in done}))

    def count(self) -> str:
        place = self.bin()
        self.scan("count", place)
        lying = self.work(lambda s: leaving_queries.lying_at(s, self.house.places[place]))
        for content in lying:
            if content.sscc is None and self.draw.random() < 0.9:
                gtin = next(gtin for _, code, gtin in self.house.items if code == content.item_code)
                wrong = self.draw.choice([0, 0, 0, -1, 2])
                if content.qty + wrong > 0:
                    self.scan("count", f"QTY {content.qty + wrong}")
                    self.scan("count", gtin)
        answer = self.scan("count", "CONFIRM")
        return str(answer.code)

    def decide_count(self) -> str:
        def act(session: Session) -> str:
            row = session.scalars(
                select(CountDifference).where(CountDifference.state == "waiting").order_by(CountDifference.id).limit(1)
            ).first()
            if row is None:
                return "nothing waits"
            command = count_deciding.Decide(self.key(), row.id, row.qty, self.clock())
            (count_deciding.approve if self.draw.random() < 0.7 else count_deciding.reject)(session, command)
            return "decided"

        return str(self.work(act, boss=True))

    def plan_count(self) -> str:
        places = (self.house.places[self.bin()],)
        new = counting.NewCount(self.house.site_id, "location", places)
        self.work(lambda s: counting.plan(s, new, self.clock()))
        return "planned"

    def adjust(self) -> str:
        item_id, _, _ = self.item()
        qty = self.draw.choice([-3, -1, 1, 2])
        line = adjusting.AdjustLine(self.house.places[self.bin()], item_id, qty)
        command = adjusting.Adjust(
            f"P-{self.key()}",
            self.house.site_id,
            "BREAKAGE" if qty < 0 else "FOUND",
            (line,),
            self.clock(),
            self.clock(),
        )
        return str(self.work(lambda s: adjusting.adjust(s, command).state))

    def approve_adjustment(self) -> str:
        def act(session: Session) -> str:
            row = self.one(session, "SELECT adjustment_no FROM adjustment WHERE state = 'waiting' ORDER BY id")
            if row is None:
                return "nothing waits"
            return str(adjusting.approve(session, row.adjustment_no, self.clock()).state)

        return str(self.work(act, boss=True))

    def undo(self) -> str:
        def act(session: Session) -> str:
            row = self.one(
                session,
                "SELECT p.id FROM posting p WHERE p.kind IN ('move', 'put_away') AND p.reverses_id IS NULL"
                " ORDER BY p.id DESC OFFSET :n LIMIT 1", n=self.draw.randint(0, 20),
            )  # fmt: skip
            if row is None:
                return "nothing"
            undo_at_desk.undo(session, row.id, "wrong place", self.clock())
            return "undone"

        return str(self.work(act, boss=True))

    # -- units

    def build_unit(self) -> str:
        item_id, _, _ = self.item()
        place, deed = self.bin(), units.Deed(self.key(), self.clock(), self.name)
        qty = self.draw.randint(1, 10)

        def act(session: Session) -> str:
            made = units.make(session, self.house.owner_id, "carton", units.Deed(f"{deed.key}-m", deed.event_at))
            location = session.get_one(Location, self.house.places[place])
            repacking.pack(session, location, [Wanted(item_id, qty)], made.sscc, deed)
            return "packed"

        return str(self.work(act))

    def change_unit(self) -> str:
        """Split, merge, move or nest a carton that stands in a bin."""
        deed = units.Deed(self.key(), self.clock(), self.name)

        def act(session: Session) -> str:
            rows = session.execute(
                text(
                    "SELECT h.sscc, a.trade_item_id, b.qty FROM handling_unit h JOIN account a ON"
                    " a.handling_unit_id = h.id JOIN balance b ON b.account_id = a.id JOIN location p"
                    " ON p.id = a.location_id WHERE b.qty > 0 AND p.kind = 'bin' AND a.site_id = :site"
                    " AND h.kind = 'carton' ORDER BY h.id, a.id"
                ),
                {"site": self.house.site_id},
            ).all()
            if not rows:
                return "no unit"
            rows = self.draw.sample(rows, min(2, len(rows)))
            way = self.draw.choice(["split", "merge", "move", "nest", "out"])
            one, other = rows[0], rows[-1]
            if way == "split":
                wanted = [Wanted(one.trade_item_id, self.draw.randint(1, one.qty))]
                repacking.split(session, one.sscc, wanted, deed)
            elif way == "merge":
                repacking.merge(session, [one.sscc], other.sscc, deed)
            elif way == "move":
                units.move(session, one.sscc, session.get_one(Location, self.house.places[self.bin()]), deed)
            elif way == "nest":
                units.nest(session, one.sscc, other.sscc, deed)
            else:
                units.take_out(session, one.sscc, deed)
            return way

        return str(self.work(act))

    # -- out

    def order(self) -> str:
        number, drawn = f"SO-{self.key()}", self.draw.sample(self.house.items, self.draw.randint(1, 3))
        lines = tuple(OrderLineIn(code, self.draw.randint(1, 8)) for _, code, _ in drawn)
        command = PlaceOrder(
            order_no=number, site_id=self.house.site_id, owner_id=self.house.owner_id, lines=lines, carrier="SF",
            trade_mode="1210" if self.house.is_bonded else "0110",
        )  # fmt: skip

        def act(session: Session) -> int:
            order_id = place_order(session, command, self.clock())
            return allocate(session, f"alloc-{number}", [order_id], self.clock()).lines_met

        return f"{self.work(act)} of {len(lines)} lines met"

    def wave(self) -> str:
        method = self.draw.choice(["discrete", "batch"])

        def act(session: Session) -> str:
            made = waves.gather(session, self.house.site_id, method, WaveRule(max_orders=6))
            return f"{len(waves.release(session, made.wave_no, self.clock(), to_place='PACK-1').list_ids)} lists"

        return str(self.work(act))

    def pick(self) -> str:
        key = self.key()

        def act(session: Session) -> str:
            row = session.scalars(
                select(PickList)
                .where(PickList.site_id == self.house.site_id, PickList.state.in_(("open", "picking")))
                .order_by(PickList.id)
                .limit(1)
            ).first()
            if row is None:
                return "no list"
            lines = [line for line in pick_queries.list_lines(session, row.id) if line.state == "open"]
            if not lines:
                return "no line"
            if self.draw.random() < 0.15:
                shortage.report_short(session, key, [self.draw.choice(lines).id], self.clock())
                return "short"
            tote = self._tote(session)
            takes = [
                Take(line.id, self.draw.randint(1, line.qty - line.picked_qty), None if line.is_whole_unit else tote)
                for line in lines
            ]
            done = pick_many(session, key, takes, self.clock())
            return ", ".join(sorted({"picked" if isinstance(one, Picked) else one.code for one in done}))

        return str(self.work(act))

    def _tote(self, session: Session) -> int:
        number = session.execute(text("SELECT nextval('sscc_serial')")).scalar_one()
        digits = f"16901234{number:09d}"
        tote = HandlingUnit(sscc=digits + str(gs1_keys.check_digit(digits)), kind="crate", owner_id=self.house.owner_id)
        session.add(tote)
        session.flush()
        return tote.id

    def unpick(self) -> str:
        key = self.key()

        def act(session: Session) -> str:
            made = session.scalars(select(Pick.id).order_by(Pick.id.desc()).limit(1)).first()
            if made is None:
                return "nothing"
            unpicking.unpick(session, key, [made], self.clock())
            return "unpicked"

        return str(self.work(act))

    def pack(self) -> str:
        by, house = self.by(), self.house

        def act(session: Session) -> str:
            sql = "SELECT id FROM outbound_order WHERE site_id = :site AND state = 'picked' ORDER BY id LIMIT 20"
            found = self.one(session, sql, site=house.site_id)
            if found is None:
                return "nothing picked"
            rows = session.execute(PICKED, {"id": found.id}).all()
            new = packing.OpenParcel(house.places["PACK-1"], house.owner_id, "P5", found.id)
            parcel = packing.open_parcel(session, new, by)
            pieces = 0
            for n, row in enumerate(rows):
                put = packing.PutIn(parcel.id, row.handling_unit_id, row.trade_item_id, row.qty)
                packing.put_in(session, put, By(f"{by.key}-{n}", by.at, by.device))
                pieces += row.qty
            weight = 195 + 300 * pieces
            packing.close_parcel(session, parcel.id, By(f"{by.key}-c", by.at), weight_g=weight)
            return "packed"

        return str(self.work(act))

    def ship(self) -> str:
        """Load what is packed and send it off; out of a bonded house goods leave by the gate alone: refused."""
        by, house = self.by(), self.house

        def act(session: Session) -> str:
            parcels = session.scalars(
                select(Parcel)
                .where(Parcel.state == "closed", Parcel.site_id == house.site_id)
                .order_by(Parcel.id)
                .limit(5)
            ).all()
            if not parcels:
                return "nothing packed"
            load = loading.open_load(
                session,
                loading.NewLoad(house.site_id, f"湘F{self.draw.randint(10_000, 99_999)}", "DOCK-1", carrier="SF"),
            )
            for n, parcel in enumerate(parcels):
                sscc = packing_queries.sscc_of(session, parcel)
                loading.put_on(session, load.id, sscc, By(f"{by.key}-{n}", self.clock(), by.device))
            departing.close_load(session, load.id, By(f"{by.key}-c", self.clock()), seal_no="S1")
            gone = [
                (content.account.trade_item_id, content.qty)
                for content in leaving_queries.lying_at(session, session.get_one(VehicleLoad, load.id).location_id)
            ]
            self.tally.about(f"{by.key}-d", "out", gone)
            departing.depart(session, load.id, By(f"{by.key}-d", self.clock()))
            return "shipped"

        outcome = str(self.work(act))
        if outcome == "shipped":
            self.tally.now(f"{by.key}-d", "stands")
        return outcome

    def cancel(self) -> str:
        def act(session: Session) -> str:
            row = self.one(
                session,
                "SELECT order_no FROM outbound_order WHERE site_id = :site AND state NOT IN ('shipped', 'cancelled')"
                " ORDER BY id LIMIT 20", site=self.house.site_id,
            )  # fmt: skip
            if row is None:
                return "no order"
            cancel_order(session, row.order_no, "changed their mind", self.clock())
            return "cancelled"

        return str(self.work(act))

    # -- between houses

    def transfer(self) -> str:
        """Draw up and send goods to another house that is not bonded."""
        targets = [one for one in self.others if one.site_id != self.house.site_id and not one.is_bonded]
        if self.house.is_bonded or not targets:
            return "not from here"
        to, (_, code, _) = self.draw.choice(targets), self.item()
        day = self.clock().date()

        def act(session: Session) -> str:
            new = transfers.DrawUp(
                self.house.owner_id, self.house.site_id, to.site_id, "truck", day, day + timedelta(days=9),
                (WantedLine(code, self.draw.randint(1, 15)),), f"TR-{self.key()}",
            )  # fmt: skip
            made = transfers.draw_up(session, new, self.clock())
            transfers.load(session, made.transfer_no, {}, self.clock())
            transfers.depart(session, transfers.Depart(made.transfer_no, self.clock()))
            return "sent"

        return str(self.work(act))

    def arrive(self) -> str:
        """Take in a part of what is on its way here; some of it damaged."""

        def act(session: Session) -> str:
            found = session.scalars(
                select(Transfer)
                .where(Transfer.to_site_id == self.house.site_id, Transfer.state.in_(("in_transit", "arriving")))
                .order_by(Transfer.id)
                .limit(1)
            ).first()
            if found is None:
                return "nothing on its way"
            qty = self.draw.randint(1, 6)
            counted = transfer_arrivals.Counted(
                1, "DOCK-1", good_qty=qty, damaged_qty=1 if self.draw.random() < 0.2 else 0
            )
            transfer_arrivals.receive(session, transfer_arrivals.Receive(found.transfer_no, (counted,), self.clock()))
            return "arrived"

        return str(self.work(act))


DEEDS: dict[str, Callable[[Worker], str]] = {
    name: getattr(Worker, name)
    for name in (
        "receive_by_scan", "receive_list", "put_away", "move", "count", "decide_count", "plan_count", "adjust",
        "approve_adjustment", "undo", "build_unit", "change_unit", "order", "wave", "pick", "unpick", "pack", "ship",
        "cancel", "transfer", "arrive", "come_back", "breach",
    )
}  # fmt: skip
OFTEN = {"receive_by_scan": 4, "put_away": 5, "move": 3, "order": 4, "wave": 3, "pick": 6, "pack": 4, "ship": 2}


def weighted() -> list[str]:
    """The names of all deeds, those that are done often more than once."""
    return [name for name in DEEDS for _ in range(OFTEN.get(name, 1))]


IN_HOUSE = text(
    "SELECT a.trade_item_id, sum(e.qty) FILTER (WHERE a.kind IN ('location', 'in_transit'))::bigint AS here,"
    " sum(e.qty) FILTER (WHERE a.kind = 'supplier')::bigint AS supplied,"
    " sum(e.qty) FILTER (WHERE a.kind = 'customer')::bigint AS gone,"
    " sum(e.qty) FILTER (WHERE a.kind IN ('adjustment', 'discrepancy'))::bigint AS corrected,"
    " sum(e.qty) FILTER (WHERE k.side = 'physical')::bigint AS off"
    " FROM entry e JOIN account a ON a.id = e.account_id JOIN account_kind k ON k.kind = a.kind"
    " GROUP BY a.trade_item_id"
)


def unaccounted(session: Session, houses: tuple[House, ...], tally: Tally) -> list[str]:
    """Where ledger and tally differ, in words; empty when every unit is accounted for."""
    rows = {row.trade_item_id: row for row in session.execute(IN_HOUSE)}
    sums, wrong = tally.reckon(session)
    for item_id, code, _ in houses[0].items:
        row = rows.get(item_id)
        here, supplied, gone, corrected, off = (
            (row.here or 0, -(row.supplied or 0), row.gone or 0, -(row.corrected or 0), row.off) if row else (0,) * 5
        )
        came, left = sums["in", item_id], sums["out", item_id] - sums["back", item_id]
        if (supplied, gone, off) != (came, left, 0) or here != came - left + corrected:
            wrong.append(
                f"{code}: {came} came in and {left} left; the ledger has {supplied} in, {gone} out, {corrected}"
                f" corrected, {here} here, off by {off}"
            )
    return wrong
