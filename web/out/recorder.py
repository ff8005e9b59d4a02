"""What a recorder is asked by its own interface (Frigate 0.14 to 0.16): cameras, recordings, the bytes of a clip.

A clip is read once, piece by piece, to be hashed; its frames are not kept. Addresses are entered by people of the
house, no redirect is followed, and nothing is believed to be of the shape that it should have.
"""

import hashlib
import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from wms.watch.rules.video import Stretch, json_stretches

TIMEOUT_S = 10.0
MOST_JSON = 16 << 20
MOST_CLIP = 4 << 30
LONGEST_CLIP_S = 300.0
PIECE = 1 << 20


class RecorderFault(Exception):
    """The recorder could not be asked, or did not answer what was asked; the text says which."""


@dataclass(frozen=True)
class Clip:
    """A clip as the recorder gave it: where it is, what its bytes hash to."""

    uri: str
    sha256: bytes
    size_bytes: int


@dataclass(frozen=True)
class Frigate:
    """One recorder at ``address`` (http or https, host, port, perhaps a path before its interface)."""

    address: str

    def stats(self) -> tuple[Mapping[str, Any], int | None]:
        """Return its cameras by name with what they do now, and how far its clock is behind ours (ms)."""
        with self._asked("/api/stats") as answer:
            body = _json(answer)
            skew_ms = _skew_ms(answer.getheader("Date"))
        cameras = body.get("cameras") if isinstance(body, dict) else None
        if not isinstance(cameras, dict):
            raise RecorderFault("stats without cameras")
        return cameras, skew_ms

    def recorded(self, camera: str, asked: Stretch) -> tuple[Stretch, ...]:
        """Return what it recorded of a camera within a stretch."""
        after, before = asked.from_at.timestamp(), asked.until_at.timestamp()
        path = f"/api/{quote(camera, safe='')}/recordings?after={after:.0f}&before={before:.0f}"
        with self._asked(path) as answer:
            body = _json(answer)
        if not isinstance(body, list):
            raise RecorderFault("recordings are no list")
        return tuple(json_stretches([piece for piece in body if isinstance(piece, dict)]))

    def oldest(self, camera: str) -> datetime | None:
        """Return the hour of the oldest recording that is there; None where there is none."""
        with self._asked(f"/api/{quote(camera, safe='')}/recordings/summary?timezone=utc") as answer:
            body = _json(answer)
        if not isinstance(body, list):
            raise RecorderFault("summary is no list")
        return min((at for day in body if isinstance(day, dict) for at in _hours(day)), default=None)

    def clip(self, camera: str, piece: Stretch) -> Clip:
        """Read a clip once and return its address, hash and size."""
        begin, end = piece.from_at.timestamp(), piece.until_at.timestamp()
        path = f"/api/{quote(camera, safe='')}/start/{begin:.3f}/end/{end:.3f}/clip.mp4"
        digest, size, began_s = hashlib.sha256(), 0, time.monotonic()
        with self._asked(path) as answer:
            while data := answer.read(PIECE):
                digest.update(data)
                size += len(data)
                if size > MOST_CLIP or time.monotonic() - began_s > LONGEST_CLIP_S:
                    raise RecorderFault("clip is too large or comes too slowly")
        if size == 0:
            raise RecorderFault("clip is empty")
        return Clip(self.address + path, digest.digest(), size)

    @contextmanager
    def _asked(self, path: str) -> Iterator[http.client.HTTPResponse]:
        parts = urlsplit(self.address)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", parts.path.rstrip("/") + path, headers={"Accept": "*/*"})
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise RecorderFault(f"HTTP {answer.status}")
            yield answer
        except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
            raise RecorderFault(f"{type(error).__name__}: {error}"[:200]) from error
        finally:
            connection.close()


def _json(answer: http.client.HTTPResponse) -> Any:
    data = answer.read(MOST_JSON + 1)
    if len(data) > MOST_JSON:
        raise RecorderFault("answer is too large")
    try:
        return json.loads(data)
    except RecursionError as error:
        raise RecorderFault("answer is nested too deep") from error


def _skew_ms(date: str | None) -> int | None:
    """Our clock less theirs; the head of an answer tells whole seconds."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except (ValueError, TypeError):
        return None
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)  # "-0000": no zone, by the standard UTC
    return (datetime.now(UTC) - theirs) // timedelta(milliseconds=1)


def _hours(day: Mapping[str, Any]) -> Iterator[datetime]:
    hours = day.get("hours")
    for hour in hours if isinstance(hours, list) else ():
        if isinstance(hour, dict):
            try:
                yield datetime.fromisoformat(f"{day.get('day')}T{int(hour['hour']):02d}:00:00+00:00")
            except (KeyError, TypeError, ValueError, OverflowError):
                continue
