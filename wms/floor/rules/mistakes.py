"""Each mistake a scan can make: its own code, its own sentence and its own way out.

The way out is what the clerk does next; it is shown under the sentence. Both are msgids for the front of house.
"""

from typing import ClassVar

from wms.errors import N_, Kind, WmsError


class ScanMistake(WmsError):
    """A scan that changes nothing. The band turns to stop, the clerk reads why and how to go on."""

    kind = Kind.REFUSED
    way_out: ClassVar[str] = N_("Scan again, or scan BACK.")


class EmptyScan(ScanMistake):
    code = "empty_scan"
    kind = Kind.INVALID
    text = N_("The scanner sent nothing.")
    way_out = N_("Scan again. If it stays empty, open the device test page.")


class UnknownLabel(ScanMistake):
    code = "unknown_label"
    kind = Kind.NOT_FOUND
    text = N_("Nobody knows the label %(label)s.")
    way_out = N_("Scan the item's own barcode, a place, or a command.")


class BrokenLabel(ScanMistake):
    code = "broken_label"
    kind = Kind.INVALID
    text = N_("The label %(label)s is not built as GS1 says.")
    way_out = N_("Scan another label of the same goods. If the separator is missing, open the device test page.")


class BrokenCheckDigit(ScanMistake):
    code = "broken_check_digit"
    kind = Kind.INVALID
    text = N_("The check digit of %(label)s is wrong: it was misread or misprinted.")
    way_out = N_("Scan again from nearer. If it fails twice, have the label printed anew.")


class BadLabelDate(ScanMistake):
    code = "bad_label_date"
    kind = Kind.INVALID
    text = N_("The label %(label)s holds a date that does not exist.")
    way_out = N_("Put the goods aside and tell the supervisor.")


class NoNotice(ScanMistake):
    code = "no_notice"
    text = N_("No advance notice is chosen.")
    way_out = N_("Scan the number of the notice, or a pallet label that stands on it.")


class UnknownNotice(ScanMistake):
    code = "unknown_notice"
    kind = Kind.NOT_FOUND
    text = N_("There is no advance notice %(notice)s.")
    way_out = N_("Choose a notice from the list.")


class NoticeClosed(ScanMistake):
    code = "notice_closed"
    kind = Kind.CONFLICT
    text = N_("The receipt of notice %(notice)s is closed.")
    way_out = N_("Choose another notice. Later corrections are counts.")


class NoSite(ScanMistake):
    code = "no_site"
    text = N_("No warehouse is chosen.")
    way_out = N_("Choose the warehouse on the scan page.")


class WrongPlace(ScanMistake):
    code = "wrong_place"
    text = N_("%(place)s is no place to receive goods: it is a %(place_kind)s.")
    way_out = N_("Scan a dock or staging place.")


class DockFirst(ScanMistake):
    code = "dock_first"
    text = N_("You still hold %(label)s: say first at which dock it stands.")
    way_out = N_("Scan the dock, or BACK to put it down.")


class PlaceFirst(ScanMistake):
    code = "place_first"
    text = N_("You still hold %(item)s: say first where you put it.")
    way_out = N_("Scan the place, or BACK to put it down.")


class NotAStoragePlace(ScanMistake):
    code = "not_a_storage_place"
    text = N_("%(place)s is no place to store goods: it is a %(place_kind)s.")
    way_out = N_("Scan the suggested place or another bin.")


class WrongItem(ScanMistake):
    code = "wrong_item"
    text = N_("Nothing of %(item)s waits to be put away here.")
    way_out = N_("Receive it first, or scan other goods.")


class OtherOwner(ScanMistake):
    code = "other_owner"
    text = N_("%(item)s belongs to %(owner)s, not to the owner of this notice.")
    way_out = N_("Put it aside for its owner's own notice.")


class LotMissing(ScanMistake):
    code = "lot_missing"
    text = N_("%(item)s is kept by lot, and this label names none.")
    way_out = N_("Scan the GS1 label with the lot.")


