"""Waves: gather orders by a rule, release them as pick lists with tasks, call them off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.errors import NotFound
from wms.floor.rules import waves as rules
from wms.floor.rules.orders import CHANGEABLE
from wms.floor.rules.waves import Round, ToPick, WaveRule
from wms.floor.service import deallocating, tasks
from wms.floor.service.allocating import restate
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.tasks import NewTask
from wms.floor.tables.orders import OutboundOrder, Wave
from wms.floor.tables.picking import PickList, PickTote
from wms.parties import dated
from wms.parties.tables import Location, Site
from wms.record.service import append_leaf

# An order that nothing is promised to yet has no zone; where a zone is asked for, all its stock must lie there.
GATHER = text("""
    WITH fit AS (
      SELECT o.id, o.priority, o.ship_by_at, count(l.id) AS lines FROM outbound_order o
        JOIN order_line l ON l.order_id = o.id
       WHERE o.site_id = :site AND o.wave_id IS NULL AND o.state = ANY (:states)
         AND (cast(:ship_by_until AS timestamptz) IS NULL OR o.ship_by_at <= :ship_by_until)
         AND (cast(:carrier AS text) IS NULL OR o.carrier = :carrier)
         AND (cast(:kind AS text) IS NULL OR o.kind = :kind)
         AND (cast(:priority_until AS int) IS NULL OR o.priority <= :priority_until)
         AND (cast(:zone AS text) IS NULL OR o.id IN (
           SELECT zl.order_id FROM order_line zl JOIN allocation za ON za.order_line_id = zl.id AND za.state = 'open'
             JOIN account zc ON zc.id = za.account_id JOIN location zp ON zp.id = zc.location_id
            WHERE zl.order_id = o.id GROUP BY zl.order_id
           HAVING bool_and(zp.zone IS NOT DISTINCT FROM cast(:zone AS text))))
       GROUP BY o.id
    ), counted AS (
      SELECT id, row_number() OVER w AS number, sum(lines) OVER w AS lines_so_far FROM fit
      WINDOW w AS (ORDER BY priority, ship_by_at NULLS LAST, id)
    )
    SELECT id FROM counted WHERE number <= :max_orders AND (lines_so_far <= :max_lines OR number = 1) ORDER BY number
""")
PICKS = text("""
    SELECT a.id AS allocation_id, l.id AS order_line_id, o.id AS order_id, o.owner_id, c.location_id,
           coalesce(p.pick_sequence, p.id) AS sequence, p.zone, c.trade_item_id, c.lot_id, c.handling_unit_id,
           a.is_whole_unit, (a.qty - a.picked_qty - a.void_qty)::bigint AS qty, o.priority, o.ship_by_at
      FROM outbound_order o
      JOIN order_line l ON l.order_id = o.id
      JOIN allocation a ON a.order_line_id = l.id AND a.state = 'open'
      JOIN account c ON c.id = a.account_id
      JOIN location p ON p.id = c.location_id
     WHERE o.id = ANY (:orders)
       AND NOT EXISTS (SELECT 1 FROM pick_line k WHERE k.allocation_id = a.id AND k.state = 'open')
     ORDER BY o.priority, o.ship_by_at NULLS LAST, o.id, sequence, a.id
""")
LINES = text("""
    INSERT INTO pick_line (pick_list_id, allocation_id, order_line_id, seq, slot, owner_id, location_id, trade_item_id,
                           lot_id, from_handling_unit_id, is_whole_unit, qty)
    SELECT * FROM unnest(cast(:lists AS bigint[]), cast(:allocations AS bigint[]), cast(:lines AS bigint[]),
      cast(:seqs AS int[]), cast(:slots AS int[]), cast(:owners AS bigint[]), cast(:places AS bigint[]),
      cast(:items AS bigint[]), cast(:lots AS bigint[]), cast(:units AS bigint[]), cast(:wholes AS boolean[]),
      cast(:qtys AS bigint[]))
""")
PACKING = text("""
    SELECT p.id FROM location p
     WHERE p.site_id = :site AND p.kind IN ('packing', 'staging') AND (p.is_bonded OR NOT :bonded)
     ORDER BY p.is_bonded <> :bonded, p.kind <> 'packing', coalesce(p.pick_sequence, p.id) LIMIT 1
