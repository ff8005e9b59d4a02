"""Who works for which site, as page and as JSON: held, left, never held."""

import uuid

import pytest
from sqlalchemy import text

from iot.lease import Leases
from tests.build import make_site
from tests.iot.world import make_device
from tests.web.conftest import Doorman
from wms.db import Database, Scope


@pytest.fixture
def code(database: Database, scope: Scope) -> str:
    with database.unit_of_work(scope) as session:
        site = make_site(session, code=f"S{uuid.uuid4().hex[:8]}")
        make_device(session, site)
        return site.code


def said(doorman: Doorman, code: str) -> dict[str, object]:
    answer = doorman.app.test_client().get("/api/v1/ingest", headers=doorman.token("auditor")).get_json()
    found: dict[str, object] = next(one for one in answer["sites"] if one["code"] == code)
    return found


def test_each_site_tells_who_works_for_it(doorman: Doorman, database: Database, scope: Scope, code: str) -> None:
    assert said(doorman, code)["is_held"] is False
    leases = Leases(database, scope, "machine:1:ab", [code])
    leases.renew()
    held = said(doorman, code)
    assert (held["holder"], held["fence"], held["is_held"]) == ("machine:1:ab", 1, True)
    page = doorman.browser("supervisor").get("/admin/ingest").get_data(as_text=True)
    assert "machine:1:ab" in page
    assert code in page
    leases.give_back()
    assert said(doorman, code)["is_held"] is False


def test_a_process_takes_none_but_the_sites_it_was_given(database: Database, scope: Scope, code: str) -> None:
    with database.unit_of_work(scope) as session:
        make_device(session, make_site(session, code=f"S{uuid.uuid4().hex[:8]}"))
    leases = Leases(database, scope, "machine:2:cd", [code])
    leases.renew()
    with database.unit_of_work(scope) as session:
        codes = session.execute(text("SELECT code FROM site JOIN lease ON lease.site_id = site.id")).all()
    assert codes == [(code,)]
    leases.give_back()
