"""Parts of a plan's work in the books, so that any worker process of the job queue, on any machine, may do them.

Who makes the plan puts parts in, calls for hands, works on parts itself while it waits, and takes the answers in the
order of their numbers: with a limit of work the plan is the same whoever did them. A part is lent for some seconds, and
lent on while its worker lives; the part of a worker that died is taken again. A part that keeps failing is left to who
makes the plan. An answer stays until the plan is made: whoever has to begin a plan anew finds what was done.
"""

import hashlib
import logging
import os
import socket
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from routing.beside import Beside
from routing.blocks import EXACT, ROUGH
from routing.crew import Job, Kind, Result
from routing.problem import Problem
from routing.stowage import LOADING
from routing.tables import StoredPlan
from routing.watching import Deadline, never
from wms.db import Database, Scope
from wms.parties import dated
from wms.record.jobs import defer

log = logging.getLogger("routing.desk_parts")
TASK = "routing.help_plan"
KINDS: dict[str, Kind[Any, Any]] = {kind.name: kind for kind in (ROUGH, EXACT, LOADING)}
LEASE_S, BEAT_S, ASK_S, CALL_S = 15.0, 3.0, 0.2, 1.0
MOST_TRIED = 3
LEAST_S = 0.3
ALIVE_S = 15
HANDS = threading.Lock()
"""One part at a time in a process: the other jobs of a worker must not wait for plans."""

PUT = text(
    "INSERT INTO plan_part (plan_id, part_no, kind, weight, ends_at, input, input_sha256) VALUES (:plan_id, :part_no,"
    " :kind, :weight, clock_timestamp() + make_interval(secs => :seconds), :input, :sha)"
    " ON CONFLICT (plan_id, part_no) DO UPDATE SET kind = excluded.kind, weight = excluded.weight,"
    " ends_at = excluded.ends_at, input = excluded.input, input_sha256 = excluded.input_sha256, state = 'waiting',"
    " worker = NULL, attempts = 0, answer = NULL, fault = NULL, done_at = NULL"
    " WHERE (plan_part.kind, plan_part.input_sha256) <> (excluded.kind, excluded.input_sha256)"
    " OR plan_part.state = 'waiting' OR plan_part.state = 'taken' AND plan_part.lease_until < clock_timestamp()"
)
# Built from our own words alone.
FREE = "(t.state = 'waiting' OR t.state = 'taken' AND t.lease_until < clock_timestamp())"
TAKE = text(
    "WITH free AS (SELECT t.plan_id, t.part_no FROM plan_part t JOIN plan p ON p.id = t.plan_id"  # noqa: S608
    f" WHERE t.plan_id = :plan_id AND p.state = 'running' AND {FREE} AND t.attempts < :most_tried"
    " ORDER BY t.part_no LIMIT 1 FOR UPDATE OF t SKIP LOCKED)"
    " UPDATE plan_part u SET state = 'taken', worker = :worker, attempts = u.attempts + 1,"
    " taken_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => :lease_s) FROM free"
    " WHERE (u.plan_id, u.part_no) = (free.plan_id, free.part_no)"
    " RETURNING u.part_no, u.kind, u.weight, u.input, u.input_sha256,"
    " extract(epoch FROM u.ends_at - clock_timestamp()) AS left_s"
)
OTHERS = text(
    f"SELECT coalesce(sum(t.weight) FILTER (WHERE {FREE}), 0),"  # noqa: S608
    " count(DISTINCT t.worker) FILTER (WHERE t.state = 'taken'"
    " AND t.lease_until >= clock_timestamp()) FROM plan_part t WHERE t.plan_id = :plan_id"
)
HOLD = text(
    "UPDATE plan_part t SET lease_until = clock_timestamp() + make_interval(secs => :lease_s) FROM plan p"
    " WHERE t.plan_id = :plan_id AND t.part_no = :part_no AND t.worker = :worker AND t.state = 'taken'"
    " AND p.id = t.plan_id RETURNING p.state = 'running' AND p.stop_asked_at IS NULL"
)
END = text(
    "UPDATE plan_part SET state = :state, answer = :answer, fault = :fault, done_at = clock_timestamp()"
    " WHERE plan_id = :plan_id AND part_no = :part_no AND worker = :worker AND state = 'taken' AND input_sha256 = :sha"
)
ANSWERS = text(
    "SELECT part_no, answer FROM plan_part WHERE plan_id = :plan_id AND part_no BETWEEN :first AND :last"
    " AND state = 'done' AND answer IS NOT NULL AND NOT part_no = ANY (:known) ORDER BY part_no"
)
STATE = text("SELECT state FROM plan WHERE id = :plan_id")
FORGET = text("UPDATE plan_part SET input = NULL, answer = NULL WHERE plan_id = :plan_id")
WAITING = text(f"SELECT count(*) FROM plan_part t WHERE t.plan_id = :plan_id AND {FREE}")  # noqa: S608
ALIVE = text(
    "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => :alive_s)"
)


