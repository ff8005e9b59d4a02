"""Bonded goods change owner inside the zone (区内流转): giver's and taker's list move together, at no gate.

Both lists are of type 6, approved and released; the giver's book is deducted as if the goods had left, the taker's
waits for its booking, until when the goods stay on hold (IN-g).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.customs import accounts, list_queries, promises
from wms.customs.rules import STATE_WORDS
from wms.customs.tables import VerificationLine, VerificationList
from wms.customs.using_up import use_up
from wms.errors import N_, Kind, WmsError
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line
from wms.stock.lots import same_lot

INTRA_ZONE = "6"  # invtType 区内流转


class NotIntraZone(WmsError):
    """The pair of lists does not describe a handing over inside the zone."""

    code = "not_intra_zone"
    text = N_("Lists %(giver)s and %(taker)s do not hand goods over inside the zone: %(rule)s")


class HandOverNotReleased(WmsError):
    """Customs has not approved and released both lists."""

    code = "hand_over_not_released"
    text = N_("List %(number)s is %(state)s: goods are handed over when customs has released both lists.")


class HandOverUnweighed(WmsError):
    """Goods of catch weight are handed over with their grams; only who takes all of a place's account need not say."""

    code = "hand_over_unweighed"
    kind = Kind.INVALID
    text = N_("Each piece of item %(item)s has a weight of its own: weigh the %(qty)s pieces and say their grams.")


class HandOverWeight(WmsError):
    """The grams cannot be those of the goods that are named."""

    code = "hand_over_weight"
    kind = Kind.INVALID
    text = N_(
        "The %(qty)s pieces of item %(item)s cannot weigh %(weight_g)s g: by the books it is %(least_g)s to"
        " %(most_g)s g."
    )


class NotSoManyHere(WmsError):
    """The place holds fewer good goods of the line that nobody reserved."""

    code = "not_so_many_here"
    text = N_("Only %(here)s good goods of this line lie there unreserved, %(wanted)s are to be handed over.")


@dataclass(frozen=True)
class HandOver:
    """Goods of one line: the giver's line gives what the taker's line takes. ``parts``: where they lie and how many.

    ``weight_g``: what they weigh together, for goods of catch weight; needed unless all of each account is given.
    """

    key: str
    giver_list: str
    taker_list: str
    line_no: int
    parts: Sequence[tuple[AccountKey, int]]
    at: datetime
    weight_g: int | None = None


def hand_over(session: Session, command: HandOver) -> int:
    """Post goods from one owner and book line to another where they lie; return the posting's id.

    Raises UnknownList, NotIntraZone, HandOverNotReleased, MoreThanDeclared, HandOverUnweighed, HandOverWeight, or the
    ledger's refusal.
    """
    giver, taker = _pair(session, command)
    source, target = (_line(session, one.id, command.line_no) for one in (giver, taker))
    if source is None or target is None:
        raise _refusal(command, N_("one of them has no such line"))
    qty = sum(part for _, part in command.parts)
    if any(account.book_line_id != source.book_line_id for account, _ in command.parts):
        raise _refusal(command, N_("these goods are not of the giver's line"))
    grams = _grams(session, command, source, target)
    for row in sorted((source, target), key=lambda row: row.id):
        use_up(session, row.id, row.line_no, qty, VerificationLine.passed_qty, VerificationLine.collected_qty)
    lines = [
        line
        for (account, part), part_g in zip(command.parts, grams, strict=True)
        for line in _physical(session, account, target, part, part_g)
    ]
    out, pending = accounts.deduct_provisionally(source.owner_id, source.trade_item_id, source.book_line_id, qty)
    if promises.open_qty(session, source.promise_id)[1] >= qty:
        out = replace(out, reservation_id=source.promise_id)
    lines += [out, pending]
    lines += accounts.enter_books(target.owner_id, target.trade_item_id, target.book_line_id, qty)
    number = giver.list_no or giver.internal_no
    posted = ledger.post(session, ledger.Posting(command.key, "hand_over", command.at, tuple(lines), number))
    append_leaf(session, "hand_over", {"giver": number, "taker": taker.list_no, "qty": qty}, posted.posting_id)
    return posted.posting_id


