"""What the tests of rounds on the desk begin with."""

import pytest
from sqlalchemy.orm import Session

from tests.build import make_company
from tests.routing.rounds.books import COUNTIES, booked, make_trucks
from wms.db import Database, Scope
from wms.parties.tables import Company


@pytest.fixture
def owner(session: Session) -> Company:
    return make_company(session, "owner_of_goods")


@pytest.fixture
def numbers(database: Database, scope: Scope) -> list[str]:
    """A consignment in each county, of two owners, booked onto a barge; three trucks at the hub."""
    with database.unit_of_work(scope) as session:
        owners = [make_company(session, "owner_of_goods") for _ in range(2)]
        make_trucks(session, 3)
        return [booked(session, owners[at % 2], place) for at, place in enumerate(COUNTIES)]
