"""Who watches plans being made in tests."""

from __future__ import annotations

from routing.watching import Watch


class Heard(Watch):
    """Keeps all that it hears, and halts the search at the first word of the stage ``until``."""

    def __init__(self, until: str | None = None) -> None:
        self.until = until
        self.stages: list[tuple[str, int]] = []
        self.costs: list[int] = []
        self.bounds: list[int] = []
        self._halted = False

    def stage(self, stage: str, permille: int) -> None:
        self.stages.append((stage, permille))
        self._halted = self._halted or stage == self.until

    def figures(self, *, cost_minor: int | None = None, bound_minor: int | None = None) -> None:
        if cost_minor is not None:
            self.costs.append(cost_minor)
        if bound_minor is not None:
            self.bounds.append(bound_minor)

    def halted(self) -> bool:
        return self._halted
