"""Use cases that change what was declared: change and deletion of a list (dclTypecd 2, 3), reopening of a booked one.

Customs decides: what is asked stands in ``verification_change``; until the answer comes the list is as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wms.customs import change_rules, list_queries, rules, verification_lists
from wms.customs.tables import VerificationChange, VerificationLine, VerificationList
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.tables import Posting


@dataclass(frozen=True)
class Quantity:
    """What a line is to declare: as customs writes it, and the same in base units."""

    declared_qty: Decimal
    declared_base_qty: int


def ask_change(
    session: Session, list_id: int, wanted: Mapping[int, Quantity], reason: str, at: datetime
) -> VerificationChange:
    """Ask customs to change quantities by line number (INV101, dclTypecd 2).

    Raises WrongListState, ChangeOpen, UnknownListLine, BelowOnPasses, ReasonMissing.
    """
    facts = list_queries.facts_for_update(session, list_id)
    change_rules.check_may_change(facts, reason, has_open=waiting(session, list_id) is not None)
    lines = {row.line_no: row for row in list_queries.lines(session, list_id)}
    for line_no, quantity in wanted.items():
        row = lines.get(line_no)
        on_passes = row.on_passes_qty if row else None
        change_rules.check_quantity(facts.number, line_no, on_passes, quantity.declared_base_qty)
    body = {
        str(line_no): {"declared_qty": str(one.declared_qty), "declared_base_qty": one.declared_base_qty}
        for line_no, one in wanted.items()
    }
    return _ask(session, facts, list_id, "2", body, reason, at)


def ask_deletion(session: Session, list_id: int, reason: str, at: datetime) -> VerificationChange:
    """Ask customs to delete a list (dclTypecd 3); only while nothing of it is on a pass.

    Raises WrongListState, ChangeOpen, ReasonMissing, ListInUse.
    """
    facts = list_queries.facts_for_update(session, list_id)
    change_rules.check_may_change(facts, reason, has_open=waiting(session, list_id) is not None)
    _check_unused(session, facts, list_id)
    return _ask(session, facts, list_id, "3", {}, reason, at)


def _ask(
    session: Session, facts: rules.ListFacts, list_id: int, kind: str, body: dict[str, Any], reason: str, at: datetime
) -> VerificationChange:  # fmt: skip
    asked = VerificationChange(
        verification_list_id=list_id, kind=kind, wanted=body, reason=reason.strip(),
        change_count=facts.change_count + 1, requested_at=at,
    )  # fmt: skip
    session.add(asked)
    session.flush()
    append_leaf(session, "verification_change", {"list": facts.number, "kind": kind, "wanted": body}, asked.id)
    return asked


def approve(session: Session, list_id: int, change_count: int, at: datetime) -> bool:
    """Take customs' approval of a change or deletion; a repeat, or an older one, changes nothing and returns False.

    Raises NoChangeAsked, BelowOnPasses, ListInUse, BookShort.
    """
    facts = list_queries.facts_for_update(session, list_id)
    asked = waiting(session, list_id)
    if facts.change_count >= change_count and asked is None:
        return False
    if asked is None or asked.change_count != change_count:
        raise change_rules.NoChangeAsked(number=facts.number, change_count=change_count)
    verification_lists.give_back_promises(session, list_id)
    if asked.kind == "3":
        _check_unused(session, facts, list_id)
        verification_lists.remove(session, list_id, change_count)
    else:
        _apply(session, facts, list_id, asked)
        if facts.state == "pre_deducted":
            verification_lists.promise_lines(session, list_id)
    asked.state, asked.decided_at = "approved", at
    session.flush()
    append_leaf(session, "verification_change_approved", {"list": facts.number, "count": change_count}, asked.id)
    return True


def _apply(session: Session, facts: rules.ListFacts, list_id: int, asked: VerificationChange) -> None:
    for row in list_queries.lines(session, list_id):
        wanted = asked.wanted.get(str(row.line_no))
        if wanted is None:
            continue
        # Passes may have been made since it was asked.
        change_rules.check_quantity(facts.number, row.line_no, row.on_passes_qty, wanted["declared_base_qty"])
        session.execute(
            update(VerificationLine)
            .where(VerificationLine.id == row.id)
            .values(declared_qty=Decimal(wanted["declared_qty"]), declared_base_qty=wanted["declared_base_qty"])
        )
    session.execute(
        update(VerificationList).where(VerificationList.id == list_id).values(change_count=asked.change_count)
    )
    session.expire_all()


def refuse(session: Session, list_id: int, change_count: int, at: datetime) -> bool:
    """Take customs' refusal of what was asked: the list stays as it is. Returns False where nothing waits."""
    list_queries.facts_for_update(session, list_id)
    asked = waiting(session, list_id)
    if asked is None or asked.change_count != change_count:
        return False
    asked.state, asked.decided_at = "refused", at
    session.flush()
    return True


def delete_unsent(session: Session, list_id: int) -> None:
    """Delete a draft or one that customs sent back. Raises WrongListState, ListInUse."""
    facts = list_queries.facts_for_update(session, list_id)
    if facts.state not in {"draft", "returned"}:
        raise rules.wrong_state(facts, "draft")
    _check_unused(session, facts, list_id)
    verification_lists.remove(session, list_id, facts.change_count)


def reopen(session: Session, list_id: int, key: str, document: str, at: datetime) -> int:
    """Undo a booking by the document of customs that revokes it; the list is pre-deducted again.

    The posting of the booking is reversed: inward, goods that were sold since make the ledger refuse it.
    Raises WrongListState, ReasonMissing, ShortStock.
    """
    facts = list_queries.facts_for_update(session, list_id)
    if facts.state != "booked":
        raise rules.wrong_state(facts, "booked")
    change_rules.check_reason(document)
    undone = select(Posting.reverses_id).where(Posting.reverses_id.is_not(None))
    booked = session.scalars(
        select(Posting.id)
        .where(Posting.kind == "list_booked", Posting.source_doc == facts.number, Posting.id.not_in(undone))
        .order_by(Posting.id.desc())
    ).first()
    if booked is None:
        raise rules.wrong_state(facts, "booked")
    posted = ledger.reverse(session, key, booked, reason=document, event_at=at)
    lines = update(VerificationLine).where(VerificationLine.verification_list_id == list_id)
    session.execute(lines.values(booked_qty=0))
    session.execute(
        update(VerificationList)
        .where(VerificationList.id == list_id)
        .values(state="pre_deducted", booked_at=None, change_count=VerificationList.change_count + 1)
    )
    session.expire_all()
    append_leaf(session, "verification_list", {"list_id": list_id, "step": "reopened", "by": document}, list_id)
    return posted.posting_id


def _check_unused(session: Session, facts: rules.ListFacts, list_id: int) -> None:
    awaiting = {line.line_no: line.awaiting_qty for line in facts.lines if facts.direction == "I"}
    for row in list_queries.lines(session, list_id):
        if row.on_passes_qty or awaiting.get(row.line_no):
            raise change_rules.ListInUse(number=facts.number, line_no=row.line_no)


def waiting(session: Session, list_id: int) -> VerificationChange | None:
    """Return what was asked of a list and is not answered yet."""
    return session.scalars(
        select(VerificationChange).where(
            VerificationChange.verification_list_id == list_id, VerificationChange.state == "requested"
        )
    ).one_or_none()
