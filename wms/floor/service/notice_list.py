"""Advance notices from a list: a row is a line, rows of one number are one notice; taken chunk by chunk."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.errors import WmsError
from wms.floor.rules import notices as rules
from wms.floor.rules.notices import LineIn
from wms.floor.rules.opening import UnknownOwner, UnknownSite
from wms.floor.service.notice_lines import Head, NoticeLines, Refused
from wms.floor.service.notices import Announce, file_head
from wms.parties.tables import Company, Site
from wms.record.service import append_leaf


@dataclass(frozen=True)
class NoticeRowIn:
    """One row: the line, and what it says of its notice. ``number`` is its place in the file."""

    number: int
    notice_no: str
    site: str
    owner: str
    trade_mode: str
    item: str
    qty: int
    verification_list: str | None = None
    expected_on: date | None = None
    is_blind: bool = False
    unit: str | None = None
    lot_no: str | None = None
    expires_on: date | None = None
    sscc: str | None = None
    weight_g: int | None = None
    order_no: str | None = None

    @property
    def head(self) -> dict[str, object]:
        """What all rows of a notice say alike."""
        return {
            "site": self.site.upper(),
            "owner": self.owner.upper(),
            "trade_mode": self.trade_mode,
            "verification_list": self.verification_list,
            "expected_on": self.expected_on,
        }


@dataclass
class NoticeList:
    """A list under way; what was filed under each number is remembered, its lines are not."""

    session: Session
    _heads: dict[str, tuple[Head, dict[str, object]] | WmsError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sites = {row.code: row.id for row in self.session.execute(select(Site.code, Site.id))}
        self._owners = {row.code: row.id for row in self.session.execute(select(Company.code, Company.id))}
        self._lines = NoticeLines(self.session)

    def take(self, rows: Sequence[NoticeRowIn]) -> list[Refused]:
        """File every row that no rule forbids; return the others."""
        refused: list[Refused] = []
        ready: list[tuple[int, Head, LineIn]] = []
        for row in rows:
            try:
                ready.append((row.number, self._head(row), _line(row)))
            except WmsError as refusal:
                refused.append(Refused(row.number, refusal))
        return refused + self._lines.add(ready)

    def _head(self, row: NoticeRowIn) -> Head:
        known = self._heads.get(row.notice_no)
        if known is None:
            known = self._heads[row.notice_no] = self._file(row)
        if isinstance(known, WmsError):
            raise known
        head, said = known
        for name, value in row.head.items():
            if said[name] != value:
                raise rules.NoticeHeadDiffers(field=name, notice=row.notice_no, name=name)
        return head

    def _file(self, row: NoticeRowIn) -> tuple[Head, dict[str, object]] | WmsError:
        """File the notice of a row; what forbids it is kept, so that each of its rows says it and none is lost."""
        try:
            site_id, owner_id = self._sites.get(row.site.upper()), self._owners.get(row.owner.upper())
            if site_id is None:
                raise UnknownSite(field="site", site=row.site)
            if owner_id is None:
                raise UnknownOwner(field="owner", owner=row.owner)
            rules.check_notice(row.notice_no, row.trade_mode, row.verification_list, (LineIn(row.item, 1),))
            expected_at = datetime.combine(row.expected_on, time(), UTC) if row.expected_on else None
            command = Announce(
                row.notice_no, site_id, owner_id, row.trade_mode, (), row.verification_list, expected_at, row.is_blind
            )
            head = file_head(self.session, command)
        except WmsError as refusal:
            return refusal
        append_leaf(self.session, "advance_notice", {"notice_no": row.notice_no, "by": "list"}, head.id)
        return head, row.head


def _line(row: NoticeRowIn) -> LineIn:
    return LineIn(
        row.item, row.qty, row.lot_no, row.expires_on, row.sscc, row.unit, row.order_no, row.weight_g
    )
