"""Bonded display and sale (保税展示交易): goods on display are sold only after their declaration is released."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wms.customs import filing_rules, slips
from wms.customs.tables import BusinessFiling, DisplaySale, MovementSlipLine, VerificationList
from wms.errors import N_, Kind, WmsError
from wms.record.service import append_leaf

RELEASED = ("pre_deducted", "booked", "written_off")


class SoldBeforeDeclared(WmsError):
    """Goods on display belong to customs until the list that declares them is released."""

    code = "sold_before_declared"
    text = N_("Goods of slip %(number)s are on display: they are sold when the list that declares them is released.")


class MoreThanDisplayed(WmsError):
    code = "more_than_displayed"
    text = N_("Of slip line %(line_no)s, %(left)s are declared and not sold yet, not %(wanted)s.")


class SaleWithoutReceipt(WmsError):
    code = "sale_without_receipt"
    kind = Kind.INVALID
    text = N_("A sale from the display names its receipt.")


@dataclass(frozen=True)
class Sale:
    """Goods of a slip line that a buyer takes; ``document`` is the receipt of the sale."""

    slip_no: str
    line_no: int
    qty: int
    document: str


def sell(session: Session, sale: Sale, person_id: int | None, at: datetime) -> DisplaySale:
    """Note that displayed goods were sold.

    Raises UnknownSlip, FilingNotForThis, SaleWithoutReceipt, SoldBeforeDeclared, MoreThanDisplayed.
    """
    slip = slips.locked(session, sale.slip_no)
    found = next((pair for pair in slips.parts(session, slip.id) if pair[0].line_no == sale.line_no), None)
    if found is None or slip.direction != "E":
        raise filing_rules.UnknownSlip(number=f"{sale.slip_no} / {sale.line_no}")
    if session.get_one(BusinessFiling, slip.business_filing_id).kind != filing_rules.DISPLAY:
        raise filing_rules.FilingNotForThis(number=sale.slip_no, rule=N_("it is not for bonded display and sale"))
    if not sale.document.strip():
        raise SaleWithoutReceipt(field="document")
    listed = session.get(VerificationList, slip.collected_by_id) if slip.collected_by_id else None
    if listed is None or listed.entry_released_at is None or listed.state not in RELEASED:
        raise SoldBeforeDeclared(number=slip.slip_no or slip.internal_no)
    line = found[0]
    left = line.passed_qty - line.returned_qty - _sold(session, line)
    if sale.qty > left:
        raise MoreThanDisplayed(field="qty", line_no=line.line_no, left=left, wanted=sale.qty)
    made = DisplaySale(
        owner_id=slip.owner_id, movement_slip_line_id=line.id, qty=sale.qty, document=sale.document.strip(),
        sold_at=at, person_id=person_id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    append_leaf(session, "display_sale", {"slip": slip.slip_no, "line": line.line_no, "qty": sale.qty}, made.id)
    return made


def _sold(session: Session, line: MovementSlipLine) -> int:
    found = session.scalar(select(func.sum(DisplaySale.qty)).where(DisplaySale.movement_slip_line_id == line.id))
    return int(found or 0)
