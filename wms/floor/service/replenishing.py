"""Pick faces filled from reserve places: proposed by limits or demand, reserved, done by scan."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.errors import WmsError
from wms.floor import inside_queries as reads
from wms.floor.inside_queries import Pile
from wms.floor.rules import mistakes, pieces, replenishing
from wms.floor.rules.pieces import Piece
from wms.floor.rules.replenishing import Face, Source
from wms.floor.service import differences, tasks
from wms.floor.service import moving_board as boards
from wms.floor.service import pieces as telling
from wms.floor.service.moving_board import Board, Taken
from wms.floor.service.tasks import NewTask
from wms.floor.tables.replenishing import PickFace, Replenishment, ReplenishmentLine, ReplenishmentMove
from wms.parties import dated
from wms.parties.tables import Location
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line, Posting, Reserve
from wms.stock.rules import SerialElsewhere, WeightLeft
from wms.stock.tables import Reservation

URGENT, USUAL = 3, 5


@dataclass(frozen=True)
class Limits:
    """Limits of an item in its pick place, in base units."""

    location_id: int
    trade_item_id: int
    min_qty: int
    max_qty: int
    multiple_qty: int = 1


def set_limits(session: Session, lines: Sequence[Limits]) -> list[PickFace]:
    """Make places the pick faces of items, or change their limits. Raises BadLimits, NotAPickPlace."""
    faces = []
    for line_no, line in enumerate(lines, 1):
        replenishing.check_limits(line_no, line.min_qty, line.max_qty)
        place = session.get_one(Location, line.location_id)
        if place.kind not in {"bin", "shop_floor"}:
            raise replenishing.NotAPickPlace(
                field=f"lines.{line_no}", line_no=line_no, place=place.code, place_kind=place.kind
            )
        statement = insert(PickFace).values(**vars(line))
        changed = {name: getattr(statement.excluded, name) for name in ("min_qty", "max_qty", "multiple_qty")}
        number = session.execute(
            statement.on_conflict_do_update(index_elements=["location_id", "trade_item_id"], set_=changed).returning(
                PickFace.id
            )
        ).scalar_one()
        faces.append(session.get_one(PickFace, number, populate_existing=True))
    return faces


_DEMAND = text(
    "SELECT n.trade_item_id, sum(n.ordered_qty - n.allocated_qty - n.short_qty)::bigint AS qty"
    " FROM order_line n JOIN outbound_order o ON o.id = n.order_id"
    " WHERE o.site_id = :site AND o.state IN ('open', 'part_allocated')"
    " GROUP BY n.trade_item_id HAVING sum(n.ordered_qty - n.allocated_qty - n.short_qty) > 0"
)


def demand(session: Session, site_id: int) -> dict[int, int]:
    """Return what the open orders of a site still want, by item: what is not promised to them yet."""
    return {row.trade_item_id: row.qty for row in session.execute(_DEMAND, {"site": site_id})}


def propose(
    session: Session, key: str, site_id: int, now: datetime, wanted: Mapping[int, int] | None = None
) -> list[Replenishment]:  # fmt: skip
    """Fill the pick faces of a site: by their limits, and by what is ``wanted`` of each item (None: by open orders).

    The faces are locked, so two who ask at once cannot meet the same need twice. What is taken is reserved.
    """
    faces = session.scalars(
        select(PickFace)
        .join(Location, Location.id == PickFace.location_id)
        .where(Location.site_id == site_id)
        .order_by(PickFace.id)
        .with_for_update(of=PickFace, key_share=True)
    ).all()
    left = dict(demand(session, site_id) if wanted is None else wanted)
    piles = defaultdict(list)
    for pile in reads.piles_of(session, site_id, {face.trade_item_id for face in faces}):
        piles[pile.account.trade_item_id].append(pile)
    at_faces = {(face.location_id, face.trade_item_id) for face in faces}
    kinds = _kinds(session, {pile.account.location_id or 0 for found in piles.values() for pile in found})
    made = []
    for face in faces:
        own = piles[face.trade_item_id]
        here = [pile for pile in own if pile.account.location_id == face.location_id and not pile.is_blocked]
        state = Face(
            face.min_qty,
            face.max_qty,
            face.multiple_qty,
            sum(pile.qty for pile in here),
            sum(pile.reserved for pile in here),
            _incoming(session, face.id),
        )
        asked = left.pop(face.trade_item_id, 0)
        found = replenishing.need(state, asked)
        if found is None:
            continue
        reserve = [
            pile
            for pile in own
            if (pile.account.location_id, face.trade_item_id) not in at_faces
            and pile.account.quality_status == "good"
            and pile.free > 0
            and kinds.get(pile.account.location_id or 0) in {"bin", "shop_floor"}
        ]
        one = _fill(session, key, site_id, face, found, reserve, now)
        if one is not None:
            made.append(one)
    return made


def _kinds(session: Session, location_ids: set[int]) -> dict[int, str]:
    rows = session.execute(select(Location.id, Location.kind).where(Location.id.in_(location_ids)))
    return {number: kind for number, kind in rows}  # noqa: C416 - rows are not pairs to mypy


def _incoming(session: Session, face_id: int) -> int:
    found = session.scalar(
        select(func.coalesce(func.sum(ReplenishmentLine.qty - ReplenishmentLine.done_qty), 0))
        .join(Replenishment, Replenishment.id == ReplenishmentLine.replenishment_id)
        .where(Replenishment.pick_face_id == face_id, ReplenishmentLine.state == "open")
    )
    return int(found or 0)


def _fill(
    session: Session, key: str, site_id: int, face: PickFace, need: replenishing.Need, reserve: list[Pile],
    now: datetime,
) -> Replenishment | None:  # fmt: skip
    place = session.get_one(Location, face.location_id)
    by_account = {pile.account_id: pile for pile in reserve if place.is_bonded or not pile.is_bonded}
    sources = [Source(pile.account_id, pile.free, pile.expires_on, pile.since_at) for pile in by_account.values()]
    chosen = replenishing.choose(sources, need.qty)
    if not chosen:
        return None
    head = _head(session, site_id, face, need)
    until = now + timedelta(hours=int(dated.value(session, "replenish.hold_hours", now.date())))
    wanted = [
        Reserve(f"rp:{key}:{face.id}:{source.account_id}", by_account[source.account_id].account, qty, until,
                head.replenishment_no)
        for source, qty in chosen
    ]  # fmt: skip
    for (source, qty), result in zip(chosen, ledger.reserve_many(session, wanted), strict=True):
        if isinstance(result, WmsError):
            continue  # somebody else was faster: what is left is proposed the next time
        line = ReplenishmentLine(
            replenishment_id=head.id, account_id=source.account_id, reservation_id=result.reservation_id, qty=qty,
            done_qty=0, state="open",
        )  # fmt: skip
        session.add(line)
        session.flush()
        pile = by_account[source.account_id]
        tasks.offer(
            session,
            NewTask(
                site_id,
                "replenish",
                line.id,
                head.replenishment_no,
                URGENT if need.reason == "demand" else USUAL,
                owner_id=pile.account.owner_id,
                location_id=pile.account.location_id,
                to_location_id=face.location_id,
                qty=qty,
            ),
        )
    _close_if_done(session, head)
    return head


def _head(session: Session, site_id: int, face: PickFace, need: replenishing.Need) -> Replenishment:
    standing = session.scalars(
        select(Replenishment).where(Replenishment.pick_face_id == face.id, Replenishment.state == "open")
    ).one_or_none()
    if standing is not None:
        standing.needed_qty += need.qty
        return standing
    number: int = session.execute(text("SELECT nextval('replenishment_id_seq')")).scalar_one()
    head = Replenishment(
        id=number,
        replenishment_no=document_no("RP", number),
        site_id=site_id,
        pick_face_id=face.id,
        reason=need.reason,
        needed_qty=need.qty,
        state="open",
    )
    session.add(head)
    session.flush()
    return head


def by_no(session: Session, number: str) -> Replenishment:
    """Return a replenishment by its number. Raises UnknownReplenishment."""
    query = select(Replenishment).where(Replenishment.replenishment_no == number.strip().upper())
    found = session.scalars(query).one_or_none()
    if found is None:
        raise replenishing.UnknownReplenishment(number=number)
    return found


def carry(
    session: Session, line_id: int, qty: int, *, key: str, at: datetime, device: str, in_hand: Sequence[Piece] = ()
) -> tuple[ReplenishmentLine, int]:  # fmt: skip
    """Post goods of a line to their pick face and use up what was reserved for it.

    ``in_hand``: which pieces, where a part of goods is meant whose pieces are told apart.

    Raises ReplenishmentClosed, TooManyToReplenish, SerialMissing, WeightMissing, WeightsDiffer, MovedSince, what the
    rules of the place forbid and what the ledger refuses.
    """
    line = session.get_one(ReplenishmentLine, line_id, with_for_update=True, populate_existing=True)
    head = session.get_one(Replenishment, line.replenishment_id)
    if line.state != "open":
        raise replenishing.ReplenishmentClosed(number=head.replenishment_no)
    piles = reads.piles_in(session, [line.account_id])
    left = line.qty - line.done_qty
    if not piles or qty > left:
        name = piles[0].names if piles else "-"
        raise replenishing.TooManyToReplenish(item=name, left=left if piles else 0, wanted=qty)
    face = session.get_one(PickFace, head.pick_face_id)
    pile = piles[0]
    board = Board(places=reads.places(session, {face.location_id, pile.account.location_id or 0}))
    board.lay(piles)
    taken = [Taken(pile, qty, pieces.weight_of(in_hand), pieces.serials_of(in_hand))]
    telling.refuse_parts(session, taken)
    out, into = board.carry(taken, face.location_id, as_unit=False)
    held = session.get_one(Reservation, line.reservation_id, populate_existing=True)
    lines = _lines(session, out.account, into.account, taken[0], held)
    posting = Posting(key, "replenish", boards.moment(at, taken), lines, head.replenishment_no, device=device)
    try:
        posting_id = ledger.post(session, posting).posting_id
    except SerialElsewhere as refusal:
        raise mistakes.MovedSince from refusal
    except WeightLeft as refusal:
        scanned = (qty, taken[0].weight_g or 0)
        raise telling.weights_differ(session, [pile.account], scanned, pile.names, pile.place) from refusal
    line.done_qty += qty
    session.add(ReplenishmentMove(line_id=line.id, posting_id=posting_id, qty=qty))
    if line.done_qty == line.qty:
        line.state = "done"
        tasks.finish(session, "replenish", line.id)
    session.flush()
    _close_if_done(session, head)
    return line, posting_id


def _lines(
    session: Session, out: AccountKey, into: AccountKey, taken: Taken, held: Reservation
) -> tuple[Line, ...]:  # fmt: skip
    """Return the lines of a move, which use up what is reserved for it.

    Less is reserved than the line wants when a move was taken back or the promise has expired. Pieces that are told
    apart then go as one line, so that nobody has to say which of them were promised.
    """
    promised = min(taken.qty, held.qty_open)
    if taken.pile.is_told_apart and 0 < promised < taken.qty:
        ledger.void(session, [held.id])
        promised = 0
    if promised in (0, taken.qty):
        used = held.id if promised else None
        return ledger.moved(out, into, taken.qty, used, weight_g=taken.weight_g, serials=taken.serials)
    rest = ledger.moved(out, into, taken.qty - promised)
    return (*ledger.moved(out, into, promised, held.id), *rest)


def end_short(session: Session, line_id: int) -> ReplenishmentLine:
    """End a line of which fewer were there than the books say; what is left of its reservation is given back."""
    line = session.get_one(ReplenishmentLine, line_id, with_for_update=True, populate_existing=True)
    line.state = "done" if line.done_qty else "void"
    ledger.void(session, [line.reservation_id])
    tasks.void_task(session, "replenish", line.id)
    session.flush()
    _close_if_done(session, session.get_one(Replenishment, line.replenishment_id))
    return line


def void(session: Session, number: str) -> Replenishment:
    """Call a replenishment off; what was reserved for it is free again."""
    head = by_no(session, number)
    if head.state != "open":
        raise replenishing.ReplenishmentClosed(number=head.replenishment_no)
    for line in session.scalars(
        select(ReplenishmentLine)
        .where(ReplenishmentLine.replenishment_id == head.id, ReplenishmentLine.state == "open")
        .order_by(ReplenishmentLine.id)
        .with_for_update()
    ):
        end_short(session, line.id)
    head.state = "void"
    session.flush()
    return head


def _close_if_done(session: Session, head: Replenishment) -> None:
    states = set(
        session.scalars(select(ReplenishmentLine.state).where(ReplenishmentLine.replenishment_id == head.id))
    )
    if head.state == "open" and "open" not in states:
        head.state = "done" if "done" in states else "void"
        session.flush()


def take_back(session: Session, posting_id: int, at: datetime) -> str | None:
    """Put a line right whose move was reversed and return its replenishment's number; None where it was another move.

    Raises MovedSince when the face is being filled anew meanwhile.
    """
    standing = select(ReplenishmentMove).where(ReplenishmentMove.undone_at.is_(None))
    move = session.scalars(standing.where(ReplenishmentMove.posting_id == posting_id)).one_or_none()
    if move is None:
        return None
    line = session.get_one(ReplenishmentLine, move.line_id, with_for_update=True, populate_existing=True)
    head = session.get_one(Replenishment, line.replenishment_id)
    other = select(Replenishment.id).where(
        Replenishment.pick_face_id == head.pick_face_id, Replenishment.state == "open", Replenishment.id != head.id
    )
    if session.scalar(other) is not None:
        raise mistakes.MovedSince
    session.execute(update(ReplenishmentMove).where(ReplenishmentMove.id == move.id).values(undone_at=at))
    line.done_qty -= move.qty
    line.state = head.state = "open"
    session.flush()
    account = differences.key_of(session, line.account_id)
    face = session.get_one(PickFace, head.pick_face_id)
    tasks.offer(
        session,
        NewTask(
            head.site_id, "replenish", line.id, head.replenishment_no, owner_id=account.owner_id,
            location_id=account.location_id, to_location_id=face.location_id, qty=line.qty - line.done_qty,
        ),
    )  # fmt: skip
    return head.replenishment_no
