"""What an advance notice must say before the floor can work with it."""

from dataclasses import dataclass
from datetime import date

from wms.codes import customs_numbers, gs1_keys
from wms.errors import N_, Kind, WmsError

# Goods of these trade modes enter the zone under customs' books, so their notice names a verification list.
BONDED_MODES = frozenset({"1210", "1239", "5034", "5015", "5335"})


class NoticeExists(WmsError):
    """Two notices would answer to the same number."""

    code = "notice_exists"
    kind = Kind.CONFLICT
    text = N_("There is already an advance notice %(notice)s.")


class NoticeWithoutLines(WmsError):
    """A notice that announces nothing."""

    code = "notice_without_lines"
    kind = Kind.INVALID
    text = N_("The advance notice %(notice)s announces no goods.")


class BadNoticeLine(WmsError):
    """A line's quantity or pallet label cannot be."""

    code = "bad_notice_line"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: quantity %(qty)s or pallet label %(sscc)s is not right.")


class NotOwnersItem(WmsError):
    """A line names goods of another owner, or none that exist."""

    code = "not_owners_item"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: the owner of this notice has no item %(item)s.")


class BadTradeMode(WmsError):
    """The trade mode has not four digits."""

    code = "bad_trade_mode"
    kind = Kind.INVALID
    text = N_("%(trade_mode)s is no trade mode.")


class NeedsVerificationList(WmsError):
    """Bonded goods are announced without the list that puts them into the books."""

    code = "needs_verification_list"
    kind = Kind.INVALID
    text = N_("Goods of trade mode %(trade_mode)s come in under a verification list; name it.")


class NotOnVerificationList(WmsError):
    """A bonded line has no counterpart on the verification list."""

    code = "not_on_verification_list"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: the verification list does not name item %(item)s.")


@dataclass(frozen=True)
class LineIn:
    """A line of a new notice; ``qty`` in base units."""

    item_code: str
    qty: int
    lot_no: str | None = None
    expires_on: date | None = None
    sscc: str | None = None


def check_notice(notice_no: str, trade_mode: str, list_no: str | None, lines: tuple[LineIn, ...]) -> None:
    """Raise the first rule that a new notice breaks, as far as no database is needed."""
    if not lines:
        raise NoticeWithoutLines(field="lines", notice=notice_no)
    if not customs_numbers.is_trade_mode(trade_mode):
        raise BadTradeMode(field="trade_mode", trade_mode=trade_mode)
    if trade_mode in BONDED_MODES and not list_no:
        raise NeedsVerificationList(field="verification_list", trade_mode=trade_mode)
    for line_no, line in enumerate(lines, 1):
        if line.qty <= 0 or (line.sscc is not None and not gs1_keys.is_sscc(line.sscc)):
            raise BadNoticeLine(field=f"lines.{line_no}", line_no=line_no, qty=line.qty, sscc=line.sscc or "-")
