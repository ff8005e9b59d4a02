"""How a plan comes along, for its page: stage, cost and bound as they come, and whether somebody wants it to end.

The planner only leaves word; a thread beside it writes, in a short transaction of its own, at most twice a second and
only where something is new. The page is woken with the plan's number and reads under its own rights.
"""

import logging
import threading
from dataclasses import dataclass, replace

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from routing.beside import Beside
from routing.tables import StoredPlan, StoredProgress
from routing.watching import Watch
from wms.db import Database, Scope

log = logging.getLogger("routing.desk_progress")
TICK_S = 0.5
# A firm may wake the live pages, but reads no note of anybody: its insert returns nothing.
NOTE = text("INSERT INTO live_note (topic, subject_id) VALUES ('plan', :plan_id)")


@dataclass(frozen=True)
class Known:
    """What is known of a plan at a moment."""

    stage: str
    permille: int
    cost_minor: int | None = None
    bound_minor: int | None = None


class Ticker(Beside, Watch):
    """Writes what it hears while it is open, and knows whether the plan shall end."""

    def __init__(self, database: Database, scope: Scope, plan_id: int) -> None:
        self._database, self._scope, self._plan_id = database, scope, plan_id
        self._known, self._told = Known("snapshot", 0), Known("", 0)
        self._lock, self._halted = threading.Lock(), threading.Event()
        super().__init__(f"plan-{plan_id}")

    def stage(self, stage: str, permille: int) -> None:
        """The stage that is worked on from now on."""
        with self._lock:
            self._known = replace(self._known, stage=stage, permille=permille)

    def figures(self, *, cost_minor: int | None = None, bound_minor: int | None = None) -> None:
        """The best plan so far; what is proved stays proved."""
        with self._lock:
            known = self._known
            cost = known.cost_minor if cost_minor is None else cost_minor
            bound = known.bound_minor if bound_minor is None else max(bound_minor, known.bound_minor or 0)
            self._known = replace(known, cost_minor=cost, bound_minor=bound)

    def halted(self) -> bool:
        """Whether somebody asked for the plan as it is."""
        return self._halted.is_set()

    def run(self) -> None:
        """Write what is new, and once more at the end."""
        while True:
            last = self.ended.wait(TICK_S)
            try:
                self._tick()
            except SQLAlchemyError as error:  # progress is no reason to lose a plan
                log.warning("progress of plan %s was not written: %s", self._plan_id, error)
            if last:
                return

    def _tick(self) -> None:
        with self._lock:
            known = self._known
        with self._database.unit_of_work(self._scope) as session:
            if known != self._told:
                tell(session, self._plan_id, known)
            asked = select(StoredPlan.stop_asked_at).where(StoredPlan.id == self._plan_id)
            if session.scalar(asked) is not None:
                self._halted.set()
        self._told = known


def tell(session: Session, plan_id: int, known: Known) -> None:
    """Write what is known of a plan that is being made, and wake its page."""
    said = update(StoredPlan).where(StoredPlan.id == plan_id, StoredPlan.state == "running")
    done = session.execute(
        said.values(stage=known.stage, progress_permille=known.permille).returning(StoredPlan.id)
    ).all()
    if not done:
        return
    step = select(func.coalesce(func.max(StoredProgress.step_no), 0) + 1).where(StoredProgress.plan_id == plan_id)
    row = {name: getattr(known, name) for name in ("stage", "permille", "cost_minor", "bound_minor")}
    session.execute(insert(StoredProgress).values(plan_id=plan_id, step_no=step.scalar_subquery(), **row))
    wake(session, plan_id)


def wake(session: Session, plan_id: int) -> None:
    """Tell the pages of a plan that something is new."""
    session.execute(NOTE, {"plan_id": plan_id})
