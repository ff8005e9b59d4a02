"""A part of a module's instances, and results kept one by one, so that a break of a long run loses one instance."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEPT = Path("build/bench")


@dataclass(frozen=True)
class Part:
    """Which instances are measured: those whose name holds ``only``, at most ``instances`` of each class."""

    only: str = ""
    instances: int | None = None

    @property
    def whole(self) -> bool:
        """Is nothing left out?"""
        return not self.only and self.instances is None

    def of(self, names: Sequence[str]) -> list[str]:
        """The names of one class that belong to it."""
        return [name for name in names if self.only in name][: self.instances]


WHOLE = Part()


def kept(module: str, name: str, measure: Callable[[], dict[str, Any]], *, keep: bool) -> dict[str, Any]:
    """The result of one instance: as it stands in its file, or measured now and written there (if ``keep``)."""
    path = KEPT / module / f"{name}.json"
    if keep and path.exists():
        found: dict[str, Any] = json.loads(path.read_text())
        return found
    result = measure()
    if keep:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps(result))
        draft.replace(path)
    return result


def announce(module: str, times: Mapping[str, float]) -> None:
    """Say how long the instances that have no result yet will take; ``times``: seconds of each by name."""
    left = {name: seconds for name, seconds in times.items() if not (KEPT / module / f"{name}.json").exists()}
    print(
        f"{module}: {len(times) - len(left)} of {len(times)} results stand in {KEPT / module}; "
        f"the others take about {sum(left.values()) / 60:,.0f} minutes",
        file=sys.stderr, flush=True,
    )  # fmt: skip
