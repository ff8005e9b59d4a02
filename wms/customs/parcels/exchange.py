"""Parcels and their messages: what comes is read into documents and receipts, what is declared is written.

A document of a message that breaks a rule is told with field and rule and stops no other document.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs.clock import BEIJING
from wms.customs.messages import Message, head_of, lines_of, post_office
from wms.customs.messages.post_office import Received
from wms.customs.messages.writing import compose
from wms.customs.outgoing import Desk, Sender, queue, sender_on
from wms.customs.parcels import bills, notices, papers, receiving, summaries, taking
from wms.customs.parcels.bills import Bill, BillLine
from wms.customs.parcels.receiving import OF_CANCEL, OF_DECLARATION, OF_RETURN, Receipt
from wms.customs.parcels.rules import documents
from wms.customs.parcels.rules.documents import BadDocument
from wms.customs.parcels.rules.notices import OF_RECEIPT
from wms.customs.tables.parcels import ParcelDeclaration
from wms.errors import N_, NotFound, WmsError
from wms.parties.private import Vault
from wms.record.service import append_leaf

READS: dict[str, tuple[str, Callable[..., Any], Callable[..., Any]]] = {
    "CEB311": ("I", documents.read_order, taking.take_orders),
    "CEB303": ("E", documents.read_order, taking.take_orders),
    "CEB411": ("I", documents.read_payment, taking.take_payments),
    "CEB403": ("E", documents.read_payment, taking.take_payments),
    "CEB511": ("I", documents.read_waybill, taking.take_waybills),
    "CEB505": ("E", documents.read_waybill, taking.take_waybills),
}
RECEIPTS = (*OF_DECLARATION, *OF_CANCEL, *OF_RETURN)
BILLS, BILL_STATUS = "CEB816", "CEB818"
SUMMARY_RECEIPT, SUMMARY_RESULT, DELIVERY = "CEB702", "CEB792", "CEB513"
HANDLES = (*READS, *RECEIPTS, BILLS, BILL_STATUS, *OF_RECEIPT, SUMMARY_RECEIPT, SUMMARY_RESULT, DELIVERY)
EARLY = (BILLS, BILL_STATUS, SUMMARY_RESULT)  # may come before the number they name
OURS = ("copNo", "coElNo", "taxNo", "sumNo", "logisticsNo", "preNo")  # by the first of these a document is told
ORDERS = ("CEB311", "CEB303")
MOST = 100  # declarations in a message
BILL_FIELDS = ("customsTax", "consumptionTax", "valueAddedTax")


@dataclass(frozen=True)
class Said:
    """What became of one document of a message."""

    number: str
    outcome: str
    refusal: WmsError | None = None


def take(session: Session, vault: Vault, message: Message) -> list[Said]:
    """Take every document of a message of one of :data:`HANDLES`; raises KeyError for another."""
    if message.type in READS:
        return _documents(session, vault, message)
    if message.type in RECEIPTS:
        return _receipts(session, message)
    act = ACTS[message.type]
    said = []
    for document in message.documents:
        number = _number(head_of(message, document))
        try:
            with session.begin_nested():
                has_moved = act(session, message, document)
            said.append(Said(number, "taken" if has_moved else "repeated"))
        except WmsError as refusal:
            said.append(Said(number, "refused", refusal))
    return said


def _number(head: Mapping[str, str]) -> str:
    return next((head[name] for name in OURS if head.get(name)), "-")


def _documents(session: Session, vault: Vault, message: Message) -> list[Said]:
    direction, read, take_all = READS[message.type]
    said: list[Said | None] = []
    good: list[Any] = []
    for document in message.documents:
        head = head_of(message, document)
        try:
            more = (lines_of(message, document),) if message.type in ORDERS else ()
            good.append(read(direction, head, *more))
            said.append(None)
        except WmsError as refusal:
            number = next((head[name] for name in ("orderNo", "logisticsNo") if head.get(name)), "-")
            said.append(Said(number, "refused", refusal))
    taken = iter(take_all(session, vault, good))
    return [one or _told(next(taken)) for one in said]


def _told(one: taking.Taken) -> Said:
    return Said(one.number, one.outcome)


def _receipts(session: Session, message: Message) -> list[Said]:
    said: list[Said | None] = []
    good: list[Receipt] = []
    for document in message.documents:
        head = head_of(message, document)
        try:
            good.append(_receipt(message.type, head))
            said.append(None)
        except WmsError as refusal:
            said.append(Said(_number(head), "refused", refusal))
    taken = iter(receiving.take_receipts(session, good))
    return [
        one or _answered(_number(head_of(message, document)), next(taken))
        for one, document in zip(said, message.documents, strict=True)
    ]


def _answered(number: str, done: bool | WmsError) -> Said:
    if isinstance(done, WmsError):
        return Said(number, "refused", done)
    return Said(number, "taken" if done else "repeated")


def _receipt(kind: str, head: Mapping[str, str]) -> Receipt:
    return Receipt(
        kind, head["returnStatus"], _time(head.get("returnTime", "")), head.get("returnInfo", ""),
        head.get("copNo") or head.get("coElNo"), head.get("preNo"), head.get("invtNo"),
    )  # fmt: skip


def _bill(session: Session, message: Message, document: Mapping[str, Any]) -> bool:
    head = head_of(message, document)
    lines = tuple(
        BillLine(int(line["gnum"]), *(Decimal(line[name]) for name in BILL_FIELDS))
        for line in lines_of(message, document)
    )
    bills.take_bill(
        session,
        Bill(
            head["taxNo"], head["invtNo"], head["status"], _time(head["returnTime"]), lines,
            head.get("entDutyNo") or None, head.get("assureCode") or None,
        ),
    )  # fmt: skip
    return True


def _bill_status(session: Session, message: Message, document: Mapping[str, Any]) -> bool:
    head = head_of(message, document)
    bills.change_status(
        session, head["taxNo"], head["status"], head.get("entDutyNo") or None, _time(head["returnTime"])
    )
    return True


def _notice_receipt(session: Session, message: Message, document: Mapping[str, Any]) -> bool:
    head = head_of(message, document)
    number = head.get("copNo") or head.get("coElNo")
    if not number:  # CEB514, of which carrier and waybill are the number
        number = notices.delivery_no(head["logisticsCode"], head["logisticsNo"])
    return notices.take_receipt(
        session, message.type, number, head["returnStatus"], _time(head["returnTime"]), head.get("returnInfo", ""),
        head.get("preNo") or None,
    )  # fmt: skip


def _delivery(session: Session, message: Message, document: Mapping[str, Any]) -> bool:
    """A carrier's word that a parcel was delivered."""
    head = head_of(message, document)
    if head["logisticsStatus"] != "S":
        rule = N_("is not one of the values allowed")
        raise BadDocument(field="logisticsStatus", name="logisticsStatus", rule=rule, given=head["logisticsStatus"])
    delivered, written = _time(head["logisticsTime"]), _time(head["appTime"])
    return notices.take_delivery(session, head["logisticsCode"], head["logisticsNo"], delivered, written)


