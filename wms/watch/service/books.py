"""What is overdue with customs becomes an alarm, once: differences, write-offs, goods that are to be declared."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs import differences, slips, transits, write_off_due
from wms.customs.modes import beijing_day
from wms.customs.tables import AccountBook, BusinessFiling, VerificationList
from wms.watch.service.alarms import NewAlarm, raise_alarm
from wms.watch.tables import Alarm

SOURCE = "ledger"


@dataclass(frozen=True)
class Watched:
    """What one look found: differences that wait, and how many alarms were raised."""

    differences: int
    alarms: int


def watch_books(session: Session, at: datetime) -> Watched:
    """Note what differs now, and raise an alarm for whatever is overdue and has none that waits for somebody."""
    waiting = differences.note(session, at)
    today = beijing_day(at)
    books = session.execute(select(AccountBook.book_no, AccountBook.site_id)).all()
    sites: dict[str, int] = {row.book_no: row.site_id for row in books}
    late = [one for one in waiting if one.is_late(today) and one.book_no in sites]
    alarms = [
        NewAlarm(sites[one.book_no], SOURCE, "difference_overdue", _line_of(one), at, str(one.due_on)) for one in late
    ]
    codes = {"soon": "write_off_soon", "late": "write_off_overdue"}
    alarms += [
        NewAlarm(one.site_id, SOURCE, codes[one.state], one.book_no, at, str(one.due_on))
        for one in write_off_due.due(session, today)
        if one.state in codes
    ]
    for slip in slips.overdue(session, today):
        filed = session.get_one(BusinessFiling, slip.business_filing_id)
        site_id = session.get_one(AccountBook, filed.account_book_id).site_id
        number = slip.slip_no or slip.internal_no
        alarms.append(NewAlarm(site_id, SOURCE, "slip_overdue", number, at, str(slip.collect_by_on)))
    for transit in transits.overdue(session, at):
        listed = session.get_one(VerificationList, transit.verification_list_id)
        site_id = session.get_one(AccountBook, listed.account_book_id).site_id
        number = transit.transit_no or transit.internal_no
        alarms.append(NewAlarm(site_id, SOURCE, "transit_overdue", number, at, transit.office_to))
    raised = [raise_alarm(session, one) for one in alarms if not _waits(session, one)]
    return Watched(len(waiting), len(raised))


def _line_of(one: differences.DifferenceRow) -> str:
    return f"{one.book_no} / {one.line_no}"


def _waits(session: Session, new: NewAlarm) -> bool:
    """Whether an alarm about this is not settled yet: one is enough until somebody closes it."""
    same = (Alarm.source == new.source, Alarm.code == new.code, Alarm.subject == new.subject)
    waits = Alarm.state.not_in(("closed", "reviewed"))
    return session.scalar(select(Alarm.id).where(*same, waits).limit(1)) is not None
