"""What a sample is: a payload, how it came, and what a correct parse gives."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sample:
    """A payload and what a correct parse gives: ``expect`` are fields of its first result."""

    name: str
    format: str
    payload: bytes
    topic: str | None
    expect: dict[str, Any]
    profile: dict[str, Any] = field(default_factory=dict)
    results: int = 1


def dumped(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
