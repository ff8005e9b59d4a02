"""Append facts, and give the first answer again to whoever repeats a request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.errors import WmsError
from wms.failpoints import reach
from wms.record.rules import KeyReused, canonical

APPEND = text("SELECT record_append(:kind, :subject_id, :body)")
CLAIM = text("INSERT INTO idem (key, request_hash) VALUES (:key, :request_hash) ON CONFLICT DO NOTHING")
STORED = text("SELECT request_hash, answer FROM idem WHERE tenant_id = app_tenant() AND key = :key")
ANSWER = text("UPDATE idem SET answer = cast(:answer AS jsonb) WHERE tenant_id = app_tenant() AND key = :key")


def append_leaf(session: Session, kind: str, payload: Mapping[str, Any], subject_id: int | None = None) -> int:
    """Append a fact in the transaction that makes it true; returns its leaf id. ``kind`` must not be 'posting'."""
    body = f"dongting.{kind}.v1\nhash=sha256\n".encode() + canonical(payload)
    leaf_id: int = session.execute(APPEND, {"kind": kind, "subject_id": subject_id, "body": body}).scalar_one()
    return leaf_id


@dataclass(frozen=True)
class Answer:
    """What was answered under a key: the body, whether it is a refusal, and whether it was given before."""

    body: Mapping[str, Any]
    is_refusal: bool
    replayed: bool


def once(session: Session, key: str, request_hash: bytes, act: Callable[[], Mapping[str, Any]]) -> Answer:
    """Run ``act`` under ``key`` at most once; a repeat gets the first answer, refusals included.

    ``act`` runs in a savepoint: when it raises a :class:`WmsError` its effects are undone and the refusal (code, field,
    values) is stored as the answer. A rival who holds the key uncommitted is waited for. Any other exception leaves
    nothing behind, so the same key may be sent again.

    Raises:
        KeyReused: the key was used with another ``request_hash`` (SHA-256, 32 bytes).
    """
    reach("once.before_key")
    claimed = session.connection().execute(CLAIM, {"key": key, "request_hash": request_hash}).rowcount == 1
    if not claimed:
        return _stored(session, key, request_hash)
    reach("once.after_key")
    try:
        with session.begin_nested():
            body, is_refusal = dict(act()), False
    except WmsError as refusal:
        body, is_refusal = as_stored(refusal), True
    reach("once.after_act")
    answer = canonical({"body": body, "is_refusal": is_refusal}).decode()
    session.execute(ANSWER, {"key": key, "answer": answer})
    reach("once.after_answer")
    return Answer(body, is_refusal, replayed=False)


def as_stored(refusal: WmsError) -> dict[str, Any]:
    """Return a refusal as it is kept: code, field and values, and those of its parts.

    A name in both languages stays a pair; the front of house picks one when it tells the answer again.
    """
    values = {name: value if isinstance(value, dict) else str(value) for name, value in refusal.values.items()}
    body: dict[str, Any] = {"code": refusal.code, "field": refusal.field, "values": values}
    return body | {"parts": [as_stored(part) for part in refusal.parts]} if refusal.parts else body


def _stored(session: Session, key: str, request_hash: bytes) -> Answer:
    found = session.execute(STORED, {"key": key}).one_or_none()
    if found is None or bytes(found.request_hash) != request_hash or "body" not in (found.answer or {}):
        raise KeyReused(field="Idempotency-Key", key=key)
    return Answer(found.answer["body"], found.answer["is_refusal"], replayed=True)
