"""Large files: kept with their order in one transaction, read by a job of the queue, their progress told as they go.

A job that dies is run again from the start: nothing of the file was entered, for all of it is one transaction, or all
of it was, and then its content gets the first answer.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from web.imports.columns import Fault
from web.imports.kinds import kind_of
from web.imports.running import Outcome, hash_of, run
from web.imports.tables import ImportPart, ImportRun
from wms.db import Database, Scope
from wms.errors import NotFound, WmsError
from wms.record.jobs import defer
from wms.record.service import as_stored

READ = "imports.read"
PART_BYTES = 1 << 20
TOLD_EVERY = 5_000  # rows
UNDER_WAY = ("waiting", "running")


@dataclass(frozen=True)
class Order:
    """How a file is to be taken."""

    kind: str
    file_name: str
    is_dry_run: bool
    keep_existing: bool
    encoding: str | None
    event_at: datetime


def size_of(file: IO[bytes]) -> int:
    """Return the bytes of a file; it stands at its beginning afterwards."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


def take_in(session: Session, order: Order, file: IO[bytes]) -> int:
    """Keep a file and queue its reading; return the run's id, for a file sent twice that of the run under way."""
    sha256, size = hash_of(file), size_of(file)
    columns = {**vars(order), "file_name": order.file_name[:200] or "-", "sha256": sha256, "size_bytes": size}
    made: int | None = session.scalar(
        insert(ImportRun)
        .values(**columns, person_id=func.app_person())
        .on_conflict_do_nothing()
        .returning(ImportRun.id)
    )
    if made is None:
        same = select(ImportRun.id).where(
            ImportRun.kind == order.kind, ImportRun.sha256 == sha256, ImportRun.is_dry_run == order.is_dry_run,
            ImportRun.state.in_(UNDER_WAY),
        )  # fmt: skip
        found = session.scalar(same)
        # It ended between the two statements: its content gets the first answer in a run of its own.
        return found if found is not None else take_in(session, order, file)
    number = 0
    while block := file.read(PART_BYTES):
        session.execute(insert(ImportPart).values(import_run_id=made, part_no=number, content=block))
        number += 1
    tenant_id = session.info["tenant_id"]
    # One at a time: a file of a hundred megabytes must not keep every worker from its work.
    defer(session, READ, lock=f"imports:{tenant_id}", tenant_id=tenant_id, run_id=made)
    return made


def read_job(database: Database, *, tenant_id: int, run_id: int) -> None:
    """Read the file of a run and write down what came of it. Safe to repeat."""
    system = Scope.system(tenant_id)
    with database.unit_of_work(system) as session:
        one = session.get(ImportRun, run_id, with_for_update=True)
        if one is None or one.state not in UNDER_WAY:
            return
        one.state, one.started_at, one.rows_read = "running", one.started_at or datetime.now(UTC), 0
        session.flush()
        session.expunge(one)

    def tell(rows: int) -> None:
        if rows % TOLD_EVERY == 0:
            with database.unit_of_work(system) as session:
                session.execute(update(ImportRun).where(ImportRun.id == run_id).values(rows_read=rows))

    with tempfile.TemporaryFile() as file:
        _fetch(database, system, run_id, file)
        try:
            state, rows, said = _read(database, Scope(tenant_id, one.person_id, "supervisor"), one, file, tell)
        except (OperationalError, InterfaceError):
            raise  # the queue tries again
        except Exception:
            _end(database, system, run_id, "failed", None, {})
            raise
    _end(database, system, run_id, state, rows, said)


def _fetch(database: Database, scope: Scope, run_id: int, file: IO[bytes]) -> None:
    number = 0
    while True:
        with database.unit_of_work(scope) as session:
            part = session.scalar(
                select(ImportPart.content).where(ImportPart.import_run_id == run_id, ImportPart.part_no == number)
            )
        if part is None:
            return
        file.write(part)
        number += 1


def _read(
    database: Database, scope: Scope, one: ImportRun, file: IO[bytes], tell: Any
) -> tuple[str, int | None, Mapping[str, Any]]:
    try:
        outcome, is_replayed = run(
            database, scope, kind_of(one.kind), file, event_at=one.event_at, is_dry_run=one.is_dry_run,
            keep_existing=one.keep_existing, encoding=one.encoding, tell=tell,
        )  # fmt: skip
    except WmsError as refusal:
        return "refused", None, {"refusal": as_stored(refusal)}
    if not isinstance(outcome, Outcome):
        return "entered", outcome["rows"], {**outcome, "is_replayed": is_replayed}
    said = {name: getattr(outcome, name) for name in ("form", "encoding", "n_rows", "n_bad", "n_taken")}
    faults = [_fault(fault) for fault in outcome.faults]
    return "clean" if outcome.is_clean else "bad", outcome.n_rows, {**said, "faults": faults}


def _fault(fault: Fault) -> dict[str, Any]:
    return {"row": fault.row, **as_stored(fault.refusal)}


def _end(
    database: Database, scope: Scope, run_id: int, state: str, rows: int | None, said: Mapping[str, Any]
) -> None:
    with database.unit_of_work(scope) as session:
        values = {"state": state, "said": dict(said), "ended_at": func.clock_timestamp()}
        if rows is not None:
            values["rows_read"] = rows
        session.execute(update(ImportRun).where(ImportRun.id == run_id).values(**values))
        session.execute(delete(ImportPart).where(ImportPart.import_run_id == run_id))


def known(session: Session, run_id: int) -> ImportRun:
    """Return a run. Raises NotFound."""
    found = session.get(ImportRun, run_id, populate_existing=True)
    if found is None:
        raise NotFound(what=f"import {run_id}")
    return found


def latest(session: Session, limit: int = 20) -> list[ImportRun]:
    """Return the newest runs."""
    return list(session.scalars(select(ImportRun).order_by(ImportRun.id.desc()).limit(limit)))


def from_row(session: Session, *, after: int, limit: int) -> list[ImportRun]:
    """Return runs behind row ``after`` in the order in which they were sent."""
    return list(session.scalars(select(ImportRun).where(ImportRun.id > after).order_by(ImportRun.id).limit(limit)))


TASKS = {READ: read_job}
