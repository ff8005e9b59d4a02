"""Released exports: summed up for one declaration, exempted without invoice, assessed, refunded on departure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.customs.clock import BEIJING
from wms.customs.parcels.declaring import locked
from wms.customs.parcels.rules import exports as rules
from wms.customs.parcels.rules import states
from wms.customs.parcels.rules.exports import ExemptionFacts, Levy
from wms.customs.tables.parcel_flows import ExportExemption, ExportSummary, ExportSummaryParcel, OverseasBooking
from wms.customs.tables.parcels import ParcelDeclaration, ParcelLine, RetailOrder
from wms.errors import N_, NotFound, WmsError
from wms.parties import dated
from wms.record.service import append_leaf

LEVY, REFUND, CANCELLED = "parcel.assessed_levy", "parcel.overseas_refund", "parcel.exemption_cancelled"
RELEASED = ("released", "cleared")


class NothingToSum(WmsError):
    code = "nothing_to_sum"
    text = N_("No released export with summary declaration was found for %(ebc_code)s in that time.")


def sum_up(
    session: Session, ebc_code: str, since: datetime, until: datetime, at: datetime, *, by_item_name: bool = False,
    customs_code: str = "", agent_code: str = "",
) -> ExportSummary:  # fmt: skip
    """Apply for one declaration of all exports of an enterprise that were released in a time (CEB701).

    ``customs_code`` and ``agent_code`` choose those of one office and one agent.

    Only those with summary declaration (statisticsFlag B) that stand in no other summary. Raises NothingToSum.
    """
    rows = session.execute(
        select(ParcelDeclaration.id, ParcelDeclaration.owner_id)
        .join(RetailOrder, RetailOrder.id == ParcelDeclaration.order_id)
        .where(
            ParcelDeclaration.direction == "E", ParcelDeclaration.state.in_(RELEASED),
            ParcelDeclaration.released_at >= since, ParcelDeclaration.released_at < until,
            RetailOrder.ebc_code == ebc_code, ParcelDeclaration.head["statistics_flag"].astext == "B",
            ParcelDeclaration.id.not_in(select(ExportSummaryParcel.declaration_id)),
            *(
                ParcelDeclaration.head[name].astext == value
                for name, value in (("customs_code", customs_code), ("agent_code", agent_code)) if value
            ),
        )
        .order_by(ParcelDeclaration.id)
        .with_for_update(of=ParcelDeclaration, key_share=True)
    ).all()  # fmt: skip
    if not rows:
        raise NothingToSum(ebc_code=ebc_code)
    made = ExportSummary(
        ebc_code=ebc_code, owner_id=rows[0].owner_id, summary_flag="1", item_name_flag="1" if by_item_name else "0",
        applied_at=at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    made.cop_no = document_no("PS", made.id)
    session.execute(insert(ExportSummaryParcel), [{"summary_id": made.id, "declaration_id": row.id} for row in rows])
    session.flush()
    append_leaf(session, "export_summed", {"summary_id": made.id, "parcels": len(rows), "at": at}, made.id)
    session.refresh(made)
    return made


def take_summary_result(
    session: Session, cop_no: str, *, sum_no: str, entry_no: str | None, at: datetime
) -> ExportSummary:
    """Take the result of a summary (CEB702, CEB792): its number, and the declaration made of it. Raises NotFound."""
    row = session.scalars(select(ExportSummary).where(ExportSummary.cop_no == cop_no).with_for_update()).one_or_none()
    if row is None:
        raise NotFound(field="cop_no", what=cop_no)
    row.sum_no = sum_no
    if entry_no:
        row.entry_no, row.state, row.declared_at = entry_no, "declared", row.declared_at or at
    elif row.state == "applied":
        row.state = "accepted"
    session.flush()
    append_leaf(session, "export_summary_result", {"sum_no": sum_no, "entry_no": entry_no, "at": at}, row.id)
    return row


def summed_lines(session: Session, summary_id: int) -> list[dict[str, Any]]:
    """Goods of a summary by goods code and unit: how many parcels, quantity and value."""
    rows = session.execute(
        select(
            ParcelLine.gcode, ParcelLine.unit, func.count(func.distinct(ParcelLine.declaration_id)).label("parcels"),
            func.sum(ParcelLine.qty).label("qty"), func.sum(ParcelLine.total_price).label("value"),
        )
        .join(ExportSummaryParcel, ExportSummaryParcel.declaration_id == ParcelLine.declaration_id)
        .where(ExportSummaryParcel.summary_id == summary_id)
        .group_by(ParcelLine.gcode, ParcelLine.unit)
        .order_by(ParcelLine.gcode, ParcelLine.unit)
    )  # fmt: skip
    return [dict(row._mapping) for row in rows]


def exempt(
    session: Session, declaration_id: int, registered: Sequence[Mapping[str, Any]], at: datetime, *, is_registered: bool
) -> ExportExemption:
    """Decide whether an export without invoice is exempt (无票免税), and keep why. Raises NotExported.

    ``registered`` are the six fields of each line as the zone's platform holds them.
    """
    row = _exported(session, declaration_id)
    day = at.astimezone(BEIJING).date()
    codes = session.scalars(select(ParcelLine.gcode).where(ParcelLine.declaration_id == row.id)).all()
    cancelled: Sequence[str] = dated.value(session, CANCELLED, day)
    lost = tuple(code for code in codes if any(code.startswith(begin) for begin in cancelled))
    facts = ExemptionFacts(is_registered, row.trade_mode in ("9610", "1210"), lost, tuple(registered))
    conditions = rules.exemption(facts)
    made = session.scalars(
        select(ExportExemption).where(ExportExemption.declaration_id == row.id).with_for_update()
    ).one_or_none() or ExportExemption(declaration_id=row.id)
    made.is_exempt = all(one.is_met for one in conditions)
    made.conditions = [asdict(one) for one in conditions]
    made.registered, made.decided_at = [dict(one) for one in registered], at
    session.add(made)
    session.flush()
    body = {"declaration_id": row.id, "is_exempt": made.is_exempt, "met": [one.is_met for one in conditions], "at": at}
    append_leaf(session, "export_exemption", body, row.id)
    return made


def levy_statement(session: Session, ebc_code: str, since: date, until: date, *, is_small: bool) -> Levy:
    """Return the assessed levy (核定征收) of an exporter's exempt exports of a period: until is the first day after."""
    begin, end = (datetime.combine(day, datetime.min.time(), BEIJING) for day in (since, until))
    revenue = session.scalar(
        select(func.coalesce(func.sum(RetailOrder.goods_value), 0))
        .join(ParcelDeclaration, ParcelDeclaration.order_id == RetailOrder.id)
        .join(ExportExemption, ExportExemption.declaration_id == ParcelDeclaration.id)
        .where(
            RetailOrder.ebc_code == ebc_code, ExportExemption.is_exempt, ParcelDeclaration.released_at >= begin,
            ParcelDeclaration.released_at < end,
        )
    )  # fmt: skip
    last = until - timedelta(days=1)
    return rules.assess(Decimal(revenue or 0), rules.levy_terms(dated.value(session, LEVY, last)), is_small=is_small)


