"""Container loading on the public problems of Bischoff and Ratcliff, beside py3dbp and packvium from PyPI.

BR1 to BR7 from ``DONGTING_SHARED`` (``../shared``), one core, 1 s a problem (``--full`` also 10 s); every plan checked
by the independent checker. The value is the mean share of the container used over all classes; its ratio compares it
with the best known values of the same problems. py3dbp turns boxes as it likes; the others keep to the problem.
"""

import csv
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any, Literal

from benchmarks.parts import WHOLE, Part, announce, kept
from benchmarks.rows import Row, row
from routing.loading.br import read_br
from routing.loading.cargo import LoadProblem
from routing.loading.check import check
from routing.loading.load import make_load

CLASSES = range(1, 8)
CUT, ALL = 10, 100
PEER_PROBLEMS = 1  # a class: they take seconds for hundreds of boxes
SUPPORTS: tuple[Literal["none", "full"], ...] = ("none", "full")
TARGETS = {(1, "none"): 94.5, (1, "full"): 93.4, (10, "none"): 95.3, (10, "full"): 94.3}


def run(full: bool = False, part: Part = WHOLE) -> Iterator[Row]:
    """Figures without and with full support; about three minutes, with ``full`` four hours and a half."""
    folder = Path(os.environ.get("DONGTING_SHARED", "../shared")) / "data" / "routing" / "br"
    if not folder.exists():
        raise FileNotFoundError(f"{folder} is not there; DONGTING_SHARED names the folder with the public samples")
    best = _best_known(folder)
    make_load(read_br(folder / "BR1.txt", 1, "none"), work_limit=1)  # compiled before the clock runs
    rounds = [(seconds, support) for seconds in ((1, 10) if full else (1,)) for support in SUPPORTS]
    chosen = {kind: _problems(kind, part, ALL if full or not part.whole else CUT) for kind in CLASSES}
    if full:
        names = [(kind, n, s, seconds) for seconds, s in rounds for kind, of in chosen.items() for n in of]
        announce("loading", {_name(kind, n, s, seconds): seconds for kind, n, s, seconds in names})
    for seconds, support in rounds:
        yield from _measured(folder, best, seconds, support, chosen, keep=full)
    yield from _peers(folder)


def _problems(kind: int, part: Part, most: int) -> list[int]:
    """Numbers of the problems of a class; ``only`` is held against names like ``br3_17``, with an end: ``br3_17_``."""
    names = {f"br{kind}_{number}_": number for number in range(1, most + 1)}
    return [names[name] for name in part.of(list(names))]


def _name(kind: int, number: int, support: str, seconds: int) -> str:
    return f"br{kind}_{number}_{support}_{seconds}s"


def _best_known(folder: Path) -> dict[tuple[int, int], float]:
    with (folder / "best_known.csv").open(encoding="utf-8") as lines:
        return {
            (int(one["class"].removeprefix("BR")), int(one["problem"])): float(one["best_known_percent"])
            for one in csv.DictReader(lines)
        }


def _measured(
    folder: Path, best: dict[tuple[int, int], float], seconds: int, support: Literal["none", "full"],
    chosen: dict[int, list[int]], *, keep: bool,
) -> Iterator[Row]:  # fmt: skip
    used: dict[int, list[float]] = {}
    for kind, numbers in chosen.items():
        for number in numbers:
            name = _name(kind, number, support, seconds)

            def measure(file: Path = folder / f"BR{kind}.txt", number: int = number) -> dict[str, Any]:
                return _used(read_br(file, number, support), seconds)

            found = kept("loading", name, measure, keep=keep)
            used.setdefault(kind, []).append(found["percent"])
            known = best[kind, number]
            told = f"best known, {known:.2f} %; took {found['seconds']:.1f} s, checked"
            yield row(f"loading_{name}", found["percent"], "%", ratio_to=told, ratio=found["percent"] / known)
        if numbers:
            yield row(f"loading_br{kind}_{support}_{seconds}s_mean_of_{len(numbers)}", mean(used[kind]), "%")
    if not used:
        return
    value = mean(mean(one) for one in used.values())
    known = mean(mean(best[kind, number] for number in chosen[kind]) for kind in used)
    target = TARGETS[seconds, support]
    yield row(
        f"loading_{support}_{seconds}s_mean_of_{sum(map(len, used.values()))}", value, "%", target=target,
        ratio_to="best known", ratio=value / known, ok=value >= target,
    )  # fmt: skip


def _used(problem: LoadProblem, seconds: float) -> dict[str, Any]:
    started = time.monotonic()
    plan = make_load(problem, seconds_limit=seconds)
    took = time.monotonic() - started
    if findings := check(problem.model_dump(mode="json"), plan.model_dump(mode="json")):
        raise AssertionError(f"the checker found {findings[0]}")
    return {"percent": plan.volume_ppm / 10_000, "seconds": took}


def _peers(folder: Path) -> Iterator[Row]:
    """The same first problems by the peers, as they come: no time limit of theirs is shortened."""
    problems = [read_br(folder / f"BR{kind}.txt", n, "none") for kind in CLASSES for n in range(1, PEER_PROBLEMS + 1)]
    ours = mean(float(_used(one, 1)["percent"]) for one in problems)
    for name, peer in (("py3dbp", _py3dbp), ("packvium", _packvium)):
        theirs = mean(peer(one) for one in problems)
        yield row(
            f"loading_beside_{name}_of_{len(problems)}", ours, "%", ratio_to=f"{name}, {theirs:.1f} %",
            ratio=ours / theirs, ok=ours > theirs,
        )  # fmt: skip


def _py3dbp(problem: LoadProblem) -> float:
    from py3dbp import Bin, Item, Packer  # type: ignore[import-untyped]  # noqa: PLC0415 - only the peer needs it

    length, width, height = problem.container.inner_mm
    packer = Packer()
    packer.add_bin(Bin("box", length, height, width, 1e9))
    for piece in problem.pieces:
        for n in range(piece.count):
            packer.add_item(Item(f"{piece.id}-{n}", piece.length_mm, piece.height_mm, piece.width_mm, 0))
    random.seed(1)
    packer.pack(bigger_first=True, distribute_items=False)
    inside: Any = packer.bins[0].items
    volume = sum(float(item.get_volume()) for item in inside)
    return 100 * volume / (length * width * height)


TURNS = {"length": ("WHL", "HWL"), "width": ("LHW", "HLW"), "height": ("LWH", "WLH")}  # the last one stands upright


def _packvium(problem: LoadProblem) -> float:
    from packvium import Container, Dimensions, Item, Packer, PackingConfig, Rotation  # noqa: PLC0415 - as above

    length, width, height = problem.container.inner_mm
    turns = {turn.value.upper(): turn for turn in Rotation}
    items = [
        Item.create(
            piece.id,
            Dimensions.mm(str(piece.length_mm), str(piece.width_mm), str(piece.height_mm)),
            quantity=piece.count,
            allowed_rotations=tuple(turns[name] for side in piece.vertical for name in TURNS[side]),
        )
        for piece in problem.pieces
    ]
    box = Container.create("box", Dimensions.mm(str(length), str(width), str(height)), quantity=1)
    packed = Packer(PackingConfig.balanced(time_limit_ms=1000)).pack(items=items, containers=[box])
    sizes = {piece.id: piece.length_mm * piece.width_mm * piece.height_mm for piece in problem.pieces}
    inside = [one.instance.item.id for box in packed.containers for one in box.placements]
    return 100 * sum(sizes[name] for name in inside) / (length * width * height)
