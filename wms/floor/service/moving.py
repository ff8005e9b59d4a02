"""Moves inside a site by list: laid out on one board, posted in one statement, answered line by line.

A reserved quantity stays where it is: the move is refused and names the document that holds it (docs/inside.md says
why). A unit is moved whole, with every unit that stands in it; a unit that is carried off another one leaves it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.catalog import queries as catalog
from wms.catalog import rules as catalog_rules
from wms.catalog.tables import TradeItem
from wms.errors import WmsError
from wms.floor import inside_queries as reads
from wms.floor.inside_queries import Pile, Touch
from wms.floor.rules import moving
from wms.floor.service import moving_board as boards
from wms.floor.service import pieces
from wms.floor.service.moving_board import Board, Taken
from wms.floor.tables.moves import UnitParted
from wms.parties.tables import Company
from wms.stock import ledger, tables
from wms.stock.ledger import Posted, Posting
from wms.stock.rules import SerialElsewhere, ShortInPast, ShortStock, WeightLeft
from wms.stock.tables import HandlingUnit


@dataclass(frozen=True)
class MoveLine:
    """One move: a unit (``sscc``), or ``qty`` of an owner's item out of a place; with both, a part off the unit.

    A part of goods whose pieces are told apart names them: ``serials``, or what they weigh together.
    """

    to_place: str
    from_place: str | None = None
    sscc: str | None = None
    owner: str | None = None
    item: str | None = None
    lot_no: str | None = None
    qty: int | None = None
    unit: str | None = None
    serials: tuple[str, ...] = ()
    weight_g: int | None = None


@dataclass(frozen=True)
class MoveList:
    """Moves inside one site. ``key`` is the client's; each line is a posting of its own under it."""

    key: str
    site_id: int
    lines: tuple[MoveLine, ...]
    at: datetime
    document_no: str | None = None
    device: str | None = None


@dataclass(frozen=True)
class Moved:
    """A line that stands: how many base units were carried, and the posting that says so."""

    qty: int
    posting_id: int


@dataclass(frozen=True)
class _Known:
    """What the words of a list stand for."""

    places: dict[str, int]
    units: dict[str, HandlingUnit]
    trees: dict[int, list[int]]
    items: dict[tuple[str, str], int]
    each: dict[tuple[int, str], int]


@dataclass(frozen=True)
class _Laid:
    """A line laid out: its posting, what it takes, the unit it moves whole."""

    line_no: int
    posting: Posting
    taken: list[Taken]
    unit: HandlingUnit | None
    target_id: int


def move_many(session: Session, command: MoveList) -> list[Moved | WmsError]:
    """Move a list; a line that a rule forbids is refused with its reason and the others stand.

    Best in lists of 100 to 500.
    """
    known = _known(session, command)
    board = _board(session, command, known)
    answers, laid = _lay_all(session, command, known, board)
    if not _still_fits(session, board.places, laid):
        answers, laid = _lay_all(session, command, known, _board(session, command, known))
    for one, result in zip(laid, ledger.post_many(session, [one.posting for one in laid]), strict=True):
        answers[one.line_no] = _answer(session, known, one, result)
    stood = [(one.unit, answers[one.line_no]) for one in laid if one.unit is not None]
    part_units(session, [(unit, moved.posting_id) for unit, moved in stood if isinstance(moved, Moved)])
    return [answers[line_no] for line_no in range(1, len(command.lines) + 1)]


def _lay_all(
    session: Session, command: MoveList, known: _Known, board: Board
) -> tuple[dict[int, Moved | WmsError], list[_Laid]]:  # fmt: skip
    answers: dict[int, Moved | WmsError] = {}
    laid: list[_Laid] = []
    for line_no in range(1, len(command.lines) + 1):
        try:
            laid.append(_lay(session, command, known, board, line_no))
        except WmsError as refusal:
            refusal.field = refusal.field or f"lines.{line_no}"
            answers[line_no] = refusal
    return answers, laid


def _still_fits(session: Session, targets: Collection[int], laid: Sequence[_Laid]) -> bool:
    """Lock the places with limits, late and in order, and say whether they can still take what was laid out for them.

    Locked from the start, lists of different movers would wait for each other while they are only being read.
    """
    limited = reads.lock_limited(session, targets)
    now = reads.places_now(session, limited) if limited else {}
    try:
        for one in laid:
            for taken in one.taken if one.target_id in now else ():
                now[one.target_id] = boards.with_goods(now[one.target_id], taken)
    except WmsError:
        return False
    return True


