"""Loading: the mistakes, what stands in the way of later stops, and a vehicle's goods beside its gate pass."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from wms.errors import N_, Kind, WmsError
from wms.floor.rules.mistakes import ScanMistake


class UnknownLoad(ScanMistake):
    code = "unknown_load"
    kind = Kind.NOT_FOUND
    text = N_("There is no load %(load)s.")
    way_out = N_("Scan the number of the load or the vehicle's plate.")


class LoadFirst(ScanMistake):
    code = "load_first"
    text = N_("No vehicle is chosen.")
    way_out = N_("Scan the number of the load or the vehicle's plate.")


class LoadNotOpen(ScanMistake):
    code = "load_not_open"
    kind = Kind.CONFLICT
    text = N_("Load %(load)s is %(state)s; nothing is put on it or taken off it.")
    way_out = N_("Choose another load, or have the supervisor open it again.")


class UnknownUnit(ScanMistake):
    code = "unknown_load_unit"
    kind = Kind.NOT_FOUND
    text = N_("Nobody knows the pallet or parcel %(sscc)s.")
    way_out = N_("Scan the label that we put on it.")


class EmptyUnit(ScanMistake):
    code = "empty_unit"
    text = N_("There is nothing in %(sscc)s here.")
    way_out = N_("Look whether it was unpacked; scan another unit.")


class AlreadyLoaded(ScanMistake):
    code = "already_loaded"
    kind = Kind.CONFLICT
    text = N_("%(sscc)s was loaded on %(plate)s (%(load)s) by %(person)s at %(at)s.")
    way_out = N_("Take the next one. To take it off, scan UNLOAD, then its label.")


class NotOnLoad(ScanMistake):
    code = "not_on_load"
    text = N_("%(sscc)s does not stand on %(plate)s.")
    way_out = N_("Scan a unit that stands on this vehicle.")


class GoesWithParent(ScanMistake):
    code = "goes_with_parent"
    text = N_("%(sscc)s came with pallet %(parent)s.")
    way_out = N_("Unload the whole pallet.")


class LoadedUnitOnHold(ScanMistake):
    code = "loaded_unit_on_hold"
    text = N_("%(sscc)s must not leave: %(item)s in it is blocked (%(status)s).")
    way_out = N_("Put it aside and tell the supervisor.")


class WrongVehicle(ScanMistake):
    code = "wrong_vehicle"
    text = N_("%(sscc)s goes with %(wanted)s, not with %(carrier)s.")
    way_out = N_("Bring it to its own vehicle.")


class WrongStop(ScanMistake):
    code = "wrong_stop"
    text = N_("%(sscc)s goes to %(region)s; this vehicle does not stop there.")
    way_out = N_("Bring it to its own vehicle.")


class NotPackedYet(ScanMistake):
    code = "not_packed_yet"
    text = N_("Parcel %(sscc)s is not closed.")
    way_out = N_("Bring it back to packing: weigh and close it first.")


class NeedsPass(ScanMistake):
    code = "needs_pass"
    text = N_("%(item)s is bonded: it leaves on a gate pass, and load %(load)s has none.")
    way_out = N_("Have a gate pass bound to the load, or take another vehicle.")


class NotOnPass(ScanMistake):
    code = "not_on_pass"
    text = N_("%(item)s does not stand on gate pass %(gate_pass)s.")
    way_out = N_("Put it aside; the declarant checks the pass.")


class LoadingAfterApproval(ScanMistake):
    code = "loading_after_approval"
    kind = Kind.CONFLICT
    text = N_("Gate pass %(gate_pass)s is %(state)s: what the vehicle holds can no longer change.")
    way_out = N_("Goods of a vehicle change only while its pass is applied for; have the pass voided first.")


class NotEnoughLoose(ScanMistake):
    code = "not_enough_loose"
    text = N_("Only %(left)s of %(item)s lie loose at %(place)s, not %(wanted)s.")
    way_out = N_("Scan QTY with the right number, or another place.")


class LotWanted(ScanMistake):
    code = "lot_wanted"
    text = N_("Several lots of %(item)s lie here, and this label names none.")
    way_out = N_("Scan the GS1 label with the lot.")


class BadVehicle(WmsError):
    """A load names a vehicle that cannot be."""

    code = "bad_vehicle"
    kind = Kind.INVALID
    text = N_("%(what)s is no plate or container number.")


class SecondLoad(WmsError):
    """One vehicle, two loads at a time."""

    code = "second_load"
    kind = Kind.CONFLICT
    text = N_("Vehicle %(plate)s already has load %(load)s, opened by %(person)s at %(at)s.")


class VehicleNotEmpty(WmsError):
    """Goods of an earlier load are still in the vehicle."""

    code = "vehicle_not_empty"
    kind = Kind.CONFLICT
    text = N_("%(qty)s base units still lie in vehicle %(plate)s; unload or ship them first.")


class NotADock(WmsError):
    """Vehicles are loaded at docks."""

    code = "not_a_dock"
    kind = Kind.INVALID
    text = N_("%(place)s is no dock of this site.")


class PassTaken(WmsError):
    """A gate pass serves one vehicle's load."""

    code = "pass_taken"
    kind = Kind.CONFLICT
    text = N_("Gate pass %(gate_pass)s is bound to load %(load)s of vehicle %(plate)s already.")


