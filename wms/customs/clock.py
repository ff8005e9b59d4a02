"""Customs' clock: what it writes and counts by, is Beijing time, wherever a site stands."""

from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")
