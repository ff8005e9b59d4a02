"""Before and after: cost, time, CO2, who moved and why, owner by owner."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Literal

from routing.network import Frozen
from routing.plan import Assignment, Plan, PlanBox

Moved = Literal["departure", "box", "left_behind", "now_goes", "new", "absent"]


class Side(Frozen):
    """One plan in sums: fen, how many go and stay, how many late, seconds from the first ready instant on, grams."""

    cost_minor: int
    left_out_minor: int
    go: int
    stay: int
    late: int
    late_s: int
    co2_g: int


class Move(Frozen):
    """One consignment that is not where it was. `code`: the first break that concerns it; empty: it made room."""

    consignment: str
    owner: str
    what: Moved
    from_segment: str
    from_box: str
    to_segment: str
    to_box: str
    delay_s: int
    added_minor: int
    code: str


class OwnerSide(Frozen):
    """What a repair means for one owner: fen before and after for what goes in both plans, how many of its
    consignments moved, stay behind now, and seconds that deliveries are later in all."""

    owner: str
    before_minor: int
    after_minor: int
    moved: int
    stay: int
    delay_s: int


class Comparison(Frozen):
    """`untouched`: what neither the events nor the freeze concerned; `unmoved` of them are in the same box on the same
    departure. `stability_minor`: the price of disturbing that the search counted; nobody pays it."""

    before: Side
    after: Side
    stability_minor: int
    frozen: int
    concerned: int
    untouched: int
    unmoved: int
    moves: tuple[Move, ...]
    owners: tuple[OwnerSide, ...]

    def unmoved_permille(self) -> int:
        """Share of the untouched that did not move; 1000 where nobody was untouched."""
        return self.unmoved * 1000 // self.untouched if self.untouched else 1000


def compare(
    before: Plan, after: Plan, *, stability_minor: int = 0, why: Mapping[str, str] = MappingProxyType({}),
    frozen: Collection[str] = (), same: Mapping[str, str] | None = None,
) -> Comparison:  # fmt: skip
    """The two plans side by side. ``why``: consignment -> code of the break that concerns it. ``same``: box before ->
    the box after that is the same; None: boxes keep their numbers."""
    old = {one.consignment: one for one in before.assignments}
    new = {one.consignment: one for one in after.assignments}
    waited = {one.consignment for one in before.unserved}
    moves = []
    names = {one.consignment: one.owner for one in before.assignments}
    names |= {one.consignment: one.owner for one in after.assignments}
    names |= {left.consignment: left.owner for left in after.unserved}
    waits = {one.consignment for one in after.unserved}
    for name, owner in sorted(names.items()):
        was, now = old.get(name), new.get(name)
        stays = was is not None and now is not None and _stays(was, now, same)
        what = None if stays else _what(was, now, name in waited, name in waits)
        move = _move(name, owner, was, now, what, why.get(name, "")) if what is not None else None
        if move is not None:
            moves.append(move)
    moved = {one.consignment for one in moves}
    untouched = [name for name in old if name not in why and name not in frozen]
    return Comparison(
        before=_side(before), after=_side(after), stability_minor=stability_minor,
        frozen=sum(name in frozen for name in old), concerned=sum(name in why for name in old.keys() | new.keys()),
        untouched=len(untouched), unmoved=sum(name not in moved for name in untouched), moves=tuple(moves),
        owners=_owners(old, new, after, moved),
    )  # fmt: skip


def _side(plan: Plan) -> Side:
    late = [one.late_s for one in plan.assignments if one.late_s]
    return Side(
        cost_minor=plan.cost_minor, left_out_minor=plan.left_out_minor, go=len(plan.assignments),
        stay=len(plan.unserved), late=len(late), late_s=sum(late), co2_g=plan.co2_g,
    )  # fmt: skip


def beside(before: Plan, after: Plan) -> Comparison:
    """Any two plans side by side: their boxes are numbered apart, the same is what holds most of the same goods on the
    same departure."""
    shared: list[tuple[int, str, str]] = []
    others: dict[tuple[str, str], list[PlanBox]] = {}
    for box in after.boxes:
        others.setdefault((box.segment, box.equipment), []).append(box)
    for box in before.boxes:
        held = set(box.consignments)
        shared += [
            (len(held & set(other.consignments)), box.id, other.id)
            for other in others.get((box.segment, box.equipment), ())
        ]
    same: dict[str, str] = {}
    for _, mine, yours in sorted(shared, key=lambda one: (-one[0], *one[1:])):
        if mine not in same and yours not in same.values():
            same[mine] = yours
    return compare(before, after, same=same)


def _stays(was: Assignment, now: Assignment, same: Mapping[str, str] | None) -> bool:
    box = was.box if same is None else same.get(was.box)
    return was.segment == now.segment and box == now.box


def _what(was: Assignment | None, now: Assignment | None, waited: bool, waits: bool) -> Moved | None:
    if was is not None and now is not None:
        return "departure" if was.segment != now.segment else "box"
    if was is not None:
        return "left_behind" if waits else "absent"
    if now is not None:
        return "now_goes" if waited else "new"
    return None


def _move(
    name: str, owner: str, was: Assignment | None, now: Assignment | None, what: Moved, code: str
) -> Move:  # fmt: skip
    return Move(
        consignment=name, owner=owner, what=what, from_segment=was.segment if was else "",
        from_box=was.box if was else "",
        to_segment=now.segment if now else "", to_box=now.box if now else "",
        delay_s=now.deliver_at - was.deliver_at if was and now else 0,
        added_minor=(now.total_minor if now else 0) - (was.total_minor if was else 0), code=code,
    )  # fmt: skip


def _owners(
    old: Mapping[str, Assignment], new: Mapping[str, Assignment], after: Plan, moved: Collection[str]
) -> tuple[OwnerSide, ...]:
    sums: dict[str, list[int]] = {}
    for one in (*old.values(), *new.values()):
        sums.setdefault(one.owner, [0, 0, 0, 0, 0])
    for name in old.keys() & new.keys():
        row = sums[new[name].owner]
        row[0] += old[name].total_minor
        row[1] += new[name].total_minor
        row[4] += new[name].deliver_at - old[name].deliver_at
    for one in after.assignments:
        sums[one.owner][2] += one.consignment in moved
    for left in after.unserved:
        row = sums.setdefault(left.owner, [0, 0, 0, 0, 0])
        row[2] += left.consignment in moved
        row[3] += 1
    return tuple(
        OwnerSide(owner=owner, before_minor=a, after_minor=b, moved=m, stay=s, delay_s=d)
        for owner, (a, b, m, s, d) in sorted(sums.items())
    )
