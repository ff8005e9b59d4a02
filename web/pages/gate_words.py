"""What the codes of the gate are called on a page, and how a reading is told in words."""

from collections.abc import Mapping
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _

from web.formats import DASH, weight
from web.pages.gate_proof import DOCUMENTS, LEAVES, SAID, inputs_words
from web.words import WORDS
from wms.errors import N_
from wms.gate.rules import LAPSES, hold_of
from wms.gate.rules.holds import HOLDS
from wms.watch.queries import AlarmRow

STATES = {
    "open": ("busy", N_("being read")),
    "held": ("stop", N_("held")),
    "released": ("warn", N_("released")),
    "passed": ("ok", N_("passed")),
    "turned_back": ("none", N_("turned back")),
}
BARRIERS = {
    "closed": ("none", N_("down")),
    "opening": ("warn", N_("going up")),
    "open": ("warn", N_("up")),
    "closing": ("warn", N_("going down")),
    "fault": ("stop", N_("fault")),
    "unknown": ("busy", N_("unknown")),
}
CHECKS = {
    "fresh": N_("The readings are live and recent"),
    "lane": N_("The lane is in use"),
    "plate": N_("The plate was read with confidence"),
    "vehicle": N_("The vehicle is registered and its registration valid"),
    "blacklist": N_("The vehicle is not on the blacklist"),
    "way": N_("The vehicle came from the lane's entrance"),
    "lane_kind": N_("This kind of vehicle may use this lane"),
    "tag": N_("The e-plate belongs to the plate"),
    "pass": N_("Exactly one open gate pass for vehicle and direction"),
    "claim": N_("No other lane is using the gate pass"),
    "trailer": N_("The trailer is the one on the pass"),
    "container": N_("The containers are those on the pass"),
    "seal": N_("The seal is the one on the pass"),
    "control": N_("No control order of customs"),
    "released": N_("The documents behind the pass are released"),
    "goods": N_("The goods are declared and waiting to leave"),
    "weight": N_("The weight is within the tolerance"),
    "window": N_("The pass is valid now"),
    "customs_answer": N_("The customs platform agreed, where the lane asks it"),
}
OUTCOMES = {
    "ok": ("ok", N_("in order")),
    "hold": ("stop", N_("holds")),
    "not_reached": ("none", N_("not reached")),
}
KINDS = {
    "PlateRead": N_("Plate"),
    "ContainerRead": N_("Container"),
    "WeightRead": N_("Weight"),
    "TagRead": N_("E-plate"),
    "SealRead": N_("Electronic seal"),
    "LoopRead": N_("Loop"),
}
WHY = {
    "voted": N_("agrees with the vote"),
    "outvoted": N_("outvoted by other readings"),
    "tied": N_("contradicts another reading just as strong"),
    "unread": N_("nothing could be read"),
    "not_a_plate": N_("not a number plate"),
    "check_digit": N_("wrong check digit"),
    "contested": N_("contradicts another valid number of the same end; both are kept"),
    "agrees_where_sure": N_("a look-alike: agrees in all but characters that cameras confuse"),
    "other_antenna": N_("an antenna of another lane"),
    "intact": N_("the seal is whole"),
    "opened": N_("the seal was opened"),
    "net": N_("a net weight, not that of the whole vehicle"),
    "wrong_way": N_("came into the lane from its exit"),
    "same_object": N_("the same parked vehicle"),
    "strongest": N_("strongest signal"),
    "weaker": N_("weaker signal"),
    "ambiguous": N_("another tag was almost as strong"),
    "plateau": N_("stood still, wholly on the scale"),
    "unstable": N_("the scale was moving"),
    "not_long_enough": N_("stood still for less than a second"),
    "not_wholly_on": N_("not wholly on the scale"),
    "no_zero_before": N_("the scale had not shown zero since the last vehicle"),
    "after_plateau": N_("after the weight was taken"),
    "zero": N_("the scale stood at zero"),
    "minus": N_("below zero"),
    "overload": N_("overload"),
    "fault": N_("fault of the scale"),
    "arrive": N_("vehicle at the arrival loop"),
    "exit": N_("vehicle at the exit loop"),
    "scale_front": N_("vehicle at the front of the scale"),
    "scale_rear": N_("vehicle at the rear of the scale"),
    "after_decision": N_("came after the decision"),
    "after_passage": N_("came after the vehicle had left"),
    "undecided": N_("the vehicle left before a decision"),
    "backed_out": N_("the vehicle was backing out"),
    "replayed": N_("sent again later by the device"),
    "retained": N_("an old message kept by the broker"),
    "late": N_("older than five seconds when it came"),
    "ahead": N_("the device's clock is ahead"),
    "not_used": N_("not needed"),
    "another_plate": N_("another vehicle's plate, read after the decision"),
}
ALARMS = {
    "fence_alarm": N_("Fence touched"),
    "fence_alarm_late": N_("Fence was touched earlier; told late"),
    "fence_disarmed_long": N_("Fence section disarmed for too long"),
    "patrol_missed": N_("Checkpoints of a patrol were missed"),
    "patrol_finding": N_("A patrol found something"),
    "video_alert": N_("Somebody seen on a camera of the fence"),
    "clip_missing": N_("A recording could not be fetched"),
    "recording_gap": N_("A camera did not record"),
    "retention_short": N_("A recorder keeps less than it must"),
    "camera_offline": N_("A camera is away"),
    "barrier_fault": N_("Barrier did not answer"),
    "barrier_refused": N_("Barrier refused the command"),
    "command_expired": N_("Command expired before it could be sent"),
    "not_passed": N_("Barrier opened, nobody passed"),
    "opened_after_fault": N_("Barrier opened after its fault"),
    "opened_without_release": N_("Barrier opened without a release"),
    "unknown_command": N_("Answer to an unknown command"),
    "untrusted_result": N_("Answer of a barrier without a right signature"),
    "passed_while_held": N_("Vehicle passed while held"),
    "tailgating": N_("Vehicle followed another through the same opening"),
    "no_show": N_("A vehicle with an appointment did not come"),
    "overstay": N_("A vehicle stays inside too long"),
    "goods_not_posted": N_("Goods left, but the ledger refused"),
    "reading_failed": N_("A reading could not be taken in"),
    "another_plate": N_("Another plate read where a vehicle waits"),
    "control_in_lane": N_("Customs' order on a vehicle in the lane"),
    "control_after_lift": N_("Customs' order on a vehicle that was just let go"),
    "control_inside": N_("Customs' order on a vehicle inside the zone"),
    "customs_answer_late": N_("The customs platform answered too late"),
    "customs_answer_differs": N_("The customs platform let go what is not there any more"),
    "wrong_way": N_("Vehicle came into the lane from its exit"),
    "webhook_dead": N_("A webhook could not be delivered"),
    "cold_chain_breach": N_("Too warm or too cold for too long"),
    "lane_failed": N_("The lane's readings could not be put together"),
    "difference_overdue": N_("A difference of an account book is overdue"),
    "write_off_soon": N_("An account book is soon to be written off"),
    "write_off_overdue": N_("The write-off of an account book is overdue"),
    "transit_overdue": N_("A transit to another customs office has not arrived in time"),
    "slip_overdue": N_("Goods that left on a slip are not declared in time"),
}
ALARM_STATES = {
    "raised": ("stop", N_("new")),
    "acknowledged": ("warn", N_("acknowledged")),
    "dispatched": ("warn", N_("somebody is on the way")),
    "closed": ("ok", N_("settled")),
    "reviewed": ("ok", N_("reviewed")),
}
FENCE = {
    "touch": N_("touched"),
    "animal": N_("animal"),
    "branch": N_("branch"),
    "human": N_("person"),
    "person": N_("person"),
    "seen": N_("seen on camera"),
    "contact": N_("opened"),
    "vibration": N_("shaken"),
    "tamper": N_("tampered with"),
    "cut": N_("cut"),
    "power": N_("power lost"),
    "battery_low": N_("battery low"),
}
ACCOUNTS = WORDS["account"]
CLIPS = {
    "wanted": ("busy", N_("being fetched")),
    "held": ("ok", N_("in the recorder")),
    "missing": ("stop", N_("not to be had")),
    "expired": ("none", N_("past its retention")),
}
RELEASES = {
    "requested": ("warn", N_("waits for a second officer")),
    "granted": ("warn", N_("granted")),
    "used": ("ok", N_("used")),
    "lapsed": ("none", N_("lapsed")),
    "refused": ("stop", N_("refused")),
}
COMMAND_STEPS = (
    ("issued_at", N_("issued")),
    ("sent_at", N_("sent")),
    ("accepted_at", N_("accepted by the controller")),
    ("opened_at", N_("arm up")),
    ("passed_at", N_("vehicle passed")),
    ("closed_at", N_("arm down again")),
)


