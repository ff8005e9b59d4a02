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

from benchmarks.rows import Row, row
from routing.design.answer import MICRO, DesignPlan
from routing.design.check import check
from routing.design.ctsndp import read_ctsndp
from routing.design.dow import read_dow
from routing.design.instance import Instance
from routing.design.solve import solve
from web.commands.plan import quiet_solver

CUT = 2
TARGETS = {"LC/HF": (10, 1.0), "LC/LF": (10, 1.0), "HC/LF": (600, 1.0), "HC/HF": (600, 2.0)}
CUT_SECONDS = {"LC/HF": 10, "LC/LF": 10, "HC/LF": 20, "HC/HF": 20}
PUBLISHED = {"HC/HF": 1.04, "HC/LF": 0.83, "LC/HF": 0.55, "LC/LF": 0.69}
CANAD = {
    "c33": (423_848, 60, 0.001), "c35": (371_475, 60, 0.01), "c36": (643_036, 60, 0.01), "c49": (53_958, 60, 0.5),
    "c57": (47_603, 60, 0.5), "c37": (94_213, 300, 3.0),
}  # fmt: skip
# best known value, seconds, per cent above it that is allowed


def run(full: bool = False) -> Iterator[Row]:
    """Figures by class and by problem; about three minutes, with ``full`` up to six hours."""
    folder = Path(os.environ.get("DONGTING_SHARED", "../shared")) / "data" / "routing"
    if not folder.exists():
        raise FileNotFoundError(f"{folder} is not there; DONGTING_SHARED names the folder with the public samples")
    with quiet_solver():
        solve(read_ctsndp(folder / "ctsndp" / "c33_.1111_.25_3.txt"), work=1)  # compiled before the clock runs
    with (folder / "ctsndp" / "reference.csv").open(encoding="utf-8") as lines:
        classes = [(one["class"], one["instance"]) for one in csv.DictReader(lines)]
    for kind, (seconds, target) in TARGETS.items():
        names = [name for mine, name in classes if mine == kind][: None if full else CUT]
        yield from _class(folder / "ctsndp", kind, names, seconds if full else CUT_SECONDS[kind], target)
    for name, (best, seconds, target) in CANAD.items():
        if full or name == "c33":
            yield from _canad(folder / "cmnd" / f"{name}.dow", best, seconds, target)


def _class(folder: Path, kind: str, names: list[str], seconds: float, target: float) -> Iterator[Row]:
    gaps, took = [], []
    label = kind.replace("/", "").lower()
    for name in names:
        plan = _solved(read_ctsndp(folder / name), seconds)
        gaps.append(plan.gap_ppm / 10_000)
        took.append(plan.elapsed_ms / 1000)
        yield row(f"design_{label}_{name.removesuffix('.txt')}", gaps[-1], "%")
    reached = max(gaps) if kind.startswith("LC") else mean(gaps)
    name = f"design_{label}_gap_of_{len(names)}"
    yield row(name, mean(gaps), "%", target=target, ratio_to="proven bound", ok=reached <= target)
    yield row(f"{name}_published", PUBLISHED[kind], "%", ratio_to="published gap", ratio=mean(gaps) / PUBLISHED[kind])
    yield row(f"design_{label}_seconds", mean(took), "s", target=seconds)


def _canad(path: Path, best: int, seconds: float, target: float) -> Iterator[Row]:
    plan = _solved(read_dow(path), seconds)
    above = 100 * (plan.value_micro / MICRO / best - 1)
    yield row(
        f"design_{path.stem}_above_best", above, "%", target=1 + target / 100, ratio_to="best known",
        ratio=plan.value_micro / MICRO / best, ok=above <= target,
    )  # fmt: skip
    yield row(f"design_{path.stem}_gap", plan.gap_ppm / 10_000, "%", ratio_to="proven bound")
    yield row(f"design_{path.stem}_seconds", plan.elapsed_ms / 1000, "s", target=seconds)


def _solved(instance: Instance, seconds: float) -> DesignPlan:
    with quiet_solver():
        plan = solve(instance, seconds=seconds)
    if findings := check(instance, plan.model_dump(mode="json")):
        raise AssertionError(f"the checker found {findings[0]}")
    return plan
