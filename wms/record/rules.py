"""Canonical bytes: what is hashed of a request and of a recorded fact, in a form that anyone can build again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from wms.errors import N_, Kind, WmsError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLAIN = frozenset({str, int, type(None)})


class KeyReused(WmsError):
    """The same key came with another content: never a silent replay (ledger reference, section 4)."""

    code = "key_reused"
    kind = Kind.INVALID
    text = N_("The key %(key)s was already used for something else. Make a new key for a new request.")


def canonical(content: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8; instants in ISO 8601 UTC, decimals as text.

    Raises TypeError for what has no one form (floats among them).
    """
    _refuse_floats(content)
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
    ).encode()


def _refuse_floats(content: object) -> None:
    waiting = [content]
    for part in waiting:  # grows while it is walked through
        if type(part) in PLAIN:
            continue
        if isinstance(part, float):
            raise TypeError(f"{part!r} has no canonical form: use a whole number or a Decimal")
        if isinstance(part, list | tuple):
            waiting.extend(part)
        elif isinstance(part, Mapping):
            waiting.extend(part.values())


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if hasattr(value, "isoformat") or value.__class__.__name__ == "Decimal":
        return str(value)
    raise TypeError(f"{value!r} has no canonical form")


def digest(content: Mapping[str, Any]) -> bytes:
    """SHA-256 over :func:`canonical`, 32 bytes: the request hash under a key."""
    return hashlib.sha256(canonical(content)).digest()


def leaf_hash(body: bytes) -> bytes:
    """SHA-256(0x00 ‖ body), the leaf hash of RFC 9162, section 2.1.1."""
    return hashlib.sha256(b"\x00" + body).digest()


@dataclass(frozen=True)
class PostingBody:
    """What the leaf of a posting says; ``entries`` are (dimensions, qty, weight_g, value_minor) by account id."""

    tenant_id: int
    posting_id: int
    key: str
    kind: str
    source_doc: str | None
    reason: str | None
    person_id: int | None
    device: str | None
    reverses_id: int | None
    event_at: datetime
    recorded_at: datetime
    entries: Sequence[tuple[str, int, int | None, int | None]]


def posting_body(body: PostingBody) -> bytes:
    """The bytes of format ``dongting.posting.v1``; ``stock_posting_bodies`` in the database builds the same."""
    content = {
        "format": "dongting.posting.v1",
        "hash": "sha256",
        "tenant": body.tenant_id,
        "id": body.posting_id,
        "key": body.key,
        "kind": body.kind,
        "source_doc": body.source_doc,
        "reason": body.reason,
        "person": body.person_id,
        "device": body.device,
        "reverses": body.reverses_id,
        "event_at": microseconds(body.event_at),
        "recorded_at": microseconds(body.recorded_at),
        "entries": [list(entry) for entry in body.entries] or None,
    }
    # PostgreSQL writes the keys of a jsonb object by length, then by bytes.
    ordered = dict(sorted(content.items(), key=lambda item: (len(item[0]), item[0])))
    return json.dumps(ordered, separators=(", ", ": "), ensure_ascii=False).encode()


def microseconds(at: datetime) -> int:
    """Whole microseconds since 1970-01-01T00:00Z."""
    return (at - EPOCH) // timedelta(microseconds=1)