class PlanOver(Exception):
    """The plan was ended elsewhere while its parts were being done here: nobody waits for them any more."""


@dataclass(frozen=True)
class Taken:
    """A part that this process has; ``seconds``: its share of the time left, None for a limit of work."""

    plan_id: int
    part_no: int
    kind: str
    input: bytes
    sha: str
    worker: str
    seconds: float | None

    def key(self) -> dict[str, Any]:
        """What finds it again while it is this process's."""
        return {"plan_id": self.plan_id, "part_no": self.part_no, "worker": self.worker, "sha": self.sha}


class Queue:
    """The crew of one plan: whoever works the job queue, and who makes the plan."""

    def __init__(
        self, database: Database, scope: Scope, plan_id: int, halted: Callable[[], bool] = never
    ) -> None:
        self._database, self._scope, self._plan_id, self._halted = database, scope, plan_id, halted
        self._next, self._called_at = 1, 0.0

    def work(
        self, kind: Kind[Job, Result], jobs: Sequence[Job], deadline: Deadline, weights: Sequence[int],
        done: Callable[[int, Result], None] | None = None,
    ) -> list[Result]:  # fmt: skip
        """The results in the order of the jobs, whoever did them. Raises PlanOver."""
        first = self._put(kind, jobs, deadline, weights)
        found: dict[int, Result] = {}
        is_mine = HANDS.acquire(blocking=False)
        try:
            while len(found) < len(jobs):
                self._call()
                for part_no, body in self._answers(first, len(jobs), [first + at for at in found]):
                    found[part_no - first] = kind.result.validate_json(zlib.decompress(body))
                    if done is not None:
                        done(part_no - first, found[part_no - first])
                if len(found) < len(jobs) and not self._did_one():
                    time.sleep(ASK_S)
        finally:
            if is_mine:
                HANDS.release()
        return [found[at] for at in range(len(jobs))]

    def _put(self, kind: Kind[Job, Any], jobs: Sequence[Job], deadline: Deadline, weights: Sequence[int]) -> int:
        """Write the parts down, unless they are already; the number of the first."""
        first, left = self._next, deadline.left()
        self._next += len(jobs)
        seconds = None if left == float("inf") else left
        with self._database.unit_of_work(self._scope) as session:
            for at, job in enumerate(jobs):
                body = kind.job.dump_json(job)
                session.execute(
                    PUT,
                    {
                        "plan_id": self._plan_id, "part_no": first + at, "kind": kind.name, "weight": weights[at],
                        "seconds": seconds, "input": zlib.compress(body), "sha": hashlib.sha256(body).hexdigest(),
                    },
                )  # fmt: skip
        return first

    def _did_one(self) -> bool:
        with self._database.unit_of_work(self._scope) as session:
            taken = take(session, self._plan_id, most_tried=2**31 - 1)
            if taken is None and session.scalar(STATE, {"plan_id": self._plan_id}) != "running":
                raise PlanOver(f"plan {self._plan_id}")
        if taken is None:
            return False
        do(self._database, self._scope, taken, self._halted)
        return True

    def _answers(self, first: int, count: int, known: list[int]) -> list[tuple[int, bytes]]:
        keys = {"plan_id": self._plan_id, "first": first, "last": first + count - 1, "known": known}
        with self._database.unit_of_work(self._scope) as session:
            return [(row.part_no, row.answer) for row in session.execute(ANSWERS, keys)]

    def _call(self) -> None:
        """Call for as many other workers as there are, once a second at most, while there is work for them."""
        if time.monotonic() - self._called_at < CALL_S:
            return
        self._called_at = time.monotonic()
        with self._database.unit_of_work(self._scope) as session:
            waiting = session.execute(WAITING, {"plan_id": self._plan_id}).scalar_one()
            alive = session.execute(ALIVE, {"alive_s": ALIVE_S}).scalar_one()
            for number in range(min(waiting, alive) - 1):
                defer(
                    session, TASK, queueing_lock=f"{TASK}-{self._plan_id}-{number}", plan_id=self._plan_id,
                    tenant_id=self._scope.tenant_id, company_id=self._scope.company_id,
                )  # fmt: skip


