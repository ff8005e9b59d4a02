"""Use cases of notices about parcels: told to customs, moved by its receipts; deliveries that carriers tell us of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.customs.outgoing import Desk
from wms.customs.parcels import notice_papers
from wms.customs.parcels.notice_papers import Told
from wms.customs.parcels.papers import stamp
from wms.customs.parcels.posting import post
from wms.customs.parcels.rules import notices as rules
from wms.customs.parcels.rules import requests as request_rules
from wms.customs.tables.notices import ParcelNotice, ParcelNoticeLine
from wms.customs.tables.parcels import ParcelDeclaration, ParcelRequest, RetailWaybill
from wms.errors import NotFound
from wms.record.service import append_leaf

PREFIXES = {"warehouse_in": "PW", "arrival": "PA", "master_list": "PM", "departure": "PL", "tally": "PT"}
AT_ONCE = 100  # documents in a message


def tell(
    session: Session, kind: str, carrier: str, waybills: Sequence[str], head: Mapping[str, str], at: datetime,
    desk: Desk,
) -> list[ParcelNotice]:  # fmt: skip
    """Tell customs something about parcels of a carrier: one notice, of deliveries one for each waybill.

    ``head`` holds the fields of the message besides; ``at`` is also when it happened, unless ``head`` says so.
    Raises BadDocument, UnknownWaybill, NotToBeTold, ToldAlready, NoSender, NoKey.
    """
    rule = rules.KINDS[kind]
    rules.check_fields(rule, head)
    rows = _parcels(session, kind, carrier, list(dict.fromkeys(waybills)))
    said = {**head, "at": head.get("at") or stamp(at)}
    groups = [[row] for row in rows] if kind == "delivery" else [rows]
    made = [_keep(session, kind, carrier, group, said, at) for group in groups]
    told = [_told(one, group) for one, group in zip(made, groups, strict=True)]
    for begin in range(0, len(told), AT_ONCE):
        part = told[begin : begin + AT_ONCE]
        post(session, desk, notice_papers.message(kind, part, at), part[0].number, at)
    return made


def tally(
    session: Session, request_id: int, operator: tuple[str, str], at: datetime, desk: Desk, place: str = ""
) -> ParcelNotice:
    """Tell customs that goods of an approved export return are back and were tallied (CEB215).

    Raises NotFound, RequestNotOpen, ToldAlready, NoSender, NoKey.
    """
    asked = session.get(ParcelRequest, request_id, with_for_update=True, populate_existing=True)
    if asked is None or asked.kind != "return":
        raise NotFound(what=request_id)
    row = session.get_one(ParcelDeclaration, asked.declaration_id)
    if row.direction != "E" or asked.state != "approved" or not asked.head:
        raise request_rules.RequestNotOpen(number=row.cop_no)
    standing = tally_of(session, asked.id)
    if standing is not None and standing.state != "refused":
        raise rules.ToldAlready(waybill_no=asked.head["waybill_no"], number=standing.number)
    way = asked.head
    head = {
        "customs_code": row.head["customs_code"], "operator_code": operator[0], "operator_name": operator[1],
        "bill_no": way["bill_no"], "traf_mode": way["traf_mode"], "traf_no": way["traf_name"],
        "voyage_no": way["voyage_no"], "place": place, "at": stamp(at),
    }  # fmt: skip
    rules.check_fields(rules.KINDS["tally"], head)
    waybill = session.get_one(RetailWaybill, row.waybill_id)
    made = _keep(session, "tally", way["logistics_code"], [(waybill, row)], head, at, asked.id)
    told = Told(made.number, way["logistics_code"], way["logistics_name"], head,
                [(way["waybill_no"], row.invt_no, waybill.gross_weight)])  # fmt: skip
    post(session, desk, notice_papers.message("tally", [told], at), made.number, at)
    return made


def tally_of(session: Session, request_id: int) -> ParcelNotice | None:
    """Return the newest tally of a return."""
    query = select(ParcelNotice).where(ParcelNotice.request_id == request_id).order_by(ParcelNotice.id.desc()).limit(1)
    return session.scalars(query).one_or_none()


Pair = tuple[RetailWaybill, ParcelDeclaration | None]


def _parcels(session: Session, kind: str, carrier: str, waybills: Sequence[str]) -> list[Pair]:
    """The parcels of these waybills, locked, each checked whether the notice may speak of it."""
    rule = rules.KINDS[kind]
    found = session.scalars(
        select(RetailWaybill)
        .where(
            RetailWaybill.logistics_code == carrier, RetailWaybill.waybill_no.in_(waybills),
            RetailWaybill.retired_at.is_(None),
        )
        .order_by(RetailWaybill.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    known = {row.waybill_no: row for row in found}
    declared = _declarations(session, carrier, known)
    told = _told_before(session, kind, carrier, known)
    pairs: list[Pair] = []
    for number in waybills:
        waybill = known.get(number)
        row = declared.get(waybill.id) if waybill is not None else None
        if waybill is None or (row is not None and row.direction != rule.direction):
            raise rules.UnknownWaybill(field="waybills", waybill_no=number, carrier=carrier)
        if number in told:
            raise rules.ToldAlready(field="waybills", waybill_no=number, number=told[number])
        rules.check_state(rule, number, row.state if row is not None else None)
        pairs.append((waybill, row))
    return pairs


def _declarations(
    session: Session, carrier: str, waybills: Mapping[str, RetailWaybill]
) -> dict[int, ParcelDeclaration]:
    rows = session.scalars(
        select(ParcelDeclaration)
        .where(
            ParcelDeclaration.waybill_no.in_(waybills), ParcelDeclaration.logistics_code == carrier,
            ParcelDeclaration.waybill_id.in_([row.id for row in waybills.values()]),
            ParcelDeclaration.state != "cancelled",
        )
        .order_by(ParcelDeclaration.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    return {row.waybill_id: row for row in rows if row.waybill_id is not None}


def _told_before(session: Session, kind: str, carrier: str, waybills: Mapping[str, RetailWaybill]) -> dict[str, str]:
    """Waybills that stand in a notice of the kind since they came: an earlier use of the number does not count."""
    rows = session.execute(
        select(ParcelNoticeLine.waybill_no, ParcelNotice.number, ParcelNotice.recorded_at)
        .join(ParcelNotice, ParcelNotice.id == ParcelNoticeLine.notice_id)
        .where(
            ParcelNotice.kind == kind, ParcelNotice.carrier_code == carrier, ParcelNotice.state != "refused",
            ParcelNoticeLine.waybill_no.in_(waybills),
        )
    )  # fmt: skip
    return {row.waybill_no: row.number for row in rows if row.recorded_at >= waybills[row.waybill_no].recorded_at}


def _keep(
    session: Session, kind: str, carrier: str, parcels: Sequence[Pair], head: Mapping[str, str], at: datetime,
    request_id: int | None = None,
) -> ParcelNotice:  # fmt: skip
    number = delivery_no(carrier, parcels[0][0].waybill_no) if kind == "delivery" else "-"
    made = ParcelNotice(
        kind=kind, number=number, carrier_code=carrier, head=dict(head), told_at=at, request_id=request_id
    )
    if number == "-":
        made.number = f"new {stamp(at)}"  # until the row has its own number
    session.add(made)
    session.flush()
    if kind in PREFIXES:
        made.number = document_no(PREFIXES[kind], made.id)
    lines = [
        {
            "notice_id": made.id,
            "line_no": n,
            "waybill_no": waybill.waybill_no,
            "declaration_id": row.id if row else None,
        }
        for n, (waybill, row) in enumerate(parcels, 1)
    ]
    session.execute(insert(ParcelNoticeLine), lines)
    session.flush()
    append_leaf(
        session, "parcel_notice", {"number": made.number, "kind": kind, "parcels": len(lines), "at": at}, made.id
    )
    session.refresh(made)
    return made


def delivery_no(carrier: str, waybill_no: str) -> str:
    """The number of a delivery: its message has none but carrier and waybill."""
    return f"{carrier}|{waybill_no}"


def _told(made: ParcelNotice, parcels: Sequence[Pair]) -> Told:
    rows = [(waybill.waybill_no, row.invt_no if row else None, waybill.gross_weight) for waybill, row in parcels]
    return Told(made.number, made.carrier_code, parcels[0][0].logistics_name, made.head, rows)


def take_receipt(
    session: Session, receipt_kind: str, number: str, status: str, at: datetime, info: str = "",
    pre_no: str | None = None,
) -> bool:  # fmt: skip
    """Take customs' receipt of a notice; return whether it moved anything. Raises NotFound."""
    kind = rules.OF_RECEIPT[receipt_kind]
    row = session.scalars(
        select(ParcelNotice)
        .where(ParcelNotice.kind == kind, ParcelNotice.number == number)
        .order_by(ParcelNotice.id.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(field="copNo", what=number)
    step = rules.take_receipt(rules.KINDS[kind], row.state, row.status, status)
    if step.has_moved:
        row.state, row.status, row.info = step.state, step.status, info[:1000] or row.info
        row.pre_no = pre_no or row.pre_no
        row.decided_at = at if step.state in ("approved", "refused") else None
        session.flush()
        body = {"number": number, "kind": receipt_kind, "status": status, "state": row.state, "at": at}
        append_leaf(session, "parcel_notice_receipt", body, row.id)
    return step.has_moved


def take_delivery(session: Session, carrier: str, waybill_no: str, delivered_at: datetime, at: datetime) -> bool:
    """Take a carrier's word that a parcel was delivered (CEB513 as it was sent); False when it is known already.

    Raises UnknownWaybill, NotToBeTold: nothing is delivered before customs let it go.
    """
    try:
        pairs = _parcels(session, "delivery", carrier, [waybill_no])
    except rules.ToldAlready:
        return False
    _keep(session, "delivery", carrier, pairs, {"at": stamp(delivered_at), "told_by": "carrier"}, at)
    return True


def listed(
    session: Session, *, kind: str | None = None, state: str | None = None, after: int = 0, limit: int = 100
) -> list[dict[str, Any]]:  # fmt: skip
    """Return notices with their waybills, the oldest first."""
    query = select(ParcelNotice).where(ParcelNotice.id > after).order_by(ParcelNotice.id).limit(limit)
    if kind:
        query = query.where(ParcelNotice.kind == kind)
    if state:
        query = query.where(ParcelNotice.state == state)
    rows = list(session.scalars(query))
    lines: dict[int, list[str]] = {row.id: [] for row in rows}
    for line in session.scalars(
        select(ParcelNoticeLine)
        .where(ParcelNoticeLine.notice_id.in_(lines))
        .order_by(ParcelNoticeLine.notice_id, ParcelNoticeLine.line_no)
    ):
        lines[line.notice_id].append(line.waybill_no)
    return [told(row) | {"waybills": lines[row.id]} for row in rows]


def told(row: ParcelNotice) -> dict[str, Any]:
    """A notice as a plain row."""
    names = ("id", "kind", "number", "state", "status", "info", "pre_no", "carrier_code", "told_at", "decided_at")
    return {name: getattr(row, name) for name in names}


def receipt_kind(row: ParcelNotice) -> str:
    """The message in which customs answers a notice."""
    return rules.KINDS[row.kind].receipt
