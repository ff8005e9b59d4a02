"""Mistakes of picking, each with its own sentence and way out, and which line of a list a scan means. Pure."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol, TypeVar

from wms.errors import N_, Kind
from wms.floor.rules.mistakes import ScanMistake


class NoList(ScanMistake):
    code = "no_list"
    text = N_("No pick list is chosen.")
    way_out = N_("Scan the number of a pick list, or NEXT to be given one.")


class NoWork(ScanMistake):
    code = "no_work"
    text = N_("Nothing waits to be picked here.")
    way_out = N_("Ask the supervisor for other work.")


class UnknownList(ScanMistake):
    code = "unknown_list"
    kind = Kind.NOT_FOUND
    text = N_("There is no pick list %(list)s.")
    way_out = N_("Scan the barcode at the head of the list, or NEXT to be given one.")


class ListEnded(ScanMistake):
    code = "list_ended"
    kind = Kind.CONFLICT
    text = N_("Pick list %(list)s is %(state)s: nothing is left on it.")
    way_out = N_("Scan NEXT to be given another list.")


class ListTaken(ScanMistake):
    code = "list_taken"
    kind = Kind.CONFLICT
    text = N_("%(person)s has had pick list %(list)s since %(since)s.")
    way_out = N_("Scan NEXT to be given another list.")


class ListElsewhere(ScanMistake):
    code = "list_elsewhere"
    text = N_("Pick list %(list)s belongs to another warehouse.")
    way_out = N_("Choose its warehouse on the scan page, or scan NEXT.")


class NothingHere(ScanMistake):
    code = "nothing_here"
    text = N_("Nothing of this list is to be picked at %(place)s; go to %(wanted)s.")
    way_out = N_("Walk to the place shown and scan it.")


class GoThereFirst(ScanMistake):
    code = "go_there_first"
    text = N_("Scan the place first: %(wanted)s.")
    way_out = N_("Walk to the place shown and scan it; then say SHORT if goods are missing.")


class OtherItem(ScanMistake):
    code = "other_item"
    text = N_("This is %(item)s; %(wanted)s is to be picked here.")
    way_out = N_("Put it back and take the goods shown.")


class NotOnList(ScanMistake):
    code = "not_on_list"
    text = N_("%(item)s is not on this pick list.")
    way_out = N_("Put it back and take the goods shown.")


class OwnerOfList(ScanMistake):
    code = "owner_of_list"
    text = N_("%(item)s belongs to %(owner)s, who did not order it.")
    way_out = N_("Put it back and take the goods of the owner shown.")


class OtherLot(ScanMistake):
    code = "other_lot"
    text = N_("Lot %(lot_no)s of %(item)s was scanned; lot %(wanted)s is promised to this order.")
    way_out = N_("Take goods of the lot shown. If it is not there, scan SHORT.")


class LotNotOnLabel(ScanMistake):
    code = "lot_not_on_label"
    text = N_("Several lots of %(item)s lie here, and this label names none.")
    way_out = N_("Scan the GS1 label with the lot.")


class ExpiredGoods(ScanMistake):
    code = "expired_goods"
    text = N_("Lot %(lot_no)s of %(item)s expired on %(expires_on)s and may not be sent.")
    way_out = N_("Leave it and scan SHORT: other goods are looked for.")


class GoodsOnHold(ScanMistake):
    code = "goods_on_hold"
    text = N_("%(item)s at %(place)s is on hold and may not be sent.")
    way_out = N_("Leave it and scan SHORT: other goods are looked for.")


class PromiseEnded(ScanMistake):
    code = "promise_ended"
    kind = Kind.CONFLICT
    text = N_("%(item)s at %(place)s is no longer promised to this order.")
    way_out = N_("Scan SHORT: other goods are looked for.")


class TooManyPicked(ScanMistake):
    code = "too_many_picked"
    text = N_("Only %(left)s of %(item)s are wanted, not %(wanted)s.")
    way_out = N_("Scan QTY with the right number, then the goods again.")


class QuantityNeeded(ScanMistake):
    code = "quantity_needed"
    text = N_("The label is that of the whole pallet; %(left)s of %(item)s are wanted from it.")
    way_out = N_("Scan QTY with how many you take, then the label again.")


class OtherPallet(ScanMistake):
    code = "other_pallet"
    text = N_("Pallet %(sscc)s is not the one that is promised; take %(wanted)s.")
    way_out = N_("Scan the label of the pallet shown.")


class WeightNeeded(ScanMistake):
    code = "weight_needed"
    text = N_("Each piece of %(item)s has a weight of its own, and this label names none.")
    way_out = N_("Scan the label with the weight.")


class ToteFirst(ScanMistake):
    code = "tote_first"
    text = N_("No tote stands in slot %(slot)s of the cart.")
    way_out = N_("Scan the label of an empty tote.")


class OtherTote(ScanMistake):
    code = "other_tote"
    text = N_("This goes into slot %(slot)s, tote %(wanted)s, not into %(sscc)s.")
    way_out = N_("Put it into the tote shown and scan that.")


class ToteInUse(ScanMistake):
    code = "tote_in_use"
    kind = Kind.CONFLICT
    text = N_("Tote %(sscc)s holds other goods or stands on another cart.")
    way_out = N_("Take an empty tote and scan its label.")


class AlreadyPicked(ScanMistake):
    code = "already_picked"
    kind = Kind.CONFLICT
    text = N_("Line %(line)s is picked, short or withdrawn already.")
    way_out = N_("Scan NEXT to go on.")


class NothingShort(ScanMistake):
    code = "nothing_short"
    text = N_("There is no line on which goods could be missing.")
    way_out = N_("Scan a place of the list first.")


class Open(Protocol):
    """What choosing needs to know of an open line."""

    @property
    def id(self) -> int: ...
    @property
    def location_id(self) -> int: ...
    @property
    def trade_item_id(self) -> int: ...


Line = TypeVar("Line", bound=Open)


def current(lines: Sequence[Line], place_id: int | None, skipped: Collection[int] = ()) -> Line | None:
    """Return the line to work on: the first at the place where the picker stands, else the first; skipped ones last."""
    ranked = sorted(
        enumerate(lines), key=lambda one: (one[1].id in skipped, place_id not in (None, one[1].location_id), one[0])
    )
    return ranked[0][1] if ranked else None


def same_stop(lines: Iterable[Line], line: Line) -> list[Line]:
    """Return the lines that are picked by one taking: same place, goods, pallet and tote, in their order."""

    def alike(one: Line) -> tuple[object, ...]:
        return tuple(
            getattr(one, name, None)
            for name in ("location_id", "trade_item_id", "lot_id", "from_handling_unit_id", "owner_id", "slot")
        )

    return [one for one in lines if alike(one) == alike(line)]