class ExpiryMissing(ScanMistake):
    code = "expiry_missing"
    text = N_("%(item)s needs its expiry day, and neither label nor notice gives one.")
    way_out = N_("Scan the GS1 label with the expiry day.")


class ExpiryTooFar(ScanMistake):
    code = "expiry_too_far"
    text = N_("The expiry day %(expires_on)s of %(item)s lies too far ahead to be true.")
    way_out = N_("Check the label; have it printed anew if it is wrong.")


class ExpiryDiffers(ScanMistake):
    code = "expiry_differs"
    text = N_("Lot %(lot_no)s of %(item)s expires on %(known_on)s, but this label says %(expires_on)s.")
    way_out = N_("Put the goods aside and tell the supervisor.")


class ExpiredLot(ScanMistake):
    code = "expired_lot"
    text = N_("Lot %(lot_no)s of %(item)s expired on %(expires_on)s.")
    way_out = N_("Scan CONFIRM to receive it as expired, or BACK to leave it.")


class TooMany(ScanMistake):
    code = "too_many"
    text = N_("Only %(left)s of %(item)s wait here, not %(wanted)s.")
    way_out = N_("Scan QTY with the right number, then the goods again.")


class AlreadyReceived(ScanMistake):
    code = "already_received"
    kind = Kind.CONFLICT
    text = N_("%(sscc)s was received by %(person)s at %(at)s.")
    way_out = N_("Take the next pallet.")


class AlreadyPutAway(ScanMistake):
    code = "already_put_away"
    kind = Kind.CONFLICT
    text = N_("%(item)s was put to %(place)s by %(person)s at %(at)s.")
    way_out = N_("Take other goods.")


class UnknownPallet(ScanMistake):
    code = "unknown_pallet"
    text = N_("The pallet %(sscc)s is not announced, and its label does not say what it holds.")
    way_out = N_("Scan the labels of the goods on it.")


class WrongTemperature(ScanMistake):
    code = "wrong_temperature"
    text = N_("%(item)s must be kept %(needed)s, but %(place)s is %(found)s.")
    way_out = N_("Scan the suggested place.")


class NotBonded(ScanMistake):
    code = "not_bonded"
    text = N_("%(item)s is bonded, but %(place)s lies outside customs supervision.")
    way_out = N_("Scan the suggested place.")


class PlaceFull(ScanMistake):
    code = "place_full"
    text = N_("%(place)s cannot take %(qty)s of %(item)s: weight or volume would be too much.")
    way_out = N_("Scan another place, or put away fewer with QTY.")


class NotForBlocked(ScanMistake):
    code = "not_for_blocked"
    text = N_("%(item)s is blocked (damaged, expired or in quarantine); %(place)s is for good stock.")
    way_out = N_("Scan a quarantine place.")


class NothingToUndo(ScanMistake):
    code = "nothing_to_undo"
    text = N_("There is nothing left to undo.")
    way_out = N_("Go on scanning.")


class MovedSince(ScanMistake):
    code = "moved_since"
    kind = Kind.CONFLICT
    text = N_("This cannot be undone: the goods were moved, reserved or undone since.")
    way_out = N_("Undo the later step first.")


class NothingToConfirm(ScanMistake):
    code = "nothing_to_confirm"
    text = N_("Nothing waits to be confirmed.")
    way_out = N_("Go on scanning.")


class UnknownReason(ScanMistake):
    code = "unknown_reason"
    text = N_("%(reason)s is no reason on the list.")
    way_out = N_("Scan REASON FULL, BLOCKED, NEARER, TOGETHER or OTHER.")


class BadQuantity(ScanMistake):
    code = "bad_quantity"
    kind = Kind.INVALID
    text = N_("%(qty)s is no quantity that can be counted in one scan.")
    way_out = N_("Scan QTY with a whole number from 1 to 1000000.")