""")


@dataclass(frozen=True)
class Gathered:
    """A wave that was made, and how many orders it holds."""

    wave_id: int
    wave_no: str
    order_ids: tuple[int, ...]


@dataclass(frozen=True)
class Released:
    """Pick lists that were made of a wave, and how many lines they hold; orders without stock stay behind."""

    wave_id: int
    list_ids: tuple[int, ...]
    lines: int
    orders: int
    left_behind: int


def gather(session: Session, site_id: int, method: str, rule: WaveRule) -> Gathered:
    """Make a wave of the orders that wait at a site and fit a rule, the most urgent first. Raises NoOrdersForWave.

    Two who gather at once share the orders between them: an order is in one wave.
    """
    values = {**vars(rule), "site": site_id, "states": list(CHANGEABLE)}
    found = session.execute(GATHER, values).scalars().all()
    return _gathered(session, site_id, method, rule.as_json(), found)


def gather_orders(session: Session, site_id: int, method: str, order_ids: Sequence[int]) -> Gathered:
    """Make a wave of orders that were named. Raises NoOrdersForWave where none of them waits at the site."""
    return _gathered(session, site_id, method, {"named": len(order_ids)}, order_ids)


def _gathered(session: Session, site_id: int, method: str, rule: dict[str, Any], order_ids: Sequence[int]) -> Gathered:
    held = session.scalars(
        select(OutboundOrder.id)
        .where(
            OutboundOrder.id.in_(order_ids),
            OutboundOrder.site_id == site_id,
            OutboundOrder.wave_id.is_(None),
            OutboundOrder.state.in_(CHANGEABLE),
        )
        .order_by(OutboundOrder.id)
        .with_for_update(key_share=True)
    ).all()
    if not held:
        raise rules.NoOrdersForWave
    wave_id: int = session.execute(
        insert(Wave).values(site_id=site_id, method=method, rule=rule, person_id=APP_PERSON).returning(Wave.id)
    ).scalar_one()
    wave_no = document_no("WV", wave_id)
    session.execute(update(Wave).where(Wave.id == wave_id).values(wave_no=wave_no))
    session.execute(
        update(OutboundOrder)
        .where(OutboundOrder.id.in_(held))
        .values(wave_id=wave_id)
        .execution_options(synchronize_session="fetch")
    )
    append_leaf(session, "wave", {"wave": wave_no, "orders": len(held), "method": method}, wave_id)
    return Gathered(wave_id, wave_no, tuple(held))


def locked(session: Session, wave_no: str) -> Wave:
    """Return a wave under lock. Raises NotFound."""
    found = session.scalars(
        select(Wave)
        .where(func.upper(Wave.wave_no) == wave_no.strip().upper())
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound(what=wave_no)
    return found


def held(session: Session, wave_no: str) -> tuple[Wave, list[OutboundOrder]]:
    """Return a wave and its orders under lock: the orders first, as everybody who picks or cancels takes them.

    Raises NotFound.
    """
    wave_id = session.scalar(select(Wave.id).where(func.upper(Wave.wave_no) == wave_no.strip().upper()))
    orders = session.scalars(
        select(OutboundOrder)
        .where(OutboundOrder.wave_id == wave_id)
        .order_by(OutboundOrder.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    return locked(session, wave_no), list(orders)


def order_ids_of(session: Session, wave_id: int) -> list[int]:
    """Return the orders of a wave."""
    return list(session.scalars(select(OutboundOrder.id).where(OutboundOrder.wave_id == wave_id)))


def release(session: Session, wave_no: str, now: datetime, *, to_place: str | None = None) -> Released:
    """Make pick lists of what is promised to a wave's orders, and offer each as a task. Its orders are then released.

    Orders to which nothing is promised leave the wave and wait for the next one. Lists stand in the order of the
    places; :func:`walk_in_order` puts a better one.

    Raises NotFound, WaveNotOpen, NothingToPick, NoPackingPlace, NotAPackingPlace.
    """
    wave, orders = held(session, wave_no)
    if wave.state != "planned":
        raise rules.WaveNotOpen(wave=wave.wave_no, state=wave.state)
    picks = [ToPick(**row) for row in session.execute(PICKS, {"orders": [one.id for one in orders]}).mappings()]
    if not picks:
        raise rules.NothingToPick(wave=wave.wave_no)
    is_bonded = any(one.customs_status == "bonded" for one in orders)
    place_id = _packing_place(session, wave.site_id, is_bonded=is_bonded, code=to_place)
    cut = rules.rounds(
        wave.method,
        picks,
        most_lines=int(dated.value(session, "picking.most_lines", now.date())),
        cart_totes=int(dated.value(session, "picking.cart_totes", now.date())),
    )
    lists = [_make_list(session, wave, one, place_id) for one in cut]
    _write_lines(session, cut, lists)
    with_stock = {one.order_id for one in picks}
    left = [one.id for one in orders if one.id not in with_stock]
    session.execute(
        update(OutboundOrder)
        .where(OutboundOrder.id.in_(with_stock))
        .values(state="released", released_at=now)
        .execution_options(synchronize_session="fetch")
    )
    session.execute(
        update(OutboundOrder)
        .where(OutboundOrder.id.in_(left))
        .values(wave_id=None)
        .execution_options(synchronize_session="fetch")
    )
    wave.state, wave.released_at, wave.to_location_id = "released", now, place_id
    session.flush()
    append_leaf(session, "wave_released", {"wave": wave.wave_no, "lists": len(lists), "lines": len(picks)}, wave.id)
    return Released(wave.id, tuple(lists), len(picks), len(with_stock), len(left))


def _packing_place(session: Session, site_id: int, *, is_bonded: bool, code: str | None) -> int:
    """Return where picked goods are to stand; bonded ones stay under customs' eyes."""
    if code is not None:
        place = session.scalars(
            select(Location).where(Location.site_id == site_id, func.upper(Location.code) == code.strip().upper())
        ).one_or_none()
        if place is None or place.kind not in ("packing", "staging") or (is_bonded and not place.is_bonded):
            raise rules.NotAPackingPlace(field="to_place", place=code)
        return place.id
    found: int | None = session.scalar(PACKING, {"site": site_id, "bonded": is_bonded})
    if found is None:
        raise rules.NoPackingPlace(site=session.scalar(select(Site.code).where(Site.id == site_id)))
    return found


