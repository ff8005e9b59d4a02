"""Deeds that bring goods in: received by scan or list, come back, put away; and a chilled zone that gets too warm."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.floor_deeds.person import Someone
from wms.floor.rules.notices import LineIn
from wms.floor.service import (
    returning,
)
from wms.floor.service.notices import Announce, announce
from wms.floor.service.receiving_lists import ReceiveList, receive_list
from wms.stock.ledger import AccountKey, Posting, moved, post
from wms.watch.service import cold_evaluating, temperatures
from wms.watch.tables.temperatures import TemperaturePlace

COLD_BINS = ("B-11", "B-12")


class Inbound(Someone):
    """Receives and puts away."""

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
