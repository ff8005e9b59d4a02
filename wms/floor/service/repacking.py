"""Use cases that change what lies in which unit: split, merge, pack over, unpack. Each writes what came from what."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.floor import unit_queries
from wms.floor.rules import repacking as choice
from wms.floor.rules import units as rules
from wms.floor.rules.repacking import Wanted
from wms.floor.service.counting_in import want_place
from wms.floor.service.units import Deed, Done, known, lock, note, places, post
from wms.floor.tables import PutAwayTask, UnitEvent
from wms.floor.unit_queries import Content, UnitRow
from wms.parties.tables import Location
from wms.stock import ledger, units
from wms.stock.ledger import AccountKey, Line


def split(session: Session, sscc: str, wanted: Sequence[Wanted], deed: Deed, kind: str | None = None) -> Done:
    """Take part of a unit's goods into a new unit with a label of its own; it stands where the first one stands.

    Raises UnknownHandlingUnit, UnitEmpty, NotSoManyInUnit, NothingLeftInUnit, or a refusal of the ledger.
    """
    source = known(session, sscc)
    lock(session, [source.id])
    lying = _lying(session, source)
    taken = choice.choose(lying, wanted, sscc)
    if sum(one.qty for one in taken) == sum(one.qty for one in lying):
        raise rules.NothingLeftInUnit(sscc=sscc)
    made = units.make_unit(session, kind or source.kind, source.owner_id)
    session.flush()
    posting_id = _carry(session, deed, "split", lying, taken, source.id, made.id)
    return Done(made.sscc, posting_id)


def merge(session: Session, ssccs: Sequence[str], into: str, deed: Deed) -> Done:
    """Put all that lies in some units into one that stands at the same place; the emptied units keep their history.

    Raises UnknownHandlingUnit, SameUnit, UnitEmpty, UnitsApart, UnitOfOther, or a refusal of the ledger.
    """
    target = known(session, into)
    sources = [known(session, one) for one in dict.fromkeys(ssccs)]
    if not sources:
        raise rules.NothingNamed(field="units")
    if target.id in {one.id for one in sources}:
        raise rules.SameUnit(field="units")
    tree = lock(session, [target.id, *(one.id for one in sources)])
    lines: list[Line] = []
    all_lying: list[tuple[UnitRow, Content]] = []
    for source in sources:
        _check_partners(session, source, target)
        for one in _lying(session, source, below=list(tree.below(source.id))):
            all_lying.append((source, one))
            lines += _line(one, one.qty, target.id)
    posting_id = post(session, deed, "repack", lines, [one for _, one in all_lying])
    for _, one in all_lying:
        _note_goods(session, deed, "merged", one, one.qty, one.unit_id, target.id, posting_id)
    return Done(target.sscc, posting_id)


def repack(session: Session, sscc: str, wanted: Sequence[Wanted], into: str, deed: Deed) -> Done:
    """Put named goods of one unit into another that stands at the same place.

    Raises UnknownHandlingUnit, SameUnit, UnitEmpty, UnitsApart, UnitOfOther, NotSoManyInUnit, or a ledger's refusal.
    """
    source, target = known(session, sscc), known(session, into)
    if source.id == target.id:
        raise rules.SameUnit(field="into")
    lock(session, [source.id, target.id])
    _check_partners(session, source, target)
    lying = _lying(session, source)
    taken = choice.choose(lying, wanted, sscc)
    return Done(target.sscc, _carry(session, deed, "repacked", lying, taken, source.id, target.id))


def unpack(session: Session, sscc: str, wanted: Sequence[Wanted], deed: Deed) -> Done:
    """Take named goods out of a unit; they lie loose at its place. None named: all of it.

    Raises UnknownHandlingUnit, UnitEmpty, NotSoManyInUnit, or a refusal of the ledger.
    """
    source = known(session, sscc)
    lock(session, [source.id])
    lying = _lying(session, source)
    meant = wanted or [_all_of(one) for one in lying]
    taken = choice.choose(lying, meant, sscc)
    return Done(sscc, _carry(session, deed, "unpacked", lying, taken, source.id, None))


def pack(session: Session, place: Location, wanted: Sequence[Wanted], into: str, deed: Deed) -> Done:
    """Put goods that lie loose at a place into a unit that stands there, or is still empty.

    Raises UnknownHandlingUnit, UnitsApart, UnitOfOther, NotSoManyInUnit, or a refusal of the ledger.
    """
    target = known(session, into)
    lock(session, [target.id])
    there = places(session, [target.id])
    if there and there != {place.code}:
        raise rules.UnitsApart(sscc=place.code, place=place.code, into=into, other=", ".join(sorted(there)))
    lying = unit_queries.loose(session, place.id, target.owner_id)
    taken = choice.choose(lying, wanted, place.code)
    return Done(into, _carry(session, deed, "packed", lying, taken, None, target.id))


def _lying(session: Session, source: UnitRow, below: Sequence[int] = ()) -> tuple[Content, ...]:
    lying = unit_queries.contents(session, [source.id, *below])
    if not lying:
        raise rules.UnitEmpty(sscc=source.sscc)
    return lying


def _all_of(one: Content) -> Wanted:
    account = one.account
    return Wanted(
        account.trade_item_id, one.qty, account.lot_id, account.quality_status, one.weight_g, item=one.item_code
    )


def _check_partners(session: Session, source: UnitRow, target: UnitRow) -> None:
    if source.owner_id != target.owner_id:
        raise rules.UnitOfOther(sscc=source.sscc, into=target.sscc)
    here, there = places(session, [source.id]), places(session, [target.id])
    if here and there and here != there:
        raise rules.UnitsApart(
            sscc=source.sscc, into=target.sscc, place=", ".join(sorted(here)), other=", ".join(sorted(there))
        )


def _line(
    one: Content, qty: int, unit_id: int | None, weight_g: int | None = None, serials: tuple[str, ...] = ()
) -> tuple[Line, Line]:
    grams = one.weight_g if qty == one.qty else weight_g
    return ledger.moved(
        one.account, replace(one.account, handling_unit_id=unit_id), qty, weight_g=grams, serials=serials
    )


def _carry(
    session: Session,
    deed: Deed,
    kind: str,
    lying: Sequence[Content],
    taken: Sequence[choice.Taken],
    from_id: int | None,
    to_id: int | None,
) -> int | None:
    lines: list[Line] = []
    for one in taken:
        wanted = one.wanted
        is_whole = one.qty == wanted.qty
        weight_g, serials = (wanted.weight_g, wanted.serials) if is_whole else (None, ())
        lines += _line(lying[one.place], one.qty, to_id, weight_g, serials)
    posting_id = post(session, deed, "repack", lines, [lying[one.place] for one in taken])
    for one in taken:
        _note_goods(session, deed, kind, lying[one.place], one.qty, from_id, to_id, posting_id)
    return posting_id


def _note_goods(
    session: Session,
    deed: Deed,
    kind: str,
    one: Content,
    qty: int,
    from_id: int | None,
    to_id: int | None,
    posting_id: int | None,
) -> None:
    account = one.account
    note(
        session,
        deed,
        kind,
        account.owner_id,
        from_id,
        to_id,
        trade_item_id=account.trade_item_id,
        lot_id=account.lot_id,
        qty=qty,
        location_id=account.location_id,
        posting_id=posting_id,
    )
    _carry_task(session, account, qty, to_id)


def note_back(
    session: Session, events: Sequence[UnitEvent], lying: Sequence[Content], deed: Deed, posting_id: int | None
) -> None:
    """Write that goods went back the way they came, after the posting that brought them was reversed.

    ``lying`` is what lay in the units before: goods that wait for a place wait under their old unit again.
    """
    for event in events:
        goods = {
            "trade_item_id": event.trade_item_id, "lot_id": event.lot_id, "qty": event.qty,
            "location_id": event.location_id, "posting_id": posting_id,
        }  # fmt: skip
        note(session, deed, "repacked", event.owner_id, event.to_unit_id, event.from_unit_id, **goods)
        lay = (event.to_unit_id, event.trade_item_id, event.lot_id)
        for one in lying:
            account = one.account
            if (account.handling_unit_id, account.trade_item_id, account.lot_id) == lay and event.qty:
                _carry_task(session, account, event.qty, event.from_unit_id)
                break


def _carry_task(session: Session, account: AccountKey, qty: int, to_id: int | None) -> None:
    """Goods that still wait for a place wait on under the unit they are in now."""
    task = session.scalars(
        select(PutAwayTask)
        .where(
            PutAwayTask.state == "open",
            PutAwayTask.from_location_id == account.location_id,
            PutAwayTask.trade_item_id == account.trade_item_id,
            PutAwayTask.lot_id.is_not_distinct_from(account.lot_id),
            PutAwayTask.handling_unit_id.is_not_distinct_from(account.handling_unit_id),
        )
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if task is None:
        return
    goes = min(qty, task.qty - task.done_qty)
    if task.qty - goes > task.done_qty:
        task.qty -= goes
    elif task.done_qty:
        task.qty, task.state = task.done_qty, "done"
    else:
        task.state = "void"
    session.flush()
    if goes:
        want_place(session, task.site_id, replace(account, handling_unit_id=to_id), goes)