def _make_list(session: Session, wave: Wave, one: Round, place_id: int) -> int:
    priority = min(pick.priority for pick in one.picks)
    list_id: int = session.execute(
        insert(PickList)
        .values(
            site_id=wave.site_id,
            wave_id=wave.id,
            method=wave.method,
            zone=one.zone,
            to_location_id=place_id,
            priority=priority,
        )
        .returning(PickList.id)
    ).scalar_one()
    list_no = document_no("PL", list_id)
    session.execute(update(PickList).where(PickList.id == list_id).values(list_no=list_no))
    slots: dict[int, int | None] = {}
    for order_id, slot in one.slots.items():
        slots[slot] = order_id if slot not in slots else None
    session.execute(
        insert(PickTote),
        [{"pick_list_id": list_id, "slot": slot, "order_id": order_id} for slot, order_id in slots.items()],
    )
    owners = {pick.owner_id for pick in one.picks}
    due = [pick.ship_by_at for pick in one.picks if pick.ship_by_at is not None]
    offered = NewTask(
        wave.site_id,
        "pick",
        list_id,
        list_no,
        priority=priority,
        owner_id=owners.pop() if len(owners) == 1 else None,
        location_id=one.picks[0].location_id,
        to_location_id=place_id,
        qty=sum(pick.qty for pick in one.picks),
        due_at=min(due, default=None),
    )
    tasks.offer(session, offered)
    return list_id


def _write_lines(session: Session, cut: Sequence[Round], lists: Sequence[int]) -> None:
    flat = [
        (list_id, seq, one.slots[pick.order_id], pick)
        for one, list_id in zip(cut, lists, strict=True)
        for seq, pick in enumerate(one.picks, 1)
    ]
    values = {
        "lists": [row[0] for row in flat],
        "seqs": [row[1] for row in flat],
        "slots": [row[2] for row in flat],
        "allocations": [row[3].allocation_id for row in flat],
        "lines": [row[3].order_line_id for row in flat],
        "owners": [row[3].owner_id for row in flat],
        "places": [row[3].location_id for row in flat],
        "items": [row[3].trade_item_id for row in flat],
        "lots": [row[3].lot_id for row in flat],
        "units": [row[3].handling_unit_id for row in flat],
        "wholes": [row[3].is_whole_unit for row in flat],
        "qtys": [row[3].qty for row in flat],
    }
    session.execute(LINES, values)


def call_off(session: Session, wave_no: str, now: datetime) -> int:
    """Call a wave off: its lists are withdrawn, its orders wait again with what is promised to them. Returns its id.

    Raises NotFound, WaveNotOpen, WavePicked.
    """
    wave, its_orders = held(session, wave_no)
    if wave.state not in ("planned", "released", "picking"):
        raise rules.WaveNotOpen(wave=wave.wave_no, state=wave.state)
    # What was looked for and not found waits for its own decision; the wave's end does not make it wanted again.
    orders = [one.id for one in its_orders if one.state != "short"]
    withdrawn = session.execute(deallocating.LINES, {"orders": orders}).scalars().all()
    picked = session.scalar(
        text("SELECT coalesce(sum(picked_qty), 0)::bigint FROM order_line WHERE order_id = ANY (:ids)"),
        {"ids": orders},
    )
    if picked:
        raise rules.WavePicked(wave=wave.wave_no, qty=picked)
    lists = session.execute(deallocating.WITHDRAW, {"lines": list(withdrawn)}).scalars().all()
    deallocating.end_empty_lists(session, lists)
    session.execute(
        text("UPDATE outbound_order SET state = 'allocated', wave_id = NULL, released_at = NULL WHERE id = ANY (:ids)"),
        {"ids": orders},
    )
    restate(session, orders)
    wave.state, wave.ended_at = "cancelled", now
    session.flush()
    append_leaf(session, "wave_cancelled", {"wave": wave.wave_no}, wave.id)
    return wave.id
