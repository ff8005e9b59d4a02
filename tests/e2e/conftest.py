"""One demo for the whole story: all processes, a real broker, the yard, in a folder of its own."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.web.machine.running import Up

FIRST_PORT, LAST_PORT = 18_700, 19_400


@dataclass(frozen=True)
class Demo:
    """The running demo: its process and where a browser finds it."""

    up: Up
    address: str
    data: Path


def free_port() -> int:
    """A port that is free together with the broker's, 400 above it."""
    for port in range(FIRST_PORT, LAST_PORT, 3):
        with socket.socket() as one, socket.socket() as other:
            if one.connect_ex(("127.0.0.1", port)) and other.connect_ex(("127.0.0.1", port + 400)):
                return port
    raise AssertionError("no port is free")


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """``dongting demo``, ready."""
    folder = Path(tempfile.mkdtemp(prefix="dongting-story-", dir="/tmp"))
    folder.chmod(0o711)
    up = Up(folder / "data", free_port(), "demo")
    try:
        yield Demo(up, up.ready(), folder / "data")
    finally:
        up.close()
        shutil.rmtree(folder, ignore_errors=True)
