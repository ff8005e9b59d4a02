"""What this room does by the clock."""

from collections.abc import Callable, Mapping

from iot.retention import drop_job, weeks_job

TASKS: Mapping[str, Callable[..., object]] = {"iot.make_weeks": weeks_job, "iot.drop_weeks": drop_job}
EVERY: Mapping[str, str] = {
    "iot.make_weeks": "*/10 * * * *",
    "iot.drop_weeks": "23 18 * * *",  # 02:23 in Beijing
}
