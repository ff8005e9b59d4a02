"""What a consignment must be, and the refusals of freight. Pure: no session, no clock."""

from dataclasses import dataclass
from datetime import datetime

from wms.errors import N_, Kind, WmsError

STATES = ("open", "booked", "under_way", "delivered", "cancelled")
MODES = ("barge", "ocean", "rail", "truck", "air")
KINDS = ("PLN", "EST", "REQ", "ACT")
LAST_RANK = 9
EVENTS = ("collected", "cut_off", "departure", "arrival", "stripped", "delivery")


class ConsignmentExists(WmsError):
    """A number names one consignment for ever."""

    code = "consignment_exists"
    kind = Kind.CONFLICT
    text = N_("There is already a consignment %(consignment_no)s.")


class UnknownConsignment(WmsError):
    """No such number, or it belongs to somebody else."""

    code = "unknown_consignment"
    kind = Kind.NOT_FOUND
    text = N_("There is no consignment %(consignment_no)s.")


class ConsignmentNotOpen(WmsError):
    """What is booked or under way is changed by a re-plan, not by hand."""

    code = "consignment_not_open"
    kind = Kind.CONFLICT
    text = N_("Consignment %(consignment_no)s is no longer open (%(state)s).")


class NegativeAmount(WmsError):
    """Volume, weight, value and sides are never negative."""

    code = "negative_amount"
    kind = Kind.INVALID
    text = N_("%(name)s may not be negative.")


class InstantsOutOfOrder(WmsError):
    """Ready before due, due not after the latest instant."""

    code = "instants_out_of_order"
    kind = Kind.INVALID
    text = N_(
        "Consignment %(consignment_no)s must be ready before it is due, and due no later than the latest instant."
    )


class PiecesExceedConsignment(WmsError):
    """The pieces together measure or weigh more than the consignment they make up (1 % is allowed for rounding)."""

    code = "pieces_exceed_consignment"
    kind = Kind.INVALID
    text = N_("The pieces of consignment %(consignment_no)s measure or weigh more than the whole.")


class BadRank(WmsError):
    """Ranks of relief goods run from 1 (first) to 9; 0 is ordinary goods."""

    code = "bad_rank"
    kind = Kind.INVALID
    text = N_("The priority of a consignment runs from 1 (first) to 9, or is 0 for ordinary goods; this is %(given)s.")


@dataclass(frozen=True)
class Piece:
    """``count`` equal pieces; sides in mm, weight of one in g."""

    count: int
    length_mm: int
    width_mm: int
    height_mm: int
    weight_g: int


@dataclass(frozen=True)
class ConsignmentForm:
    """A consignment as it is announced. ``origin`` and ``destination`` are place codes of the network."""

    consignment_no: str
    owner_id: int
    origin: str
    destination: str
    trade_mode: str
    volume_cm3: int
    weight_g: int
    value_minor: int
    ready_at: datetime
    due_at: datetime
    temperature_class: str = "ambient"
    dangerous_class: str = "none"
    goods_name: str = ""
    forwarder_id: int | None = None
    latest_at: datetime | None = None
    must_go: bool = False
    pieces: tuple[Piece, ...] = ()


def check_form(form: ConsignmentForm) -> None:
    """Raise the first refusal of the form: NegativeAmount, InstantsOutOfOrder, PiecesExceedConsignment.

    Zero volume or weight is accepted here: such a consignment waits, and each plan says that it has no size.
    """
    for name, amount in (
        ("volume_cm3", form.volume_cm3),
        ("weight_g", form.weight_g),
        ("value_minor", form.value_minor),
    ):
        if amount < 0:
            raise NegativeAmount(field=name, name=name)
    for piece in form.pieces:
        if min(piece.count, piece.length_mm, piece.width_mm, piece.height_mm, piece.weight_g) <= 0:
            raise NegativeAmount(field="pieces", name="pieces")
    if form.due_at <= form.ready_at or (form.latest_at is not None and form.latest_at < form.due_at):
        raise InstantsOutOfOrder(field="due_at", consignment_no=form.consignment_no)
    pieces_cm3 = sum(p.count * p.length_mm * p.width_mm * p.height_mm for p in form.pieces) // 1000
    pieces_g = sum(p.count * p.weight_g for p in form.pieces)
    if pieces_cm3 * 100 > form.volume_cm3 * 101 or pieces_g * 100 > form.weight_g * 101:
        raise PiecesExceedConsignment(field="pieces", consignment_no=form.consignment_no)


def check_open(consignment_no: str, state: str) -> None:
    """Raise ConsignmentNotOpen unless the consignment may still be changed or booked."""
    if state != "open":
        raise ConsignmentNotOpen(consignment_no=consignment_no, state=state)


def check_rank(priority: int) -> None:
    """Raise BadRank for a rank that is none."""
    if not 0 <= priority <= LAST_RANK:
        raise BadRank(field="priority", given=priority)
