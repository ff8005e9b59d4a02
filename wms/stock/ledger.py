"""The ledger's service: post, reserve, give back, reverse, close a month.

All writing is done by the routines in ``posting.sql`` and ``reserving.sql``; here their arguments are built and their
answers read. Nothing is committed here. The person who acts is read from the transaction's scope.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.db import call
from wms.errors import WmsError
from wms.failpoints import reach
from wms.record.rules import digest
from wms.stock.accounts import account_ids
from wms.stock.rules import (
    AccountKey,
    KeyTwiceInBatch,
    Line,
    Posted,
    Posting,
    UnknownPosting,
    check_range,
    moved,
    net,
    pieces,
    refusal_of,
    uses,
)

__all__ = [
    "AccountKey",
    "Line",
    "Posted",
    "Posting",
    "Reserve",
    "close_month",
    "expire_due",
    "lock",
    "moved",
    "plain_move",
    "post",
    "post_many",
    "reserve",
    "reserve_many",
    "reverse",
    "void",
]

POST = (
    "SELECT ordinal, answer, replayed FROM stock_post(%s::text[], %s::bytea[], %s::text[], %s::timestamptz[],"
    " %s::text[], %s::text[], %s::text[], %s::bigint[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[],"
    " %s::bigint[], %s::int[], %s::bigint[], %s::bigint[], %s::int[], %s::bigint[], %s::int[], %s::text[])"
)
RESERVE = (
    "SELECT ordinal, answer, replayed FROM stock_reserve(%s::text[], %s::bytea[], %s::bigint[], %s::bigint[],"
    " %s::timestamptz[], %s::text[])"
)


def post(session: Session, posting: Posting) -> Posted:
    """Post one fact; a repeat of the same key and content gives the first answer.

    Raises:
        StockRefusal: the rule that forbids it; the refusal is stored under the key when the caller commits.
        KeyReused: the key was used with another content.
    """
    result = post_many(session, [posting])[0]
    if isinstance(result, WmsError):
        raise result
    return result


def post_many(session: Session, postings: Sequence[Posting]) -> list[Posted | WmsError]:
    """Post a list in one statement: those that a rule forbids are refused one by one, the others stand.

    Best in lists of 100 to 500 (ledger reference, section 3). Raises :class:`KeyTwiceInBatch`.
    """
    if not postings:
        return []
    arguments = _post_arguments(session, postings)
    reach("posting.before")
    rows = _call(session, POST, arguments)
    reach("posting.after")
    return [
        refusal_of(answer) if "code" in answer else Posted(answer["posting_id"], replayed)
        for _, answer, replayed in rows
    ]


def _post_arguments(session: Session, postings: Sequence[Posting]) -> tuple[list[Any], ...]:
    _refuse_double_keys([posting.key for posting in postings])
    for posting in postings:
        check_range(posting)
    netted = [(i, line) for i, posting in enumerate(postings, 1) for line in net(posting.lines)]
    used = [(i, *use) for i, posting in enumerate(postings, 1) for use in uses(posting.lines)]
    named = [(i, *piece) for i, posting in enumerate(postings, 1) for piece in pieces(posting.lines)]
    ids = account_ids(session, {line.account for _, line in netted} | {account for _, account, _, _ in named})
    netted.sort(key=lambda pair: (pair[0], ids[pair[1].account]))
    return (
        [posting.key for posting in postings],
        [digest(posting.content()) for posting in postings],
        [posting.kind for posting in postings],
        [posting.event_at for posting in postings],
        [posting.source_doc for posting in postings],
        [posting.reason for posting in postings],
        [posting.device for posting in postings],
        [posting.reverses_id for posting in postings],
        [i for i, _ in netted],
        [ids[line.account] for _, line in netted],
        [line.qty for _, line in netted],
        [line.weight_g for _, line in netted],
        [line.value_minor for _, line in netted],
        [i for i, _, _ in used],
        [reservation_id for _, reservation_id, _ in used],
        [qty for _, _, qty in used],
        [i for i, _, _, _ in named],
        [ids[account] for _, account, _, _ in named],
        [sign for _, _, sign, _ in named],
        [serial for _, _, _, serial in named],
    )


@dataclass(frozen=True)
class PlainMove:
    """A posting of one item from one account to another, for a routine that calls ``stock_post`` among other things."""

    key: str
    request_hash: bytes
    from_id: int
    to_id: int
    qty: int


def plain_move(session: Session, posting: Posting) -> PlainMove:
    """Return a posting of :func:`moved` without pieces, grams and reservation as ``stock_post`` is to be given it.

    Raises QuantityTooLarge, QuantityNotPositive.
    """
    check_range(posting)
    taken, placed = posting.lines
    ids = account_ids(session, {taken.account, placed.account})
    return PlainMove(
        posting.key, digest(posting.content()), ids[taken.account], ids[placed.account], placed.qty
    )


def _refuse_double_keys(keys: Sequence[str]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise KeyTwiceInBatch(key=key)
        seen.add(key)


def _call(session: Session, sql: str, arguments: tuple[Any, ...]) -> list[tuple[int, dict[str, Any], bool]]:
    return [(row[0], row[1], row[2]) for row in call(session, sql, arguments)]


def reverse(session: Session, key: str, posting_id: int, *, reason: str, event_at: datetime) -> Posted:
    """Undo a posting by its mirror image, now. Reserved or used-up stock makes it fail like any withdrawal.

    Raises:
        UnknownPosting, AlreadyReversed, ShortStock, PeriodClosed.
    """
    rows = session.execute(
        text(
            "SELECT a.kind, a.owner_id, a.trade_item_id, a.site_id, a.location_id, a.lot_id, a.handling_unit_id,"
            " a.customs_status, a.quality_status, a.book_line_id, e.qty, e.weight_g, e.value_minor, p.source_doc"
            " FROM entry e JOIN account a ON a.id = e.account_id JOIN posting p ON p.id = e.posting_id"
            " WHERE e.posting_id = :id ORDER BY e.account_id"
        ),
        {"id": posting_id},
    ).all()
    if not rows:
        raise UnknownPosting(posting_id=posting_id)
    lines = tuple(Line(AccountKey(*row[:10]), -row.qty, _minus(row.weight_g), _minus(row.value_minor)) for row in rows)
    return post(session, Posting(key, "reversal", event_at, lines, rows[0].source_doc, reason, None, posting_id))


def _minus(number: int | None) -> int | None:
    return None if number is None else -number


@dataclass(frozen=True)
class Reserve:
    """Promise ``qty`` base units of ``account`` to ``source_doc`` until ``expires_at``."""

    key: str
    account: AccountKey
    qty: int
    expires_at: datetime
    source_doc: str | None = None

    def content(self) -> dict[str, Any]:
        """What the request hash covers."""
        return {
            "account": self.account.dimensions,
            "qty": self.qty,
            "expires_at": self.expires_at,
            "source_doc": self.source_doc,
        }


@dataclass(frozen=True)
class Reserved:
    """A reservation that stands."""

    reservation_id: int
    replayed: bool = False


def reserve(session: Session, wanted: Reserve) -> Reserved:
    """Promise stock, or raise :class:`NotAvailable` (stored under the key). Never waits for another's to end."""
    result = reserve_many(session, [wanted])[0]
    if isinstance(result, WmsError):
        raise result
    return result


