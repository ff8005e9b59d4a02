"""Use cases of handling units: make one, nest it, take it out, move it with all that stands in it.

Lock order: the units' rows first, whole trees in ascending id, then the ledger. Two who reach for one unit queue at its
row; the second then sees where it went.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.floor import unit_queries
from wms.floor.rules import mistakes
from wms.floor.rules import units as rules
from wms.floor.rules.units import Tree
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.tables import PutAwayTask, UnitEvent
from wms.floor.unit_queries import Content, UnitRow
from wms.parties import dated
from wms.parties.tables import Company, CompanyRole, Location
from wms.stock import ledger, units
from wms.stock.ledger import Line
from wms.stock.tables import HandlingUnit


@dataclass(frozen=True)
class Deed:
    """One thing done by hand: the key that makes it once, when it happened, on which device, and why."""

    key: str
    event_at: datetime
    device: str | None = None
    document: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Done:
    """What a deed did: the posting (None where no goods changed account) and the unit it is about."""

    sscc: str
    posting_id: int | None = None


def known(session: Session, sscc: str) -> UnitRow:
    """Return the unit with that label. Raises UnknownHandlingUnit."""
    found = unit_queries.unit_by_sscc(session, sscc)
    if found is None:
        raise rules.UnknownHandlingUnit(field="sscc", sscc=sscc)
    return found


def make(session: Session, owner_id: int, kind: str, deed: Deed, into: str | None = None) -> Done:
    """Give a new unit its label; ``into`` puts it into another at once. Raises UnknownHandlingUnit."""
    made = units.make_unit(session, kind, owner_id)
    session.flush()
    note(session, deed, "made", owner_id, to_unit_id=made.id)
    if into:
        nest(session, made.sscc, into, deed)
    return Done(made.sscc)


def nest(session: Session, sscc: str, into: str, deed: Deed) -> Done:
    """Put a unit into (onto) another one that stands at the same place.

    Raises UnknownHandlingUnit, UnitInItself, NestedTooDeep, UnitsApart, UnitOfOther.
    """
    unit, parent = known(session, sscc), known(session, into)
    tree = lock(session, [unit.id, parent.id])
    rules.check_nesting(tree, unit.id, parent.id, deepest=deepest(session, deed.event_at.date()))
    _check_owners(session, unit, parent)
    _check_together(session, tree, unit, parent)
    stands = update(HandlingUnit).where(HandlingUnit.id == unit.id)
    session.execute(stands.values(parent_id=parent.id, nested_at=deed.event_at))
    note(session, deed, "nested", unit.owner_id, unit.id, parent.id)
    return Done(unit.sscc)


def take_out(session: Session, sscc: str, deed: Deed) -> Done:
    """Take a unit out of the one it stands in; it stays where it is. Raises UnknownHandlingUnit, UnitNotNested."""
    unit = known(session, sscc)
    tree = lock(session, [unit.id])
    _leave_parent(session, tree, unit, deed)
    return Done(unit.sscc)


def move(session: Session, sscc: str, to: Location, deed: Deed, *, seen_at: str | None = None) -> Done:
    """Move a unit and all that stands in it to a place, in one posting; from a larger unit it is taken out.

    ``seen_at`` is the code of the place where the caller saw it: who was overtaken is told by whom, and when.
    Raises UnknownHandlingUnit, UnitEmpty, UnitMoved, NotBonded, NoPlaceForUnits, or a refusal of the ledger.
    """
    unit = known(session, sscc)
    tree = lock(session, [unit.id])
    ids = [unit.id, *tree.below(unit.id)]
    lying = unit_queries.contents(session, ids)
    if not lying:
        raise rules.UnitEmpty(sscc=sscc)
    if seen_at is not None and {one.place_code.upper() for one in lying} != {seen_at.upper()}:
        _tell_rival(session, sscc, ids)
    check_set_down(to, lying)
    lines = [line for one in lying for line in carried(one, one.qty, location_id=to.id, site_id=to.site_id)]
    posting_id = post(session, deed, "move", lines, lying)
    if unit.parent_id is not None:
        _leave_parent(session, tree, unit, deed)
    note(session, deed, "moved", unit.owner_id, to_unit_id=unit.id, location_id=to.id, posting_id=posting_id)
    _follow(session, ids, to)
    return Done(unit.sscc, posting_id)


def lock(session: Session, unit_ids: list[int]) -> Tree:
    """Lock whole trees in ascending id and return them as they then stand; what grew meanwhile is locked too."""
    held: set[int] = set()
    while True:
        tree = unit_queries.tree_of(session, unit_ids)
        if set(tree.parents) <= held:
            return tree
        held |= set(tree.parents)
        session.execute(
            select(HandlingUnit.id)
            .where(HandlingUnit.id.in_(held))
            .order_by(HandlingUnit.id)
            .with_for_update(key_share=True)
        ).all()


def deepest(session: Session, on: date) -> int:
    """Return how many units may stand in one another."""
    return int(dated.value(session, "units.deepest", on))


def carried(one: Content, qty: int, **changed: int | None) -> tuple[Line, Line]:
    """Return the lines that carry ``qty`` of what lies in one account to the account that differs in ``changed``."""
    target = replace(one.account, **changed)  # type: ignore[arg-type]
    if target == one.account:
        return ()  # type: ignore[return-value]
    weight_g = one.weight_g if qty == one.qty else None
    return ledger.moved(one.account, target, qty, weight_g=weight_g)


def post(session: Session, deed: Deed, kind: str, lines: Iterable[Line], lying: Iterable[Content]) -> int | None:
    """Post lines as one fact, not earlier than what brought the goods here; None where nothing changes account."""
    given = tuple(lines)
    if not given:
        return None
    # Clocks of two handhelds differ by seconds: what is taken must not count as earlier than what was brought.
    at = max([deed.event_at, *(one.last_event_at for one in lying)])
    posting = ledger.Posting(f"unit:{deed.key}", kind, at, given, deed.document, deed.reason, deed.device)
    return ledger.post(session, posting).posting_id


def note(
    session: Session,
    deed: Deed,
    kind: str,
    owner_id: int,
    from_unit_id: int | None = None,
    to_unit_id: int | None = None,
    **columns: int | None,
) -> None:
    """Write one step of a unit's life."""
    session.execute(
        insert(UnitEvent).values(
            kind=kind,
            owner_id=owner_id,
            from_unit_id=from_unit_id,
            to_unit_id=to_unit_id,
            document=deed.document,
            reason=deed.reason,
            person_id=APP_PERSON,
            event_at=deed.event_at,
            **columns,
        )
    )


