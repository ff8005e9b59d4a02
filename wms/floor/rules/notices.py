"""What an advance notice must say before the floor can work with it."""

from dataclasses import dataclass
from datetime import date, timedelta

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


class NoticeNotOpen(WmsError):
    """Somebody counts already, has counted, or the notice was cancelled: it can no longer be changed."""

    code = "notice_not_open"
    kind = Kind.CONFLICT
    text = N_("Notice %(notice)s is %(state)s: it can be changed or cancelled only until the first goods are counted.")


class NoticeHeadDiffers(WmsError):
    """Two rows of one notice say different things of the notice itself."""

    code = "notice_head_differs"
    kind = Kind.INVALID
    text = N_("Notice %(notice)s: this row names another %(name)s than the first row of the notice.")


class UnitAnnounced(WmsError):
    """One pallet cannot arrive twice."""

    code = "unit_announced"
    kind = Kind.CONFLICT
    text = N_("The pallet %(sscc)s is announced already, by notice %(notice)s.")


class UnitInStock(WmsError):
    code = "unit_in_stock"
    kind = Kind.CONFLICT
    text = N_("The pallet %(sscc)s stands in a warehouse already.")


class UnitOfAnotherOwner(WmsError):
    code = "unit_of_another_owner"
    kind = Kind.CONFLICT
    text = N_("The pallet %(sscc)s belongs to another owner.")


class AnnouncedTwice(WmsError):
    code = "announced_twice"
    kind = Kind.INVALID
    text = N_("The pallet %(sscc)s stands twice with the same goods.")


class AnnouncedTooFar(WmsError):
    code = "announced_expiry_too_far"
    kind = Kind.INVALID
    text = N_("The expiry day %(expires_on)s lies too far ahead to be true.")


class LotNotAnnounced(WmsError):
    code = "lot_not_announced"
    kind = Kind.INVALID
    text = N_("%(item)s is kept by lot: a pallet that is announced whole must say which.")


class UnknownOrder(WmsError):
    code = "unknown_order_line"
    kind = Kind.INVALID
    text = N_("No open order %(order)s of this owner wants %(item)s.")


class BondedWithoutDocument(WmsError):
    """Bonded goods come in under a verification list, never blind (customs reference, 1.3)."""

    code = "bonded_without_document"
    text = N_(
        "Goods of trade mode %(trade_mode)s are bonded: they cannot be received without a document. Have the declarant"
        " announce them with their verification list, and receive them against that notice."
    )


@dataclass(frozen=True)
class LineIn:
    """A line of a new notice; ``qty`` in base units, or in ``unit`` where that is given.

    ``order_no`` names the order that these goods are meant for; ``weight_g`` what they weigh, for goods of catch
    weight; ``field`` where the line stands in what was sent, for refusals.
    """

    item_code: str
    qty: int
    lot_no: str | None = None
    expires_on: date | None = None
    sscc: str | None = None
    unit: str | None = None
    order_no: str | None = None
    weight_g: int | None = None
    field: str | None = None
    gtin: str | None = None


@dataclass(frozen=True)
class KnownUnit:
    """What is known of a pallet label: whose it is, which open notice names it, whether it is here already."""

    owner_id: int | None = None
    notice_no: str | None = None
    is_in_stock: bool = False


def check_unit(sscc: str, known: KnownUnit | None, owner_id: int, notice_no: str) -> None:
    """Raise why a pallet cannot be announced: it is another owner's, announced elsewhere, or here already."""
    if known is None:
        return
    if known.owner_id is not None and known.owner_id != owner_id:
        raise UnitOfAnotherOwner(sscc=sscc)
    if known.notice_no is not None and known.notice_no != notice_no:
        raise UnitAnnounced(sscc=sscc, notice=known.notice_no)
    if known.is_in_stock:
        raise UnitInStock(sscc=sscc)


def check_expiry(expires_on: date | None, today: date, longest: timedelta) -> None:
    """Raise AnnouncedTooFar for a day that no goods keep to."""
    if expires_on is not None and expires_on > today + longest:
        raise AnnouncedTooFar(expires_on=expires_on.isoformat())


def check_blind(trade_mode: str) -> None:
    """Raise BadTradeMode or BondedWithoutDocument: only ordinary goods are received without a notice."""
    if not customs_numbers.is_trade_mode(trade_mode):
        raise BadTradeMode(field="trade_mode", trade_mode=trade_mode)
    if trade_mode in BONDED_MODES:
        raise BondedWithoutDocument(field="trade_mode", trade_mode=trade_mode)


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
