"""Business filings (业务申报表) and movement slips (出入库单) without a database (customs reference, 1.6)."""

from dataclasses import dataclass
from datetime import date

from wms.errors import N_, Kind, NotFound, WmsError

DISPLAY, PROCESSING = "C", "G"  # 保税展示交易, 简单加工
KIND_WORDS: dict[str, str] = {
    "A": N_("deliveries declared together"),
    "B": N_("processing by another firm"),
    "C": N_("bonded display and sale"),
    "D": N_("testing of equipment"),
    "E": N_("repair of equipment"),
    "F": N_("moulds lent out"),
    "G": N_("simple processing"),
    "H": N_("other"),
}


class UnknownFiling(NotFound):
    code = "unknown_filing"
    text = N_("There is no business filing %(number)s.")


class UnknownSlip(NotFound):
    code = "unknown_slip"
    text = N_("There is no movement slip %(number)s.")


class BadFiling(WmsError):
    code = "bad_filing"
    kind = Kind.INVALID
    text = N_("The business filing is not complete: %(rule)s")


class FilingNotInState(WmsError):
    code = "filing_not_in_state"
    kind = Kind.CONFLICT
    text = N_("Business filing %(number)s is %(state)s; this needs one that is %(wanted)s.")


class FilingNotValid(WmsError):
    code = "filing_not_valid"
    text = N_("Business filing %(number)s holds from %(from_on)s to %(until_on)s, not on %(on)s.")


class FilingNotForThis(WmsError):
    """The filing stands, but allows something else."""

    code = "filing_not_for_this"
    text = N_("Business filing %(number)s does not allow this: %(rule)s")


class NotOnFiling(WmsError):
    code = "not_on_filing"
    kind = Kind.INVALID
    text = N_("Business filing %(number)s has no line %(line_no)s.")


class OverCeiling(WmsError):
    code = "over_ceiling"
    text = N_("Line %(line_no)s has %(left)s left under the filing's ceiling, %(wanted)s were asked for.")


class OverGuarantee(WmsError):
    code = "over_guarantee"
    text = N_("The guarantee of filing %(number)s has %(left)s fen left, the goods are worth %(wanted)s fen.")


class OverReturnable(WmsError):
    code = "over_returnable"
    text = N_("Of slip line %(line_no)s only %(left)s can still go the other way, %(wanted)s were asked for.")


class ReturnsNothing(WmsError):
    code = "returns_nothing"
    kind = Kind.INVALID
    text = N_("Goods that go back name the slip line that they came by.")


class OverYield(WmsError):
    code = "over_yield"
    text = N_("The material that moved is enough for %(possible)s of line %(line_no)s, %(wanted)s would come of it.")


class SlipNotInState(WmsError):
    code = "slip_not_in_state"
    kind = Kind.CONFLICT
    text = N_("Movement slip %(number)s is %(state)s; this needs one that is %(wanted)s.")


class SlipInUse(WmsError):
    code = "slip_in_use"
    kind = Kind.CONFLICT
    text = N_("Movement slip %(number)s is on a gate pass: void the pass first.")


class SlipWithoutLines(WmsError):
    code = "slip_without_lines"
    kind = Kind.INVALID
    text = N_("Movement slip %(number)s names no goods.")


class NothingToCollect(WmsError):
    code = "nothing_to_collect"
    text = N_("No slip of filing %(number)s that left waits for a declaration.")


class MoreThanPassed(WmsError):
    code = "more_than_passed"
    text = N_("Of slip line %(line_no)s, %(left)s came through the gate and are not on the shelf yet, not %(wanted)s.")


@dataclass(frozen=True)
class FilingLine:
    """Goods of a new filing. A product names its material by line number and how much of it a thousand need."""

    book_line_id: int
    ceiling_qty: int
    unit_value_minor: int = 0
    role: str = "goods"
    material_line_no: int | None = None
    material_per_mille: int | None = None


@dataclass(frozen=True)
class NewFiling:
    """A business filing as it is sent to customs. ``direction``: the way the goods go first."""

    internal_no: str
    book_no: str
    owner_id: int
    kind: str
    direction: str
    valid_from_on: date
    valid_until_on: date
    lines: tuple[FilingLine, ...]
    guarantee_minor: int = 0


@dataclass(frozen=True)
class SlipLine:
    """Goods of a new slip; ``returns`` names slip and line that they go back by."""

    filing_line_no: int
    qty: int
    returns: tuple[str, int] | None = None


@dataclass(frozen=True)
class NewSlip:
    """A movement slip of a filing."""

    internal_no: str
    filing_no: str
    direction: str
    lines: tuple[SlipLine, ...]


def check_filing(new: NewFiling) -> None:
    """Raise BadFiling naming the first rule that is broken."""
    rule = next((words for broken, words in _rules(new) if broken), None)
    if rule is not None:
        raise BadFiling(rule=rule)


def _rules(new: NewFiling) -> list[tuple[bool, str]]:
    products = [line for line in new.lines if line.role == "product"]
    materials = {number for number, line in enumerate(new.lines, 1) if line.role == "material"}
    return [
        (new.kind not in KIND_WORDS, N_("its kind is not known")),
        (new.direction not in ("I", "E"), N_("its direction is not known")),
        (not new.lines, N_("it must name goods")),
        (new.valid_until_on < new.valid_from_on, N_("it must end after it begins")),
        (new.guarantee_minor < 0, N_("its guarantee must not be below zero")),
        (
            any(line.ceiling_qty <= 0 or line.unit_value_minor < 0 for line in new.lines),
            N_("ceilings must be above zero"),
        ),
        (new.kind == PROCESSING and not products, N_("simple processing names a product")),
        (new.kind != PROCESSING and bool(products), N_("only simple processing names a product")),
        (
            any(line.material_line_no not in materials or not line.material_per_mille for line in products),
            N_("a product names its material and how much of it a thousand need"),
        ),
    ]  # fmt: skip


def check_display(new: NewFiling, *, needs_guarantee: bool, most_days: int) -> None:
    """Raise BadFiling where a display outside the zone lacks guarantee or values, or is filed for too long."""
    days = (new.valid_until_on - new.valid_from_on).days + 1
    worth = min((line.unit_value_minor for line in new.lines), default=0)
    rules = [
        (needs_guarantee and new.guarantee_minor <= 0, N_("a display needs a guarantee")),
        (needs_guarantee and worth <= 0, N_("a display names what each piece is worth")),
        (days > most_days, N_("a display is filed for a longer term than is allowed")),
    ]
    rule = next((words for broken, words in rules if broken), None)
    if rule is not None:
        raise BadFiling(rule=rule)
