"""The files of Bischoff and Ratcliff (1995), BR0 to BR7: one container, boxes of up to twenty kinds, no weights.

Bischoff and Ratcliff, "Issues in the development of approaches to container loading", Omega 23 (1995); BR0 is Davies
and Bischoff, European Journal of Operational Research 114 (1999). Lengths there are cm; here they become mm.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from routing.loading.cargo import Container, LoadProblem, Piece
from routing.problem import BadProblem, Fault

MM = 10
NAMES: tuple[Literal["length", "width", "height"], ...] = ("length", "width", "height")


def read_br(path: Path, number: int, support: Literal["full", "none"]) -> LoadProblem:
    """Problem ``number`` (from 1) of a file. Raises BadProblem when there is none or the file is no BR file."""
    try:
        tokens = iter([int(word) for word in path.read_text("ascii").split()])
    except OSError as error:
        raise BadProblem([Fault("(file)", "unreadable", f"{path}: {error.strerror}")]) from error
    except (UnicodeDecodeError, ValueError) as error:
        raise BadProblem([Fault("(file)", "not_br", f"{path} holds something that is no integer")]) from error
    try:
        problems = next(tokens)
        if not 1 <= number <= problems:
            raise BadProblem([Fault("--problem", "unknown_problem", f"{number}; the file has 1 to {problems}")])
        for _ in range(number - 1):
            _skip(tokens)
        return _one(tokens, support)
    except StopIteration:
        raise BadProblem([Fault("(file)", "cut_off", f"{path} ends in the middle of a problem")]) from None


def _skip(tokens: Iterator[int]) -> None:
    for _ in range(5):
        next(tokens)
    for _ in range(next(tokens) * 8):
        next(tokens)


def _one(tokens: Iterator[int], support: Literal["full", "none"]) -> LoadProblem:
    number, _seed = next(tokens), next(tokens)
    inner = (next(tokens) * MM, next(tokens) * MM, next(tokens) * MM)
    pieces = []
    for _ in range(next(tokens)):
        name = next(tokens)
        sides, upright = [], []
        for side in NAMES:
            sides.append(next(tokens) * MM)
            if next(tokens):
                upright.append(side)
        pieces.append(
            Piece(
                id=str(name), length_mm=sides[0], width_mm=sides[1], height_mm=sides[2], weight_g=0,
                count=next(tokens), vertical=tuple(upright),
            )
        )  # fmt: skip
    container = Container(code=f"BR problem {number}", inner_mm=inner, payload_g=1, has_door=False)
    return LoadProblem(container=container, pieces=tuple(pieces), support=support)
