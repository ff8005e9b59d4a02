"""Mistakes of scanning goods whose pieces are told apart: by serial number, or by weight."""

from wms.errors import N_, Kind
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


class UnknownSerial(ScanMistake):
    code = "unknown_serial"
    kind = Kind.NOT_FOUND
    text = N_("Nobody knows serial number %(serial)s of %(item)s.")
    way_out = N_("Read the number on the piece again. If it is right, put the piece aside: it was never received.")


class SerialNotHere(ScanMistake):
    """A number lies in one place at a time, and the books say another."""

    code = "serial_not_here"
    kind = Kind.CONFLICT
    text = N_("Serial number %(serial)s of %(item)s lies in %(place)s by the books, not in %(here)s.")
    way_out = N_("Scan the place where you took it. If it really lay here, have both places counted.")


class SerialGone(ScanMistake):
    code = "serial_gone"
    kind = Kind.CONFLICT
    text = N_("Serial number %(serial)s of %(item)s has left the warehouse by the books.")
    way_out = N_("Put the piece aside and tell the supervisor.")


class SerialInHand(ScanMistake):
    code = "serial_in_hand"
    text = N_("Serial number %(serial)s of %(item)s is in your hand already.")
    way_out = N_("Scan the next piece, or DONE.")


class SerialNotWaiting(ScanMistake):
    code = "serial_not_waiting"
    kind = Kind.CONFLICT
    text = N_("Serial number %(serial)s of %(item)s lies in %(place)s: it does not wait to be put away.")
    way_out = N_("Take other goods. To carry this piece elsewhere, use Move.")


class SerialNotWanted(ScanMistake):
    """Each line of a list is promised from one pile; this piece lies in another."""

    code = "serial_not_wanted"
    text = N_("Serial number %(serial)s of %(item)s lies in %(place)s; this list takes goods from %(wanted)s.")
    way_out = N_("Put it back and take a piece from the place shown.")


class WeightsDiffer(ScanMistake):
    """Grams without pieces or pieces without grams would be left."""

    code = "weights_differ"
    kind = Kind.CONFLICT
    text = N_(
        "The %(qty)s pieces you scanned weigh %(weight_g)s g; by the books %(held)s pieces of %(item)s in %(place)s"
        " weigh %(held_g)s g."
    )
    way_out = N_("Scan BACK and the pieces again. If the labels are right, have the place counted.")


class NoPieceYet(ScanMistake):
    code = "no_piece_yet"
    text = N_("No piece of %(item)s is in your hand yet.")
    way_out = N_("Scan the label of each piece with its serial number (AI 21) or net weight (AI 310n), or BACK.")


class EnoughPieces(ScanMistake):
    code = "enough_pieces"
    text = N_("You said %(wanted)s of %(item)s, and they are in your hand.")
    way_out = N_("Scan the place where you put them, or BACK to put the last one down.")
