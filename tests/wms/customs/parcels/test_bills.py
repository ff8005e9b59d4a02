"""Customs' tax bills held against our own tax, to the cent, and consolidated by surety and month."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import AT, EBC, sale
from wms.customs.parcels import bills
from wms.customs.parcels.bills import Bill, BillLine


def bill_of(session: Session, vat: str = "25.39", **fields: object) -> Bill:
    """A bill for a parcel of milk powder that customs let go."""
    made = world.row(session, world.released(session, sale()))
    line = BillLine(1, Decimal(0), Decimal(0), Decimal(vat))
    given = Bill(f"T-{made.id}", made.invt_no or "", "1", AT + timedelta(days=1), (line,), assure_code=EBC)
    return replace(given, **fields)  # type: ignore[arg-type]


def test_a_bill_that_is_ours_within_a_cent_has_no_difference(session: Session) -> None:
    assert bills.take_bill(session, bill_of(session)).differences == []
    assert bills.take_bill(session, bill_of(session, "25.40000")).differences == []


def test_a_bill_that_differs_names_line_field_and_both_values(session: Session) -> None:
    found = bills.take_bill(session, bill_of(session, "25.41"))
    assert [(one["line_no"], one["field"], one["ours"], one["customs"]) for one in found.differences] == [
        (1, "vat", "25.39000", "25.41")
    ]


def test_an_older_bill_under_the_number_changes_nothing(session: Session) -> None:
    newer = bill_of(session)
    bills.take_bill(session, newer)
    older = replace(newer, returned_at=AT, lines=(BillLine(1, Decimal(0), Decimal(0), Decimal(99)),))
    assert bills.take_bill(session, older).vat == Decimal("25.39")


def test_the_status_of_a_bill_moves_with_newer_messages_only(session: Session) -> None:
    given = bill_of(session)
    bills.take_bill(session, given)
    later = given.returned_at + timedelta(days=1)
    assert bills.change_status(session, given.tax_no, "2", "D-1", later).status == "2"
    assert bills.change_status(session, given.tax_no, "1", None, AT).status == "2"


def test_bills_are_consolidated_by_surety_without_void_ones(session: Session) -> None:
    one, other, void = (bill_of(session) for _ in range(3))
    for given in (one, replace(other, assure_code="4306960001"), void):
        bills.take_bill(session, given)
    bills.change_status(session, void.tax_no, "3", None, AT + timedelta(days=2))
    found = bills.consolidate(session, AT, AT + timedelta(days=30))
    assert [(row.assure_code, row.bill_count, row.vat) for row in found] == [
        ("4306960001", 1, Decimal("25.39")), (EBC, 1, Decimal("25.39"))
    ]  # fmt: skip
