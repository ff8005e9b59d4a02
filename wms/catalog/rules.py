"""Units and packagings: exact conversion between them, and what a trade item must say of itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from wms.codes import customs_numbers, gs1_keys
from wms.errors import N_, Kind, WmsError

# A trade item heavier or larger than a 40-foot container is a typing error.
MAX_GROSS_WEIGHT_G = 30_480_000
MAX_VOLUME_MM3 = 76_400_000_000


class UnknownItem(WmsError):
    """No trade item carries the number."""

    code = "unknown_item"
    kind = Kind.NOT_FOUND
    text = N_("No trade item has the number %(number)s.")


class UnknownUnit(WmsError):
    """The trade item is not packed in this unit."""

    code = "unknown_unit"
    kind = Kind.INVALID
    text = N_("%(item)s is not packed in %(unit)s. Units: %(units)s.")


class UnitTaken(WmsError):
    """One name would mean two quantities."""

    code = "unit_taken"
    kind = Kind.CONFLICT
    text = N_("%(item)s is already packed in %(unit)s.")


class InexactConversion(WmsError):
    """A conversion would leave a fraction; it is refused, never rounded in silence (ledger reference, section 1)."""

    code = "inexact_conversion"
    kind = Kind.INVALID
    text = N_("%(qty)s %(unit)s is no whole number of %(target)s.")


class BadGtin(WmsError):
    """The number is no GTIN, or its check digit is wrong."""

    code = "bad_gtin"
    kind = Kind.INVALID
    text = N_("%(gtin)s is no GTIN: length or check digit is wrong.")


class BadHsCode(WmsError):
    """The commodity code has not ten digits."""

    code = "bad_hs_code"
    kind = Kind.INVALID
    text = N_("%(hs_code)s is no commodity code of ten digits.")


class GtinTaken(WmsError):
    """Two packagings of one owner would answer to the same scan."""

    code = "gtin_taken"
    kind = Kind.CONFLICT
    text = N_("The GTIN %(gtin)s already belongs to %(item)s.")


class ImplausibleSize(WmsError):
    """Weight or volume is negative or larger than a container."""

    code = "implausible_size"
    kind = Kind.INVALID
    text = N_("Weight or volume of %(item)s is not plausible: %(weight_g)s g, %(volume_mm3)s mm3.")


@dataclass(frozen=True)
class Packaging:
    """A unit an item is counted in: ``base_qty`` base units make one of it; the base unit itself has 1."""

    unit: str
    base_qty: int
    gtin: str | None = None


@dataclass(frozen=True)
class ItemNumbers:
    """What of an item can be checked without the database. Weight in grams, volume in cubic millimetres."""

    code: str
    gtin: str | None
    hs_code: str | None
    gross_weight_g: int
    volume_mm3: int


def check_item(item: ItemNumbers) -> None:
    """Raise the first rule that the item's numbers break."""
    if item.gtin is not None and not gs1_keys.is_gtin(item.gtin):
        raise BadGtin(field="gtin", gtin=item.gtin)
    if item.hs_code is not None and not customs_numbers.is_hs(item.hs_code):
        raise BadHsCode(field="hs_code", hs_code=item.hs_code)
    if not (0 <= item.gross_weight_g <= MAX_GROSS_WEIGHT_G and 0 <= item.volume_mm3 <= MAX_VOLUME_MM3):
        raise ImplausibleSize(item=item.code, weight_g=item.gross_weight_g, volume_mm3=item.volume_mm3)


def packaging_of(unit: str, packagings: Iterable[Packaging], item: str) -> Packaging:
    """Return the packaging called ``unit``; raise :class:`UnknownUnit` with those there are."""
    known = {packaging.unit: packaging for packaging in packagings}
    if unit not in known:
        raise UnknownUnit(field="unit", item=item, unit=unit, units=", ".join(sorted(known)))
    return known[unit]


def in_base_units(qty: int | Decimal | Fraction, packaging: Packaging) -> int:
    """Return ``qty`` of a packaging in base units; raise :class:`InexactConversion` when a fraction is left."""
    exact = Fraction(qty) * packaging.base_qty
    if exact.denominator != 1:
        raise InexactConversion(field="qty", qty=qty, unit=packaging.unit, target=N_("base units"))
    return exact.numerator


def convert(qty: int | Decimal | Fraction, source: Packaging, target: Packaging) -> int:
    """Return ``qty`` of ``source`` in whole ``target``; raise :class:`InexactConversion` when a fraction is left."""
    exact = Fraction(qty) * source.base_qty / target.base_qty
    if exact.denominator != 1:
        raise InexactConversion(field="qty", qty=qty, unit=source.unit, target=target.unit)
    return exact.numerator


def split_into(base_qty: int, packagings: Iterable[Packaging]) -> tuple[tuple[int, Packaging], ...]:
    """Return a quantity as a clerk says it: largest packagings first, the rest in base units, none lost."""
    parts = []
    for packaging in sorted(packagings, key=lambda one: one.base_qty, reverse=True):
        count, base_qty = divmod(base_qty, packaging.base_qty)
        if count:
            parts.append((count, packaging))
    return tuple(parts)
