"""Alarms without a database: the refusals, how far apart triggers join one alarm, and when each step was due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wms.errors import N_, Kind, NotFound, WmsError

JOIN_WITHIN = timedelta(seconds=30)  # triggers of one place and code join one alarm (devices reference, section 10)
STEPS = ("acknowledge", "dispatch", "settle", "review")
OUTCOMES = ("real", "false", "test")
DISPATCHED_SOURCES = frozenset({"fence", "video", "patrol"})  # where somebody has to go and look


class UnknownAlarm(NotFound):
    code = "unknown_alarm"
    text = N_("There is no alarm %(alarm_id)s.")


class AlarmNotOpen(WmsError):
    code = "alarm_not_open"
    kind = Kind.CONFLICT
    text = N_("Alarm %(alarm_id)s is already %(state)s.")


class CauseMissing(WmsError):
    code = "cause_missing"
    kind = Kind.INVALID
    text = N_("An alarm is closed with its cause in words.")


class NobodySent(WmsError):
    code = "nobody_sent"
    kind = Kind.INVALID
    text = N_("Say who goes to look: a name or a patrol.")


class OutcomeUnknown(WmsError):
    code = "alarm_outcome_unknown"
    kind = Kind.INVALID
    text = N_("An alarm was real, false or a test; %(outcome)s is none of these.")


class ReviewedBySettler(WmsError):
    code = "alarm_reviewed_by_settler"
    text = N_("You settled alarm %(alarm_id)s yourself: another person reviews it.")


@dataclass(frozen=True)
class StepTimes:
    """When the steps of an alarm were taken; None: not yet."""

    source: str
    raised_at: datetime
    acknowledged_at: datetime | None = None
    dispatched_at: datetime | None = None
    closed_at: datetime | None = None
    reviewed_at: datetime | None = None


@dataclass(frozen=True)
class StepDue:
    """One step against its service level. ``late_s`` is how late it was taken, or is by now; 0 when in time."""

    step: str
    due_at: datetime
    taken_at: datetime | None
    late_s: int


def steps_due(times: StepTimes, levels: Mapping[str, int], now: datetime) -> tuple[StepDue, ...]:
    """Return each step that has begun to count, with when it was due.

    Acknowledging, dispatching and settling count from the raising, the review from the settling. ``levels`` are
    seconds by step (``acknowledge_s`` …), dated data; a step without a level is not judged. Somebody is sent only to
    alarms of a place (:data:`DISPATCHED_SOURCES`), and not once the alarm is settled.
    """
    taken = {
        "acknowledge": times.acknowledged_at,
        "dispatch": times.dispatched_at,
        "settle": times.closed_at,
        "review": times.reviewed_at,
    }
    found = []
    for step in STEPS:
        level, begin = levels.get(f"{step}_s"), times.closed_at if step == "review" else times.raised_at
        if level is None or begin is None or (step == "dispatch" and not _is_to_dispatch(times)):
            continue
        due_at = begin + timedelta(seconds=level)
        over = (taken[step] or now) - due_at
        found.append(StepDue(step, due_at, taken[step], max(0, over // timedelta(seconds=1))))
    return tuple(found)


def _is_to_dispatch(times: StepTimes) -> bool:
    return times.source in DISPATCHED_SOURCES and (times.dispatched_at is not None or times.closed_at is None)
