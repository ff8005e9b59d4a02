"""What a list of goods that already lie there must say before the ledger can begin with them."""

from dataclasses import dataclass
from datetime import date

from wms.codes import gs1_keys
from wms.errors import N_, Kind, WmsError
from wms.floor.rules.receiving import LotDates, check_lot


class OpeningFault(WmsError):
    """A row of the list cannot be true."""

    kind = Kind.INVALID


class UnknownSite(OpeningFault):
    code = "unknown_site"
    text = N_("There is no site %(site)s.")


class UnknownPlace(OpeningFault):
    code = "unknown_location"
    text = N_("The site %(site)s has no place %(place)s.")


class UnknownOwner(OpeningFault):
    code = "unknown_owner"
    text = N_("There is no owner of goods %(owner)s.")


class UnknownOwnersItem(OpeningFault):
    code = "unknown_owners_item"
    text = N_("%(owner)s has no item %(item)s.")


class BadSscc(OpeningFault):
    code = "bad_sscc"
    text = N_("%(sscc)s is no SSCC: its length or check digit is wrong.")


class UnitOfAnother(OpeningFault):
    code = "unit_of_another"
    text = N_("The pallet %(sscc)s belongs to another owner.")


class UnitElsewhere(OpeningFault):
    code = "unit_elsewhere"
    text = N_("The pallet %(sscc)s stands at %(place)s already; one pallet stands in one place.")


class UnknownBookLine(OpeningFault):
    code = "unknown_book_line"
    text = N_("There is no line %(line_no)s in the account book %(book_no)s.")


class BookLineOfAnotherItem(OpeningFault):
    code = "book_line_of_another_item"
    text = N_("Line %(line_no)s of the account book %(book_no)s counts another item than %(item)s.")


class HalfBookLine(OpeningFault):
    code = "half_book_line"
    text = N_("Bonded goods need both the account book and its line.")


class BondedOutside(OpeningFault):
    code = "bonded_outside"
    text = N_("Bonded goods cannot lie at %(place)s, which is not under customs' supervision.")


class ExpiredAsGood(OpeningFault):
    code = "expired_as_good"
    text = N_("Lot %(lot_no)s expired on %(expires_on)s; its status cannot be good.")


class LotDiffers(OpeningFault):
    code = "lot_differs"
    text = N_("Lot %(lot_no)s of %(item)s is on file with the expiry day %(known_on)s, not %(expires_on)s.")


@dataclass(frozen=True)
class Lying:
    """One row: goods of an owner in a place. ``qty`` counts ``unit`` (the item's base unit when None)."""

    row: int
    site: str
    place: str
    owner: str
    item: str
    qty: int
    unit: str | None = None
    lot_no: str | None = None
    expires_on: date | None = None
    produced_on: date | None = None
    sscc: str | None = None
    quality_status: str = "good"
    book_no: str | None = None
    book_line_no: int | None = None


@dataclass(frozen=True)
class ItemFacts:
    """What the rules need of an item."""

    id: int
    code: str
    base_unit: str
    is_lot_controlled: bool
    is_expiry_controlled: bool


def check(given: Lying, item: ItemFacts, *, place_is_bonded: bool, today: date) -> None:
    """Raise the first rule that the row breaks, as far as the row itself and its item tell."""
    if (given.book_no is None) != (given.book_line_no is None):
        raise HalfBookLine(field="book_no")
    if given.book_no is not None and not place_is_bonded:
        raise BondedOutside(field="location", place=given.place)
    if given.sscc is not None and not gs1_keys.is_sscc(given.sscc):
        raise BadSscc(field="sscc", sscc=given.sscc)
    dates = LotDates(item.code, item.is_lot_controlled, item.is_expiry_controlled, given.lot_no, given.expires_on)
    check_lot(dates, today, is_expired_confirmed=True)
    if given.expires_on is not None and given.expires_on < today and given.quality_status == "good":
        raise ExpiredAsGood(field="quality_status", lot_no=given.lot_no or "-", expires_on=given.expires_on.isoformat())
