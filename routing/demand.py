"""What must go: consignments with their size, class, value and instants."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from routing.network import Frozen, Instant, Positive


class Piece(Frozen):
    """`count` equal pieces with their outer sides and the weight of one."""

    count: Positive
    length_mm: Positive
    width_mm: Positive
    height_mm: Positive
    weight_g: Positive


class Consignment(Frozen):
    """Goods of one owner that travel together, whole, from one place to another.

    `ready_at`: from when they can be collected at `origin`. `due_at`: wanted at `destination`; later costs money.
    `latest_at`: never later than this (default: due plus the days the network's rules allow). `must_go`: a plan that
    leaves it behind is infeasible. `priority`: its rank in an emergency, 1 before 2; 0: ordinary goods. Zero volume or
    weight is planned around with a reason; negative is refused.
    """

    id: Annotated[str, Field(min_length=1, max_length=64)]
    owner: Annotated[str, Field(min_length=1, max_length=64)]
    origin: str
    destination: str
    customs_mode: str
    temperature: Literal["ambient", "chilled", "frozen"] = "ambient"
    dangerous: str = "none"
    volume_cm3: Annotated[int, Field(ge=0)]
    weight_g: Annotated[int, Field(ge=0)]
    pieces: tuple[Piece, ...] = ()
    value_minor: Annotated[int, Field(ge=0)]
    ready_at: Instant
    due_at: Instant
    latest_at: Instant | None = None
    must_go: bool = False
    priority: Annotated[int, Field(ge=0, le=9, exclude_if=lambda rank: not rank)] = 0


def load_class(customs_group: str, temperature: str, dangerous: str) -> str:
    """The compatibility class: goods of different classes never share a sealed unit."""
    return f"{customs_group}/{temperature}/{dangerous}"
