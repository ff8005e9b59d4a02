"""Mistakes of changing handling units by scan, each with its way out."""

from wms.errors import N_, Kind
from wms.floor.rules.mistakes import ScanMistake


class UnitFirst(ScanMistake):
    code = "unit_first"
    text = N_("No pallet or carton is chosen.")
    way_out = N_("Scan the label of the unit first, then NEST, TAKEOUT, SPLIT or MERGE.")


class WordFirst(ScanMistake):
    """Two units, or a unit and goods: nobody said what is to be done with them."""

    code = "word_first"
    text = N_("%(sscc)s is chosen, but not what to do with it.")
    way_out = N_("Scan NEST, TAKEOUT, SPLIT or MERGE, or BACK to choose another unit.")


class OtherUnitWanted(ScanMistake):
    code = "other_unit_wanted"
    text = N_("The other unit is wanted now, not goods or a place.")
    way_out = N_("Scan the label of the unit that %(sscc)s goes into, or BACK.")


class NothingSplitYet(ScanMistake):
    code = "nothing_split_yet"
    text = N_("Nothing is taken out of %(sscc)s yet.")
    way_out = N_("Scan QTY and the item's label for each item that goes over, then DONE or the unit that it goes into.")


class NotInThisUnit(ScanMistake):
    code = "not_in_this_unit"
    text = N_("%(item)s does not lie in %(sscc)s.")
    way_out = N_("Scan goods that lie in it, or BACK.")


class NotSoManyInThisUnit(ScanMistake):
    code = "not_so_many_in_this_unit"
    kind = Kind.CONFLICT
    text = N_("Only %(left)s × %(item)s can be taken out of %(sscc)s, not %(wanted)s.")
    way_out = N_("Scan QTY with the right number and the item's label again.")


class LotOfUnit(ScanMistake):
    code = "lot_of_unit"
    text = N_("Several lots of %(item)s lie in %(sscc)s: %(lots)s.")
    way_out = N_("Scan the GS1 label with the lot.")


class UnitIsParcel(ScanMistake):
    """A parcel has its weight, label and order: it is opened, split and closed where it is packed."""

    code = "unit_is_parcel"
    text = N_("%(sscc)s is a parcel: what lies in it is changed where it is packed.")
    way_out = N_("Use Pack to open or split it, or scan another unit.")


class UnitNotAtHand(ScanMistake):
    code = "unit_not_at_hand"
    text = N_("%(sscc)s stands in %(place)s, a %(place_kind)s: nobody can change it there.")
    way_out = N_("Unload or unsort it first, or scan another unit.")


class UnitElsewhere(ScanMistake):
    code = "unit_in_other_house"
    text = N_("%(sscc)s stands in another warehouse.")
    way_out = N_("Choose its warehouse on the scan page.")


class GoodsPromised(ScanMistake):
    code = "goods_promised"
    kind = Kind.CONFLICT
    text = N_("%(reserved)s × %(item)s in %(sscc)s are promised to %(document)s and stay in it.")
    way_out = N_("Take goods that nobody promised, or pick the order first.")
