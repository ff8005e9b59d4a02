"""Use case of receiving a whole list at once: what stands on a notice, on one unit of it, or in a list of lines.

Everything is done in sets: items, lots and units are found or filed together, the goods are posted a thousand lines to
a posting, receipt lines and put-away tasks are written by one statement each. All of it stands, or nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wms.customs import accounts, list_queries
from wms.customs.rules import may_receive
from wms.errors import WmsError
from wms.floor import queries, unit_queries
from wms.floor.queries import NoticeLineRow, NoticeRow
from wms.floor.rules import list_receipt as rules
from wms.floor.rules import mistakes
from wms.floor.rules.list_receipt import ItemFacts, ListLine
from wms.floor.rules.putaway import BLOCKED_STATUSES
from wms.floor.rules.receiving import line_for, quality_of
from wms.floor.service import closing, inspecting, meat
from wms.floor.service.closing import Closing
from wms.floor.service.units import Deed
from wms.floor.tables import AdvanceNotice, InspectionPlan
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line

AT_ONCE = 1_000
DOCK_KINDS = frozenset({"dock", "staging", "inspection"})

ITEMS = text(
    "SELECT code, id, is_lot_controlled, is_expiry_controlled, is_serial_controlled, is_catch_weight FROM trade_item"
    " WHERE tenant_id = app_tenant() AND owner_id = :owner_id AND code = ANY (:codes)"
)
FILE_LOTS = text(
    "INSERT INTO lot (trade_item_id, lot_no, expires_on)"
    " SELECT * FROM unnest(cast(:items AS bigint[]), cast(:lots AS text[]), cast(:days AS date[])) AS w(item, lot, day)"
    " ORDER BY 1, 2 ON CONFLICT (trade_item_id, lot_no) DO NOTHING"
)
FIND_LOTS = text(
    "SELECT l.trade_item_id, l.lot_no, l.id, l.expires_on"
    " FROM unnest(cast(:items AS bigint[]), cast(:lots AS text[])) AS w(item, lot)"
    " JOIN lot l ON l.trade_item_id = w.item AND l.lot_no = w.lot"
)
FILE_UNITS = text(
    "INSERT INTO handling_unit (sscc, kind, owner_id) SELECT w.sscc, 'pallet', :owner_id"
    " FROM unnest(cast(:ssccs AS text[])) AS w(sscc) ORDER BY 1 ON CONFLICT (tenant_id, sscc) DO NOTHING"
)
FIND_UNITS = text(
    "SELECT sscc, id, owner_id FROM handling_unit WHERE tenant_id = app_tenant() AND sscc = ANY (:ssccs)"
)
STANDING = text(
    "SELECT h.sscc, p.name_zh, p.name_en, r.received_at FROM receipt_line r"
    " JOIN handling_unit h ON h.id = r.handling_unit_id LEFT JOIN person p ON p.id = r.person_id"
    " WHERE r.notice_id = :notice_id AND r.undone_at IS NULL AND h.sscc = ANY (:ssccs)"
)
NOTE = text(
    "INSERT INTO receipt_line (notice_id, notice_line_id, trade_item_id, lot_id, handling_unit_id, location_id,"
    " quality_status, qty, weight_g, posting_id, person_id, received_at)"
    " SELECT :notice_id, w.line, w.item, w.lot, w.unit, :dock_id, w.quality, w.qty, w.weight, w.posting, app_person(),"
    " :at FROM unnest(cast(:lines AS bigint[]), cast(:items AS bigint[]), cast(:lots AS bigint[]),"
    " cast(:units AS bigint[]), cast(:qualities AS text[]), cast(:qtys AS bigint[]), cast(:weights AS bigint[]),"
    " cast(:postings AS bigint[])) AS w(line, item, lot, unit, quality, qty, weight, posting)"
)
WANT = text(
    "INSERT INTO put_away_task (site_id, from_location_id, owner_id, trade_item_id, lot_id, handling_unit_id,"
    " is_blocked, qty) SELECT :site_id, :dock_id, :owner_id, w.item, w.lot, w.unit, w.blocked, sum(w.qty)"
    " FROM unnest(cast(:items AS bigint[]), cast(:lots AS bigint[]), cast(:units AS bigint[]),"
    " cast(:blocked AS boolean[]), cast(:qtys AS bigint[])) AS w(item, lot, unit, blocked, qty)"
    " GROUP BY w.item, w.lot, w.unit, w.blocked ORDER BY 1, 2, 4, 5, 6, 7"
    " ON CONFLICT (from_location_id, trade_item_id, lot_id, handling_unit_id, is_blocked) WHERE state = 'open'"
    " DO UPDATE SET qty = put_away_task.qty + excluded.qty"
)


@dataclass(frozen=True)
class ReceiveList:
    """What is received: ``lines``; else what is left on the unit ``sscc``; else all that is left on the notice.

    ``close`` closes the receipt with its differences at once.
    """

    key: str
    notice_no: str
    dock: str
    event_at: datetime
    lines: tuple[ListLine, ...] | None = None
    sscc: str | None = None
    close: bool = False
    device: str | None = None


@dataclass(frozen=True)
class Fault:
    """A line that forbids the whole list: its place in it, counted from 1, and why."""

    row: int
    refusal: WmsError


@dataclass(frozen=True)
class Received:
    """What was received; with ``faults`` nothing was, and who calls takes the transaction back."""

    n_lines: int
    qty: int
    posting_ids: tuple[int, ...]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class _Found:
    """A line with all that it names."""

    line: ListLine
    notice_line: NoticeLineRow | None
    account: AccountKey


def receive_list(session: Session, command: ReceiveList) -> Received:
    """Receive a list at a dock.

    Raises UnknownNotice, NoticeClosed, WrongListState, WrongPlace, UnknownLabel, AlreadyReceived, NothingLeft, or the
    ledger's refusal of the whole.
    """
    notice = _locked(session, command.notice_no)
    dock_id = _dock_id(session, notice, command.dock)
    announced = queries.notice_lines(session, notice.id)
    lines = command.lines if command.lines is not None else _left(session, command, announced)
    if not lines and not command.close:
        raise rules.NothingLeft(notice=notice.notice_no)
    _refuse_standing(session, notice, {line.sscc for line in lines if line.sscc})
    found, faults = _resolve(session, notice, announced, lines, dock_id, _today(notice, command.event_at))
    if faults:
        return Received(0, 0, (), tuple(faults))
    posting_ids = _post(session, command, notice, found, dock_id)
    deed = Deed(f"list:{command.key}", command.event_at, command.device)
    meat.hold_for_papers(session, notice, _as_counted(found), deed)
    if session.scalar(select(InspectionPlan.id).limit(1)) is not None:
        inspecting.set_aside(session, notice, _by_account(found), deed)
    session.execute(
        text("UPDATE advance_notice SET state = 'receiving', started_at = :at WHERE id = :id AND state = 'open'"),
        {"id": notice.id, "at": command.event_at},
    )
    if command.close:
        counted = queries.notice_lines(session, notice.id)
        by = Closing(f"list:{command.key}:close", command.event_at, command.device)
        closing.close(session, notice, counted, closing.found(session, notice, counted), by)
    return Received(len(found), sum(one.line.qty for one in found), tuple(posting_ids))


def _locked(session: Session, notice_no: str) -> NoticeRow:
    found = queries.notice_by_no(session, notice_no)
    if found is None:
        raise mistakes.UnknownNotice(field="notice_no", notice=notice_no)
    session.execute(select(AdvanceNotice.id).where(AdvanceNotice.id == found.id).with_for_update(key_share=True))
    notice = queries.notice(session, found.id)
    if notice.state not in {"open", "receiving"}:
        raise mistakes.NoticeClosed(notice=notice.notice_no)
    if notice.verification_list_id is not None:
        may_receive(*list_queries.state_of(session, notice.verification_list_id))
    return notice


def _dock_id(session: Session, notice: NoticeRow, code: str) -> int:
    place = queries.location_by_code(session, notice.site_id, code)
    if place is None:
        raise mistakes.UnknownLabel(field="dock", label=code)
    if place.kind not in DOCK_KINDS:
        raise mistakes.WrongPlace(field="dock", place=place.code, place_kind=place.kind)
    return place.id


def _today(notice: NoticeRow, at: datetime) -> date:
    return at.astimezone(ZoneInfo(notice.time_zone)).date()


def _left(session: Session, command: ReceiveList, announced: Sequence[NoticeLineRow]) -> tuple[ListLine, ...]:
    inner = unit_queries.ssccs_in(session, command.sscc) if command.sscc else None
    return tuple(
        ListLine(
            line.item_code, line.expected_qty - line.received_qty, line.lot_no, line.expires_on, line.sscc,
            weight_g=line.weight_g if not line.received_qty else None, line_id=line.id,
        )
        for line in announced
        if line.received_qty < line.expected_qty and (inner is None or line.sscc in inner)
        and not (line.sscc and line.received_qty)
    )  # fmt: skip


def _refuse_standing(session: Session, notice: NoticeRow, ssccs: set[str]) -> None:
    if not ssccs:
        return
    first = session.execute(STANDING, {"notice_id": notice.id, "ssccs": sorted(ssccs)}).first()
    if first is not None:
        person = {"zh": first.name_zh or "-", "en": first.name_en or "-"}
        at = first.received_at.isoformat(timespec="minutes")
        raise mistakes.AlreadyReceived(sscc=first.sscc, person=person, at=at)


def _resolve(
    session: Session,
    notice: NoticeRow,
    announced: Sequence[NoticeLineRow],
    lines: Sequence[ListLine],
    dock_id: int,
    today: date,
) -> tuple[list[_Found], list[Fault]]:
    values = {"owner_id": notice.owner_id, "codes": sorted({line.item for line in lines})}
    items = {row[0]: ItemFacts(*row) for row in session.execute(ITEMS, values)}
    lots = _lots(session, items, lines)
    units = _units(session, notice, lines)
    by_item: dict[int, list[NoticeLineRow]] = defaultdict(list)
    for row in announced:
        by_item[row.trade_item_id].append(row)
    rows = {row.id: row for row in announced}
    as_rules = {item_id: queries.announced(of_item) for item_id, of_item in by_item.items()}
    # Lines that name the same pallet are found by it; the others share what their item still lacks.
    at_pallet = {(row.sscc, row.trade_item_id, row.lot_no): row for row in announced if row.sscc is not None}
    found: list[_Found] = []
    faults: list[Fault] = []
    for number, line in enumerate(lines, 1):
        try:
            item = items.get(line.item)
            if item is None:
                raise mistakes.UnknownLabel(label=line.item)
            lot_id, known_on = lots.get((item.id, line.lot_no or ""), (None, None))
            rules.check(line, item, known_on, today)
            unit_id = _unit_id(line, notice, units)
            match = rows.get(line.line_id or 0) or at_pallet.get((line.sscc or "", item.id, line.lot_no))
            if match is None:
                best = line_for(as_rules.get(item.id, ()), item.id, line.lot_no, line.sscc)
                match = rows[best.id] if best else None
            expires_on = known_on or line.expires_on
            quality = quality_of(
                is_damaged=line.is_damaged,
                is_expired=expires_on is not None and expires_on < today,
                is_announced=match is not None or notice.kind == "blind",
                is_bonded=notice.is_bonded,
            )
            book_line_id = _book_line_id(session, notice, match, item) if notice.is_bonded else None
            account = AccountKey(
                "location", notice.owner_id, item.id, notice.site_id, dock_id, lot_id, unit_id,
                "bonded" if notice.is_bonded else "free", quality, book_line_id,
            )  # fmt: skip
            found.append(_Found(line, match, account))
        except WmsError as refusal:
            refusal.field = f"lines.{number}"
            faults.append(Fault(number, refusal))
    return found, faults


def _lots(
    session: Session, items: dict[str, ItemFacts], lines: Iterable[ListLine]
) -> dict[tuple[int, str], tuple[int, date | None]]:
    named: dict[tuple[int, str], date | None] = {}
    for line in lines:
        if line.lot_no and line.item in items:
            key = (items[line.item].id, line.lot_no)
            named[key] = named.get(key) or line.expires_on
    if not named:
        return {}
    columns: dict[str, Any] = {"items": [one[0] for one in named], "lots": [one[1] for one in named]}
    session.execute(FILE_LOTS, {**columns, "days": list(named.values())})
    return {(row[0], row[1]): (row[2], row[3]) for row in session.execute(FIND_LOTS, columns)}


def _units(session: Session, notice: NoticeRow, lines: Iterable[ListLine]) -> dict[str, tuple[int, int]]:
    ssccs = sorted({line.sscc for line in lines if line.sscc})
    if not ssccs:
        return {}
    session.execute(FILE_UNITS, {"ssccs": ssccs, "owner_id": notice.owner_id})
    return {row[0]: (row[1], row[2]) for row in session.execute(FIND_UNITS, {"ssccs": ssccs})}


def _unit_id(line: ListLine, notice: NoticeRow, units: dict[str, tuple[int, int]]) -> int | None:
    if line.sscc is None:
        return None
    unit_id, owner_id = units.get(line.sscc, (0, 0))
    if owner_id != notice.owner_id:
        raise mistakes.UnknownPallet(sscc=line.sscc)
    return unit_id


def _book_line_id(session: Session, notice: NoticeRow, match: NoticeLineRow | None, item: ItemFacts) -> int:
    if match is not None and match.book_line_id is not None:
        return match.book_line_id
    assert notice.verification_list_id is not None
    found = queries.book_line_for(session, notice.verification_list_id, item.id)
    if found is None:
        raise rules.NotInBook(item=item.code)
    return found


def _by_account(found: Sequence[_Found]) -> list[tuple[AccountKey, int]]:
    sums: dict[AccountKey, int] = defaultdict(int)
    for one in found:
        sums[one.account] += one.line.qty
    return list(sums.items())


def _as_counted(found: Sequence[_Found]) -> list[tuple[AccountKey, int]]:
    return [(one.account, one.line.qty) for one in found]


def _post(
    session: Session, command: ReceiveList, notice: NoticeRow, found: Sequence[_Found], dock_id: int
) -> list[int]:
    posting_ids: list[int] = []
    for start in range(0, len(found), AT_ONCE):
        part = found[start : start + AT_ONCE]
        lines = tuple(line for one in part for line in _lines(one))
        posting = ledger.Posting(
            f"list:{command.key}:{start}", "receipt", command.event_at, lines, notice.notice_no, None, command.device
        )
        posting_ids.append(ledger.post(session, posting).posting_id)
        _note(session, command, notice, part, dock_id, posting_ids[-1])
    return posting_ids


def _lines(one: _Found) -> tuple[Line, ...]:
    account, line = one.account, one.line
    supplier = AccountKey("supplier", account.owner_id, account.trade_item_id)
    shelf = ledger.moved(supplier, account, line.qty, weight_g=line.weight_g, serials=line.serials)
    if account.book_line_id is None:
        return shelf
    return (*shelf, *accounts.enter_books(account.owner_id, account.trade_item_id, account.book_line_id, line.qty))


def _note(
    session: Session, command: ReceiveList, notice: NoticeRow, part: Sequence[_Found], dock_id: int, posting_id: int
) -> None:
    columns = {
        "items": [one.account.trade_item_id for one in part],
        "lots": [one.account.lot_id for one in part],
        "units": [one.account.handling_unit_id for one in part],
        "qtys": [one.line.qty for one in part],
    }
    session.execute(
        NOTE,
        {
            **columns,
            "notice_id": notice.id,
            "dock_id": dock_id,
            "at": command.event_at,
            "lines": [one.notice_line.id if one.notice_line else None for one in part],
            "qualities": [one.account.quality_status for one in part],
            "weights": [one.line.weight_g for one in part],
            "postings": [posting_id] * len(part),
        },
    )
    values = {"site_id": notice.site_id, "dock_id": dock_id, "owner_id": notice.owner_id}
    blocked = [one.account.quality_status in BLOCKED_STATUSES for one in part]
    session.execute(WANT, {**columns, **values, "blocked": blocked})
