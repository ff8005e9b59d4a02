"""What the program reads at run time is in the wheel: every file of the rooms is Python or named in package_data."""

import configparser
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("wms", "routing", "iot", "web", "migrations")


def packages() -> set[Path]:
    return {found.parent for room in ROOMS for found in (ROOT / room).rglob("__init__.py")}


def packaged() -> set[Path]:
    """Files that setuptools puts into the wheel by setup.cfg."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    found: set[Path] = set()
    for name, globs in config["options.package_data"].items():
        chosen = packages() if name == "*" else {ROOT / name.replace(".", "/")}
        for folder in chosen:
            for glob in globs.replace(",", " ").split():
                found |= {path for path in folder.glob(glob + ("/*" if glob.endswith("**") else "")) if path.is_file()}
    return found


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: nothing says which files belong to the program")
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", *ROOMS],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_every_file_of_a_room_is_in_the_wheel() -> None:
    data = packaged()
    missing = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.exists() and (path.parent not in packages() if path.suffix == ".py" else path not in data)
    ]
    assert [name for name in missing if not name.endswith("README.md")] == []
