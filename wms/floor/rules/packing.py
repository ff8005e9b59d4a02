"""Packing and sorting: the mistakes, the weight check with what may be missing, and which chute a parcel goes to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from wms.errors import N_, Kind, WmsError
from wms.floor.rules.mistakes import ScanMistake

MOST_PIECES_SUSPECTED = 5
MOST_SUSPECTS = 3


class UnknownCarton(ScanMistake):
    code = "unknown_carton"
    kind = Kind.NOT_FOUND
    text = N_("There is no carton %(carton)s in the catalogue today.")
    way_out = N_("Scan the code of a carton that is on the list.")


class UnknownParcel(ScanMistake):
    code = "unknown_parcel"
    kind = Kind.NOT_FOUND
    text = N_("There is no parcel %(sscc)s.")
    way_out = N_("Scan the parcel's own label.")


class NotAPackingPlace(ScanMistake):
    code = "not_a_packing_place"
    text = N_("%(place)s is no place to pack: it is a %(place_kind)s.")
    way_out = N_("Scan a packing or staging place.")


class PackingPlaceFirst(ScanMistake):
    code = "packing_place_first"
    text = N_("No packing place is chosen.")
    way_out = N_("Scan the packing place where you stand.")


class CartonFirst(ScanMistake):
    code = "carton_first"
    text = N_("You still hold %(item)s: say first which parcel it goes into.")
    way_out = N_("Scan an open parcel or the code of a carton, or BACK to put it down.")


class ToteFirst(ScanMistake):
    code = "goods_tote_first"
    text = N_("Say first which tote %(item)s comes from.")
    way_out = N_("Scan the tote, then the goods again.")


class OrderFirst(ScanMistake):
    code = "order_first"
    text = N_("%(sscc)s holds goods of several orders.")
    way_out = N_("Scan the number of the order that you pack, then the goods again.")


class NotInUnit(ScanMistake):
    code = "not_in_unit"
    text = N_("There is no %(item)s in %(sscc)s.")
    way_out = N_("Look whether it is the right tote; otherwise put the goods aside and tell the supervisor.")


class WrongItemForOrder(ScanMistake):
    code = "wrong_item_for_order"
    text = N_("Order %(order)s does not ask for %(item)s.")
    way_out = N_("Put it back into the tote and scan the next piece.")


class TooManyForOrder(ScanMistake):
    code = "too_many_for_order"
    text = N_("Order %(order)s still wants %(left)s of %(item)s, not %(wanted)s.")
    way_out = N_("Scan QTY with the right number, then the goods again.")


class TooManyInHand(ScanMistake):
    code = "too_many_in_hand"
    text = N_("Only %(left)s of %(item)s are in %(sscc)s, not %(wanted)s.")
    way_out = N_("Scan QTY with the right number, then the goods again.")


class AlreadyPacked(ScanMistake):
    code = "already_packed"
    kind = Kind.CONFLICT
    text = N_("%(item)s was packed into %(sscc)s by %(person)s at %(at)s.")
    way_out = N_("Take the next piece.")


class UnitOnHold(ScanMistake):
    code = "unit_on_hold"
    text = N_("%(item)s in %(sscc)s is blocked: %(status)s.")
    way_out = N_("Put it aside and tell the supervisor.")


class BelongsToOther(ScanMistake):
    code = "belongs_to_other"
    text = N_("%(item)s belongs to %(owner)s; this parcel is for goods of %(wanted)s.")
    way_out = N_("Put it back and look which parcel its owner's goods go into.")


class ParcelClosed(ScanMistake):
    code = "parcel_closed"
    kind = Kind.CONFLICT
    text = N_("Parcel %(sscc)s is not open any more: it is %(state)s.")
    way_out = N_("Open it again first, or scan another parcel.")


class ParcelNotClosed(ScanMistake):
    code = "parcel_not_closed"
    kind = Kind.CONFLICT
    text = N_("Parcel %(sscc)s is %(state)s, not closed.")
    way_out = N_("Weigh and close it first.")


class ParcelElsewhere(ScanMistake):
    code = "parcel_elsewhere"
    kind = Kind.CONFLICT
    text = N_("Parcel %(sscc)s is on a vehicle: it was loaded by %(person)s at %(at)s.")
    way_out = N_("Unload it first.")


class EmptyParcel(ScanMistake):
    code = "empty_parcel"
    text = N_("Nothing is in parcel %(sscc)s.")
    way_out = N_("Scan the goods that go into it.")


class NoParcel(ScanMistake):
    code = "no_parcel"
    text = N_("No parcel is open here.")
    way_out = N_("Scan an open parcel or the code of a carton.")


class WeightMissing(ScanMistake):
    code = "parcel_not_weighed"
    text = N_("Parcel %(sscc)s has not been weighed.")
    way_out = N_("Put it on the scale and scan WEIGHT with the grams that it shows.")


class BadWeight(ScanMistake):
    code = "bad_weight"
    kind = Kind.INVALID
    text = N_("%(weight)s is no weight in grams.")
    way_out = N_("Scan WEIGHT with the grams that the scale shows, for example WEIGHT 2350.")


class TooLight(ScanMistake):
    code = "parcel_too_light"
    text = N_("%(weight_g)s g are %(off_g)s g less than %(expected_g)s g: %(suspects)s may be missing.")
    way_out = N_("Look into the parcel; put in what is missing and weigh again, or tell the supervisor.")


class TooHeavy(ScanMistake):
    code = "parcel_too_heavy"
    text = N_("%(weight_g)s g are %(off_g)s g more than %(expected_g)s g: %(suspects)s may be too many.")
    way_out = N_("Look into the parcel; take out what is too much and weigh again, or tell the supervisor.")


class CartonOverloaded(ScanMistake):
    code = "carton_overloaded"
    text = N_("Carton %(carton)s bears %(most_g)s g, not %(content_g)s g.")
    way_out = N_("Take something out and pack it into another carton.")


class WaybillTaken(WmsError):
    """Two parcels would travel under one waybill."""

    code = "waybill_taken"
    kind = Kind.CONFLICT
    text = N_("Waybill %(waybill)s of %(carrier)s is on parcel %(sscc)s already.")


class OrderIsCancelled(ScanMistake):
    code = "order_is_cancelled"
    kind = Kind.CONFLICT
    text = N_("Order %(order)s was cancelled: its goods do not leave.")
    way_out = N_("Put the goods aside for returning to their places.")


class NotAChute(ScanMistake):
    code = "not_a_chute"
    text = N_("%(place)s is no chute: it is a %(place_kind)s.")
    way_out = N_("Scan the label of a chute.")


class WrongChute(ScanMistake):
    code = "wrong_chute"
    text = N_("Parcel %(sscc)s belongs into chute %(right)s, not %(chute)s.")
    way_out = N_("Put it into the right chute and scan that one.")


class NoChuteFor(ScanMistake):
    code = "no_chute_for"
    text = N_("No sorting rule says where parcel %(sscc)s goes (carrier %(carrier)s, region %(region)s).")
    way_out = N_("Put it aside; the supervisor enters a sorting rule.")


class AlreadySorted(ScanMistake):
    code = "already_sorted"
    kind = Kind.CONFLICT
    text = N_("Parcel %(sscc)s was put into chute %(chute)s by %(person)s at %(at)s.")
    way_out = N_("Take the next parcel.")


class ParcelFirst(ScanMistake):
    code = "parcel_first"
    text = N_("You still hold parcel %(sscc)s for chute %(chute)s.")
    way_out = N_("Scan the chute, or BACK to put the parcel down.")


@dataclass(frozen=True)
class Part:
    """What a parcel holds of one item; ``weight_g`` of one base unit."""

    code: str
    qty: int
    weight_g: int


@dataclass(frozen=True)
class Weighing:
    """The scale beside the sum of the parts. ``suspects``: item code and pieces that would explain the difference."""

    expected_g: int
    weight_g: int
    tolerance_g: int
    suspects: tuple[tuple[str, int], ...] = ()

    @property
    def off_g(self) -> int:
        return self.weight_g - self.expected_g

    @property
    def is_right(self) -> bool:
        return abs(self.off_g) <= self.tolerance_g


def weigh(tare_g: int, parts: Sequence[Part], weight_g: int, *, permille: int, least_g: int) -> Weighing:
    """Compare the scale with tare and parts; ``permille`` of the expected weight, at least ``least_g``, is allowed."""
    expected = tare_g + sum(part.qty * part.weight_g for part in parts)
    tolerance = max(least_g, expected * permille // 1000)
    weighing = Weighing(expected, weight_g, tolerance)
    if weighing.is_right:
        return weighing
    return Weighing(expected, weight_g, tolerance, suspects(parts, weighing.off_g, tolerance))


def suspects(parts: Sequence[Part], off_g: int, tolerance_g: int) -> tuple[tuple[str, int], ...]:
    """Which pieces weigh about as much as the difference: some of one item, else one each of two items."""
    weighed = [part for part in parts if part.weight_g > 0]
    found: list[tuple[int, tuple[tuple[str, int], ...]]] = []
    for part in weighed:
        most = min(part.qty, MOST_PIECES_SUSPECTED) if off_g < 0 else MOST_PIECES_SUSPECTED
        for pieces in range(1, most + 1):
            apart = abs(abs(off_g) - pieces * part.weight_g)
            if apart <= tolerance_g:
                found.append((apart, ((part.code, pieces),)))
    if not found:
        for one, other in combinations(weighed, 2):
            apart = abs(abs(off_g) - one.weight_g - other.weight_g)
            if apart <= tolerance_g:
                found.append((apart, ((one.code, 1), (other.code, 1))))
    told: list[tuple[str, int]] = []
    for _, each in sorted(found)[:MOST_SUSPECTS]:
        told += [one for one in each if one not in told]
    return tuple(told)


UNKNOWN = N_("several things, or something else,")  # no one or two articles weigh what the scale is off by


def refuse_weight(weighing: Weighing) -> None:
    """Raise TooLight or TooHeavy where the scale is too far off."""
    if weighing.is_right:
        return
    told = ", ".join(f"{pieces} × {code}" for code, pieces in weighing.suspects) or UNKNOWN
    refusal = TooLight if weighing.off_g < 0 else TooHeavy
    raise refusal(
        weight_g=weighing.weight_g, expected_g=weighing.expected_g, off_g=abs(weighing.off_g), suspects=told
    )


@dataclass(frozen=True)
class ChuteRule:
    """Parcels of this carrier, route and region go into this chute; None does not limit."""

    chute_id: int
    carrier: str | None
    route: str | None
    region: str | None


def chute_of(rules: Iterable[ChuteRule], carrier: str | None, route: str | None, region: str | None) -> int | None:
    """Return the chute of the most exact rule that fits: route counts before region, region before carrier."""

    def fits(rule: ChuteRule) -> bool:
        pairs = ((rule.carrier, carrier), (rule.route, route), (rule.region, region))
        return all(wanted is None or (given is not None and wanted.upper() == given.upper()) for wanted, given in pairs)

    def exactness(rule: ChuteRule) -> tuple[bool, bool, bool]:
        return rule.route is not None, rule.region is not None, rule.carrier is not None

    best = max((rule for rule in rules if fits(rule)), key=exactness, default=None)
    return best.chute_id if best else None
