"""Use cases of the notice: announce goods, change or cancel it while nothing is counted, open a blind receipt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.customs import list_queries
from wms.floor.rules import notices as rules
from wms.floor.rules.mistakes import UnknownNotice
from wms.floor.rules.notices import LineIn
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.notice_lines import Head, NoticeLines
from wms.floor.tables import AdvanceNotice, NoticeLine
from wms.record.service import append_leaf


@dataclass(frozen=True)
class Announce:
    """Goods that will arrive at a site for an owner; ``list_no`` is customs' or our own number of the list.

    ``is_blind``: who counts does not see how many are expected.
    """

    notice_no: str
    site_id: int
    owner_id: int
    trade_mode: str
    lines: tuple[LineIn, ...]
    list_no: str | None = None
    expected_at: datetime | None = None
    is_blind: bool = False
    supplier: str | None = None


@dataclass(frozen=True)
class Change:
    """What becomes of a notice: None leaves it as it is; ``lines`` replace all lines there were."""

    lines: tuple[LineIn, ...] | None = None
    expected_at: datetime | None = None
    is_blind: bool | None = None


@dataclass(frozen=True)
class OpenBlind:
    """Goods that arrived without a notice: ordinary ones only. ``delivery_no`` is what the driver brought."""

    site_id: int
    owner_id: int
    trade_mode: str
    delivery_no: str | None = None


def announce(session: Session, command: Announce) -> int:
    """Store an advance notice and return its id.

    Raises NoticeExists, NoticeWithoutLines, BadTradeMode, NeedsVerificationList, BadNoticeLine, NotOwnersItem,
    NotOnVerificationList, UnknownList, UnknownUnit, InexactConversion, and for pallets UnitAnnounced, UnitInStock,
    UnitOfAnotherOwner, AnnouncedTwice.
    """
    rules.check_notice(command.notice_no, command.trade_mode, command.list_no, command.lines)
    head = file_head(session, command)
    _file_lines(session, head, command.lines)
    append_leaf(session, "advance_notice", {"notice_no": command.notice_no, "lines": len(command.lines)}, head.id)
    return head.id


def file_head(session: Session, command: Announce) -> Head:
    """Store a notice without its lines. Raises NoticeExists, UnknownList."""
    list_id = list_queries.list_id_of(session, command.list_no) if command.list_no else None
    notice_id: int | None = session.scalar(
        insert(AdvanceNotice)
        .values(
            notice_no=command.notice_no,
            site_id=command.site_id,
            owner_id=command.owner_id,
            trade_mode=command.trade_mode,
            verification_list_id=list_id,
            expected_at=command.expected_at,
            is_blind=command.is_blind,
            supplier=command.supplier,
        )
        .on_conflict_do_nothing()
        .returning(AdvanceNotice.id)
    )
    if notice_id is None:
        raise rules.NoticeExists(field="notice_no", notice=command.notice_no)
    return Head(notice_id, command.notice_no, command.owner_id, list_id)


def change(session: Session, notice_no: str, given: Change) -> int:
    """Change a notice while nothing of it was counted; return its id.

    Raises UnknownNotice, NoticeNotOpen, and for its lines what :func:`announce` raises.
    """
    notice = _locked_open(session, notice_no)
    if given.expected_at is not None:
        notice.expected_at = given.expected_at
    if given.is_blind is not None:
        notice.is_blind = given.is_blind
    said: dict[str, object] = {"notice_no": notice.notice_no, "expected_at": str(notice.expected_at)}
    if given.lines is not None:
        list_no = "given" if notice.verification_list_id else None
        rules.check_notice(notice.notice_no, notice.trade_mode, list_no, given.lines)
        session.execute(delete(NoticeLine).where(NoticeLine.notice_id == notice.id))
        head = Head(notice.id, notice.notice_no, notice.owner_id, notice.verification_list_id)
        _file_lines(session, head, given.lines)
        said["lines"] = [[line.item_code, line.qty, line.unit, line.lot_no, line.sscc] for line in given.lines]
    session.flush()
    append_leaf(session, "notice_changed", said, notice.id)
    return notice.id


def cancel(session: Session, notice_no: str, reason: str, now: datetime) -> int:
    """Cancel a notice while nothing of it was counted; return its id. Raises UnknownNotice, NoticeNotOpen."""
    notice = _locked_open(session, notice_no)
    session.execute(
        update(AdvanceNotice)
        .where(AdvanceNotice.id == notice.id)
        .values(state="cancelled", closed_at=now, closed_by=APP_PERSON, cancel_reason=reason)
    )
    append_leaf(session, "notice_cancelled", {"notice_no": notice.notice_no, "reason": reason}, notice.id)
    return notice.id


def open_blind(session: Session, command: OpenBlind) -> str:
    """Open a receipt for goods that nobody announced, and return its number.

    Raises BadTradeMode, BondedWithoutDocument.
    """
    rules.check_blind(command.trade_mode)
    notice = AdvanceNotice(
        notice_no="", site_id=command.site_id, owner_id=command.owner_id, trade_mode=command.trade_mode, kind="blind",
        is_blind=True, delivery_no=command.delivery_no,
    )  # fmt: skip
    notice.id = session.connection().exec_driver_sql("SELECT nextval('advance_notice_id_seq')").scalar_one()
    notice.notice_no = document_no("BR", notice.id)
    session.add(notice)
    session.flush()
    said = {"notice_no": notice.notice_no, "delivery_no": command.delivery_no}
    append_leaf(session, "blind_receipt", said, notice.id)
    return notice.notice_no


def _file_lines(session: Session, head: Head, lines: Sequence[LineIn]) -> None:
    refused = NoticeLines(session).add([(number, head, line) for number, line in enumerate(lines, 1)])
    if refused:
        raise refused[0].refusal


def _locked_open(session: Session, notice_no: str) -> AdvanceNotice:
    notice = session.query(AdvanceNotice).filter_by(notice_no=notice_no).with_for_update(key_share=True)
    found = notice.populate_existing().one_or_none()
    if found is None:
        raise UnknownNotice(field="notice_no", notice=notice_no)
    if found.state != "open" or found.kind == "blind":
        raise rules.NoticeNotOpen(notice=notice_no, state=found.state)
    return found
