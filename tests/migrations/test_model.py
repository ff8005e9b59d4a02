"""Each tables module stands by itself: a process that imports only that one can still write its rows."""

import subprocess
import sys

import pytest

from migrations import model

ALONE = """
import importlib, sys
importlib.import_module(sys.argv[1])
from wms.db import Base
for table in Base.metadata.tables.values():
    for key in table.foreign_keys:
        key.column
"""


@pytest.mark.parametrize("module", model.table_modules())
def test_finds_the_tables_that_its_foreign_keys_name(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", ALONE, module], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
