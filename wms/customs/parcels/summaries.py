"""Export summaries by message: applied for (CEB701), accepted or refused (CEB702), declared (CEB792). Forward only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from wms.customs.messages import Message
from wms.customs.outgoing import Desk
from wms.customs.parcels import exports
from wms.customs.parcels.papers import Node, filled, new_guid, stamp
from wms.customs.parcels.posting import post
from wms.customs.parcels.rules import requests as request_rules
from wms.customs.parcels.rules import states
from wms.customs.tables.parcel_flows import ExportSummary, ExportSummaryParcel
from wms.customs.tables.parcels import ParcelDeclaration, RetailOrder
from wms.errors import N_, Kind, NotFound, WmsError
from wms.record.service import append_leaf

KIND = "CEB701"
STORED = "120"


class MixedSummary(WmsError):
    """One declaration has one office and one agent: what was let go at several is summed up for each by itself."""

    code = "summary_mixed"
    kind = Kind.INVALID
    text = N_("The exports were declared at several offices or by several agents: say which one (%(found)s).")


class NotInSummary(WmsError):
    """A result names a list that was never in the application."""

    code = "summary_list_foreign"
    kind = Kind.INVALID
    text = N_("The result of summary %(sum_no)s names list %(invt_no)s, which was not applied for.")


@dataclass(frozen=True)
class Agent:
    """Who makes the declaration that the parcels are summed up in, where it is not who declared them."""

    code: str = ""
    name: str = ""


def apply(
    session: Session, ebc_code: str, since: datetime, until: datetime, at: datetime, desk: Desk, *,
    by_item_name: bool = False, customs_code: str = "", agent_code: str = "", declares: Agent = Agent(),
) -> ExportSummary:  # fmt: skip
    """Sum up exports that were let go, and apply to customs for their declaration in the same transaction.

    Raises NothingToSum, MixedSummary, NoListNumber, NoSender, NoKey.
    """
    made = exports.sum_up(
        session, ebc_code, since, until, at, by_item_name=by_item_name, customs_code=customs_code, agent_code=agent_code
    )
    rows = _parcels(session, made.id)
    sides = sorted({(row.head["customs_code"], row.head["agent_code"]) for row in rows})
    if len(sides) > 1:
        raise MixedSummary(field="customs_code", found=", ".join("/".join(side) for side in sides)[:200])
    for row in () if desk.is_by_hand else rows:
        if not row.invt_no:
            raise request_rules.NoListNumber(number=row.cop_no)
    name = session.scalar(select(RetailOrder.ebc_name).where(RetailOrder.id == rows[0].order_id)) or ""
    post(session, desk, _message(made, rows, name, declares, at), made.cop_no, at)
    return made


def _parcels(session: Session, summary_id: int) -> Sequence[ParcelDeclaration]:
    query = (
        select(ParcelDeclaration)
        .join(ExportSummaryParcel, ExportSummaryParcel.declaration_id == ParcelDeclaration.id)
        .where(ExportSummaryParcel.summary_id == summary_id)
        .order_by(ParcelDeclaration.id)
    )
    return session.scalars(query).all()


def _message(
    made: ExportSummary, rows: Sequence[ParcelDeclaration], ebc_name: str, declares: Agent, at: datetime
) -> Message:
    first = rows[0].head
    head: Node = filled((
        ("guid", new_guid()), ("appType", "1"), ("appTime", stamp(at)), ("appStatus", "2"),
        ("customsCode", first["customs_code"]), ("copNo", made.cop_no), ("agentCode", first["agent_code"]),
        ("agentName", first["agent_name"]), ("ebcCode", made.ebc_code), ("ebcName", ebc_name),
        ("declAgentCode", declares.code or first["agent_code"]),
        ("declAgentName", declares.name or first["agent_name"]),
        ("loctNo", first.get("loct_no")), ("summaryFlag", made.summary_flag), ("itemNameFlag", made.item_name_flag),
        ("msgCount", "1"), ("msgSeqNo", "1"),
    ))  # fmt: skip
    lines = tuple({"invtNo": row.invt_no or ""} for row in rows)
    return Message(KIND, new_guid(), ({"SummaryApplyHead": head, "SummaryApplyList": lines},))


def take_receipt(session: Session, head: Mapping[str, str], at: datetime) -> bool:
    """Take a receipt of an application (CEB702); return whether it moved anything. Raises NotFound.

    A refusal lets go of the parcels: they can be summed up again. What was declared or refused stays so.
    """
    row = _summary(session, ExportSummary.cop_no == head["copNo"], head["copNo"])
    status = head["returnStatus"]
    refuses = request_rules.decision(status) == "refused"
    if row.state in ("declared", "refused") or (row.state == "accepted" and refuses):
        return False
    if not refuses and (status not in states.ORDER or states.rank(status) <= states.rank(row.status)):
        return False
    row.status = status
    if refuses:
        row.state, row.reason = "refused", head.get("returnInfo", "")[:1000]
        session.execute(delete(ExportSummaryParcel).where(ExportSummaryParcel.summary_id == row.id))
    elif states.rank(status) >= states.rank(STORED):
        row.state, row.sum_no = "accepted", head.get("sumNo") or row.sum_no
    session.flush()
    append_leaf(session, "export_summary_receipt", {"status": status, "state": row.state, "at": at}, row.id)
    return True


def take_result(session: Session, head: Mapping[str, str], lists: Sequence[str], at: datetime) -> bool:
    """Take the declaration that an application became (CEB792); return whether it moved anything.

    Raises NotFound while no receipt has told the summary's number, NotInSummary for a list that was not applied for.
    """
    row = _summary(session, ExportSummary.sum_no == head["sumNo"], head["sumNo"])
    if row.state == "refused":
        return False
    applied = {one.invt_no for one in _parcels(session, row.id)}
    for invt_no in lists:
        if invt_no not in applied:
            raise NotInSummary(sum_no=row.sum_no, invt_no=invt_no)
    entry_no = head.get("entryId") or None
    if row.state == "declared" or entry_no is None:
        return False
    exports.take_summary_result(session, row.cop_no or "", sum_no=head["sumNo"], entry_no=entry_no, at=at)
    return True


def _summary(session: Session, which: ColumnElement[bool], number: str) -> ExportSummary:
    query = select(ExportSummary).where(which).order_by(ExportSummary.id.desc()).limit(1).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound(field="sumNo", what=number)
    return row
