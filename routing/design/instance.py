"""What a network design problem holds: arcs with fixed and variable cost, commodities, instants.

All amounts are whole numbers: costs in the smallest unit of the file, quantities and capacities in its unit of load,
instants and transits in its ticks (minutes in the public files).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True)
class Arc:
    """A way from one node to another. ``fixed`` buys one vehicle of ``capacity`` (timed) or opens the arc (untimed)."""

    tail: int
    head: int
    variable: int
    fixed: int
    capacity: int
    transit: int = 0


@dataclass(frozen=True)
class Commodity:
    """What goes from one node to another, released and due at an instant (both 0 where time plays no part)."""

    origin: int
    destination: int
    quantity: int
    release: int = 0
    due: int = 0


@dataclass(frozen=True)
class Instance:
    """A whole problem, frozen. Nodes count from 0. ``kind`` ctsndp: timed, paths unsplit; dow: untimed, flows split."""

    kind: Literal["ctsndp", "dow"]
    nodes: int
    arcs: tuple[Arc, ...]
    commodities: tuple[Commodity, ...]

    def snapshot_sha256(self) -> str:
        """SHA-256 of the canonical JSON (sorted keys, no blanks) of the whole problem."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