def word(table: Mapping[str, Any], code: str | None) -> str:
    """The code's name in the page's language; the code itself where it has none."""
    if not code:
        return DASH
    found = table.get(code)
    text = found[1] if isinstance(found, tuple) else found
    return str(_(text)) if text else code


def look(table: Mapping[str, tuple[str, str]], code: str) -> str:
    """The chip's state (ok, warn, stop, busy, none) of a code."""
    return table.get(code, ("none", ""))[0]


def hold_words(code: str | None, voice: str = "officer") -> str:
    """What a hold is called: for the ``officer``, the ``driver`` or the ``led`` board."""
    if not code or (code not in HOLDS and code not in LAPSES):
        return code or ""
    return str(getattr(hold_of(code), voice).in_language(str(get_locale())))


def alarm_detail(alarm: AlarmRow) -> str:
    """What an alarm says beside its name; codes in words."""
    if alarm.source == "fence":
        return " · ".join(word(FENCE, part) for part in alarm.detail.split())
    if alarm.source == "webhook":
        return alarm.detail
    return str(hold_words(alarm.detail))


def reading_words(kind: str, body: Mapping[str, Any]) -> str:
    """What a reading says, in a few words."""
    if kind == "PlateRead":
        return " · ".join(filter(None, (body.get("plate") or body.get("plate_raw") or "–", _percent(body))))
    if kind == "ContainerRead":
        return " · ".join(filter(None, (body.get("number") or "–", _percent(body))))
    if kind == "WeightRead":
        return weight(body.get("weight_g"))
    if kind == "TagRead":
        return str(body.get("tid") or body.get("epc"))
    return _simple(kind, body)


