"""Use case of the despatch advice (EANCOM DESADV in shape): units in one another, each with its label and its goods."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes import gs1_keys
from wms.errors import WmsError
from wms.floor.rules import notices as rules
from wms.floor.rules.notices import KnownUnit, LineIn
from wms.floor.service.notice_lines import UNITS, NoticeLines, Refused
from wms.floor.service.notices import Announce, file_head
from wms.record.service import append_leaf
from wms.stock.tables import HandlingUnit


@dataclass(frozen=True)
class UnitIn:
    """A unit of the advice, the one it stands in, and where both stand in what was sent; outer ones come first."""

    sscc: str
    kind: str
    into: str | None
    field: str


def take_advice(session: Session, command: Announce, units: Sequence[UnitIn]) -> list[Refused]:
    """File a despatch advice as a notice; return every bad line and unit. Who calls takes all back if there is any.

    Raises NoticeExists, NoticeWithoutLines, BadTradeMode, NeedsVerificationList, UnknownList.
    """
    if not command.lines:
        raise rules.NoticeWithoutLines(field="units", notice=command.notice_no)
    rules.check_notice(command.notice_no, command.trade_mode, command.list_no, (LineIn("-", 1),))
    head = file_head(session, command)
    refused = _file_units(session, command, units)
    refused += NoticeLines(session).add([(number, head, line) for number, line in enumerate(command.lines, 1)])
    said = {"notice_no": command.notice_no, "lines": len(command.lines), "units": len(units), "by": "despatch advice"}
    append_leaf(session, "advance_notice", said, head.id)
    return refused


def _file_units(session: Session, command: Announce, units: Sequence[UnitIn]) -> list[Refused]:
    named = session.execute(UNITS, {"ssccs": sorted({one.sscc for one in units})}).all()
    known = {row[0]: KnownUnit(*row[1:]) for row in named}
    refused: list[Refused] = []
    seen: set[str] = set()
    good: list[UnitIn] = []
    for one in units:
        try:
            if not gs1_keys.is_sscc(one.sscc):
                raise rules.BadNoticeLine(line_no=0, qty="-", sscc=one.sscc)
            if one.sscc in seen:
                raise rules.AnnouncedTwice(sscc=one.sscc)
            seen.add(one.sscc)
            rules.check_unit(one.sscc, known.get(one.sscc), command.owner_id, command.notice_no)
            good.append(one)
        except WmsError as refusal:
            refusal.field = one.field
            refused.append(Refused(0, refusal))
    if not good or refused:
        return refused
    session.execute(
        insert(HandlingUnit).on_conflict_do_nothing(),
        [{"sscc": one.sscc, "kind": one.kind, "owner_id": command.owner_id} for one in good],
    )
    ids: dict[str, int] = {
        row[0]: row[1]
        for row in session.execute(
            select(HandlingUnit.sscc, HandlingUnit.id).where(HandlingUnit.sscc.in_([one.sscc for one in good]))
        )
    }
    for one in good:
        parent = ids[one.into] if one.into else None
        session.execute(update(HandlingUnit).where(HandlingUnit.id == ids[one.sscc]).values(parent_id=parent))
    return refused
