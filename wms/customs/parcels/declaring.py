"""Parcel declarations (CEB621, CEB603): drawn up from three documents that agree, taxed, declared with quota taken.

Parcels of one message are worked together; what forbids one of them stands at its place and stops no other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import case, select, text, update
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.codes import lists
from wms.codes.numbers import document_no
from wms.customs import modes
from wms.customs.clock import BEIJING
from wms.customs.parcels import buyers, matching
from wms.customs.parcels.buyers import Use
from wms.customs.parcels.locks import lock_orders
from wms.customs.parcels.rows import insert_all
from wms.customs.parcels.rules import declaring as rules
from wms.customs.parcels.rules import limits as limit_rules
from wms.customs.parcels.rules import states, tax
from wms.customs.parcels.rules.declaring import Filing, Terms
from wms.customs.parcels.rules.limits import Limits
from wms.customs.parcels.tariff import Tariff, tariff_on
from wms.customs.tables.parcels import ParcelDeclaration, ParcelLine, RetailOrder, RetailPayment, RetailWaybill
from wms.errors import NotFound, WmsError
from wms.parties.private import Vault
from wms.record.service import append_leaf

PREFIX = "PD"
FIVE = Decimal("0.00001")
IDS = text(
    "SELECT nextval(pg_get_serial_sequence('parcel_declaration', 'id')) FROM generate_series(1, cast(:count AS int))"
)


@dataclass(frozen=True)
class Drawn:
    """What became of an order: its declaration, or why there is none."""

    order_no: str
    declaration_id: int | None
    refusal: WmsError | None = None


@dataclass(frozen=True)
class _Case:
    """An order with its documents, as it is drawn up."""

    order: Any
    payment: Any
    waybill: Any


@dataclass(frozen=True)
class _Rules:
    """What holds on the day: tariff and limits, for imports alone."""

    on: date
    tariff: Tariff | None
    limits: Limits | None


def draw_up(
    session: Session,
    orders: Sequence[RetailOrder],
    terms: Terms,
    on: date,
    *,
    filings: Mapping[str, Filing] | None = None,
    waybills: Mapping[str, RetailWaybill] | None = None,
) -> list[Drawn]:
    """Draw up the declarations of orders that agree with their documents, with tax where they are imports.

    ``filings`` say by item number what goods are for customs; the catalogue says it of the others. ``waybills`` gives
    by order number the waybill of an export, which names no order itself. Raises BadDocument for the terms,
    UnknownTradeMode and TradeModeClosed for a mode that may not be used on the day.
    """
    rules.check_terms(terms)
    modes.allowed(session, terms.trade_mode, rules.mode_direction(terms), on)
    lock_orders(session, (order.order_no for order in orders))
    fresh = _fresh(session, orders)
    is_import = terms.direction == "I"
    day = _Rules(on, tariff_on(session, on), buyers.limits_on(session, on)) if is_import else _Rules(on, None, None)
    numbers = [order.order_no for order in fresh]
    payments = matching.documents_of(session, RetailPayment, numbers)
    by_order = matching.documents_of(session, RetailWaybill, numbers) if is_import else {}
    filed = _filed(session, fresh) | dict(filings or {})
    standing = set(session.scalars(_standing([order.id for order in fresh])))
    drawn: list[Drawn] = []
    rows: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    for order in fresh:
        payment = next((one for one in payments[order.order_no] if one.ebp_code == order.ebp_code), None)
        waybill = next(iter(by_order.get(order.order_no, ())), None) or (waybills or {}).get(order.order_no)
        try:
            if order.id in standing:
                raise states.NotDeclarable(number=order.order_no, state=states.WORDS["declared"])
            if order.match != "agrees" or waybill is None or order.direction != terms.direction:
                match = "waiting" if order.match == "agrees" else order.match
                raise rules.NotMatched(order_no=order.order_no, match=rules.MATCH_WORDS[match])
            rows.append(_drawn(_Case(order, payment, waybill), terms, day, filed))
            drawn.append(Drawn(order.order_no, -1))
            standing.add(order.id)
        except WmsError as refusal:
            drawn.append(Drawn(order.order_no, None, refusal))
    ids = iter(_store(session, rows))
    return [Drawn(one.order_no, next(ids)) if one.declaration_id == -1 else one for one in drawn]


def _fresh(session: Session, orders: Sequence[RetailOrder]) -> list[Any]:
    """The orders as they stand now that their numbers are locked."""
    query = select(RetailOrder.__table__).where(RetailOrder.id.in_([order.id for order in orders]))
    found = {row.id: row for row in session.execute(query)}
    for order in orders:
        if order.id not in found:
            raise NotFound(field="orders", what=order.order_no)
    return [found[order.id] for order in orders]


def _standing(order_ids: Sequence[int]) -> Any:
    return select(ParcelDeclaration.order_id).where(
        ParcelDeclaration.order_id.in_(order_ids), ParcelDeclaration.state != "cancelled"
    )


def _filed(session: Session, orders: Sequence[Any]) -> dict[str, Filing]:
    """What the catalogue says of the items of these orders, by item number."""
    codes = {line["item_no"] for order in orders for line in order.lines if line["item_no"]}
    owners = {order.owner_id for order in orders if order.owner_id}
    found = session.scalars(select(TradeItem).where(TradeItem.owner_id.in_(owners), TradeItem.code.in_(codes)))
    return {
        item.code: Filing(
            item.hs_code or "", item.record_no or "", item.customs_unit or "",
            net_weight=Decimal(item.gross_weight_g).scaleb(-3),
        )
        for item in found
    }  # fmt: skip


def _drawn(
    case: _Case, terms: Terms, day: _Rules, filed: Mapping[str, Filing]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    order, waybill = case.order, case.waybill
    if terms.direction == "I":
        enterprises = {"ebp": order.ebp_code, "ebc": order.ebc_code, "logistics": waybill.logistics_code}
        rules.check_assurer(terms.assure_code, enterprises)
    lines = [_line(order.order_no, line, filed.get(line["item_no"]), terms, day.on) for line in order.lines]
    gross = waybill.gross_weight
    net = min(sum((line.pop("net_weight") for line in lines), Decimal(0)) or gross, gross)
    head = asdict(terms) | {"net_weight": f"{net:f}", "gross_weight": f"{gross:f}", "pack_count": waybill.pack_count}
    row = {
        "direction": terms.direction, "order_id": order.id, "payment_id": case.payment.id if case.payment else None,
        "waybill_id": waybill.id, "owner_id": order.owner_id, "buyer_id": order.buyer_id,
        "trade_mode": terms.trade_mode, "ebp_code": order.ebp_code, "order_no": order.order_no,
        "logistics_code": waybill.logistics_code, "waybill_no": waybill.waybill_no, "head": head,
    }  # fmt: skip
    return row | _taxed(lines, order, waybill, day), lines


def _line(order_no: str, line: Mapping[str, Any], filing: Filing | None, terms: Terms, on: date) -> dict[str, Any]:
    filed = rules.check_filing(order_no, line["line_no"], line["item_no"], filing, terms)
    qty = Decimal(line["qty"])
    unit1 = filed.unit1 or line["unit"]
    factor = filed.factor1
    if filed.factor1 == 1 and unit1 != line["unit"]:
        known = lists.unit_factor(line["unit"], unit1, on)
        if known is not None:
            factor = Decimal(known.numerator) / Decimal(known.denominator)
        elif unit1 == "035" and filed.net_weight is not None:
            factor = filed.net_weight
    return {
        "line_no": line["line_no"], "item_no": line["item_no"], "record_no": filed.record_no, "gcode": filed.gcode,
        "gname": line["item_name"], "gmodel": filed.gmodel or line["model"], "country": line["country"], "qty": qty,
        "unit": line["unit"], "qty1": (qty * factor).quantize(FIVE, ROUND_HALF_UP), "unit1": unit1,
        "qty2": (qty * filed.factor2).quantize(FIVE, ROUND_HALF_UP) if filed.factor2 is not None else None,
        "unit2": filed.unit2 or None, "price": Decimal(line["price"]), "total_price": Decimal(line["total_price"]),
        "net_weight": (filed.net_weight or Decimal(0)) * qty,
    }  # fmt: skip


def _taxed(lines: Sequence[dict[str, Any]], order: Any, waybill: Any, day: _Rules) -> dict[str, Any]:
    """Work out the tax of an import, written into its lines; an export is not taxed."""
    if day.tariff is None or day.limits is None:
        return {"taxable": Decimal(0), "duty": Decimal(0), "consumption_tax": Decimal(0), "vat": Decimal(0),
                "is_levied_in_full": False, "quota_year": None, "quota_minor": 0}  # fmt: skip
    besides = tax.spread(order.freight + waybill.insured_fee, [line["total_price"] for line in lines])
    goods = [
        tax.Goods(
            line["line_no"], line["total_price"] + more, line["qty"], day.tariff.of(line["gcode"]), line["gmodel"]
        )
        for line, more in zip(lines, besides, strict=True)
    ]
    value = sum((one.value for one in goods), Decimal(0))
    in_full = limit_rules.is_levied_in_full(value, sum((one.qty for one in goods), Decimal(0)), day.limits)
    levied = [tax.levy(one, day.tariff.terms, in_full=in_full) for one in goods]
    for line, one in zip(lines, levied, strict=True):
        line |= {"taxable": one.value, "duty": one.duty, "consumption_tax": one.consumption, "vat": one.vat}
    return {
        "taxable": value, "is_levied_in_full": in_full, "quota_year": day.on.year,
        "quota_minor": limit_rules.in_fen(value), "duty": sum((one.duty for one in levied), Decimal(0)),
        "consumption_tax": sum((one.consumption for one in levied), Decimal(0)),
        "vat": sum((one.vat for one in levied), Decimal(0)),
    }  # fmt: skip


def _store(session: Session, rows: Sequence[tuple[dict[str, Any], list[dict[str, Any]]]]) -> list[int]:
    if not rows:
        return []
    ids = list(session.scalars(IDS, {"count": len(rows)}))
    # Until it is declared nothing is taken of the buyer's year: what it will take stands beside it as restored.
    heads = [
        head | {"id": one, "cop_no": document_no(PREFIX, one), "quota_restored_minor": head["quota_minor"]}
        for one, (head, _lines) in zip(ids, rows, strict=True)
    ]
    insert_all(session, ParcelDeclaration, heads)
    of_parcels = zip(ids, (lines for _head, lines in rows), strict=True)
    insert_all(session, ParcelLine, [line | {"declaration_id": one} for one, lines in of_parcels for line in lines])
    return ids


def declare(session: Session, vault: Vault, declaration_ids: Sequence[int], at: datetime) -> list[WmsError | None]:
    """Declare parcels: take their quota and mark them sent. Refusals stand at their places: NotDeclarable, AnnualLimit.

    A parcel that is declared again in another year takes that year's quota.
    """
    rows = {row.id: row for row in locked(session, declaration_ids)}
    refused: list[WmsError | None] = [None] * len(declaration_ids)
    ready: list[int] = []
    for n, one in enumerate(declaration_ids):
        try:
            is_second = one in declaration_ids[:n]
            states.check_declarable(rows[one].cop_no or "", "declared" if is_second else rows[one].state)
            ready.append(n)
        except WmsError as refusal:
            refused[n] = refusal
    day = at.astimezone(BEIJING).date()
    takers = [n for n in ready if rows[declaration_ids[n]].buyer_id and _owed(rows[declaration_ids[n]])]
    if takers:
        uses = [Use(rows[declaration_ids[n]].buyer_id or 0, _owed(rows[declaration_ids[n]])) for n in takers]
        said = buyers.take_many(session, vault, uses, day.year, buyers.limits_on(session, day))
        for n, above in zip(takers, said, strict=True):
            refused[n] = above
    sent = [declaration_ids[n] for n in ready if refused[n] is None]
    if sent:
        session.execute(
            update(ParcelDeclaration)
            .where(ParcelDeclaration.id.in_(sent))
            .values(
                state="declared", status=None, declared_at=at, quota_restored_minor=0,
                quota_year=case((ParcelDeclaration.quota_restored_minor > 0, day.year),
                                else_=ParcelDeclaration.quota_year),
            )
            .execution_options(synchronize_session=False)
        )  # fmt: skip
        append_leaf(session, "parcels_declared", {"ids": sent, "at": at})
    return refused


def _owed(row: ParcelDeclaration) -> int:
    """What declaring takes of the buyer's year: what of it is not taken already."""
    return row.quota_restored_minor


def locked(session: Session, declaration_ids: Sequence[int]) -> list[ParcelDeclaration]:
    """Return declarations, locked in the order of their ids and fresh."""
    query = select(ParcelDeclaration).where(ParcelDeclaration.id.in_(declaration_ids)).order_by(ParcelDeclaration.id)
    return list(session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True)))
