"""Alarms without a database: the refusals, and how far apart triggers join one alarm."""

from datetime import timedelta

from wms.errors import N_, Kind, NotFound, WmsError

JOIN_WITHIN = timedelta(seconds=30)  # triggers of one place and code join one alarm (devices reference, section 10)


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
