"""Network design: the 60 timed problems (CTSNDP) and six Canad problems of ``DONGTING_SHARED``, each plan checked.

`value` is the proven gap in per cent (mean over a class), for Canad the distance to the best known value. Search
and bound run side by side on two cores. Without ``--full`` two problems a class with less time, and c33.
Published for the timed classes, a commercial solver on 12 cores: HC/HF 1.04 % in 577 s, HC/LF 0.83 % in 61 s.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.parts import WHOLE, Part, announce, kept
from benchmarks.rows import Row, row
from routing.design.answer import MICRO
from routing.design.check import check
from routing.design.ctsndp import read_ctsndp
from routing.design.dow import read_dow
from routing.design.instance import Instance
from routing.design.solve import solve
from web.commands.plan import quiet_solver

CUT = 2
TARGETS = {"LC/HF": (10, 1.0), "LC/LF": (10, 1.0), "HC/LF": (600, 1.0), "HC/HF": (600, 2.0)}
CUT_SECONDS = {"LC/HF": 10, "LC/LF": 10, "HC/LF": 8, "HC/HF": 8}
PUBLISHED = {"HC/HF": 1.04, "HC/LF": 0.83, "LC/HF": 0.55, "LC/LF": 0.69}
CANAD = {
    "c33": (423_848, 60, 0.001), "c35": (371_475, 60, 0.01), "c36": (643_036, 60, 0.01), "c49": (53_958, 60, 0.5),
    "c57": (47_603, 60, 0.5), "c37": (94_213, 300, 3.0),
}  # fmt: skip
# best known value, seconds, per cent above it that is allowed


def run(full: bool = False, part: Part = WHOLE) -> Iterator[Row]:
    """Figures by problem and by class; about a minute, with ``full`` up to five hours and a half."""
    folder = Path(os.environ.get("DONGTING_SHARED", "../shared")) / "data" / "routing"
    if not folder.exists():
        raise FileNotFoundError(f"{folder} is not there; DONGTING_SHARED names the folder with the public samples")
    with quiet_solver():  # compiled before the clock runs
        solve(read_ctsndp(folder / "ctsndp" / "c33_.1111_.25_3.txt"), work=1)
    seconds = {kind: one if full else CUT_SECONDS[kind] for kind, (one, _) in TARGETS.items()}
    classes = _classes(folder / "ctsndp", part if full or not part.whole else Part(instances=CUT))
    canad = part.of(list(CANAD) if full or not part.whole else ["c33"])
    if full:
        announce(
            "design",
            {_kept_as(name, seconds[kind]): seconds[kind] for kind, names in classes.items() for name in names}
            | {_kept_as(name, CANAD[name][1]): CANAD[name][1] for name in canad},
        )
    for kind, names in classes.items():
        if names:
            yield from _class(folder / "ctsndp", kind, names, seconds[kind], keep=full)
    for name in canad:
        yield from _canad(folder / "cmnd" / f"{name}.dow", *CANAD[name], keep=full)


def _classes(folder: Path, part: Part) -> dict[str, list[str]]:
    with (folder / "reference.csv").open(encoding="utf-8") as lines:
        every = [(one["class"], one["instance"].removesuffix(".txt")) for one in csv.DictReader(lines)]
    return {kind: part.of([name for mine, name in every if mine == kind]) for kind in TARGETS}


def _kept_as(name: str, seconds: float) -> str:
    return f"{name}_{seconds:.0f}s"


def _class(folder: Path, kind: str, names: list[str], seconds: float, *, keep: bool) -> Iterator[Row]:
    gaps, took, target = [], [], TARGETS[kind][1]
    label = kind.replace("/", "").lower()
    for name in names:
        plan = _solved(name, read_ctsndp(folder / f"{name}.txt"), seconds, keep=keep)
        gaps.append(plan["gap_ppm"] / 10_000)
        took.append(plan["elapsed_ms"] / 1000)
        yield row(f"design_{label}_{name}", gaps[-1], "%", ratio_to=_told(plan))
    reached = max(gaps) if kind.startswith("LC") else mean(gaps)
    name = f"design_{label}_gap_of_{len(names)}"
    yield row(name, mean(gaps), "%", target=target, ratio_to="proven bound", ok=reached <= target)
    yield row(f"{name}_published", PUBLISHED[kind], "%", ratio_to="published gap", ratio=mean(gaps) / PUBLISHED[kind])
    yield row(f"design_{label}_seconds", mean(took), "s", target=seconds)


def _told(plan: dict[str, Any]) -> str:
    value, bound = plan["value_micro"] / MICRO, plan["bound_micro"] / MICRO
    return f"plan {value:,.0f}, bound {bound:,.0f}, {plan['elapsed_ms'] / 1000:.1f} s, checked"


def _canad(path: Path, best: int, seconds: float, target: float, *, keep: bool) -> Iterator[Row]:
    plan = _solved(path.stem, read_dow(path), seconds, keep=keep)
    above = 100 * (plan["value_micro"] / MICRO / best - 1)
    yield row(
        f"design_{path.stem}_above_best", above, "%", target=1 + target / 100,
        ratio_to=f"best known {best:,}; {_told(plan)}", ratio=plan["value_micro"] / MICRO / best, ok=above <= target,
    )  # fmt: skip
    yield row(f"design_{path.stem}_gap", plan["gap_ppm"] / 10_000, "%", ratio_to="proven bound")
    yield row(f"design_{path.stem}_seconds", plan["elapsed_ms"] / 1000, "s", target=seconds)


def _solved(name: str, instance: Instance, seconds: float, *, keep: bool) -> dict[str, Any]:
    def measure() -> dict[str, Any]:
        with quiet_solver():
            plan = solve(instance, seconds=seconds).model_dump(mode="json")
        if findings := check(instance, plan):
            raise AssertionError(f"the checker found {findings[0]}")
        return {field: plan[field] for field in ("value_micro", "bound_micro", "gap_ppm", "elapsed_ms")}

    return kept("design", _kept_as(name, seconds), measure, keep=keep)