class PassOfOtherVehicle(WmsError):
    """The pass names another vehicle, trailer or container."""

    code = "pass_of_other_vehicle"
    text = N_("Gate pass %(gate_pass)s is for %(wanted)s, not for %(found)s.")


class PassNotForLoading(WmsError):
    """The pass is of the wrong direction, site or state."""

    code = "pass_not_for_loading"
    kind = Kind.CONFLICT
    text = N_("Goods can be loaded on gate pass %(gate_pass)s only while it is applied for here; it is %(state)s.")


class LoadHasPass(WmsError):
    """A load was bound to a pass before."""

    code = "load_has_pass"
    kind = Kind.CONFLICT
    text = N_("Load %(load)s is bound to gate pass %(gate_pass)s already.")


class EmptyLoad(WmsError):
    """Nothing stands on the vehicle."""

    code = "empty_load"
    text = N_("Nothing was loaded on %(plate)s.")


class SealDiffers(WmsError):
    """The seal on the vehicle is not the one on the pass."""

    code = "load_seal_differs"
    text = N_("Gate pass %(gate_pass)s names seal %(wanted)s, not %(found)s.")


class LeavesByGate(WmsError):
    """Goods on a gate pass are let out by the gate."""

    code = "leaves_by_gate"
    text = N_("Load %(load)s leaves through the gate on pass %(gate_pass)s; nobody ships it from a desk.")


class LoadInState(WmsError):
    """The load is not in the state that this needs."""

    code = "load_in_state"
    kind = Kind.CONFLICT
    text = N_("Load %(load)s is %(state)s; this needs one that is %(wanted)s.")


class LoadNotEmpty(WmsError):
    """A load with goods on it cannot be given up."""

    code = "load_not_empty"
    kind = Kind.CONFLICT
    text = N_("%(count)s units stand on load %(load)s; unload them first.")


def is_in_the_way(stop_no: int | None, loaded_stops: Sequence[int]) -> bool:
    """Whether goods for a later stop would stand before goods for an earlier one.

    Who gets off first is loaded last: stops are loaded from the last to the first.
    """
    return stop_no is not None and any(earlier < stop_no for earlier in loaded_stops)


@dataclass(frozen=True)
class PassGoods:
    """A line of a gate pass. ``book_line_id`` is None where no verification list stands behind it."""

    line_no: int
    owner_id: int
    trade_item_id: int
    qty: int
    book_line_id: int | None = None


@dataclass(frozen=True)
class Held:
    """What one account of the vehicle holds."""

    account_id: int
    owner_id: int
    trade_item_id: int
    qty: int
    is_bonded: bool
    is_good: bool
    book_line_id: int | None = None


@dataclass(frozen=True)
class LineCheck:
    """A line of the pass beside what was loaded for it, account by account."""

    line_no: int
    qty: int
    taken: tuple[tuple[int, int], ...]

    @property
    def loaded_qty(self) -> int:
        return sum(qty for _, qty in self.taken)

    @property
    def difference(self) -> int:
        """Loaded less pass: below zero is missing."""
        return self.loaded_qty - self.qty


@dataclass(frozen=True)
class Extra:
    """Goods that no line of the pass takes; ``reason``: over, not_on_pass, other_line, other_owner or held."""

    account_id: int
    trade_item_id: int
    qty: int
    reason: str


@dataclass(frozen=True)
class Comparison:
    """A pass beside a vehicle."""

    lines: tuple[LineCheck, ...]
    extras: tuple[Extra, ...] = field(default_factory=tuple)

    @property
    def agrees(self) -> bool:
        return not self.extras and all(line.difference == 0 for line in self.lines)


def compare(goods: Sequence[PassGoods], held: Sequence[Held]) -> Comparison:
    """Give each account's goods to the lines that name them, in the order of the lines; what is left over is extra.

    A line behind which a verification list stands takes goods of that list's book line alone.
    """
    taken: dict[int, list[tuple[int, int]]] = {line.line_no: [] for line in goods}
    left = {line.line_no: line.qty for line in goods}
    extras: list[Extra] = []
    for account in held:
        if not account.is_good:
            extras.append(Extra(account.account_id, account.trade_item_id, account.qty, "held"))
            continue
        rest = account.qty
        for line in goods:
            part = min(rest, left[line.line_no]) if takes(line, account) else 0
            if part:
                taken[line.line_no].append((account.account_id, part))
                left[line.line_no] -= part
                rest -= part
        if rest:
            extras.append(Extra(account.account_id, account.trade_item_id, rest, _why(goods, account)))
    lines = tuple(LineCheck(line.line_no, line.qty, tuple(taken[line.line_no])) for line in goods)
    return Comparison(lines, tuple(extras))


def takes(line: PassGoods, account: Held) -> bool:
    """Whether the line names these goods."""
    same = line.trade_item_id == account.trade_item_id and line.owner_id == account.owner_id
    if line.book_line_id is None:
        return same
    return same and account.is_bonded and line.book_line_id == account.book_line_id


def _why(goods: Sequence[PassGoods], account: Held) -> str:
    named = [line for line in goods if line.trade_item_id == account.trade_item_id]
    if not named:
        return "not_on_pass"
    if all(line.owner_id != account.owner_id for line in named):
        return "other_owner"
    return "over" if any(takes(line, account) for line in named) else "other_line"