def _known(session: Session, command: MoveList) -> _Known:
    lines = command.lines
    codes = {line.to_place for line in lines} | {line.from_place for line in lines if line.from_place}
    named = {line.sscc for line in lines if line.sscc}
    found = session.scalars(select(HandlingUnit).where(HandlingUnit.sscc.in_(sorted(named)))) if named else ()
    units = {unit.sscc: unit for unit in found}
    pairs = {(line.owner.upper(), line.item) for line in lines if line.owner and line.item}
    items = _items(session, pairs)
    wanted = {(items.get((line.owner.upper(), line.item)), line.unit) for line in lines if line.owner and line.item}
    return _Known(
        reads.location_ids(session, command.site_id, codes),
        units,
        reads.nested(session, {unit.id for unit in units.values()}) if units else {},
        items,
        _each(session, {(item, unit) for item, unit in wanted if item is not None and unit is not None}),
    )


def _items(session: Session, pairs: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for owner in sorted({company for company, _ in pairs}):
        codes = sorted(code for company, code in pairs if company == owner)
        owner_id = session.scalar(select(Company.id).where(func.upper(Company.code) == owner))
        query = select(TradeItem.code, TradeItem.id).where(
            TradeItem.tenant_id == func.app_tenant(), TradeItem.owner_id == owner_id, TradeItem.code.in_(codes)
        )
        found |= {(owner, code): item_id for code, item_id in session.execute(query)}
    return found


def _each(session: Session, wanted: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Return how many base units one of each asked-for packaging holds; units that do not exist are left out."""
    found: dict[tuple[int, str], int] = {}
    for item_id in sorted({item for item, _ in wanted}):
        found |= {(item_id, one.unit): one.base_qty for one in catalog.packagings(session, item_id)}
    return {pair: base_qty for pair, base_qty in found.items() if pair in wanted}


def _board(session: Session, command: MoveList, known: _Known) -> Board:
    board = Board()
    targets = {place for line in command.lines if (place := reads.by_code(known.places, line.to_place))}
    sources = {
        (place, item)
        for line in command.lines
        if line.from_place and not line.sscc and line.owner and line.item
        if (place := reads.by_code(known.places, line.from_place))
        and (item := known.items.get((line.owner.upper(), line.item)))
    }
    board.places = reads.places_now(session, targets)
    board.lay(reads.piles_of_items_at(session, sources))
    board.lay(reads.piles_on(session, {unit for tree in known.trees.values() for unit in tree}))
    return board


def _lay(session: Session, command: MoveList, known: _Known, board: Board, line_no: int) -> _Laid:
    line = command.lines[line_no - 1]
    target_id = _place_id(known, line.to_place)
    moving.check_loading_place(board.places[target_id])
    if not (_names_part(line) or (line.sscc and line.item is None)):
        raise moving.MoveNamesNothing(line_no=line_no)
    unit = _unit(known, line.sscc) if line.sscc else None
    is_whole = unit is not None and line.item is None
    taken = _taken(session, known, board, line, unit)
    if all(one.pile.account.location_id == target_id for one in taken):
        raise moving.AlreadyThere(item=unit.sscc if unit else taken[0].pile.names, place=line.to_place)
    lines = board.carry(taken, target_id, as_unit=is_whole)
    posting = Posting(
        f"move:{command.key}:{line_no}",
        "move",
        boards.moment(command.at, taken),
        tuple(lines),
        command.document_no,
        device=command.device,
    )
    return _Laid(line_no, posting, taken, unit if is_whole else None, target_id)


def _names_part(line: MoveLine) -> bool:
    return bool(line.item and line.owner and (line.qty or line.serials) and (line.from_place or line.sscc))


def _place_id(known: _Known, code: str) -> int:
    found = reads.by_code(known.places, code)
    if found is None:
        raise moving.UnknownPlace(place=code)
    return found


def _unit(known: _Known, sscc: str) -> HandlingUnit:
    if sscc not in known.units:
        raise moving.UnknownUnit(sscc=sscc)
    return known.units[sscc]


def _taken(session: Session, known: _Known, board: Board, line: MoveLine, unit: HandlingUnit | None) -> list[Taken]:
    if unit is not None and line.item is None:
        if line.qty is not None:
            raise moving.WholeUnitOnly(sscc=unit.sscc)
        piles = _where_said(session, known, line, unit, board.on(known.trees[unit.id]))
        return boards.whole(session, piles)
    item_id = _item_id(known, line)
    wanted = _base_qty(session, known, line, item_id)
    if line.serials and wanted != len(set(line.serials)):
        raise moving.OtherSerialCount(serials=len(set(line.serials)), wanted=wanted)
    if unit is not None:
        on_unit = _where_said(session, known, line, unit, board.on(known.trees[unit.id]))
        piles = [pile for pile in on_unit if pile.account.trade_item_id == item_id]
    else:
        piles = board.loose(_place_id(known, line.from_place or ""), item_id)
    if not piles:
        raise moving.NotEnoughHere(item=line.item, place=line.from_place or line.sscc, left=0, wanted=wanted)
    if line.serials:
        return pieces.named_out_of(session, piles, line.serials, line.weight_g)
    taken = boards.part(session, piles, wanted, line.lot_no)
    return pieces.with_weight(session, taken, line.weight_g)


def _where_said(
    session: Session, known: _Known, line: MoveLine, unit: HandlingUnit, piles: list[Pile]
) -> list[Pile]:  # fmt: skip
    """Refuse a unit that does not lie where the mover took it: who was faster is told."""
    if not piles:
        raise moving.UnitEmpty(sscc=unit.sscc)
    if line.from_place and _place_id(known, line.from_place) != piles[0].account.location_id:
        raise already_moved(session, unit, known.trees[unit.id])
    return piles


def already_moved(session: Session, unit: HandlingUnit, tree: Collection[int]) -> moving.AlreadyMoved:
    """Return the refusal that names who moved the unit last, when, and to which place."""
    touch = reads.last_touch_of_unit(session, tree)
    return _told(unit.sscc, touch)


def last_moved(session: Session, item: dict[str, str], account_ids: Sequence[int]) -> moving.AlreadyMoved:
    """Return the refusal that names who moved goods of these accounts last, when, and to which place."""
    return _told(item, reads.last_touch(session, account_ids))


def _told(item: str | dict[str, str], touch: Touch | None) -> moving.AlreadyMoved:
    if touch is None:
        return moving.AlreadyMoved(item=item, place="-", person="-", at="-")
    return moving.AlreadyMoved(
        item=item, place=touch.place, person=touch.person, at=touch.at.isoformat(timespec="minutes")
    )


def _item_id(known: _Known, line: MoveLine) -> int:
    found = known.items.get(((line.owner or "").upper(), line.item or ""))
    if found is None:
        raise catalog_rules.UnknownItem(number=line.item)
    return found


def _base_qty(session: Session, known: _Known, line: MoveLine, item_id: int) -> int:
    if line.unit is None or line.qty is None:
        return line.qty or len(set(line.serials))
    if (item_id, line.unit) not in known.each:
        catalog_rules.packaging_of(line.unit, catalog.packagings(session, item_id), line.item or "")
    return line.qty * known.each[item_id, line.unit]


def _answer(session: Session, known: _Known, laid: _Laid, result: Posted | WmsError) -> Moved | WmsError:
    if isinstance(result, Posted):
        return Moved(sum(one.qty for one in laid.taken), result.posting_id)
    if isinstance(result, SerialElsewhere):
        result = last_moved(session, laid.taken[0].pile.names, [one.pile.account_id for one in laid.taken])
    elif isinstance(result, ShortStock | ShortInPast):
        result = overtaken(session, laid.taken, known.trees[laid.unit.id] if laid.unit else ())
    elif isinstance(result, WeightLeft):
        result = pieces.too_heavy(session, laid.taken)
    result.field = f"lines.{laid.line_no}"
    return result


def overtaken(session: Session, taken: list[Taken], tree: Collection[int]) -> WmsError:
    """Return why goods that were there a moment ago are short: reserved meanwhile, or moved by whom and when."""
    pile = taken[0].pile
    now = {one.account_id: one for one in reads.piles_in(session, [one.pile.account_id for one in taken])}
    for one in taken:
        here = now.get(one.pile.account_id)
        if here is not None and here.qty >= one.qty:
            document = reads.holder(session, here.account_id)
            return moving.ReservedFor(item=pile.names, place=pile.place, reserved=here.reserved, document=document)
    touch = (
        reads.last_touch_of_unit(session, tree)
        if tree
        else reads.last_touch(session, [one.pile.account_id for one in taken])
    )
    return _told(pile.sscc or pile.names, touch)


def part_units(session: Session, moved: Sequence[tuple[HandlingUnit, int]]) -> None:
    """Take moved units off the units they stood on; ``moved`` names each with its posting."""
    standing = [(unit, posting_id) for unit, posting_id in moved if unit.parent_id is not None]
    if not standing:
        return
    session.execute(
        insert(UnitParted),
        [
            {"posting_id": posting_id, "handling_unit_id": unit.id, "parent_id": unit.parent_id}
            for unit, posting_id in standing
        ],
    )
    moved_at = select(func.max(tables.Posting.event_at)).where(tables.Posting.id.in_([one for _, one in standing]))
    session.execute(
        update(HandlingUnit)
        .where(HandlingUnit.id.in_([unit.id for unit, _ in standing]))
        .values(parent_id=None, nested_at=moved_at.scalar_subquery())
        .execution_options(synchronize_session="fetch")
    )
