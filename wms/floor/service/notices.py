"""Use cases of the advance notice: announce goods."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.catalog import queries as catalog
from wms.customs import list_queries
from wms.floor.rules import notices as rules
from wms.floor.rules.notices import LineIn
from wms.floor.tables import AdvanceNotice, NoticeLine
from wms.record.service import append_leaf


@dataclass(frozen=True)
class Announce:
    """Goods that will arrive at a site for an owner; ``list_no`` is customs' or our own number of the list."""

    notice_no: str
    site_id: int
    owner_id: int
    trade_mode: str
    lines: tuple[LineIn, ...]
    list_no: str | None = None
    expected_at: datetime | None = None


def announce(session: Session, command: Announce) -> int:
    """Store an advance notice and return its id.

    Raises NoticeExists, NoticeWithoutLines, BadTradeMode, NeedsVerificationList, BadNoticeLine, NotOwnersItem,
    NotOnVerificationList, UnknownList.
    """
    rules.check_notice(command.notice_no, command.trade_mode, command.list_no, command.lines)
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
        )
        .on_conflict_do_nothing()
        .returning(AdvanceNotice.id)
    )
    if notice_id is None:
        raise rules.NoticeExists(field="notice_no", notice=command.notice_no)
    for line_no, line in enumerate(command.lines, 1):
        session.add(_line(session, command, notice_id, list_id, line_no, line))
    session.flush()
    append_leaf(session, "advance_notice", {"notice_no": command.notice_no, "lines": len(command.lines)}, notice_id)
    return notice_id


def _line(
    session: Session, command: Announce, notice_id: int, list_id: int | None, line_no: int, line: LineIn
) -> NoticeLine:
    item = catalog.item_by_code(session, command.owner_id, line.item_code)
    if item is None:
        raise rules.NotOwnersItem(field=f"lines.{line_no}", line_no=line_no, item=line.item_code)
    on_list = None
    if list_id is not None:
        named = [row for row in list_queries.lines(session, list_id) if row.trade_item_id == item.id]
        if not named:
            raise rules.NotOnVerificationList(field=f"lines.{line_no}", line_no=line_no, item=line.item_code)
        on_list = named[0].id
    return NoticeLine(
        notice_id=notice_id,
        line_no=line_no,
        trade_item_id=item.id,
        expected_qty=line.qty,
        lot_no=line.lot_no,
        expires_on=line.expires_on,
        sscc=line.sscc,
        verification_line_id=on_list,
    )