def _summary_receipt(session: Session, message: Message, document: Mapping[str, Any]) -> bool:
    head = head_of(message, document)
    return summaries.take_receipt(session, head, _time(head["returnTime"]))


def _summary_result(session: Session, message: Message, document: Mapping[str, Any]) -> bool:
    head = head_of(message, document)
    lists = [line["invtNo"] for line in lines_of(message, document)]
    return summaries.take_result(session, head, lists, _time(head["opDate"]))


def _time(text: str) -> datetime:
    """A time of 14 digits, of receipts with three more of milliseconds."""
    try:
        at = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
        return at.replace(microsecond=int(text[14:17] or 0) * 1000).astimezone(UTC)
    except ValueError:
        rule = N_("must be a time of 17 digits like 20260601123000123")
        raise BadDocument(field="returnTime", name="returnTime", rule=rule, given=text[:30] or "-") from None


ACTS: dict[str, Callable[[Session, Message, Mapping[str, Any]], bool]] = {
    BILLS: _bill, BILL_STATUS: _bill_status, SUMMARY_RECEIPT: _summary_receipt, SUMMARY_RESULT: _summary_result,
    DELIVERY: _delivery, **dict.fromkeys(OF_RECEIPT, _notice_receipt),
}  # fmt: skip


def declaration(
    session: Session, vault: Vault, declaration_ids: Sequence[int], sender: Sender, at: datetime, direction: str = "I"
) -> Message:
    """The message that declares parcels (CEB621 or CEB603); at most a hundred in one message, and not signed yet."""
    made = papers.inventories(session, vault, declaration_ids, at)
    return Message(papers.KIND[direction], str(uuid.uuid4()).upper(), tuple(made), transfer=sender.node())


def unsigned(message: Message) -> bytes:
    """The canonical bytes that are signed before they are sent."""
    return compose(message)


def post(session: Session, vault: Vault, declaration_ids: Sequence[int], desk: Desk, at: datetime) -> list[int]:
    """Write, sign and queue the messages of declared parcels in the transaction that declares them; return their ids.

    Imports and exports go in messages of their own, at most a hundred declarations in each. Raises NoSender, NoKey.
    """
    if desk.is_by_hand or not declaration_ids:
        return []
    sender = sender_on(session, at)
    rows = session.execute(
        select(ParcelDeclaration.id, ParcelDeclaration.direction, ParcelDeclaration.cop_no)
        .where(ParcelDeclaration.id.in_(declaration_ids))
        .order_by(ParcelDeclaration.id)
    ).all()
    sent = []
    for direction in ("I", "E"):
        mine = [row for row in rows if row.direction == direction]
        for begin in range(0, len(mine), MOST):
            part = mine[begin : begin + MOST]
            message = declaration(session, vault, [row.id for row in part], sender, at, direction)
            queued = queue(session, desk, message, part[0].cop_no, at)
            assert queued is not None
            sent.append(queued)
    return sent


def handle(session: Session, vault: Vault, received: Received) -> None:
    """Take a message from the post office: refused when all of its documents are, else what is refused is recorded.

    Raises NotYet for a tax bill or a summary's result whose number has not come yet.
    """
    refused = [one for one in take(session, vault, received.message) if one.refusal is not None]
    if refused and len(refused) == len(received.message.documents):
        refusal = refused[0].refusal
        assert refusal is not None
        if isinstance(refusal, NotFound) and received.kind in EARLY:
            raise post_office.NotYet(what=str(refusal)) from refusal
        raise refusal
    if refused:
        told = [{"number": one.number, "code": one.refusal.code if one.refusal else "-"} for one in refused]
        append_leaf(session, "parcel_documents_refused", {"message": received.message_id, "refused": told})


def register(vault: Callable[[Session], Vault], kinds: Sequence[str] = HANDLES) -> None:
    """Let the post office give parcels' messages to :func:`handle`; ``vault`` is asked for keys when one comes."""
    for kind in kinds:
        post_office.HANDLERS[kind] = lambda session, received: handle(session, vault(session), received)
