"""Gate passes (核放单) without a database: number, weights, what a pass must name, and its refusals."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from wms.codes import containers, plates
from wms.customs.clock import BEIJING
from wms.errors import N_, Kind, NotFound, WmsError
from wms.stock.rules import AccountKey

REGISTERED_GOODS, EMPTY_VEHICLE = "5", "6"
CONTAINER_SEPARATOR = "|"  # CONTA_ID joins two numbers so (customs reference, 5.1)
ONE_DOCUMENT = ("2", "3")  # 一票一车, 一票多车; 1 一车多票 binds one vehicle to several documents
VOIDABLE = ("draft", "applied", "approved")


class UnknownPass(NotFound):
    code = "unknown_gate_pass"
    text = N_("There is no gate pass %(pass_id)s.")


class BadPass(WmsError):
    code = "bad_gate_pass"
    kind = Kind.INVALID
    text = N_("The gate pass is not complete: %(rule)s")


class PassNotInState(WmsError):
    code = "gate_pass_not_in_state"
    kind = Kind.CONFLICT
    text = N_("Gate pass %(number)s is %(state)s; this needs one that is %(wanted)s.")


class PassUsed(WmsError):
    code = "gate_pass_used"
    kind = Kind.CONFLICT
    text = N_("Gate pass %(number)s has let its vehicle through and can no longer be voided.")


class MoreThanDeclared(WmsError):
    code = "more_than_declared"
    text = N_("Line %(line_no)s asks for %(wanted)s, more than the document has left for gate passes.")


class GoodsNotMoved(WmsError):
    code = "goods_not_moved"
    text = N_("Gate pass %(number)s names goods that were not yet moved to the goods waiting to leave.")


@dataclass(frozen=True)
class PassLine:
    """Goods on a pass: ``qty`` in base units, ``gross_weight_g`` of them all. ``source`` is where they lie now."""

    trade_item_id: int
    qty: int
    gross_weight_g: int
    verification_line_id: int | None = None
    source: AccountKey | None = None
    slip_line_id: int | None = None


@dataclass(frozen=True)
class PassDocument:
    """``document_kind`` 1 verification list, 2 movement slip, 3 bill of lading (rltTbTypecd)."""

    document_kind: str
    document_no: str
    verification_list_id: int | None = None
    movement_slip_id: int | None = None


@dataclass(frozen=True)
class RegisteredGoods:
    """Goods that are only registered at the gate (pass type 5): not stock. ``goods_class`` as in GAC 2023-200."""

    goods_class: str
    name: str
    qty: Decimal
    unit: str
    gross_weight_g: int
    material_no: str | None = None
    hs_code: str | None = None


@dataclass(frozen=True)
class NewPass:
    """An application for a gate pass (SAS121). Weights in grams; ``direction`` I or E."""

    internal_no: str
    owner_id: int
    site_id: int
    direction: str
    pass_type: str
    vehicle_plate: str
    vehicle_weight_g: int
    valid_from_at: datetime
    valid_until_at: datetime
    bind_type: str | None = None  # None: what fits its documents (pass_binding_rules.binding_of)
    trailer_plate: str | None = None
    e_plate: str | None = None
    container_nos: tuple[str, ...] = ()
    seal_no: str | None = None
    frame_weight_g: int = 0
    container_weight_g: int = 0
    goods_class: str = "general"
    is_double_gate: bool = False
    lines: tuple[PassLine, ...] = ()
    documents: tuple[PassDocument, ...] = field(default_factory=tuple)
    registered: tuple[RegisteredGoods, ...] = ()

    @property
    def goods_gross_weight_g(self) -> int:
        """Gross weight of all goods on the pass."""
        of_stock = sum(line.gross_weight_g for line in self.lines)
        return of_stock + sum(one.gross_weight_g for one in self.registered)

    @property
    def total_weight_g(self) -> int:
        """totalWt = vehicleWt + vehicleFrameWt + containerWt + totalGrossWt (customs reference, 1.5)."""
        return self.vehicle_weight_g + self.frame_weight_g + self.container_weight_g + self.goods_gross_weight_g


def pass_number(customs_office: str, direction: str, at: datetime, serial: int) -> str:
    """Return ``Z`` + office (4) + I or E + yymmdd (Beijing) + serial (12): 24 characters."""
    return f"Z{customs_office}{direction}{at.astimezone(BEIJING):%y%m%d}{serial:012d}"


def split_containers(joined: str | None) -> tuple[str, ...]:
    """Return the container numbers of a pass."""
    return tuple(number for number in (joined or "").split(CONTAINER_SEPARATOR) if number)


def check_new_pass(new: NewPass) -> None:
    """Raise :class:`BadPass` naming the first rule that the application breaks."""
    rule = next((text for broken, text in _rules(new) if broken), None)
    if rule is not None:
        raise BadPass(rule=rule)


# GAC 2023-200 (便利化通道): what the registered goods of a type 5 pass need not name.
CODELESS = frozenset({"construction", "office", "labour_protection", "living"})


def missing_codes(pass_type: str, goods_class: str, material_no: str | None, hs_code: str | None) -> tuple[str, ...]:
    """Return which of gdsMtno and gdecd are missing: GAC 2023-200, in three cases.

    Type 5 of construction, office, labour-protection or living goods: both optional. Other type 5 goods: gdsMtno is
    optional. All other types: both required.
    """
    needed = {"gdsMtno": material_no, "gdecd": hs_code}
    if pass_type == REGISTERED_GOODS:
        needed = {} if goods_class in CODELESS else {"gdecd": hs_code}
    return tuple(name for name, value in needed.items() if not value)


def _rules(new: NewPass) -> list[tuple[bool, str]]:
    empty = new.pass_type == EMPTY_VEHICLE
    needs_document = new.pass_type not in (EMPTY_VEHICLE, REGISTERED_GOODS)
    kinds = {document.document_kind for document in new.documents}
    numbers = new.container_nos
    return [
        (not plates.is_plate(new.vehicle_plate), N_("the vehicle's plate is not a plate")),
        (new.vehicle_weight_g <= 0, N_("the vehicle's own weight must be above zero")),
        (min(new.frame_weight_g, new.container_weight_g) < 0, N_("weights must not be below zero")),
        (new.valid_until_at <= new.valid_from_at, N_("it must end after it begins")),
        (
            empty and bool(new.lines or new.documents or new.registered),
            N_("a pass for an empty vehicle names no goods"),
        ),
        (not empty and not new.lines and not new.registered, N_("it must name goods")),
        (
            bool(new.registered) and new.pass_type != REGISTERED_GOODS,
            N_("only a pass for registered goods (type 5) names goods that are not stock"),
        ),
        (
            any(missing_codes(new.pass_type, one.goods_class, one.material_no, one.hs_code) for one in new.registered),
            N_("these registered goods need a commodity code (GAC 2023-200)"),
        ),
        (
            any(one.qty <= 0 or one.gross_weight_g <= 0 for one in new.registered),
            N_("quantity and weight of registered goods must be above zero"),
        ),
        (
            new.bind_type in ONE_DOCUMENT and len({document.document_no for document in new.documents}) > 1,
            N_("one vehicle with several documents needs binding type 1"),
        ),
        (needs_document and not new.documents, N_("it must name the document behind it")),
        (len(kinds) > 1, N_("all its documents must be of one kind")),
        (
            len(numbers) > 2 or any(not containers.check(number) for number in numbers),
            N_("its container number is wrong"),
        ),
        (
            any(line.qty <= 0 or line.gross_weight_g <= 0 for line in new.lines),
            N_("quantity and weight must be above zero"),
        ),
    ]
