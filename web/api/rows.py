"""Frozen rows of reads as JSON: days and instants in ISO 8601, nothing else changed."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any


def as_json(row: Any) -> dict[str, Any]:
    """Return a row (a dataclass or a mapping) as JSON holds it."""
    values = dict(row) if isinstance(row, Mapping) else asdict(row)
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
