"""What the gate refuses, in the trade's words."""

from wms.errors import N_, Forbidden, Kind, NotFound, WmsError


class ToleranceExists(WmsError):
    """A tolerance is never written over: what was decided under it stays to be seen."""

    code = "tolerance_exists"
    kind = Kind.CONFLICT
    text = N_("This lane and goods class has a tolerance from %(at)s on already. Enter it from another instant.")


class UnknownPassage(NotFound):
    code = "unknown_passage"
    text = N_("There is no passage %(passage_id)s.")


class UnknownLane(NotFound):
    code = "unknown_lane"
    text = N_("There is no lane %(lane)s.")


class UnknownRelease(NotFound):
    code = "unknown_release"
    text = N_("There is no release %(release_id)s.")


class NotAnOfficer(Forbidden):
    code = "not_an_officer"
    text = N_("Only a customs officer may release a held vehicle.")


class NotHeld(WmsError):
    code = "passage_not_held"
    kind = Kind.CONFLICT
    text = N_("This passage is %(state)s; only a held one can be released.")


class ReasonTooShort(WmsError):
    code = "reason_too_short"
    kind = Kind.INVALID
    text = N_("A release needs its reason in words.")


class ReleaseWaits(WmsError):
    code = "release_waits"
    kind = Kind.CONFLICT
    text = N_("A release of this passage already waits for a second officer.")


class ReleaseNotRequested(WmsError):
    code = "release_not_requested"
    kind = Kind.CONFLICT
    text = N_("This release is %(state)s and waits for nobody.")


class SamePerson(WmsError):
    code = "same_person"
    kind = Kind.FORBIDDEN
    text = N_("This release needs a second officer: the one who asked may not approve.")


class PassInUse(WmsError):
    code = "pass_in_use"
    kind = Kind.CONFLICT
    text = N_("Another lane is letting a vehicle out on gate pass %(number)s.")


class VehicleGone(WmsError):
    code = "vehicle_gone"
    kind = Kind.CONFLICT
    text = N_("The vehicle has left the lane; opening now would let another one through.")


class AnotherVehicle(WmsError):
    code = "another_vehicle"
    kind = Kind.CONFLICT
    text = N_(
        "Since the decision the plate %(plate)s was read in this lane: another vehicle may stand there. Look, and"
        " record that this one has backed out."
    )


class NoPicture(WmsError):
    code = "no_picture"
    kind = Kind.INVALID
    text = N_("An opening by hand is noted with its picture.")


class OpenedInFuture(WmsError):
    code = "opened_in_future"
    kind = Kind.INVALID
    text = N_("A barrier cannot have been opened later than now.")


class UnknownOpening(NotFound):
    code = "unknown_opening"
    text = N_("Alarm %(alarm_id)s tells of no opening of this lane.")


class AlarmNoted(WmsError):
    code = "opening_noted"
    kind = Kind.CONFLICT
    text = N_("This opening is noted already.")


class LaneLocked(WmsError):
    code = "lane_locked"
    kind = Kind.CONFLICT
    text = N_("An officer has locked lane %(lane)s; it must be unlocked first.")


class NoBarrier(WmsError):
    code = "no_barrier"
    kind = Kind.CONFLICT
    text = N_("Lane %(lane)s has no barrier that could be commanded.")
