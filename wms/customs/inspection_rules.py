"""Inspection of parcels (查验): what may follow what, and whom the random rule takes. Pure."""

import hashlib
from datetime import date

from wms.errors import N_, Kind, WmsError

MODES = ("1210", "9610")
WAITING, EXAMINING, CLEARED, DETAINED = "waiting", "examining", "cleared", "detained"
STATES = (WAITING, EXAMINING, CLEARED, DETAINED)
LIVE = (WAITING, EXAMINING, DETAINED)  # the parcel stays
METHODS = ("xray", "unpack")
OUTCOMES = ("passed", "suspicious", "failed")
MADE_BY = ("officer", "rule", "receipt")
SHORTEST_WORDS = 4
PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
MOST_PICTURE_BYTES = 700_000  # one request's body, in base64
MOST_PICTURES = 20


class InspectionStands(WmsError):
    """One parcel is in one inspection at a time."""

    code = "inspection_stands"
    kind = Kind.CONFLICT
    text = N_("Parcel %(number)s is being inspected already, under order %(order_no)s.")


class WrongModeForInspection(WmsError):
    """A centre's lane inspects parcels of its mode."""

    code = "wrong_mode_for_inspection"
    text = N_("Parcel %(number)s is of mode %(mode)s; this order or lane is for %(wanted)s.")


class NotAtThisStep(WmsError):
    """What is asked does not follow from where the inspection stands."""

    code = "inspection_step"
    kind = Kind.CONFLICT
    text = N_("The inspection of parcel %(number)s is %(state)s; this step does not follow from that.")


class NeedsUnpacking(WmsError):
    """A suspicious picture is settled by opening the parcel, not by another look at it."""

    code = "inspection_needs_unpacking"
    text = N_("Parcel %(number)s looked suspicious under X-ray: only unpacking settles it.")


class SuspiciousIsOfXray(WmsError):
    """An opened parcel is in order or it is not."""

    code = "suspicious_is_of_xray"
    kind = Kind.INVALID
    text = N_("Unpacking ends with passed or failed; only an X-ray picture can be suspicious.")


class FindingNeeded(WmsError):
    """What does not pass says why, in words."""

    code = "inspection_finding_needed"
    kind = Kind.INVALID
    text = N_("Say what was found, in at least %(least)s characters.")


class PictureNeeded(WmsError):
    """What does not pass is shown by a picture."""

    code = "inspection_picture_needed"
    text = N_("Parcel %(number)s cannot be failed without a picture of what was found.")


class BadPicture(WmsError):
    """A picture is JPEG or PNG by its first bytes, and not too large."""

    code = "bad_inspection_picture"
    kind = Kind.INVALID
    text = N_("A picture must be JPEG or PNG, of at most %(most)s bytes.")


class TooManyPictures(WmsError):
    code = "too_many_pictures"
    kind = Kind.INVALID
    text = N_("An inspection holds at most %(most)s pictures.")


class LaneShut(WmsError):
    """A lane that is shut inspects nothing."""

    code = "inspection_lane_shut"
    text = N_("Inspection lane %(lane)s is shut.")


class NoXray(WmsError):
    """A picture comes from a lane that can take one."""

    code = "inspection_lane_has_no_xray"
    kind = Kind.INVALID
    text = N_("Inspection lane %(lane)s has no X-ray: the parcel can be unpacked there.")


class InspectionLaneExists(WmsError):
    code = "inspection_lane_exists"
    kind = Kind.CONFLICT
    text = N_("There is an inspection lane %(lane)s at this centre already.")


class NotACentre(WmsError):
    """Inspection happens at a site that is set up for it."""

    code = "not_an_inspection_centre"
    kind = Kind.INVALID
    text = N_("%(site)s is no inspection centre and no bonded site.")


class UnknownMode(WmsError):
    code = "unknown_inspection_mode"
    kind = Kind.INVALID
    text = N_("%(mode)s is not inspected by parcel: 1210 or 9610.")


WORDS = {
    WAITING: N_("waiting for inspection"),
    EXAMINING: N_("under inspection"),
    CLEARED: N_("inspected, free to go"),
    DETAINED: N_("detained after inspection"),
}


def is_drawn(seed: str, on: date, number: str, share_bp: int) -> bool:
    """Whether the random rule takes the parcel ``number``: the same for the same seed, day and number, for ever.

    ``share_bp`` is the share in basis points (1/10,000). Nobody who does not know the seed can foresee the answer.
    """
    digest = hashlib.sha256(f"{seed}\0{on.isoformat()}\0{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 10_000 < share_bp


def check_result(number: str, state: str, method: str, outcome: str, *, was_suspicious: bool, finding: str) -> str:
    """The state after a result. Raises NotAtThisStep, NeedsUnpacking, SuspiciousIsOfXray, FindingNeeded."""
    if state != EXAMINING:
        raise NotAtThisStep(number=number, state=WORDS[state])
    if outcome == "suspicious" and method != "xray":
        raise SuspiciousIsOfXray(field="outcome")
    if was_suspicious and method == "xray":
        raise NeedsUnpacking(field="method", number=number)
    if outcome != "passed" and len(finding.strip()) < SHORTEST_WORDS:
        raise FindingNeeded(field="finding", least=SHORTEST_WORDS)
    return {"passed": CLEARED, "suspicious": EXAMINING, "failed": DETAINED}[outcome]


def picture_type(content: bytes) -> str:
    """The media type by the first bytes. Raises BadPicture."""
    found = next((kind for begin, kind in PICTURES.items() if content.startswith(begin)), None)
    if found is None or len(content) > MOST_PICTURE_BYTES:
        raise BadPicture(field="content", most=MOST_PICTURE_BYTES)
    return found
