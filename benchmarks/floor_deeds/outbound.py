"""Deeds that send goods out: orders, waves, picks, parcels and loads."""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from benchmarks.floor_deeds.person import Someone
from wms.codes import gs1_keys
from wms.floor import leaving_queries, packing_queries, pick_queries
from wms.floor.rules.orders import OrderLineIn
from wms.floor.rules.waves import WaveRule
from wms.floor.service import (
    closing_parcels,
    departing,
    loading,
    opening_loads,
    packing,
    shortage,
    unpicking,
    waves,
)
from wms.floor.service.acting import By
from wms.floor.service.allocating import allocate
from wms.floor.service.orders import PlaceOrder, cancel_order, place_order
from wms.floor.service.picking import Take, pick_many
from wms.floor.service.picking import Taken as Picked
from wms.floor.tables.loading import VehicleLoad
from wms.floor.tables.packing import Parcel
from wms.floor.tables.picking import Pick, PickList
from wms.stock.tables import HandlingUnit

PICKED = text(
    "SELECT l.handling_unit_id, l.trade_item_id, sum(l.picked_qty)::bigint AS qty FROM order_line ol"
    " JOIN pick_line l ON l.order_line_id = ol.id WHERE ol.order_id = :id AND l.picked_qty > 0"
    " GROUP BY 1, 2 ORDER BY 1, 2"
)


class Outbound(Someone):
    """Picks, packs and ships."""

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
            closing_parcels.close_parcel(session, parcel.id, By(f"{by.key}-c", by.at), weight_g=weight)
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
            load = opening_loads.open_load(
                session,
                opening_loads.NewLoad(house.site_id, f"湘F{self.draw.randint(10_000, 99_999)}", "DOCK-1", carrier="SF"),
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
