"""Where the pieces of a box stand, held in few bytes: a plan of a hundred thousand consignments has millions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

Spot = tuple[int, int, int, int, int, int]
"""Line, x, y, z, length and width."""


class Spots(Sequence[Spot]):
    """Spots in order. In JSON they are lists of six whole numbers; in Python data this object stays as it is."""

    __slots__ = ("rows",)

    def __init__(self, rows: Any = ()) -> None:
        """``rows``: six whole numbers a spot, in any sequence. Raises ValueError where one has more than 31 bits."""
        held = np.array(rows, np.int64).reshape(-1, 6)
        if len(held) and (held.max() >= 2**31 or held.min() < -(2**31)):
            raise ValueError("a spot is farther away than any box is long")
        self.rows = held.astype(np.int32)

    @overload
    def __getitem__(self, at: int) -> Spot: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Spot]: ...
    def __getitem__(self, at: int | slice) -> Spot | Sequence[Spot]:
        """One spot, or those of a slice."""
        if isinstance(at, slice):
            return [_spot(row) for row in self.rows[at].tolist()]
        return _spot(self.rows[at].tolist())

    def __iter__(self) -> Iterator[Spot]:
        """Spots as tuples of Python's numbers."""
        return map(_spot, self.rows.tolist())

    def __len__(self) -> int:
        """How many stand there."""
        return len(self.rows)

    def __eq__(self, other: object) -> bool:
        """Equal to any sequence of the same spots."""
        if isinstance(other, Spots):
            return np.array_equal(self.rows, other.rows)
        return isinstance(other, list | tuple) and self.listed() == [list(row) for row in other]

    def __hash__(self) -> int:
        """Of the numbers themselves."""
        return hash(self.rows.tobytes())

    def __repr__(self) -> str:
        """As they would be written down."""
        return f"Spots({self.listed()})"

    def listed(self) -> list[list[int]]:
        """Lists of Python's numbers, as JSON has them."""
        found: list[list[int]] = self.rows.tolist()
        return found

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Lists of six whole numbers each, checked as such."""
        listed = core_schema.no_info_after_validator_function(cls, handler.generate_schema(tuple[Spot, ...]))
        return core_schema.json_or_python_schema(
            json_schema=listed,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), listed], mode="left_to_right"),
            serialization=core_schema.plain_serializer_function_ser_schema(cls.listed, when_used="json"),
        )


def _spot(row: Iterable[int]) -> Spot:
    line, x, y, z, length, width = row
    return line, x, y, z, length, width