def crew_of(
    database: Database, scope: Scope, row: StoredPlan, problem: Problem, halted: Callable[[], bool]
) -> Queue | None:  # fmt: skip
    """The crew of a plan that is large enough to be done in parts. With a limit of work its size alone decides that,
    so that the plan is the same whoever is there; with a limit of time nobody is called where nobody else works.
    """
    with database.unit_of_work(scope) as session:
        least = int(dated.value(session, "plan.split_from", datetime.now(UTC).date()))
        alone = row.effort is None and session.execute(ALIVE, {"alive_s": ALIVE_S}).scalar_one() < 2
    return None if alone or len(problem.consignments) < least else Queue(database, scope, row.id, halted)


def help_plan(database: Database, *, plan_id: int, tenant_id: int, company_id: int | None = None) -> None:
    """The job: do parts of a plan while there are any. A process that is at it already leaves the call to others."""
    scope = Scope(tenant_id, role="planner", company_id=company_id, sees_all=company_id is None)
    if not HANDS.acquire(blocking=False):
        return
    try:
        while True:
            with database.unit_of_work(scope) as session:
                taken = take(session, plan_id)
            if taken is None:
                return
            try:
                do(database, scope, taken)
            except DBAPIError:
                raise  # the database went away: the part is lent to somebody else by and by
            except Exception as error:
                log.exception("part %s of plan %s failed", taken.part_no, plan_id)
                with database.unit_of_work(scope) as session:
                    end(session, taken, "waiting", fault=f"{type(error).__name__}: {error}"[:1000])
    finally:
        HANDS.release()


TASKS: dict[str, Callable[..., None]] = {TASK: help_plan}


def take(session: Session, plan_id: int, *, most_tried: int = MOST_TRIED) -> Taken | None:
    """The next part that nobody has, or whose worker gave no sign; None where there is none."""
    worker = f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"
    keys = {"plan_id": plan_id, "worker": worker, "lease_s": LEASE_S, "most_tried": most_tried}
    row = session.execute(TAKE, keys).one_or_none()
    if row is None:
        return None
    seconds = None
    if row.left_s is not None:
        left, (others, hands) = max(0.0, float(row.left_s)), session.execute(OTHERS, {"plan_id": plan_id}).one()
        seconds = max(LEAST_S, min(left, left * max(1, hands) * row.weight / max(1, row.weight + int(others))))
    return Taken(plan_id, row.part_no, row.kind, row.input, row.input_sha256, worker, seconds)


def do(database: Database, scope: Scope, taken: Taken, halted: Callable[[], bool] = never) -> None:
    """Work on a part and write its answer down, unless it was taken by somebody else meanwhile."""
    with Hold(database, scope, taken, halted) as hold:
        kind = KINDS[taken.kind]
        until = Deadline(halted=hold.lost) if taken.seconds is None else Deadline.within(taken.seconds, hold.lost)
        answer = kind.worked(zlib.decompress(taken.input), until)
    with database.unit_of_work(scope) as session:
        end(session, taken, "done", answer=zlib.compress(answer))


def end(session: Session, taken: Taken, state: str, *, answer: bytes | None = None, fault: str | None = None) -> None:
    """Let go of a part that is this process's still: done, or for somebody else to try."""
    session.execute(END, taken.key() | {"state": state, "answer": answer, "fault": fault})


class Hold(Beside):
    """Keeps a part lent while its worker lives, and knows when its answer is not wanted any more."""

    def __init__(self, database: Database, scope: Scope, taken: Taken, halted: Callable[[], bool]) -> None:
        self._database, self._scope, self._taken, self._halted = database, scope, taken, halted
        self._lost = threading.Event()
        super().__init__(f"plan-part-{taken.part_no}")

    def lost(self) -> bool:
        """Whether the plan is stopped or made, or somebody else has the part."""
        return self._lost.is_set() or self._halted()

    def run(self) -> None:
        """Lend it on, again and again."""
        while not self.ended.wait(BEAT_S):
            try:
                with self._database.unit_of_work(self._scope) as session:
                    wanted = session.execute(HOLD, self._taken.key() | {"lease_s": LEASE_S}).scalar()
                if not wanted:
                    self._lost.set()
            except SQLAlchemyError as error:
                log.warning("part %s of plan %s was not lent on: %s", self._taken.part_no, self._taken.plan_id, error)


def forget(session: Session, plan_id: int) -> None:
    """The plan is made: what went in and came out of its parts is needed no more; who did them stays."""
    session.execute(FORGET, {"plan_id": plan_id})
