"""One process works for a site at a time, and who lost the lease writes nothing more."""

import pytest
from sqlalchemy import text

from iot.lease import Fenced, LeaseLost, Leases
from tests.iot.world import rows, site_with
from wms.db import Database, Scope


@pytest.fixture
def site_id(database: Database, scope: Scope) -> int:
    site_with(database, scope, "gate", "scale")
    return int(rows(database, scope, "SELECT DISTINCT site_id FROM device")[0][0])


def test_a_second_process_gets_nothing_while_the_first_lives(database: Database, scope: Scope, site_id: int) -> None:
    first, second = Leases(database, scope, "first"), Leases(database, scope, "second")
    first.renew()
    second.renew()
    first.renew()
    assert first.held == {site_id: 1}
    assert second.sites == frozenset()
    first.give_back()
    second.renew()
    assert second.held == {site_id: 2}
    second.give_back()


def test_the_lease_of_a_process_whose_connection_is_gone_is_free_at_once(
    database: Database, scope: Scope, site_id: int
) -> None:
    first, second = Leases(database, scope, "first"), Leases(database, scope, "second")
    first.renew()
    first._drop()
    second.renew()
    assert second.held == {site_id: 2}
    second.give_back()


def test_a_lease_lost_in_the_middle_stops_the_old_holders_write(database: Database, scope: Scope, site_id: int) -> None:
    first, second = Leases(database, scope, "first"), Leases(database, scope, "second")
    first.renew()
    fenced = Fenced(database, first, first.sites)
    with fenced.unit_of_work(scope) as session:
        session.execute(text("INSERT INTO device_alarm (code, subject, detail) VALUES ('a', 'b', 'held')"))
    rows(database, scope, "UPDATE lease SET until_at = now() - interval '1 s' RETURNING 1")
    second.renew()
    assert first.sites  # it does not know yet: it was asleep
    with pytest.raises(LeaseLost), fenced.unit_of_work(scope) as session:
        session.execute(text("INSERT INTO device_alarm (code, subject, detail) VALUES ('c', 'd', 'lost')"))
    assert rows(database, scope, "SELECT detail FROM device_alarm") == [("held",)]
    first._drop()
    second.give_back()