def _simple(kind: str, body: Mapping[str, Any]) -> str:
    if kind == "SealRead":
        return " · ".join(filter(None, (str(body.get("seal")), _("opened") if body.get("is_intact") is False else "")))
    if kind == "LoopRead":
        return str(_("occupied") if body.get("is_occupied") else _("free"))
    return kind


def _percent(body: Mapping[str, Any]) -> str:
    given = body.get("confidence_pct")
    return f"{float(given):g} %" if given is not None else ""


NAMES = {
    "word": word,
    "look": look,
    "hold_words": hold_words,
    "alarm_detail": alarm_detail,
    "reading_words": reading_words,
    "STATES": STATES,
    "BARRIERS": BARRIERS,
    "CHECKS": CHECKS,
    "OUTCOMES": OUTCOMES,
    "KINDS": KINDS,
    "WHY": WHY,
    "ALARMS": ALARMS,
    "ALARM_STATES": ALARM_STATES,
    "RELEASES": RELEASES,
    "COMMAND_STEPS": COMMAND_STEPS,
    "inputs_words": inputs_words,
    "DOCUMENTS": DOCUMENTS,
    "LEAVES": LEAVES,
    "SAID": SAID,
    "ACCOUNTS": ACCOUNTS,
    "FENCE": FENCE,
    "CLIPS": CLIPS,
}
