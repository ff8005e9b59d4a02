"""Run the benchmarks: all of them, or those whose names are given (``stock``, or one figure of it)."""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from benchmarks.parts import KEPT, Part
from benchmarks.rows import Row
from benchmarks.server import fsyncs_per_s

MODULES = (
    "ceb", "stock", "floor", "inbound", "outbound", "inside", "billing", "ingest", "planning", "replan", "quota",
    "parcels", "demo", "books", "gate", "loading", "design", "rounds", "history", "live",
)  # fmt: skip
PARTED = ("loading", "design", "rounds", "replan")  # keep each instance of --full, and can measure a part of them


def main() -> int:
    """Exit status 0 when everything was measured, whether or not it met its target."""
    asked = _arguments()
    if not asked.json:
        print(f"fsync: {fsyncs_per_s():,.0f} a second on this disk; no single writer commits faster.\n")
        print(f"{'name':42} {'value':>12} {'unit':14} {'target':>8} {'ratio':>7}  to")
    part = Part(asked.only, asked.instances)
    failed = False
    for module in _modules(asked.names):
        try:
            for row in _measure(module, part, full=asked.full):
                if _wanted(row, module, asked.names):
                    _tell(row, as_json=asked.json)
        except Exception as error:  # noqa: BLE001 - the other modules are still measured; the status tells
            failed = True
            print(f"{module}: not measured: {error}", file=sys.stderr)
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(MODULES)}, or a figure of theirs")
    parser.add_argument("--json", action="store_true", help="one JSON line for each figure")
    parser.add_argument("--full", action="store_true", help="all sizes; results are kept and a second run goes on")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help=f"instances with it in their name: {', '.join(PARTED)}"
    )
    parser.add_argument("--instances", type=int, metavar="N", help="so many instances of each class at most: the same")
    return parser.parse_args()


def _modules(names: list[str]) -> list[str]:
    return [module for module in MODULES if not names or any(_belongs(name, module) for name in names)]


def _belongs(name: str, module: str) -> bool:
    return name == module or name.startswith((f"{module}_", f"{module[:4]}_"))


def _wanted(row: Row, module: str, names: list[str]) -> bool:
    return not names or any(name == module or row["name"].startswith(name) for name in names)


def _measure(module: str, part: Part, *, full: bool) -> Iterator[Row]:
    """Rows of a module. With ``full`` one that has its file is not measured again, unless a part of it is asked for."""
    kept = KEPT / f"{module}.jsonl"
    if full and part.whole and kept.exists():
        yield from (json.loads(line) for line in kept.read_text().splitlines())
        return
    more: dict[str, Any] = {"part": part} if module in PARTED else {}
    rows: Iterable[Row] = import_module(f"benchmarks.{module}").run(full, **more)
    done = []
    for row in rows:
        done.append(row)
        yield row
    if full and part.whole:
        KEPT.mkdir(parents=True, exist_ok=True)
        kept.write_text("".join(json.dumps(row) + "\n" for row in done))


def _tell(row: Row, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(row, ensure_ascii=False), flush=True)
        return
    target = "" if row["target"] is None else f"{row['target']:,}"
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    verdict = {True: "ok", False: "MISSED", None: ""}[row["ok"]]
    print(
        f"{row['name']:42} {row['value']:>12,.2f} {row['unit']:14} {target:>8} {ratio:>7}  {row['ratio_to'] or ''}"
        f" {verdict}".rstrip(),
        flush=True,
    )


if __name__ == "__main__":
    started = time.perf_counter()
    status = main()
    print(f"took {time.perf_counter() - started:.0f} s", file=sys.stderr)
    sys.exit(status)
