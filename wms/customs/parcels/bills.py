"""Customs' tax bills (CEB816, CEB818), held against what we worked out, and their consolidation by surety and month."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.customs.parcels.receiving import find
from wms.customs.tables.parcel_flows import TaxBill
from wms.customs.tables.parcels import ParcelDeclaration, ParcelLine
from wms.errors import N_, NotFound
from wms.parties import dated
from wms.record.service import append_leaf

TOLERANCE = "parcel.tax_tolerance"
RULE = N_("customs' tax of the line is ours, within the tolerance")
VOID = "3"
TAXES = ("duty", "consumption_tax", "vat")


@dataclass(frozen=True)
class BillLine:
    """A line of a bill; amounts in yuan with up to five decimals."""

    line_no: int
    duty: Decimal
    consumption_tax: Decimal
    vat: Decimal


@dataclass(frozen=True)
class Bill:
    """A tax bill as customs sends it."""

    tax_no: str
    invt_no: str
    status: str
    returned_at: datetime
    lines: tuple[BillLine, ...]
    duty_no: str | None = None
    assure_code: str | None = None


def take_bill(session: Session, bill: Bill) -> TaxBill:
    """Take a tax bill; the same one again, or an older one of its number, changes nothing. Raises NotFound."""
    declaration_id = find(session, invt_no=bill.invt_no)
    sums = [sum((getattr(line, name) for line in bill.lines), Decimal(0)) for name in TAXES]
    values = {
        "declaration_id": declaration_id, "tax_no": bill.tax_no, "duty": sums[0], "consumption_tax": sums[1],
        "vat": sums[2], "status": bill.status, "duty_no": bill.duty_no, "assure_code": bill.assure_code,
        "differences": _differences(session, declaration_id, bill), "returned_at": bill.returned_at,
    }  # fmt: skip
    adding = insert(TaxBill).values(values)
    newer = {name: adding.excluded[name] for name in values if name not in ("tax_no", "declaration_id")}
    session.execute(
        adding.on_conflict_do_update(
            index_elements=["tenant_id", "tax_no"], set_=newer, where=TaxBill.returned_at < adding.excluded.returned_at
        )
    )
    body = {"tax_no": bill.tax_no, "invt_no": bill.invt_no, "status": bill.status, "at": bill.returned_at}
    append_leaf(session, "tax_bill", body, declaration_id)
    return _bill(session, bill.tax_no)


def change_status(session: Session, tax_no: str, status: str, duty_no: str | None, at: datetime) -> TaxBill:
    """Take the status of a bill (CEB818): summarised into ``duty_no``, or void. Raises NotFound."""
    row = _bill(session, tax_no)
    if at > row.returned_at:
        row.status, row.duty_no, row.returned_at = status, duty_no or row.duty_no, at
        session.flush()
        append_leaf(session, "tax_bill_status", {"tax_no": tax_no, "status": status, "at": at}, row.declaration_id)
    return row


def _bill(session: Session, tax_no: str) -> TaxBill:
    query = select(TaxBill).where(TaxBill.tax_no == tax_no).execution_options(populate_existing=True)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(field="tax_no", what=tax_no)
    return found


def _differences(session: Session, declaration_id: int, bill: Bill) -> list[dict[str, Any]]:
    """Lines whose tax is not ours: field, both values, rule."""
    allowed = Decimal(dated.value(session, TOLERANCE, bill.returned_at.date()))
    ours = {
        line.line_no: line
        for line in session.scalars(select(ParcelLine).where(ParcelLine.declaration_id == declaration_id))
    }
    found = []
    for line in bill.lines:
        for name in TAXES:
            mine = getattr(ours[line.line_no], name) if line.line_no in ours else Decimal(0)
            if abs(mine - getattr(line, name)) > allowed:
                found.append({"line_no": line.line_no, "field": name, "ours": f"{mine:f}",
                              "customs": f"{getattr(line, name):f}", "rule": RULE})  # fmt: skip
    return found


@dataclass(frozen=True)
class Consolidated:
    """The bills of one surety in a month: how many, how much, and how many are not what we worked out."""

    assure_code: str | None
    bill_count: int
    duty: Decimal
    consumption_tax: Decimal
    vat: Decimal
    differing_count: int


def consolidate(session: Session, since: datetime, until: datetime) -> Sequence[Consolidated]:
    """Return the consolidated tax bill (汇总征税) of a period by surety; void bills do not count."""
    has_difference = func.jsonb_array_length(TaxBill.differences) > 0
    rows = session.execute(
        select(
            TaxBill.assure_code, func.count(), func.sum(TaxBill.duty), func.sum(TaxBill.consumption_tax),
            func.sum(TaxBill.vat), func.count().filter(has_difference),
        )
        .join(ParcelDeclaration, ParcelDeclaration.id == TaxBill.declaration_id)
        .where(TaxBill.returned_at >= since, TaxBill.returned_at < until, TaxBill.status != VOID)
        .group_by(TaxBill.assure_code)
        .order_by(TaxBill.assure_code)
    )  # fmt: skip
    return [Consolidated(*row) for row in rows]


def line_of(given: Mapping[str, Any]) -> BillLine:
    """Read a line as it stands in a message or a body."""
    return BillLine(int(given["line_no"]), *(Decimal(given[name]) for name in TAXES))
