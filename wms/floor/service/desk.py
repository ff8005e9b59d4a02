"""What every step of a scan shares: the session, what the device is in the middle of, and when the scan happened."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes.gs1 import Label, read
from wms.floor.tables import ScanContext
from wms.parties import dated
from wms.stock import months
from wms.stock.months import LEGAL_TIME
from wms.stock.tables import Balance, Entry, HandlingUnit, Lot

# How many days old a scan may be is dated data (``scan.oldest_days``, at least 1): younger ones need no look at it.
ALWAYS_BELIEVED = timedelta(days=1)


@dataclass
class Desk:
    """One scan at work. ``posting_id`` is set by the step that posts."""

    session: Session
    context: ScanContext
    scan_id: int
    key: str
    device: str
    event_at: datetime
    posting_id: int | None = None

    def today(self, time_zone: str) -> date:
        """The day of the scan at a site."""
        return self.event_at.astimezone(ZoneInfo(time_zone)).date()

    def keep(self, needs: str, label: Label, **more: Any) -> None:
        """Remember goods in hand until the clerk says what is missing (a dock, a place, a reason, a confirmation)."""
        self.context.pending = {
            "needs": needs,
            "raw": label.text,
            "symbology": label.symbology,
            "qty": self.context.next_qty,
            "is_damaged": self.context.is_damaged,
            **more,
        }
        self.context.next_qty = None
        self.context.is_damaged = False

    def take_pending(self) -> dict[str, Any]:
        """Return what was remembered and forget it; its quantity and damage count for the step that follows."""
        pending = dict(self.context.pending or {})
        self.context.pending = None
        self.context.next_qty = pending.get("qty")
        self.context.is_damaged = bool(pending.get("is_damaged"))
        return pending

    def last_event_of(self, posting_id: int) -> datetime:
        """Return the latest event of the accounts that a posting filled.

        Clocks of two handhelds differ by seconds: what one takes away must not count as earlier than what the other
        brought.
        """
        found = self.session.scalar(
            select(func.max(Balance.last_event_at))
            .join(Entry, Entry.account_id == Balance.account_id)
            .where(Entry.posting_id == posting_id, Entry.qty > 0)
        )
        return found or self.event_at

    def clear_next(self) -> None:
        """Forget what applied to one scan only."""
        self.context.next_qty = None
        self.context.is_damaged = False


def pending_label(pending: dict[str, Any]) -> Label:
    """Return the label that was remembered."""
    return read(pending["raw"], pending["symbology"])


CONTEXT = select(ScanContext).where(
    ScanContext.tenant_id == func.app_tenant(),
    ScanContext.device == bindparam("device"),
    ScanContext.job == bindparam("job"),
)


def context_of(session: Session, device: str, job: str) -> ScanContext:
    """Return the context of a device in a job, which the opening of its scan made and locked."""
    known = {"device": device, "job": job}
    return session.execute(CONTEXT, known, execution_options={"populate_existing": True}).scalar_one()


def oldest_scan(session: Session, on: date) -> timedelta:
    """Return how old a scan may be on a day and still be believed about its time."""
    return timedelta(days=int(dated.value(session, "scan.oldest_days", on)))


def event_time(session: Session, occurred_at: datetime, received_at: datetime) -> datetime:
    """Return when the scan counts as happened: the device's time, unless its clock is ahead or far behind.

    A handheld that was offline over a long weekend still tells the truth; one whose clock is off by more does not.
    What was scanned in a month that was closed before it arrived counts at its arrival: the goods did move.
    """
    age = received_at - occurred_at
    if age < timedelta(0) or (age > ALWAYS_BELIEVED and age > oldest_scan(session, received_at.date())):
        return received_at
    is_another_month = occurred_at.astimezone(LEGAL_TIME).month != received_at.astimezone(LEGAL_TIME).month
    return received_at if is_another_month and months.is_closed(session, occurred_at) else occurred_at


def lot_id(
    session: Session, trade_item_id: int, lot_no: str | None, expires_on: date | None, produced_on: date | None
) -> int | None:
    """Return the id of a lot, filed on first sight; a day that was unknown is filled in, a known one never changed."""
    if lot_no is None:
        return None
    session.execute(
        insert(Lot)
        .values(trade_item_id=trade_item_id, lot_no=lot_no, expires_on=expires_on, produced_on=produced_on)
        .on_conflict_do_nothing()
    )
    lot = session.execute(select(Lot).where(Lot.trade_item_id == trade_item_id, Lot.lot_no == lot_no)).scalar_one()
    lot.expires_on = lot.expires_on or expires_on
    lot.produced_on = lot.produced_on or produced_on
    return lot.id


def known_expiry(session: Session, trade_item_id: int, lot_no: str | None) -> date | None:
    """Return the expiry day that is on file for a lot."""
    if lot_no is None:
        return None
    return session.scalar(select(Lot.expires_on).where(Lot.trade_item_id == trade_item_id, Lot.lot_no == lot_no))


def handling_unit(session: Session, sscc: str, owner_id: int) -> HandlingUnit:
    """Return the pallet with that label, filed on first sight."""
    session.execute(insert(HandlingUnit).values(sscc=sscc, kind="pallet", owner_id=owner_id).on_conflict_do_nothing())
    return session.execute(select(HandlingUnit).where(HandlingUnit.sscc == sscc)).scalar_one()