def check_set_down(place: Location, lying: Iterable[Content]) -> None:
    """Raise NoPlaceForUnits or NotBonded: where goods may not be put down, whoever carries them."""
    if place.kind not in rules.SET_DOWN_KINDS:
        raise rules.NoPlaceForUnits(place=place.code, place_kind=place.kind)
    for one in lying:
        if one.account.customs_status == "bonded" and not place.is_bonded:
            raise mistakes.NotBonded(item=one.names, place=place.code)


def _leave_parent(session: Session, tree: Tree, unit: UnitRow, deed: Deed) -> None:
    parent_id = tree.parents[unit.id]
    if parent_id is None:
        raise rules.UnitNotNested(sscc=unit.sscc)
    stands = update(HandlingUnit).where(HandlingUnit.id == unit.id)
    session.execute(stands.values(parent_id=None, nested_at=deed.event_at))
    note(session, deed, "taken_out", unit.owner_id, parent_id, unit.id)


def _check_owners(session: Session, unit: UnitRow, parent: UnitRow) -> None:
    """Goods of several owners share a carrier only if it is the operator's own (a container, a roll cage)."""
    if unit.owner_id == parent.owner_id:
        return
    operators = select(CompanyRole.company_id).where(CompanyRole.role == "operator", Company.id == parent.owner_id)
    is_operators = session.scalar(operators.join(Company, Company.id == CompanyRole.company_id))
    if is_operators is None:
        raise rules.UnitOfOther(sscc=unit.sscc, into=parent.sscc)


def _check_together(session: Session, tree: Tree, unit: UnitRow, parent: UnitRow) -> None:
    here = places(session, [unit.id, *tree.below(unit.id)])
    above = tree.above(parent.id)
    there = places(session, [parent.id, *above, *tree.below(above[-1] if above else parent.id)])
    if here and there and here != there:
        raise rules.UnitsApart(
            sscc=unit.sscc, into=parent.sscc, place=", ".join(sorted(here)), other=", ".join(sorted(there))
        )


def places(session: Session, unit_ids: list[int]) -> set[str]:
    """Return the codes of the places where goods of the units lie."""
    return {one.place_code for one in unit_queries.contents(session, unit_ids)}


def _tell_rival(session: Session, sscc: str, ids: list[int]) -> None:
    last = unit_queries.last_move(session, ids)
    if last is None:
        raise rules.UnitEmpty(sscc=sscc)
    at = last.event_at.isoformat(timespec="minutes")
    raise rules.UnitMoved(sscc=sscc, place=last.place_code, person=last.person, at=at)


def _follow(session: Session, ids: list[int], to: Location) -> None:
    """Let open put-away tasks of the moved units follow them: at a dock they still wait, in a bin they are done."""
    still_waits = to.kind in {"dock", "staging", "inspection"}
    values = {"from_location_id": to.id, "site_id": to.site_id} if still_waits else {"state": "void"}
    session.execute(
        update(PutAwayTask)
        .where(PutAwayTask.handling_unit_id.in_(ids), PutAwayTask.state == "open")
        .values(**values)
        .execution_options(synchronize_session=False)
    )
