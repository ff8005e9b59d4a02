"""Passages and decisions of a period, in their order, for a file of any length."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

PIECE = 1_000

PASSAGES = text(
    """
    SELECT p.id, p.seq_no, site.code AS site, lane.code AS lane, p.direction, p.state, p.hold_code, p.plate,
           p.plate_confidence_permille, p.trailer_plate, p.containers, p.weight_g, p.visit_id, p.opened_at,
           p.decided_at, p.passed_at, p.closed_at, p.goods_refusal
    FROM passage p JOIN lane ON lane.id = p.lane_id JOIN site ON site.id = p.site_id
    WHERE p.opened_at >= :from_at AND p.opened_at < :to_at ORDER BY p.opened_at, p.id
    """
)
DECISIONS = text(
    """
    SELECT d.id, d.passage_id, d.seq_no, d.verdict, d.hold_code, d.rule_version,
           encode(d.inputs_hash, 'hex') AS inputs_hash, d.inputs, d.checks, d.gate_pass_id, d.decided_at
    FROM decision d WHERE d.decided_at >= :from_at AND d.decided_at < :to_at ORDER BY d.decided_at, d.id
    """
)


def passages_between(session: Session, from_at: datetime, to_at: datetime) -> Iterator[Mapping[str, Any]]:
    """Passages that were opened in a period (its end excluded)."""
    return _stream(session, PASSAGES, from_at, to_at)


def decisions_between(session: Session, from_at: datetime, to_at: datetime) -> Iterator[Mapping[str, Any]]:
    """Decisions of a period (its end excluded), with everything that they looked at."""
    return _stream(session, DECISIONS, from_at, to_at)


def _stream(session: Session, query: Any, from_at: datetime, to_at: datetime) -> Iterator[Mapping[str, Any]]:
    given = {"from_at": from_at, "to_at": to_at}
    with closing(session.execute(query, given, execution_options={"yield_per": PIECE})) as rows:
        for row in rows:
            yield dict(row._mapping)
