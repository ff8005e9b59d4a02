"""Fixtures of the floor."""

import pytest

from tests.wms.floor.world import Scanner, World, build_world
from wms.db import Database, Scope


@pytest.fixture
def world(database: Database, scope: Scope) -> World:
    """A bonded warehouse and its notice, committed."""
    with database.unit_of_work(scope) as session:
        return build_world(session)


@pytest.fixture
def scanner(database: Database, scope: Scope, world: World) -> Scanner:
    """A handheld that receives."""
    clerk = Scope(scope.tenant_id, world.person.id, "clerk")
    return Scanner(database, clerk, world)
