"""Processes that work at the same time, on order and against the clock, and how much they get done together."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, ClassVar

WARM_UP_S = 0.3


class Hand:
    """The life of one process. A way is a method that does one piece of work and returns how much stood."""

    ways: ClassVar[tuple[str, ...]] = ()

    def __init__(self, load: Any, seed: int) -> None:
        raise NotImplementedError

    def measure(self, way: str, seconds: float) -> tuple[int, float]:
        """(how much stood, how long it took in seconds): the last piece of work is finished, not cut off."""
        act, stood, start = getattr(self, way), 0, time.perf_counter()
        while time.perf_counter() < start + seconds:
            stood += act()
        return stood, time.perf_counter() - start


def serve(kind: type[Hand], load: Any, seed: int, orders: Connection) -> None:
    """Warm up, then measure on order, until told to end."""
    hand = kind(load, seed)
    for way in kind.ways:
        hand.measure(way, WARM_UP_S)
    orders.send("ready")
    while (order := orders.recv()) is not None:
        orders.send(hand.measure(*order))


class Crew:
    """Several hands that work at the same time."""

    def __init__(self, pipes: list[Connection]) -> None:
        self._pipes = pipes
        for pipe in pipes:
            pipe.recv()

    def rate(self, way: str, seconds: float) -> float:
        """How much stood a second, of all together."""
        for pipe in self._pipes:
            pipe.send((way, seconds))
        return sum(stood / took for stood, took in [pipe.recv() for pipe in self._pipes])


@contextmanager
def crew(kind: type[Hand], load: Any, hands: int) -> Iterator[Crew]:
    """``hands`` processes, warmed up."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([kind.__module__])
    pipes, processes = [], []
    for seed in range(hands):
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(kind, load, seed, theirs), daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        yield Crew(pipes)
    finally:
        for pipe in pipes:
            pipe.send(None)
        for process in processes:
            process.join(10)
