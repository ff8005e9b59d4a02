"""Deeds between houses: goods are sent off and arrive in part, some of them damaged."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.floor_deeds.person import Someone
from wms.freight.rules.transfers import WantedLine
from wms.freight.service import transfer_arrivals, transfers
from wms.freight.tables.transfers import Transfer


class Between(Someone):
    """Sends and takes in transfers."""

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
