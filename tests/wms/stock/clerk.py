"""A client that works through a list of keys, told to a file after each commit; it is what the tests kill."""

import multiprocessing
import os
from datetime import datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from tests.build import Shelf, moved
from wms.db import Database, Scope
from wms.failpoints import VARIABLE
from wms.record.jobs import defer
from wms.record.rules import digest
from wms.record.service import once
from wms.stock.ledger import Posting, post

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.wms.stock.clerk"])


def receive_all(url: str, tenant: int, shelf: Shelf, keys: list[str], at: datetime, told: Path, failpoint: str) -> None:
    """Receive one unit under each key, in a use case that posts and defers a job; ends quietly when the server goes."""
    if failpoint:
        os.environ[VARIABLE] = failpoint
    database = Database(url, pool_size=1, max_overflow=0)
    with told.open("a", encoding="ascii", buffering=1) as file:
        for key in keys:
            try:
                receive_one(database, Scope.system(tenant), shelf, key, at)
            except DBAPIError:  # not told, so not counted
                return
            file.write(f"{key}\n")
    database.close()


def receive_one(database: Database, scope: Scope, shelf: Shelf, key: str, at: datetime) -> None:
    with database.unit_of_work(scope) as session:

        def act() -> dict[str, int]:
            lines = moved(shelf.supplier, shelf.free, 1)
            posted = post(session, Posting(f"post-{key}", "receipt", at, lines))
            defer(session, "tests.received", key=key)
            return {"posting_id": posted.posting_id}

        once(session, key, digest({"receive": key}), act)


def start(
    url: str, tenant: int, shelf: Shelf, keys: list[str], at: datetime, told: Path, failpoint: str = ""
) -> ForkServerProcess:
    """The same in a process of its own."""
    process = CONTEXT.Process(target=receive_all, args=(url, tenant, shelf, keys, at, told, failpoint))
    process.start()
    return process


def acknowledged(told: Path) -> list[str]:
    """Keys whose commit was told of; the last line may have been cut."""
    return told.read_text(encoding="ascii").splitlines() if told.exists() else []
