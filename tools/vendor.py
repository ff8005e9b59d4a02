"""Fetch the front-end files that Dongting serves, and write down what they are.

For maintainers only; who runs Dongting needs neither npm nor a network for the browser's part.

    python tools/vendor.py add htmx.org@2.0.11 dist/htmx.min.js     take these files (`a/index.js=reader.js` renames)
    python tools/vendor.py check                                    re-hash what is in the tree
    python tools/vendor.py restore                                  fetch everything in the lock again

Files land in web/static/vendor/NAME@VERSION/ (with --for-tests in tests/web/vendor), their hashes in vendor.lock.json
beside those folders.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "web" / "static" / "vendor"
TESTS = FOLDER.parents[2] / "tests" / "web" / "vendor"
LOCK = FOLDER / "vendor.lock.json"
LICENCE_NAMES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE")


def use(folder: Path) -> None:
    """Work on another folder of vendored files."""
    global FOLDER, LOCK  # one run works on one folder
    FOLDER, LOCK = folder, folder / "vendor.lock.json"


def read_lock() -> dict[str, dict[str, Any]]:
    """Return the lock: package folder name → version, integrity, licence, files."""
    if not LOCK.exists():
        return {}
    lock: dict[str, dict[str, Any]] = json.loads(LOCK.read_text(encoding="utf-8"))
    return lock


def write_lock(lock: dict[str, dict[str, Any]]) -> None:
    text = json.dumps(dict(sorted(lock.items())), indent=2, ensure_ascii=False)
    LOCK.write_text(text + "\n", encoding="utf-8")


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pack(spec: str, into: Path) -> tuple[dict[str, Any], Path]:
    """Download one package by `npm pack`; return its metadata and the tarball, whose sha512 is checked here too."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("vendor: npm is needed to fetch packages")
    done = subprocess.run(
        [npm, "pack", spec, "--json", "--ignore-scripts", "--loglevel=error"],
        cwd=into, check=True, capture_output=True, text=True,
    )
    about: dict[str, Any] = json.loads(done.stdout)[0]
    tarball = into / about["filename"]
    digest = hashlib.sha512(tarball.read_bytes()).digest()
    if about["integrity"] != "sha512-" + base64.b64encode(digest).decode():
        raise SystemExit(f"vendor: {spec} does not have the hash that the registry states")
    return about, tarball


def add(spec: str, files: list[str]) -> None:
    """Vendor the named files of one package (paths inside it, without `package/`)."""
    wanted = {source: name or Path(source).name for source, _, name in (file.partition("=") for file in files)}
    with tempfile.TemporaryDirectory() as work:
        about, tarball = pack(spec, Path(work))
        folder = f"{about['name'].replace('/', '+')}@{about['version']}"
        taken = _extract(tarball, {*wanted, *LICENCE_NAMES, "package.json"}, Path(work) / "out")
        licence = json.loads(taken.pop("package.json").read_text(encoding="utf-8")).get("license")
        if missing := [name for name in wanted if name not in taken]:
            raise SystemExit(f"vendor: {spec} has no file {', '.join(missing)}")
        (FOLDER / folder).mkdir(parents=True, exist_ok=True)
        kept = {}
        for source, path in sorted(taken.items()):
            name = wanted.get(source, source)
            shutil.copyfile(path, FOLDER / folder / name)
            kept[name] = {"from": source, "sha256": sha256_of(path)}
    lock = read_lock()
    lock[folder] = {
        "name": about["name"], "version": about["version"], "integrity": about["integrity"],
        "licence": licence or "see LICENSE", "files": kept,
    }
    write_lock(lock)


def _extract(tarball: Path, wanted: set[str], into: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    with tarfile.open(tarball) as archive:
        for member in archive.getmembers():
            name = member.name.partition("/")[2]
            source = archive.extractfile(member) if name in wanted and member.isfile() else None
            if source is None:
                continue
            path = into / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.read())
            found[name] = path
    return found


def findings() -> list[str]:
    """Return what is wrong with the vendored tree: a changed, missing or unlisted file."""
    lock, wrong = read_lock(), []
    listed = {LOCK}
    for folder, entry in lock.items():
        for name, about in entry["files"].items():
            path = FOLDER / folder / name
            listed.add(path)
            if not path.is_file():
                wrong.append(f"{folder}/{name} is missing")
            elif sha256_of(path) != about["sha256"]:
                wrong.append(f"{folder}/{name} differs from the lock")
    unlisted = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path not in listed)
    return wrong + [f"{path.relative_to(FOLDER)} is not in the lock" for path in unlisted]


def restore() -> None:
    for entry in read_lock().values():
        kept = entry["files"].items()
        files = [f"{about['from']}={name}" for name, about in kept if about["from"] not in LICENCE_NAMES]
        add(f"{entry['name']}@{entry['version']}", files)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    adding = verbs.add_parser("add")
    adding.add_argument("spec")
    adding.add_argument("files", nargs="+")
    verbs.add_parser("check")
    verbs.add_parser("restore")
    parser.add_argument("--for-tests", action="store_true", help="tests/web/vendor: not served, not installed")
    chosen = parser.parse_args()
    if chosen.for_tests:
        use(TESTS)
    if chosen.verb == "add":
        add(chosen.spec, chosen.files)
    elif chosen.verb == "restore":
        restore()
    wrong = findings()
    print("\n".join(wrong) or "vendor: every file is as the lock says")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
