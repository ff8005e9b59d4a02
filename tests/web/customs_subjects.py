"""What the tests of the URL map need of customs: a document of each kind that belongs to a company."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.build import (
    make_book_line,
    make_item,
    make_site,
    now,
    number,
)
from tests.wms.customs.parcels.world import drawn_up, sale
from wms.customs import filing_rules, filings, slips, verification_lists, writing_off
from wms.customs.messages import post_office
from wms.customs.tables import (
    AccountBook,
    BookDifference,
    CustomsTransit,
    GatePass,
    ImportPermit,
    MeatBatch,
    VerificationList,
)
from wms.customs.tables.notices import ParcelNotice
from wms.customs.tables.parcels import ParcelDeclaration, ParcelRequest, RetailOrder
from wms.parties.tables import Company
from wms.stock.tables import BookLine

Values = dict[str, object]
Builder = Callable[[Session, Company], Values]


def customs_message(session: Session, _owner: Company) -> Values:
    return {"message_id": post_office.send(session, "CEB621", f"COP-{number()}", b"<x/>")}


def verification_list(session: Session, owner: Company) -> Values:
    line = make_book_line(session, make_item(session, owner), f"T4902W{number():06d}")
    book = AccountBook(
        book_no=line.book_no, company_id=owner.id, site_id=make_site(session).id, valid_from_on=date(2026, 1, 1)
    )
    session.add(book)
    session.flush()
    goods = (verification_lists.ListLine(line.id, Decimal(1), "011", 1),)
    internal_no = f"INV-{number()}"
    command = verification_lists.DrawUpList(internal_no, book.book_no, owner.id, "I", "1210", goods)
    verification_lists.draw_up(session, command)
    return {"number": internal_no}


def account_book(session: Session, owner: Company) -> Values:
    number_of = verification_list(session, owner)["number"]
    found = session.scalars(
        select(AccountBook).join(VerificationList).where(VerificationList.internal_no == number_of)
    ).one()
    return {"book_no": found.book_no}


def account_book_line(session: Session, owner: Company) -> Values:
    book_no = account_book(session, owner)["book_no"]
    line = session.scalars(select(BookLine).where(BookLine.book_no == book_no)).one()
    return {"book_no": book_no, "line_no": line.line_no}


def book_difference(session: Session, owner: Company) -> Values:
    line = make_book_line(session, make_item(session, owner), f"T4902W{number():06d}")
    made = BookDifference(book_line_id=line.id, qty=1, role="declarant", due_on=date(2026, 1, 1), found_at=now())
    session.add(made)
    session.flush()
    return {"difference_id": made.id}


def write_off(session: Session, owner: Company) -> Values:
    book_no = account_book(session, owner)["book_no"]
    made = writing_off.draw_up(session, str(book_no), date(2026, 1, 1), date(2026, 1, 31), now())
    return {"number": made.write_off_no}


def business_filing(session: Session, owner: Company) -> Values:
    values = account_book_line(session, owner)
    line = session.scalars(select(BookLine).where(BookLine.book_no == values["book_no"])).one()
    new = filing_rules.NewFiling(
        f"F{number()}", line.book_no, owner.id, "D", "E", date(2026, 1, 1), date(2999, 1, 1),
        (filing_rules.FilingLine(line.id, 10),),
    )  # fmt: skip
    filed = filings.file_filing(session, new)
    filings.approve(session, filed.internal_no, f"SB{number()}", now())
    return {"number": filed.internal_no}


def movement_slip(session: Session, owner: Company) -> Values:
    filing_no = str(business_filing(session, owner)["number"])
    new = filing_rules.NewSlip(f"S{number()}", filing_no, "E", (filing_rules.SlipLine(1, 1),))
    return {"number": slips.draw(session, new, now()).internal_no}


def meat_batch(session: Session, owner: Company) -> Values:
    list_no = verification_list(session, owner)["number"]
    listed = session.scalars(select(VerificationList).where(VerificationList.internal_no == list_no)).one()
    item = session.scalars(select(BookLine.trade_item_id).join(AccountBook, AccountBook.book_no == BookLine.book_no)
                           .where(AccountBook.id == listed.account_book_id)).one()  # fmt: skip
    permit = ImportPermit(
        permit_no=f"AQ{number()}", owner_id=owner.id, trade_item_id=item, country="601", quota_g=10, used_g=1,
        valid_from_on=date(2026, 1, 1), valid_until_on=date(2999, 1, 1),
    )  # fmt: skip
    session.add(permit)
    session.flush()
    made = MeatBatch(
        batch_no=f"MB{number()}", owner_id=owner.id, verification_list_id=listed.id, trade_item_id=item,
        permit_id=permit.id, plant_no="AU-1", health_certificate_no="HC", health_certificate_on=date(2026, 1, 1),
        weight_g=1,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return {"number": made.batch_no}


def customs_transit(session: Session, owner: Company) -> Values:
    list_no = verification_list(session, owner)["number"]
    list_id = session.scalars(select(VerificationList.id).where(VerificationList.internal_no == list_no)).one()
    made = CustomsTransit(
        internal_no=f"ZG{number()}", owner_id=owner.id, verification_list_id=list_id, office_from="4902",
        office_to="3105", vehicle_plate="湘F12345", seal_no="S1", due_at=now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return {"number": made.internal_no}


def gate_pass(session: Session, owner: Company) -> Values:
    made = GatePass(
        internal_no=f"HF{number()}", owner_id=owner.id, site_id=make_site(session).id, direction="I", pass_type="6",
        bind_type="2", state="applied", vehicle_plate="湘F12345", vehicle_weight_g=1, total_weight_g=1,
        valid_from_at=now(), valid_until_at=now() + timedelta(days=1),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return {"number": made.internal_no}


def parcel_declaration(session: Session, owner: Company) -> Values:
    return {"number": _declared_parcel(session, owner).cop_no}


def retail_order(session: Session, owner: Company) -> Values:
    return {"order_id": _declared_parcel(session, owner).order_id}


def parcel_return(session: Session, owner: Company) -> Values:
    made = ParcelRequest(
        declaration_id=_declared_parcel(session, owner).id, kind="return", reason="test", applied_at=now()
    )
    session.add(made)
    session.flush()
    return {"request_id": made.id}


def parcel_notice(session: Session, owner: Company) -> Values:
    made = ParcelNotice(kind="arrival", number=f"PA{number()}", carrier_code="C", head={}, told_at=now())
    session.add(made)
    session.flush()
    return {"notice_id": made.id}


def _declared_parcel(session: Session, owner: Company) -> ParcelDeclaration:
    one = sale()
    row = session.get_one(ParcelDeclaration, drawn_up(session, one))
    session.get_one(RetailOrder, row.order_id).owner_id = row.owner_id = owner.id
    session.flush()
    return row


CUSTOMS: dict[str, Builder] = {
    "customs_message": customs_message,
    "verification_list": verification_list,
    "account_book": account_book,
    "account_book_line": account_book_line,
    "book_difference": book_difference,
    "write_off": write_off,
    "business_filing": business_filing,
    "movement_slip": movement_slip,
    "gate_pass": gate_pass,
    "meat_batch": meat_batch,
    "customs_transit": customs_transit,
    "parcel_declaration": parcel_declaration,
    "parcel_return": parcel_return,
    "retail_order": retail_order,
    "parcel_notice": parcel_notice,
}
