"""Receiving a list: what each of its lines must say."""

from dataclasses import dataclass
from datetime import date

from wms.codes import gs1_keys
from wms.errors import N_, Kind, WmsError
from wms.floor.rules import piece_mistakes
from wms.floor.rules.mistakes import BrokenCheckDigit, ExpiryDiffers
from wms.floor.rules.receiving import LotDates, check_lot


class NothingLeft(WmsError):
    """All of it was counted in already."""

    code = "nothing_left_to_receive"
    kind = Kind.CONFLICT
    text = N_("Nothing is left to receive of %(notice)s.")


class NotInBook(WmsError):
    """Bonded goods that no line of the account book counts cannot be posted."""

    code = "not_in_account_book"
    text = N_("No line of the account book counts %(item)s: put it aside until customs says where it comes in.")


@dataclass(frozen=True)
class ListLine:
    """Goods received: ``qty`` base units of the owner's item; grams and numbers where its pieces are told apart.

    ``line_id`` is the notice's own line, where it is known.
    """

    item: str
    qty: int
    lot_no: str | None = None
    expires_on: date | None = None
    sscc: str | None = None
    is_damaged: bool = False
    weight_g: int | None = None
    serials: tuple[str, ...] = ()
    line_id: int | None = None


@dataclass(frozen=True)
class ItemFacts:
    """What the rules need of an item."""

    code: str
    id: int
    is_lot_controlled: bool
    is_expiry_controlled: bool
    is_serial_controlled: bool
    is_catch_weight: bool


def check(line: ListLine, item: ItemFacts, known_on: date | None, today: date) -> None:
    """Raise the first rule that a line breaks. Expired goods are taken in as expired: who sends a list has looked."""
    if line.sscc is not None and not gs1_keys.is_sscc(line.sscc):
        raise BrokenCheckDigit(label=line.sscc)
    if known_on is not None and line.expires_on is not None and known_on != line.expires_on:
        raise ExpiryDiffers(
            item=item.code, lot_no=line.lot_no or "-", known_on=known_on.isoformat(),
            expires_on=line.expires_on.isoformat(),
        )  # fmt: skip
    dates = LotDates(
        item.code, item.is_lot_controlled, item.is_expiry_controlled, line.lot_no, known_on or line.expires_on
    )
    check_lot(dates, today, is_expired_confirmed=True)
    if item.is_serial_controlled and len(line.serials) != line.qty:
        raise piece_mistakes.SerialMissing(item=item.code)
    if item.is_catch_weight and line.weight_g is None:
        raise piece_mistakes.WeightMissing(item=item.code)
