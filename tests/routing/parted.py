"""A stored request whose work is done in parts: generated goods in the books, frozen as one problem."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from routing import desk
from routing.crew import Job, Kind, Result
from routing.generate import problem as generated
from routing.problem import Problem
from routing.tables import StoredPlan
from routing.watching import Deadline
from tests.build import make_company
from tests.conftest import Urls
from wms.db import Database, Scope
from wms.freight.rules import ConsignmentForm, Piece
from wms.freight.service import announce
from wms.parties import dated

WRITTEN = {"elapsed_ms", "stages_ms", "started_at"}
EFFORT = 1


def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a small plan be worked on as a large one is."""
    monkeypatch.setattr("routing.solve.MANY_PATHS", 1)
    monkeypatch.setattr("routing.solve.VARIED", 1)
    for module in ("routing.crew", "routing.stowage"):
        monkeypatch.setattr(f"{module}.BATCH", 2)


def announced(session: Session, count: int) -> tuple[Problem, dict[str, Any]]:
    """Open consignments with their problem, and number → [id, version]."""
    owner = make_company(session, "owner_of_goods")
    drawn = generated(count, seed=5, mean_dm3=6000)
    goods = tuple(one.model_copy(update={"owner": owner.code}) for one in drawn.consignments)
    versions = {}
    for one in goods:
        form = ConsignmentForm(
            consignment_no=one.id, owner_id=owner.id, origin=one.origin, destination=one.destination,
            trade_mode=one.customs_mode, temperature_class=one.temperature, dangerous_class=one.dangerous,
            volume_cm3=one.volume_cm3, weight_g=one.weight_g, value_minor=one.value_minor, goods_name="瓷器",
            ready_at=datetime.fromtimestamp(one.ready_at, UTC), due_at=datetime.fromtimestamp(one.due_at, UTC),
            pieces=tuple(Piece(**piece.model_dump()) for piece in one.pieces),
        )  # fmt: skip
        versions[one.id] = [announce(session, form), 1]
    return drawn.model_copy(update={"consignments": goods}), versions


def split_from(session: Session, least: int) -> None:
    """Plans of so many consignments are done in parts."""
    dated.set_value(session, "plan.split_from", least, valid_from_on=date(2021, 1, 1), source="a test")


def requested(session: Session, problem: Problem, versions: dict[str, Any]) -> int:
    """A queued plan of that problem with a limit of work."""
    row = StoredPlan(
        seconds_limit=30, weeks=4, seed=3, effort=EFFORT, problem=problem.model_dump(mode="json"), versions=versions,
        snapshot_sha256=problem.snapshot_sha256(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def made(database: Database, scope: Scope, plan_id: int) -> dict[str, Any]:
    """Run the job of a plan in this process; its document without what only the clock writes."""
    desk.run_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        row = session.get_one(StoredPlan, plan_id)
        assert row.fault is None
        assert row.document is not None
        return {name: value for name, value in row.document.items() if name not in WRITTEN}


@contextmanager
def process(urls: Urls, script: str) -> Iterator[subprocess.Popen[str]]:
    """A process with the database of the test; what it prints can be read. It is killed in the end."""
    environ = {**os.environ, "DONGTING_DATABASE_URL": urls.app}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environ) as made:
        try:
            yield made
        finally:
            made.kill()


def being_made(database: Database, scope: Scope) -> int:
    """A plan that is being made."""
    with database.unit_of_work(scope) as session:
        row = StoredPlan(seconds_limit=30, weeks=4, seed=1, state="running")
        session.add(row)
        session.flush()
        return row.id


class Here:
    """A crew of one: every part in this process, one after the other, written down and read as by any other."""

    def work(
        self, kind: Kind[Job, Result], jobs: Sequence[Job], deadline: Deadline, weights: Sequence[int],
        done: Callable[[int, Result], None] | None = None,
    ) -> list[Result]:  # fmt: skip
        """The results in the order of the jobs."""
        found: list[Result] = []
        for at, job in enumerate(jobs):
            part = deadline.share(min(1.0, weights[at] / max(1, sum(weights[at:]))))
            found.append(kind.result.validate_json(kind.worked(kind.job.dump_json(job), part)))
            if done is not None:
                done(at, found[-1])
        return found
