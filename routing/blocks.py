"""Blocks of a plan as parts that any process can do: each a problem of its own, with the goods of its blocks alone.

A consignment's ways depend on nothing but itself and the network, so they are the same in the small problem, in the
same order. Small blocks go together in one part; which ones is decided by their sizes, not by who is there to work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from routing.consolidate import GAP, BlockAnswer, blocks_of, solve_block
from routing.crew import Crew, Kind
from routing.exact import Limits
from routing.paths import PathFinder, Paths
from routing.problem import Problem
from routing.rough import Rough
from routing.search import unserved_prices
from routing.watching import Deadline

LEAST_SHARE = 24
"""A part holds at least one in so many of all paths, unless a block is smaller than what is left."""


@dataclass(frozen=True)
class BlockJob:
    """Goods of one or more blocks; ``seed`` for the rough plan and how often it is varied, leg ``prices`` and ``nodes``
    for the exact solver.
    """

    problem: Problem
    seed: int = 0
    varied: int = 0
    prices: dict[str, int] | None = None
    nodes: int | None = None


@dataclass(frozen=True)
class RoughAnswer:
    """For each block in the order of the whole plan: proven bound, cost of the rough plan; the index of each
    consignment's path, -1 where it stays behind.
    """

    bounds: list[int]
    values: list[float]
    ways: list[int]


def _rough(job: BlockJob, deadline: Deadline) -> RoughAnswer:
    paths = PathFinder(job.problem).find()
    blocks = blocks_of(paths)[::-1]
    rough = Rough(paths, unserved_prices(paths), blocks)
    rough.warm()
    rough.run(job.seed, deadline, 1, lambda _: None, job.varied)
    choice = rough.choice()
    return RoughAnswer(
        [rough.bound_minor(at) for at in range(len(blocks))], list(map(float, rough.values)),
        [choice[k] for k in range(len(paths.by_consignment))],
    )  # fmt: skip


def _exact(job: BlockJob, deadline: Deadline) -> list[BlockAnswer]:
    paths = PathFinder(job.problem).find()
    unserved = unserved_prices(paths)
    blocks = blocks_of(paths)[::-1]
    answers = []
    for at, block in enumerate(blocks):
        limits = Limits(deadline.share(1 / (len(blocks) - at)), job.nodes, GAP)
        answers.append(solve_block(paths, block, unserved, job.prices or {}, limits))
    return answers


ROUGH = Kind("rough plan", _rough, TypeAdapter(BlockJob), TypeAdapter(RoughAnswer))
EXACT = Kind("bound", _exact, TypeAdapter(BlockJob), TypeAdapter(list[BlockAnswer]))


def rough_apart(
    crew: Crew, paths: Paths, rough: Rough, blocks: Sequence[Sequence[int]], seed: int, varied: int,
    deadline: Deadline, said: Callable[[float], None],
) -> None:  # fmt: skip
    """The rough plans of all blocks by a crew, taken over into ``rough``."""
    parts = grouped(paths, blocks, range(len(blocks)))
    jobs = [BlockJob(_of(paths, blocks, part), seed + part[0], varied) for part in parts]
    over = [0]

    def done(_at: int, _answer: RoughAnswer) -> None:
        over[0] += 1
        said(over[0] / len(parts))

    answers = crew.work(ROUGH, jobs, deadline, [_size(paths, blocks, part) for part in parts], done)
    for part, answer in zip(parts, answers, strict=True):
        inside = _inside(blocks, part)
        ways = dict(zip(inside, answer.ways, strict=True))
        for at, proved, value in zip(part, answer.bounds, answer.values, strict=True):
            rough.take_over(at, proved, value, [ways[k] for k in rough.bulk.blocks[at].ks])


def exact_apart(
    crew: Crew, paths: Paths, prices: dict[str, int], nodes: int | None, blocks: Sequence[Sequence[int]],
    numbers: Sequence[int], deadline: Deadline, heard: Callable[[int, BlockAnswer], None],
) -> None:  # fmt: skip
    """The answers of the exact solver on these blocks by a crew; ``heard``: is told each block's as it comes."""
    parts = grouped(paths, blocks, numbers)
    jobs = [BlockJob(_of(paths, blocks, part), prices=prices, nodes=nodes) for part in parts]

    def done(at: int, answers: list[BlockAnswer]) -> None:
        inside = _inside(blocks, parts[at])
        for number, one in zip(parts[at], answers, strict=True):
            choice = {inside[k]: way for k, way in one.choice.items()}
            heard(number, BlockAnswer(one.bound_minor, one.value_minor, choice, one.proved))

    crew.work(EXACT, jobs, deadline, [_size(paths, blocks, part) for part in parts], done)


def grouped(paths: Paths, blocks: Sequence[Sequence[int]], numbers: Sequence[int]) -> list[list[int]]:
    """These blocks in parts: large ones alone, small ones together; in the order of the blocks."""
    least = sum(_size(paths, blocks, [at]) for at in numbers) // LEAST_SHARE
    parts: list[list[int]] = []
    held = 0
    for at in numbers:
        size = _size(paths, blocks, [at])
        if not parts or held + size > max(least, 1):
            parts.append([])
            held = 0
        parts[-1].append(at)
        held += size
    return parts


def _size(paths: Paths, blocks: Sequence[Sequence[int]], part: Sequence[int]) -> int:
    return sum(len(paths.by_consignment[k]) for at in part for k in blocks[at])


def _inside(blocks: Sequence[Sequence[int]], part: Sequence[int]) -> list[int]:
    return sorted(k for at in part for k in blocks[at])


def _of(paths: Paths, blocks: Sequence[Sequence[int]], part: Sequence[int]) -> Problem:
    goods = tuple(paths.problem.consignments[k] for k in _inside(blocks, part))
    return paths.problem.model_copy(update={"consignments": goods})
