"""Moves inside a warehouse: where goods may be carried, and each mistake with its way out.

Put-away's rules hold for every storage place. Places that goods only pass (docks, staging, inspection, packing and work
places) ask for one thing alone: bonded goods stay under customs supervision.
"""

from wms.errors import N_, Kind
from wms.floor.rules.mistakes import NotAStoragePlace, NotBonded, ScanMistake
from wms.floor.rules.putaway import Goods, Place, check_place

PASSING_KINDS = frozenset({"dock", "staging", "inspection", "packing", "work"})


class UnknownPlace(ScanMistake):
    code = "unknown_place"
    kind = Kind.NOT_FOUND
    text = N_("There is no place %(place)s here.")
    way_out = N_("Scan the label of the place again.")


class UnknownUnit(ScanMistake):
    code = "unknown_handling_unit"
    kind = Kind.NOT_FOUND
    text = N_("There is no pallet or carton with the number %(sscc)s.")
    way_out = N_("Receive it first, or scan the labels of the goods on it.")


class UnitEmpty(ScanMistake):
    code = "unit_holds_nothing"
    text = N_("%(sscc)s holds nothing that lies in this warehouse.")
    way_out = N_("Count the place, or take another pallet.")


class NotHere(ScanMistake):
    code = "not_here"
    text = N_("%(item)s does not lie in %(place)s; the books say %(places)s.")
    way_out = N_("Scan the place where you took it. If the books are wrong, have the place counted.")


class FromWhere(ScanMistake):
    code = "from_where"
    text = N_("%(item)s lies in several places: %(places)s.")
    way_out = N_("Scan the place where you take it, then the goods.")


class NotEnoughHere(ScanMistake):
    code = "not_enough_here"
    kind = Kind.CONFLICT
    text = N_("Only %(left)s of %(item)s lie in %(place)s, not %(wanted)s.")
    way_out = N_("Scan QTY with the right number, or have the place counted.")


class ReservedFor(ScanMistake):
    code = "reserved_for"
    kind = Kind.CONFLICT
    text = N_("%(reserved)s of %(item)s in %(place)s are promised to %(document)s and stay until it lets them go.")
    way_out = N_("Take goods that nobody reserved, or void the reservation of that document first.")


class LotUnclear(ScanMistake):
    code = "lot_unclear"
    text = N_("Several lots of %(item)s lie in %(place)s: %(lots)s.")
    way_out = N_("Scan the GS1 label with the lot.")


class OwnerUnclear(ScanMistake):
    code = "owner_unclear"
    text = N_("%(item)s of several owners lie in %(place)s: %(owners)s.")
    way_out = N_("Scan the pallet label, or move it from the desk where the owner can be named.")


class AlreadyMoved(ScanMistake):
    code = "already_moved"
    kind = Kind.CONFLICT
    text = N_("%(item)s was moved to %(place)s by %(person)s at %(at)s.")
    way_out = N_("Take other goods, or look for it there.")


class AlreadyThere(ScanMistake):
    code = "already_there"
    text = N_("%(item)s already lies in %(place)s.")
    way_out = N_("Scan another place, or BACK.")


class WholeUnitOnly(ScanMistake):
    code = "whole_unit_only"
    text = N_("A part of %(sscc)s can only be moved when the item is named.")
    way_out = N_("Scan the label of the item that you take off, or leave QTY away.")


class MoveNamesNothing(ScanMistake):
    code = "move_names_nothing"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s names neither a pallet nor an item with its place and quantity.")
    way_out = N_("Name the pallet, or item, quantity and the place where it lies.")


class OtherSerialCount(ScanMistake):
    code = "other_serial_count"
    kind = Kind.INVALID
    text = N_("%(serials)s different serial numbers are named for %(wanted)s pieces.")
    way_out = N_("Name each piece once, and as many as the quantity says.")


class WeightUnclear(ScanMistake):
    """One figure for pieces out of several accounts: only who weighs them can say what stays of each."""

    code = "weight_unclear"
    text = N_("The %(qty)s pieces of %(item)s in %(place)s stand in several parts, so one weight is not enough.")
    way_out = N_("Move each part by itself, or scan the pieces with the handheld.")


def check_move(goods: Goods, place: Place) -> None:
    """Raise what forbids to carry these goods to this place.

    Raises NotAStoragePlace, NotForBlocked, WrongTemperature, NotBonded, PlaceFull and what put-away adds to them.
    """
    if place.kind not in PASSING_KINDS:
        check_place(goods, place)
    elif goods.is_bonded and not place.is_bonded:
        raise NotBonded(item=goods.item, place=place.code)


def check_loading_place(place: Place) -> None:
    """Raise NotAStoragePlace for places that goods reach by a job of their own (vehicle, chute, gate buffer)."""
    if place.kind in {"vehicle", "chute", "gate_buffer"}:
        raise NotAStoragePlace(place=place.code, place_kind=place.kind)


class NothingLoose(ScanMistake):
    code = "nothing_loose"
    kind = Kind.NOT_FOUND
    text = N_("Nothing of %(item)s lies loose in this warehouse.")
    way_out = N_("Scan the label of the pallet it stands on, or have the place counted.")
