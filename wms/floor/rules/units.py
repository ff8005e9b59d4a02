"""Handling units: what may stand in what, what may be moved, split and packed together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from wms.errors import N_, Kind, WmsError


class UnknownHandlingUnit(WmsError):
    code = "unknown_handling_unit"
    kind = Kind.NOT_FOUND
    text = N_("There is no pallet or carton with the number %(sscc)s.")
    way_out: ClassVar[str] = N_("Scan the unit's label again, or receive it first.")


class UnitInItself(WmsError):
    """Nesting would make a ring: then nobody could say where any of them stands."""

    code = "unit_in_itself"
    text = N_("%(sscc)s cannot stand in %(into)s: %(into)s stands in %(sscc)s.")
    way_out: ClassVar[str] = N_("Take %(into)s out of %(sscc)s first, or scan another unit.")


class NestedTooDeep(WmsError):
    code = "nested_too_deep"
    text = N_("Units stand in one another at most %(most)s deep; here it would be %(depth)s.")
    way_out: ClassVar[str] = N_("Put it into a unit that stands in fewer others.")


class UnitsApart(WmsError):
    """Two units stand at different places, so one cannot be put into the other."""

    code = "units_apart"
    text = N_("%(sscc)s stands at %(place)s and %(into)s at %(other)s: bring them together first.")
    way_out: ClassVar[str] = N_("Move one of them to the place of the other, then scan again.")


class UnitOfOther(WmsError):
    code = "unit_of_other_owner"
    text = N_("%(sscc)s and %(into)s belong to different owners.")
    way_out: ClassVar[str] = N_("Scan a unit of the same owner, or a carrier of the operator's own.")


class UnitEmpty(WmsError):
    code = "unit_empty"
    text = N_("Nothing lies in %(sscc)s.")
    way_out: ClassVar[str] = N_("Scan another unit, or have the place counted.")


class UnitScattered(WmsError):
    """The ledger knows parts of one unit at several places; somebody has to look."""

    code = "unit_scattered"
    kind = Kind.CONFLICT
    text = N_("The goods of %(sscc)s lie at several places (%(places)s): count them first.")


class UnitMoved(WmsError):
    """A rival was faster: the unit no longer stands where the caller saw it."""

    code = "unit_moved"
    kind = Kind.CONFLICT
    text = N_("%(sscc)s was moved to %(place)s by %(person)s at %(at)s.")


class UnitNotNested(WmsError):
    code = "unit_not_nested"
    kind = Kind.CONFLICT
    text = N_("%(sscc)s stands in no other unit.")
    way_out: ClassVar[str] = N_("Nothing is to be done. Scan the next unit.")


class NotSoManyInUnit(WmsError):
    code = "not_so_many_in_unit"
    kind = Kind.CONFLICT
    text = N_("Only %(found)s × %(item)s lie in %(source)s free to take, not %(wanted)s.")
    way_out: ClassVar[str] = N_("Scan BACK and the goods again with the right number.")


class SameUnit(WmsError):
    code = "same_unit"
    kind = Kind.INVALID
    text = N_("A unit cannot be packed into itself.")
    way_out: ClassVar[str] = N_("Scan the label of the other unit.")


class NothingNamed(WmsError):
    code = "nothing_named"
    kind = Kind.INVALID
    text = N_("Name at least one item with its quantity.")


class NothingLeftInUnit(WmsError):
    """A split that takes all is a new label, not a split."""

    code = "nothing_left_in_unit"
    text = N_("That is all that lies in %(sscc)s: to move it, move the unit; to relabel it, merge it into a new one.")
    way_out: ClassVar[str] = N_("To carry the whole unit, use Move; to give its goods to another unit, scan MERGE.")


class NoPlaceForUnits(WmsError):
    code = "no_place_for_units"
    text = N_("%(place)s is no place where goods may be put by hand: it is a %(place_kind)s.")


# Where a person may set a unit down. Vehicles are loaded against a pass and chutes are filled by sorting.
SET_DOWN_KINDS = frozenset(
    {"dock", "staging", "bin", "inspection", "packing", "gate_buffer", "shop_floor", "quarantine", "work"}
)


@dataclass(frozen=True)
class Tree:
    """Units by id with the unit each stands in; ``sscc`` names them in refusals."""

    parents: Mapping[int, int | None]
    ssccs: Mapping[int, str]

    def above(self, unit_id: int) -> tuple[int, ...]:
        """Return the units that ``unit_id`` stands in, nearest first."""
        found: list[int] = []
        parent = self.parents.get(unit_id)
        while parent is not None and parent not in found:
            found.append(parent)
            parent = self.parents.get(parent)
        return tuple(found)

    def below(self, unit_id: int) -> tuple[int, ...]:
        """Return the units that stand in ``unit_id``, at any depth, nearest first."""
        found: list[int] = []
        level = [unit_id]
        while level:
            level = sorted(one for one, parent in self.parents.items() if parent in level and one not in found)
            found += level
        return tuple(found)

    def depth_below(self, unit_id: int) -> int:
        """Return how many levels stand in a unit; 0 for one with goods alone."""
        children = [one for one, parent in self.parents.items() if parent == unit_id]
        return max((1 + self.depth_below(child) for child in children), default=0)


def check_nesting(tree: Tree, unit_id: int, into_id: int, *, deepest: int) -> None:
    """Raise UnitInItself for a ring, NestedTooDeep when more than ``deepest`` units would stand in one another."""
    names = {"sscc": tree.ssccs[unit_id], "into": tree.ssccs[into_id]}
    if unit_id == into_id or unit_id in tree.above(into_id):
        raise UnitInItself(**names)
    depth = len(tree.above(into_id)) + 2 + tree.depth_below(unit_id)
    if depth > deepest:
        raise NestedTooDeep(most=deepest, depth=depth)
