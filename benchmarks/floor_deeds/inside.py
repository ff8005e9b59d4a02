"""Deeds inside a house: moves, counts, corrections, undoing, and handling units built and taken apart."""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from benchmarks.floor_deeds.person import Someone
from wms.errors import WmsError
from wms.floor import leaving_queries
from wms.floor.rules.repacking import Wanted
from wms.floor.service import (
    adjusting,
    count_deciding,
    counting,
    repacking,
    undo_at_desk,
    units,
)
from wms.floor.service.moving import MoveLine, MoveList, move_many
from wms.floor.tables.counts import CountDifference
from wms.parties.tables import Location


class Inside(Someone):
    """Moves, counts and re-packs."""

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
