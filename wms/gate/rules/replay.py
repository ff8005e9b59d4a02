"""A case as canonical JSON and back, and its hash: stored inputs give the same answer for ever (invariant I14)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from wms.gate.rules.facts import (
    Case,
    ControlOrder,
    Document,
    LaneFacts,
    PassFacts,
    Seen,
    SeenContainer,
    Tolerance,
    VehicleFacts,
)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value


def case_payload(case: Case) -> dict[str, Any]:
    """Return the case as plain JSON values (instants as ISO 8601 with offset)."""
    payload = _plain(asdict(case))
    assert isinstance(payload, dict)
    return payload


def case_hash(payload: dict[str, Any]) -> bytes:
    """SHA-256 of the canonical JSON bytes (sorted keys, no spaces, UTF-8)."""
    return hashlib.sha256(
        json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).digest()


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of a reading's content as canonical JSON, in hexadecimal: what a decision's leaf says of each it used."""
    return hashlib.sha256(
        json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).hexdigest()


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _seen(raw: dict[str, Any]) -> Seen:
    containers = tuple(SeenContainer(**each) for each in raw["containers"])
    lists: dict[str, Any] = {name: tuple(raw[name]) for name in ("seals", "missing", "broken_seals") if name in raw}
    return Seen(**{**raw, "containers": containers, **lists})


def _pass(raw: dict[str, Any]) -> PassFacts:
    return PassFacts(
        **{
            **raw,
            "containers": tuple(raw["containers"]),
            "documents": tuple(Document(**each) for each in raw["documents"]),
            "valid_from_at": datetime.fromisoformat(raw["valid_from_at"]),
            "valid_until_at": datetime.fromisoformat(raw["valid_until_at"]),
        }
    )


def _vehicle(raw: dict[str, Any] | None) -> VehicleFacts | None:
    if raw is None:
        return None
    return VehicleFacts(**{**raw, "registered_until_at": _instant(raw["registered_until_at"])})


def case_from_payload(payload: dict[str, Any]) -> Case:
    """Return the case that :func:`case_payload` wrote, today or under older rules: a fact unknown then is left out."""
    return Case(
        seq_no=payload["seq_no"],
        decided_at=datetime.fromisoformat(payload["decided_at"]),
        lane=LaneFacts(**payload["lane"]),
        seen=_seen(payload["seen"]),
        vehicle=_vehicle(payload["vehicle"]),
        passes=tuple(_pass(raw) for raw in payload["passes"]),
        tolerance=Tolerance(**payload["tolerance"]),
        orders=tuple(ControlOrder(**raw) for raw in payload.get("orders", ())),
    )
