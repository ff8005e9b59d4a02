"""Ledger against record (I11): the bytes of every posting's leaf are built again, without the database's routine."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import psycopg
from sqlalchemy.orm import Session

from wms.errors import N_
from wms.record.rules import PostingBody, leaf_hash, posting_body
from wms.stock.verify.findings import MOST, Check, Finding, and_more

AT_ONCE = 5_000  # rows fetched at a time: memory stays flat however long the ledger is

MISSING = N_("The posting has no leaf in the record.")
DIFFERS = N_("The leaf does not say what the posting says (first at byte %(byte)s): one of the two was altered.")
WRONG_HASH = N_("The hash of the leaf is not that of its bytes.")

CHECKS = (
    Check(
        "I11",
        N_("The leaf tells of posting %(posting_id)s, which does not exist."),
        "SELECT 'leaf ' || l.id AS place, l.subject_id AS posting_id FROM leaf l WHERE l.kind = 'posting'"
        " AND NOT EXISTS (SELECT 1 FROM posting p WHERE p.id = l.subject_id) ORDER BY l.id",
    ),
    Check(
        "I11",
        WRONG_HASH,
        "SELECT 'leaf ' || id AS place FROM leaf"
        " WHERE kind <> 'posting' AND hash <> sha256('\\x00'::bytea || body) ORDER BY id",
    ),
)

# Column by column: what :class:`PostingBody` takes, then the entries, then the leaf.
POSTINGS = (
    "SELECT p.tenant_id, p.id, p.idem_key, p.kind, p.source_doc, p.reason, p.person_id, p.device, p.reverses_id,"
    " p.event_at, p.recorded_at, e.dimensions, e.qtys, e.weights, e.amounts, l.body, l.hash"
    " FROM posting p"
    " LEFT JOIN (SELECT e.posting_id, array_agg(a.dimensions ORDER BY e.account_id) AS dimensions,"
    "   array_agg(e.qty ORDER BY e.account_id) AS qtys, array_agg(e.weight_g ORDER BY e.account_id) AS weights,"
    "   array_agg(e.value_minor ORDER BY e.account_id) AS amounts"
    "   FROM entry e JOIN account a ON a.id = e.account_id GROUP BY e.posting_id) e ON e.posting_id = p.id"
    " LEFT JOIN leaf l ON l.tenant_id = p.tenant_id AND l.kind = 'posting' AND l.subject_id = p.id"
)


def leaf_findings(session: Session) -> Iterator[Finding]:
    """Compare each posting with its leaf, streaming; at most :data:`MOST` findings."""
    found = (finding for row in _postings(session) for finding in _compare(row))
    yield from islice(found, MOST)
    if next(found, None) is not None:
        yield and_more("I11")


def _postings(session: Session) -> Iterator[tuple[Any, ...]]:
    """Rows straight from the driver: a server-side cursor, binary (half the bytes of a leaf in text form)."""
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with driver.cursor("verify_leaves") as cursor:
        cursor.itersize = AT_ONCE
        yield from cursor.execute(POSTINGS, binary=True)


def _compare(row: tuple[Any, ...]) -> Iterator[Finding]:
    *own, dimensions, qtys, weights, amounts, body, found_hash = row
    where = f"posting {own[1]}"
    if body is None:
        yield Finding("I11", where, MISSING, {})
        return
    entries = tuple(zip(dimensions or (), qtys or (), weights or (), amounts or (), strict=True))
    wanted = posting_body(PostingBody(*(*own, entries)))
    if body != wanted:
        yield Finding("I11", where, DIFFERS, {"byte": _first_difference(body, wanted)})
    if found_hash != leaf_hash(body):
        yield Finding("I11", where, WRONG_HASH, {})


def _first_difference(one: bytes, other: bytes) -> int:
    differing = (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differing, min(len(one), len(other)))
