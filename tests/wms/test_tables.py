"""Each ``tables`` module can be used alone: it brings in the tables that its foreign keys name."""

import subprocess
import sys

import pytest

from migrations.model import table_modules

RESOLVE = (
    "import sys, importlib; from sqlalchemy.orm import configure_mappers; importlib.import_module(sys.argv[1]);"
    " from wms.db import Base; configure_mappers();"
    " [key.column for table in Base.metadata.tables.values() for key in table.foreign_keys]"
)


@pytest.mark.parametrize("module", table_modules())
def test_foreign_keys_are_resolved_without_other_imports(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", RESOLVE, module], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr.splitlines()[-1]
