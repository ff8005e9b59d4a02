"""What a transaction saw is read as PostgreSQL writes it, and agrees with what PostgreSQL says of it."""

import pytest
from sqlalchemy import text

from wms.db import Database, Scope
from wms.floor.rules.snapshots import Snapshot

WRITTEN = "10:20:10,14,15"


def test_what_was_at_work_is_not_seen_and_the_rest_is() -> None:
    assert [xid for xid in range(8, 23) if Snapshot.of(WRITTEN).saw(xid)] == [8, 9, 11, 12, 13, 16, 17, 18, 19]
    assert str(Snapshot.of(WRITTEN)) == WRITTEN
    assert str(Snapshot.of("7:7:")) == "7:7:"


def test_the_later_snapshot_is_the_greater_one() -> None:
    later = ["10:20:10,14,15", "10:20:10,14", "10:21:10,14", "14:21:14", "21:21:"]
    assert sorted(map(Snapshot.of, reversed(later))) == [Snapshot.of(one) for one in later]


@pytest.mark.parametrize("xid", range(8, 23))
def test_agrees_with_postgresql(database: Database, scope: Scope, xid: int) -> None:
    asked = text("SELECT pg_visible_in_snapshot(cast(:xid AS xid8), cast(:written AS pg_snapshot))")
    with database.unit_of_work(scope) as session:
        said = session.execute(asked, {"xid": str(xid), "written": WRITTEN}).scalar_one()
    assert Snapshot.of(WRITTEN).saw(xid) is said