def reserve_many(session: Session, wanted: Sequence[Reserve]) -> list[Reserved | WmsError]:
    """Promise a list, in order; each is granted whole or refused."""
    if not wanted:
        return []
    _refuse_double_keys([one.key for one in wanted])
    ids = account_ids(session, {one.account for one in wanted})
    arguments = (
        [one.key for one in wanted],
        [digest(one.content()) for one in wanted],
        [ids[one.account] for one in wanted],
        [one.qty for one in wanted],
        [one.expires_at for one in wanted],
        [one.source_doc for one in wanted],
    )
    return [
        refusal_of(answer) if "code" in answer else Reserved(answer["reservation_id"], replayed)
        for _, answer, replayed in _call(session, RESERVE, arguments)
    ]


def lock(session: Session, accounts: Collection[AccountKey], reservation_ids: Collection[int] = ()) -> None:
    """Lock the balances of ``accounts``, and of those that reservations hold, until the transaction ends.

    For a use case that changes stock in more than one call: with all its locks taken first, in the ledger's own order,
    it cannot wait in a circle with another.
    """
    ids = set(account_ids(session, accounts).values()) if accounts else set()
    if reservation_ids:
        held = text("SELECT account_id FROM reservation WHERE id = ANY (:ids)")
        ids.update(session.execute(held, {"ids": list(reservation_ids)}).scalars())
    session.execute(text("SELECT stock_lock(cast(:ids AS bigint[]))"), {"ids": sorted(ids)})


def void(session: Session, reservation_ids: Sequence[int]) -> list[int]:
    """Give promised stock back; returns the ids that were still held."""
    return _release(session, reservation_ids, "void")


def expire_due(session: Session, now: datetime, limit: int = 500) -> list[int]:
    """Give back what was promised until before ``now``, at most ``limit`` reservations; returns their ids."""
    due = session.execute(
        text("SELECT id FROM reservation WHERE state = 'held' AND expires_at <= :now ORDER BY expires_at LIMIT :limit"),
        {"now": now, "limit": limit},
    ).scalars()
    return _release(session, list(due), "expired")


def _release(session: Session, reservation_ids: Sequence[int], state: str) -> list[int]:
    released = session.execute(
        text("SELECT stock_release(cast(:ids AS bigint[]), :state)"), {"ids": list(reservation_ids), "state": state}
    )
    return sorted(released.scalars())


def close_month(session: Session, month_on: date) -> None:
    """Close every month up to the one that starts on ``month_on``; nothing can be posted into it afterwards.

    Raises:
        MonthNotOver: it is not the first day of a past month (Beijing time).
        PeriodClosed: it is closed already.
    """
    refusal = session.execute(text("SELECT stock_close_month(:month)"), {"month": month_on}).scalar_one()
    if refusal is not None:
        raise refusal_of(refusal)