def parts_at(
    session: Session, giver_list: str, line_no: int, location_id: int, qty: int
) -> list[tuple[AccountKey, int]]:  # fmt: skip
    """Return from which accounts at a place ``qty`` goods of the giver's line are taken, the oldest first.

    Raises UnknownList, NotSoManyHere.
    """
    row = _line(session, list_queries.list_id_of(session, giver_list), line_no)
    left = qty
    parts: list[tuple[AccountKey, int]] = []
    for held in list_queries.good_at(session, row.book_line_id, location_id) if row else ():
        taken = min(left, held.free_qty)
        if taken > 0:
            parts.append((held.account, taken))
            left -= taken
    if left > 0:
        raise NotSoManyHere(wanted=qty, here=qty - left)
    return parts


def _pair(session: Session, command: HandOver) -> tuple[VerificationList, VerificationList]:
    ids = [list_queries.list_id_of(session, number) for number in (command.giver_list, command.taker_list)]
    rows = {
        row.id: row
        for row in session.scalars(
            select(VerificationList)
            .where(VerificationList.id.in_(ids))
            .order_by(VerificationList.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    }
    giver, taker = rows[ids[0]], rows[ids[1]]
    if (giver.direction, taker.direction) != ("E", "I"):
        raise _refusal(command, N_("the first must deduct, the second must add"))
    if {giver.list_type, taker.list_type} != {INTRA_ZONE}:
        raise _refusal(command, N_("both must be of type 6"))
    for one in (giver, taker):
        if one.state != "pre_deducted" or one.entry_released_at is None:
            raise HandOverNotReleased(number=one.list_no or one.internal_no, state=STATE_WORDS[one.state])
    return giver, taker


def _line(session: Session, list_id: int, line_no: int) -> list_queries.ListLineRow | None:
    return next((row for row in list_queries.lines(session, list_id) if row.line_no == line_no), None)


def _grams(
    session: Session, command: HandOver, source: list_queries.ListLineRow, target: list_queries.ListLineRow
) -> list[int | None]:  # fmt: skip
    """What each part weighs: all of an account weighs what it holds, the one that is given in part what is left."""
    item, takers = (session.get_one(TradeItem, line.trade_item_id) for line in (source, target))
    if item.is_catch_weight != takers.is_catch_weight:
        raise _refusal(command, N_("one owner keeps the item by the weight of each piece, the other does not"))
    if not item.is_catch_weight:
        return [None] * len(command.parts)
    held = list_queries.held_grams(session, [account for account, _ in command.parts])
    whole_g = [grams if part == qty else None for (_, part), (qty, grams) in zip(command.parts, held, strict=True)]
    open_g = [grams for known, (_, grams) in zip(whole_g, held, strict=True) if known is None]
    if len(open_g) > 1:
        raise _refusal(command, N_("of goods that are weighed, one account at most is given in part"))
    said: dict[str, Any] = {"field": "weight_g", "item": item.code, "qty": sum(part for _, part in command.parts)}
    known_g = sum(grams or 0 for grams in whole_g)
    if command.weight_g is None:
        if open_g:
            raise HandOverUnweighed(**said)
        return whole_g
    least, most = (known_g + 1, known_g + open_g[0] - 1) if open_g else (known_g, known_g)
    if not least <= command.weight_g <= most:
        raise HandOverWeight(**said, weight_g=command.weight_g, least_g=least, most_g=most)
    return [command.weight_g - known_g if grams is None else grams for grams in whole_g]


def _physical(
    session: Session, account: AccountKey, target: list_queries.ListLineRow, qty: int, weight_g: int | None
) -> tuple[Line, ...]:  # fmt: skip
    """Through the transformation account, since each owner files goods under codes of its own; lots keep their number.
    """
    placed = replace(
        account, owner_id=target.owner_id, trade_item_id=target.trade_item_id, book_line_id=target.book_line_id,
        quality_status="hold", handling_unit_id=None,
        lot_id=same_lot(session, account.lot_id, target.trade_item_id),
    )  # fmt: skip
    out = AccountKey("transformation", account.owner_id, account.trade_item_id)
    into = AccountKey("transformation", target.owner_id, target.trade_item_id)
    return (
        *ledger.moved(account, out, qty, weight_g=weight_g), *ledger.moved(into, placed, qty, weight_g=weight_g)
    )  # fmt: skip


def _refusal(command: HandOver, rule: str) -> NotIntraZone:
    return NotIntraZone(giver=command.giver_list, taker=command.taker_list, rule=rule)
