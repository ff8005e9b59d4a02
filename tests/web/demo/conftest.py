"""The zone of a test: its counter is quiet unless the test asks for another one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.demo.zone import QUIET, Zone, opened_zone
from wms.db import Database, Scope


@pytest.fixture
def zone(request: pytest.FixtureRequest, database: Database, scope: Scope, tmp_path: Path) -> Iterator[Zone]:
    with opened_zone(database, scope, tmp_path, getattr(request, "param", QUIET)) as made:
        yield made
