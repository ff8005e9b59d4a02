"""Mistakes of scanning goods whose pieces are told apart: by serial number, or by weight."""

from wms.errors import N_
from wms.floor.rules.mistakes import ScanMistake


class SerialMissing(ScanMistake):
    code = "serial_missing"
    text = N_("%(item)s is kept by serial number, and this label names none.")
    way_out = N_("Scan the label of each piece with its serial number (AI 21).")


class OneSerialAtATime(ScanMistake):
    code = "one_serial_at_a_time"
    text = N_("A serial number is one piece of %(item)s, not %(qty)s.")
    way_out = N_("Scan each piece by itself.")


class SerialTwice(ScanMistake):
    code = "serial_twice"
    text = N_("Serial number %(serial)s of %(item)s lies in the warehouse already.")
    way_out = N_("Scan the next piece. If this one is new, tell the supervisor: two pieces carry one number.")


class WeightMissing(ScanMistake):
    code = "weight_not_scanned"
    text = N_("Each piece of %(item)s has a weight of its own, and this label says none.")
    way_out = N_("Scan the scale's label with the net weight (AI 310n).")


class WeightOfOne(ScanMistake):
    code = "weight_of_one"
    text = N_("The weight on the label is that of one piece of %(item)s, not of %(qty)s.")
    way_out = N_("Scan each piece by itself, or the label of the whole carton with its count and weight.")


class WeightNotWhole(ScanMistake):
    code = "weight_not_whole"
    text = N_("The weight %(weight)s g is no whole number of grams above zero.")
    way_out = N_("Weigh again and have the label printed anew.")


class BlindPallet(ScanMistake):
    """A count that takes the notice's word for what lies on a pallet is none."""

    code = "blind_pallet"
    text = N_("This receipt is counted blind: count what lies on %(sscc)s.")
    way_out = N_("Scan QTY with the number you counted, then the pallet; on a mixed pallet scan every item.")


class BlindBonded(ScanMistake):
    """Goods that an account book counts may be bonded: without a document nobody can tell."""

    code = "blind_bonded"
    text = N_("%(item)s stands in an account book of customs: it cannot be received without a document.")
    way_out = N_("Put it aside, and have the declarant announce it with its verification list.")
