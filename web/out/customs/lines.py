"""The two ways to customs: a folder exchange and HTTP. Each puts bytes in whole, and hands out what came until kept.

Whatever the disk or the network does is told as :class:`LineDown`; nothing is lost by it, it is only not yet done.
"""

import http.client
import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from wms.errors import N_, Kind, WmsError

TIMEOUT_S = 20.0
MOST_BYTES = 20_000_000
DRAFT = ".part-"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,180}")


class LineDown(WmsError):
    """Customs cannot be reached, or does not take what is sent; it is tried again."""

    code = "customs_line_down"
    kind = Kind.UNAVAILABLE
    text = N_("Customs cannot be reached: %(reason)s")


@dataclass(frozen=True)
class Incoming:
    """A file that came: its name, and its bytes; ``too_large``: longer than is read, and left where it is."""

    name: str
    raw: bytes
    too_large: bool = False


class Line(Protocol):
    """A way to customs and back."""

    def put(self, name: str, raw: bytes) -> None:
        """Give a message over; it is safely there when this returns. Raises :class:`LineDown`."""

    def waiting(self, most: int) -> Iterator[Incoming]:
        """What came, oldest first. Raises :class:`LineDown`."""

    def kept(self, name: str) -> None:
        """Say that a file is safely kept and need not be handed out again. Raises :class:`LineDown`."""


def line_to(address: str) -> Line:
    """Return the line of a setting: an http(s) address, else a folder."""
    return HttpLine(address) if re.match(r"https?://", address) else FolderLine(Path(address))


class FolderLine:
    """A folder with ``out`` and ``in``; a file appears in either whole or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, raw: bytes) -> None:
        folder = self._root / "out"
        with _down(folder):
            folder.mkdir(parents=True, exist_ok=True)
            draft = folder / f"{DRAFT}{name}"
            try:
                with draft.open("wb") as file:
                    file.write(raw)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(folder / name)
            except OSError:
                draft.unlink(missing_ok=True)
                raise
            handle = os.open(folder, os.O_RDONLY)  # the name too must outlive a power cut
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def waiting(self, most: int) -> Iterator[Incoming]:
        folder = self._root / "in"
        with _down(folder):
            if not folder.is_dir():
                return
            files = [(one.stat().st_mtime_ns, one.name) for one in os.scandir(folder) if _counts(one)]
            for _, name in sorted(files)[:most]:
                path = folder / name
                if path.stat().st_size > MOST_BYTES:
                    yield Incoming(name, b"", too_large=True)
                else:
                    yield Incoming(name, path.read_bytes())

    def kept(self, name: str) -> None:
        with _down(self._root / "in"):
            (self._root / "in" / name).unlink(missing_ok=True)


def _counts(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) and not entry.name.startswith(".")


class HttpLine:
    """``POST /messages``, ``GET /answers`` and ``DELETE /answers/NAME`` below an address."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._secure, self._host = parts.scheme == "https", parts.hostname or ""
        self._port, self._path = parts.port, parts.path.rstrip("/")

    def put(self, name: str, raw: bytes) -> None:
        status, _, _ = self._call("POST", "/messages", raw, name)
        if not 200 <= status < 300:
            raise LineDown(reason=f"HTTP {status}")

    def waiting(self, most: int) -> Iterator[Incoming]:
        for _ in range(most):  # each is handed out until it was kept, so the next one comes after that
            status, name, raw = self._call("GET", "/answers")
            if status == 204:
                return
            if status != 200 or not NAME.fullmatch(name):
                raise LineDown(reason=f"HTTP {status}, file name {name[:50]!r}")
            yield Incoming(name, raw)

    def kept(self, name: str) -> None:
        status, _, _ = self._call("DELETE", f"/answers/{name}")
        if not 200 <= status < 300:
            raise LineDown(reason=f"HTTP {status}")

    def _call(self, method: str, path: str, body: bytes | None = None, name: str = "") -> tuple[int, str, bytes]:
        headers = {"Content-Type": "application/xml", "X-File-Name": name} if body is not None else {}
        try:
            connection = self._open()
            try:
                connection.request(method, f"{self._path}{path}", body=body, headers=headers)
                answer = connection.getresponse()
                raw = answer.read(MOST_BYTES + 1)
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, UnicodeError) as fault:
            raise LineDown(reason=f"{type(fault).__name__}: {fault}"[:300]) from None
        if len(raw) > MOST_BYTES:
            raise LineDown(reason=f"an answer of more than {MOST_BYTES} bytes")
        return answer.status, answer.getheader("X-File-Name", ""), raw

    def _open(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT_S, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)


@contextmanager
def _down(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise LineDown(reason=f"{folder}: {fault.strerror or fault}") from None
