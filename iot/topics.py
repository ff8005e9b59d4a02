"""The topic grammar ``wms/v1/{site}/{family}/{device}/{leaf}`` and the filters of vendors' own topics.

Leaves: ``event``, ``status`` and ``cmd/result`` go from a device to us; ``receipt`` and ``cmd`` go to it.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

PREFIX = "wms/v1"
FAMILIES = ("gate", "fence", "video", "scale", "rfid", "temp")
EVENT, STATUS, RECEIPT, CMD, CMD_RESULT = "event", "status", "receipt", "cmd", "cmd/result"
FROM_DEVICE = (EVENT, STATUS, CMD_RESULT)
TO_DEVICE = (RECEIPT, CMD)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOPIC = re.compile(
    rf"{PREFIX}/(?P<site>{_NAME.pattern})/(?P<family>{'|'.join(FAMILIES)})/(?P<device>{_NAME.pattern})"
    rf"/(?P<leaf>{EVENT}|{STATUS}|{RECEIPT}|{CMD_RESULT}|{CMD})"
)


@dataclass(frozen=True)
class Topic:
    """A topic of our own grammar, taken apart. ``str()`` puts it together again."""

    site: str
    family: str
    device: str
    leaf: str

    def __str__(self) -> str:
        return f"{PREFIX}/{self.site}/{self.family}/{self.device}/{self.leaf}"

    def at(self, leaf: str) -> "Topic":
        """The same device's topic with another leaf."""
        return Topic(self.site, self.family, self.device, leaf)


def is_name(text: str) -> bool:
    """Whether ``text`` may name a site or device in a topic: 1 to 64 of ``A-Z a-z 0-9 _ -``."""
    return _NAME.fullmatch(text) is not None


@lru_cache(maxsize=8192)
def parse(topic: str) -> Topic | None:
    """Take a topic of our grammar apart; None for any other topic."""
    found = _TOPIC.fullmatch(topic)
    return Topic(**found.groupdict()) if found else None


def matches(topic: str, topic_filter: str) -> bool:
    """Whether an MQTT topic filter (``+`` one level, ``#`` the rest) takes in ``topic`` (MQTT 3.1.1, section 4.7)."""
    if topic.startswith("$") and topic_filter[:1] in ("+", "#"):
        return False
    levels = topic.split("/")
    wanted = topic_filter.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return place == len(wanted) - 1
        if place >= len(levels) or level not in ("+", levels[place]):
            return False
    return len(levels) == len(wanted)


def is_filter(text: str) -> bool:
    """Whether ``text`` is a well-formed topic filter that does not take in everything."""
    levels = text.split("/")
    if not text or "\0" in text or levels[0] in ("#", "+") or text.startswith("$"):
        return False
    return all(
        (level == "#" and place == len(levels) - 1) or level == "+" or not set(level) & {"#", "+"}
        for place, level in enumerate(levels)
    )


SUBSCRIBED = tuple(f"{PREFIX}/+/+/+/{leaf}" for leaf in FROM_DEVICE)
