"""A folder that the database's user can enter; pytest's own folders are closed to all but us."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder with a space in its name."""
    folder = Path(tempfile.mkdtemp(prefix="dongting machine ", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
