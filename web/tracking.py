"""One number in, what it names and where that is out: a consignment, a handling unit or a gate pass."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from wms.codes import gs1_keys
from wms.customs.pass_queries import PassRow, find_pass
from wms.freight import queries as freight
from wms.stock.lookups import UnitRow, find_unit
from wms.stock.queries import OnHand, Stock, on_hand

PHYSICAL = ("location", "in_transit", "in_process", "declared_not_left")


@dataclass(frozen=True)
class Tracked:
    """What a number names; exactly one of unit, consignment and gate pass is there."""

    number: str
    unit: UnitRow | None = None
    contents: tuple[OnHand, ...] = ()
    consignment: freight.ConsignmentRow | None = None
    booking: freight.BookingRow | None = None
    milestones: tuple[freight.MilestoneRow, ...] = ()
    gate_pass: PassRow | None = None


def tidy(given: str) -> str:
    """Return the number as the books hold it: capitals, no spaces, an SSCC without its application identifier."""
    number = "".join(given.split()).upper().replace("(00)", "00")
    if len(number) == 20 and number.startswith("00") and gs1_keys.is_sscc(number[2:]):
        return number[2:]
    return number


def track(session: Session, given: str) -> Tracked | None:
    """Find what ``given`` names among what the caller may see; None when there is nothing."""
    number = tidy(given)
    if not number:
        return None
    if unit := find_unit(session, number):
        contents = on_hand(session, Stock(handling_unit_id=unit.id, kinds=PHYSICAL))
        return Tracked(number, unit=unit, contents=tuple(contents))
    if consignment := freight.consignment(session, number):
        return Tracked(
            number,
            consignment=consignment,
            booking=freight.booking(session, number),
            milestones=tuple(freight.milestones(session, number)),
        )
    if gate_pass := find_pass(session, number):
        return Tracked(number, gate_pass=gate_pass)
    return None
