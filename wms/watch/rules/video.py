"""Video without a database: the 20-digit code part by part, holes in recordings, what a recorder must keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from wms.errors import N_, Kind, NotFound, WmsError

CODE_DIGITS = 20
RESERVED = "10"  # digits 9 and 10 of every code


class BadCameraCode(WmsError):
    code = "camera_code_wrong"
    kind = Kind.INVALID
    text = N_("Camera code %(code)s is wrong: %(part)s may not be %(given)s.")


class CameraExists(WmsError):
    code = "camera_exists"
    kind = Kind.CONFLICT
    text = N_("There is a camera %(camera)s already.")


class RecorderCameraTaken(WmsError):
    code = "recorder_camera_taken"
    kind = Kind.CONFLICT
    text = N_("Recorder %(recorder)s keeps another camera under the name %(name)s already.")


class UnknownCamera(NotFound):
    code = "unknown_camera"
    text = N_("There is no camera %(camera)s.")


class UnknownRecorder(NotFound):
    code = "unknown_recorder"
    text = N_("There is no recorder %(recorder)s.")


class BadRecorderAddress(WmsError):
    code = "recorder_address_wrong"
    kind = Kind.INVALID
    text = N_("A recorder's address is http or https, a host and a port; %(given)s is not.")


class OneLink(WmsError):
    code = "camera_link_wrong"
    kind = Kind.INVALID
    text = N_("A camera is linked to one thing at a time: a lane, a section of the fence, or a bin.")


PARTS = {
    "digits": N_("the number of digits"),
    "office": N_("the customs office (digits 1 to 4)"),
    "site": N_("the site (digits 5 to 7)"),
    "controller": N_("who controls it (digit 8)"),
    "reserved": N_("digits 9 and 10"),
    "kind": N_("the kind of camera (digits 11 to 13)"),
    "site_class": N_("the class of the site (digits 14 and 15)"),
    "place": N_("the mounting place (digits 16 and 17)"),
    "serial": N_("the number (digits 18 to 20)"),
}


@dataclass(frozen=True)
class CameraCode:
    """The parts of a camera's code (devices reference, section 10)."""

    office: str
    site: str
    controller: str
    reserved: str
    kind: str
    site_class: str
    place: str
    serial: str


def read_code(code: str, lists: Mapping[str, Sequence[str]]) -> CameraCode:
    """Return the parts of a code, each checked. ``lists`` is dated data; an empty list allows every value.

    Raises :class:`BadCameraCode` naming the first part that is wrong.
    """
    if len(code) != CODE_DIGITS or not (code.isascii() and code.isdecimal()):
        raise BadCameraCode(field="camera_code", code=code, part=PARTS["digits"], given=len(code))
    parts = CameraCode(
        code[:4], code[4:7], code[7], code[8:10], code[10:13], code[13:15], code[15:17], code[17:]
    )
    for name, list_name in (
        ("office", "offices"), ("controller", "controllers"), ("kind", "kinds"), ("site_class", "site_classes"),
        ("place", "places"),
    ):  # fmt: skip
        allowed = lists.get(list_name) or ()
        if allowed and getattr(parts, name) not in allowed:
            _refuse(code, parts, name)
    if parts.reserved != RESERVED:
        _refuse(code, parts, "reserved")
    for name in ("office", "site", "serial"):
        if set(getattr(parts, name)) == {"0"}:
            _refuse(code, parts, name)
    return parts


def _refuse(code: str, parts: CameraCode, name: str) -> None:
    raise BadCameraCode(field="camera_code", code=code, part=PARTS[name], given=getattr(parts, name))


@dataclass(frozen=True)
class Stretch:
    """A piece of time, from its begin up to its end."""

    from_at: datetime
    until_at: datetime


def gaps(recorded: Sequence[Stretch], asked: Stretch, longest: timedelta) -> list[Stretch]:
    """Return the holes of more than ``longest`` in ``asked`` that no recording covers; recordings in any order."""
    found, at = [], asked.from_at
    for piece in sorted(recorded, key=lambda one: one.from_at):
        if piece.until_at <= at or piece.from_at >= asked.until_at:
            continue
        if piece.from_at - at > longest:
            found.append(Stretch(at, piece.from_at))
        at = max(at, piece.until_at)
    if asked.until_at - at > longest:
        found.append(Stretch(at, asked.until_at))
    return found


@dataclass(frozen=True)
class Kept:
    """Whole days of recordings that are there against those that must be. ``asked_days`` grows with a new camera."""

    days: int
    asked_days: int

    @property
    def is_short(self) -> bool:
        """Whether something is missing."""
        return self.days < self.asked_days


def kept(oldest_at: datetime | None, since_at: datetime | None, now: datetime, retention_days: int) -> Kept:
    """Compare the oldest recording that was found (not configured) with the retention; a day of grace for its edge."""
    day = timedelta(days=1)
    asked = retention_days if since_at is None else max(0, min(retention_days, (now - since_at) // day - 1))
    return Kept(0 if oldest_at is None else (now - oldest_at + day / 2) // day, asked)


def json_stretches(pieces: Sequence[Mapping[str, Any]]) -> list[Stretch]:
    """Return what a recorder lists as start_time and end_time (seconds since 1970); what is none is left out."""
    found = []
    for piece in pieces:
        begin, end = piece.get("start_time"), piece.get("end_time")
        if isinstance(begin, int | float) and isinstance(end, int | float) and 0 <= begin < end < 1e11:
            found.append(Stretch(datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC)))
    return found