def book_departure(
    session: Session, declaration_id: int, rate: Decimal, sold: Decimal, at: datetime
) -> OverseasBooking:
    """File the refund of goods that left for an overseas warehouse (9810). ``sold``: their value sold by then.

    Raises NotExported, NotOverseasWarehouse, SoldTooMuch.
    """
    row = _exported(session, declaration_id)
    if row.trade_mode != "9810":
        raise rules.NotOverseasWarehouse(number=row.cop_no, mode=row.trade_mode)
    value = session.get_one(RetailOrder, row.order_id).goods_value
    _check_sold(row, sold, value)
    day = at.astimezone(BEIJING).date()
    found = rules.refund(value, sold, rate, day, dated.value(session, REFUND, day))
    made = OverseasBooking(
        declaration_id=row.id, business_code=found.business_code, departed_at=at, value=value, sold_value=sold,
        rate=rate, refunded=found.amount, settle_by_on=found.settle_by_on,
        state="pre_refunded" if found.business_code else "settled", settled_at=None if found.business_code else at,
        due=None if found.business_code else Decimal(0),
    )  # fmt: skip
    session.add(made)
    session.flush()
    body = {"declaration_id": row.id, "code": found.business_code, "amount": found.amount, "at": at}
    append_leaf(session, "overseas_refund", body, row.id)
    return made


def settle_booking(session: Session, declaration_id: int, sold: Decimal, at: datetime) -> OverseasBooking:
    """Settle a refund once it is known what was sold: more is refunded, or what was too much is due back.

    Raises NotFound, SettledAlready, SoldTooMuch.
    """
    row = locked(session, [declaration_id])[0]
    query = select(OverseasBooking).where(OverseasBooking.declaration_id == row.id).with_for_update()
    made = session.scalars(query).one_or_none()
    if made is None:
        raise NotFound(field="number", what=row.cop_no)
    if made.state == "settled":
        raise rules.SettledAlready(number=row.cop_no)
    _check_sold(row, sold, made.value)
    made.sold_value, made.state, made.settled_at = sold, "settled", at
    made.due = rules.settle(sold, made.rate, made.refunded)
    session.flush()
    append_leaf(session, "overseas_settled", {"declaration_id": row.id, "due": made.due, "at": at}, row.id)
    return made


def _check_sold(row: ParcelDeclaration, sold: Decimal, value: Decimal) -> None:
    if not 0 <= sold <= value:
        raise rules.SoldTooMuch(field="sold", number=row.cop_no, value=f"{value:f}", sold=f"{sold:f}")


def _exported(session: Session, declaration_id: int) -> ParcelDeclaration:
    row = locked(session, [declaration_id])[0]
    if row.direction != "E" or row.state not in RELEASED:
        raise rules.NotExported(number=row.cop_no, state=states.WORDS[row.state])
    return row
