"""Transfers between sites: what may travel, what the states allow, and the refusals. Pure: no session, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from wms.errors import N_, Kind, NotFound, WmsError

TRANSFER_STATES = ("open", "loaded", "in_transit", "arriving", "received", "returning", "returned", "cancelled")
BEFORE_DEPARTURE = ("open", "loaded")
UNDER_WAY = ("in_transit", "arriving", "returning")
DISCREPANCY_KINDS = ("short", "over")
SETTLEMENTS = ("found", "lost", "accepted", "sent_back")
ENDS = {"short": ("found", "lost"), "over": ("accepted", "sent_back")}


class TransferRefusal(WmsError):
    """Something about a transfer that the trade forbids."""


class UnknownTransfer(NotFound):
    code = "unknown_transfer"
    text = N_("There is no transfer %(transfer_no)s.")


class TransferExists(TransferRefusal):
    code = "transfer_exists"
    kind = Kind.CONFLICT
    text = N_("There is already a transfer %(transfer_no)s.")


class TransferNotInState(TransferRefusal):
    code = "transfer_not_in_state"
    kind = Kind.CONFLICT
    text = N_("Transfer %(transfer_no)s is %(state)s since %(since)s (%(person)s); this needs one that is %(wanted)s.")


class SameSite(TransferRefusal):
    code = "same_site"
    kind = Kind.INVALID
    text = N_("A transfer goes from one site to another; within %(site)s goods are moved.")


class ArrivesBeforeDeparture(TransferRefusal):
    code = "arrives_before_departure"
    kind = Kind.INVALID
    text = N_("The goods cannot be due on %(due_on)s when they depart on %(depart_on)s.")


class BondedLeavesZone(TransferRefusal):
    code = "bonded_leaves_zone"
    text = N_(
        "%(item)s is bonded and %(site)s lies outside the zone: it leaves by the gate on a pass. Name the gate pass of"
        " this transfer instead of departing by hand."
    )


class PassNotOfTransfer(TransferRefusal):
    code = "pass_not_of_transfer"
    text = N_("Gate pass %(pass_no)s does not name the goods of transfer %(transfer_no)s: %(why)s.")


class PassNotThrough(TransferRefusal):
    code = "pass_not_through"
    kind = Kind.CONFLICT
    text = N_("Gate pass %(pass_no)s is %(state)s: the goods have not left by the gate yet.")


class PassStands(TransferRefusal):
    code = "pass_stands"
    kind = Kind.CONFLICT
    text = N_("The goods of transfer %(transfer_no)s wait at the gate on pass %(pass_no)s. Void the pass first.")


class NotEnoughForTransfer(TransferRefusal):
    code = "not_enough_for_transfer"
    kind = Kind.CONFLICT
    text = N_("Line %(line_no)s: %(wanted)s of %(item)s are wanted, %(available)s are good and free at %(site)s.")


class LotNotOfItem(TransferRefusal):
    code = "lot_not_of_item"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: lot %(lot_no)s is no lot of %(item)s.")


class UnknownLine(TransferRefusal):
    code = "unknown_transfer_line"
    kind = Kind.NOT_FOUND
    text = N_("Transfer %(transfer_no)s has no line %(line_no)s.")


class LoadedMoreThanReserved(TransferRefusal):
    code = "loaded_more_than_reserved"
    text = N_("Line %(line_no)s: %(wanted)s were loaded, but only %(reserved)s are reserved for this transfer.")


class NothingLoaded(TransferRefusal):
    code = "nothing_loaded"
    text = N_("Nothing of transfer %(transfer_no)s is loaded. Cancel it instead of letting an empty vehicle depart.")


class MoreThanOnTheWay(TransferRefusal):
    code = "more_than_on_the_way"
    text = N_(
        "Line %(line_no)s: %(counted)s were counted, %(open)s are on the way. Count again; what really is too much is"
        " entered as surplus."
    )


class PlaceOfAnotherSite(TransferRefusal):
    code = "place_of_another_site"
    kind = Kind.INVALID
    text = N_("%(place)s is no place of %(site)s, where the goods arrive.")


class NotBondedPlace(TransferRefusal):
    code = "not_bonded_place"
    text = N_("%(item)s is bonded, but %(place)s lies outside customs supervision.")


class NothingArrived(TransferRefusal):
    code = "nothing_arrived"
    kind = Kind.INVALID
    text = N_("An arrival names what arrived, or says that nothing more will come.")


class UnknownDiscrepancy(NotFound):
    code = "unknown_discrepancy"
    text = N_("Transfer %(transfer_no)s has no open discrepancy %(discrepancy_id)s.")


class SecondPersonNeeded(TransferRefusal):
    code = "second_person_needed"
    kind = Kind.FORBIDDEN
    text = N_("%(person)s entered this discrepancy; somebody else, with a name, has to settle it.")


class WrongSettlement(TransferRefusal):
    code = "wrong_transfer_settlement"
    kind = Kind.INVALID
    text = N_("What is %(kind)s is settled as %(wanted)s, not as %(given)s.")


class ReasonMissing(TransferRefusal):
    code = "transfer_reason_missing"
    kind = Kind.INVALID
    text = N_("Give the reason in words, at least %(least)s signs.")


class BondedLossNeedsCustoms(TransferRefusal):
    code = "bonded_loss_needs_customs"
    text = N_(
        "%(qty)s of %(item)s are bonded and missing: customs decides on the duty first. They stay in the discrepancy"
        " account until the account book is corrected."
    )


class CurrencyMixed(TransferRefusal):
    code = "currency_mixed"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: values are in %(wanted)s, the currency of the item, not in %(given)s.")


LEAST_REASON = 4


@dataclass(frozen=True)
class SiteFacts:
    """What a site is to customs."""

    code: str
    kind: str
    customs_area: str | None


@dataclass(frozen=True)
class WantedLine:
    """One line of a transfer as it is asked for; ``qty`` in base units. Empty lot, unit and status: any."""

    item_code: str
    qty: int
    lot_no: str | None = None
    sscc: str | None = None
    customs_status: str | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Lying:
    """Stock of one account that may be taken: ``free`` base units nobody reserved."""

    account_id: int
    free: int
    expires_on: date | None
    customs_status: str


@dataclass(frozen=True)
class Piece:
    """What is on the way of one line from one account: open base units, in the order of loading."""

    piece_id: int
    open_qty: int


class Way(StrEnum):
    """How goods of one customs status leave for the other site."""

    DIRECT = "direct"
    BY_GATE = "by_gate"


def check_route(origin: SiteFacts, destination: SiteFacts, depart_on: date, due_on: date) -> None:
    """Raise SameSite or ArrivesBeforeDeparture; days are of their own sites, so a day across the date line counts."""
    if origin.code == destination.code:
        raise SameSite(field="to_site", site=origin.code)
    if (depart_on - due_on).days > 1:  # flying east over the date line one arrives the day before
        raise ArrivesBeforeDeparture(field="due_on", due_on=due_on.isoformat(), depart_on=depart_on.isoformat())


def way_of(customs_status: str, origin: SiteFacts, destination: SiteFacts) -> Way:
    """Bonded goods may go by hand between bonded sites of one customs area; out of it they go by the gate alone."""
    if customs_status != "bonded":
        return Way.DIRECT
    same_zone = (
        destination.kind in BONDED_SITES
        and destination.customs_area is not None
        and destination.customs_area == origin.customs_area
    )
    return Way.DIRECT if same_zone else Way.BY_GATE


BONDED_SITES = ("bonded", "inspection")


def choose(lying: Sequence[Lying], qty: int) -> list[tuple[int, int]]:
    """(account, quantity) that make up ``qty``: first expiring first, then the fullest account, then the oldest.

    Less than ``qty`` in sum where there is not enough.
    """
    far = date.max
    ordered = sorted(lying, key=lambda one: (one.expires_on or far, -one.free, one.account_id))
    taken: list[tuple[int, int]] = []
    for one in ordered:
        take = min(one.free, qty)
        if take > 0:
            taken.append((one.account_id, take))
            qty -= take
    return taken


def spread(pieces: Sequence[Piece], qty: int) -> list[tuple[int, int]]:
    """(piece, quantity) by which ``qty`` that arrived settles what is on the way, in the order of loading."""
    settled: list[tuple[int, int]] = []
    for piece in pieces:
        take = min(piece.open_qty, qty)
        if take > 0:
            settled.append((piece.piece_id, take))
            qty -= take
    return settled


def check_reason(reason: str, field: str = "reason") -> str:
    """Return the reason without blanks around it; raise ReasonMissing where it says nothing."""
    if len(reason.strip()) < LEAST_REASON:
        raise ReasonMissing(field=field, least=LEAST_REASON)
    return reason.strip()


def check_settlement(kind: str, given: str) -> None:
    """Raise WrongSettlement unless ``given`` can end a discrepancy of ``kind``."""
    if given not in ENDS[kind]:
        raise WrongSettlement(field="settlement", kind=kind, wanted=", ".join(ENDS[kind]), given=given)
