"""The manifest's row: what a format is, how its readings are told apart and timed, and what was made sure of.

A format is one module in this package with a ``FORMAT``; the loader finds it. Its quality list answers every rule of
:data:`RULES` with ``done`` or ``exempt: `` and the reason; a test holds what is claimed as done against its samples.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from iot.devices.base import Message, Parsed, Parser

RULES: Mapping[str, str] = {
    "normal": "samples give their expected readings",
    "broken": "cut at any byte it gives a fault and never a reading that was not sent",
    "duplicate": "a resend has the key of the first, another reading has another",
    "out_of_order": "an older message that comes later keeps its own time and key",
    "key": "what tells readings apart is written down",
    "time": "what the instant of a reading is taken from is written down",
    "backfill": "what the device held back and sends later is marked and never opens",
    "retained": "a retained message is marked and never opens",
    "unread": "a vehicle whose plate was not read is kept",
    "fuzzed": "any bytes give a result in bounded time",
    "public_sample": "a payload published by others gives the reading it must",
    "docs": "a line in docs/devices.md",
}
DONE, EXEMPT = "done", "exempt: "


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A message that the format's protocol wants sent to the device: ``reason`` is the code of the alarm beside it."""

    topic: str
    payload: bytes
    reason: str
    qos: int = 0


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a message means beside what the device said before: its results, what to remember, what to ask for."""

    results: Parsed
    memory: Mapping[str, Any]
    asks: tuple[Ask, ...] = ()


Compare = Callable[[Message, Parsed, Mapping[str, Any]], Compared]


@dataclass(frozen=True, kw_only=True)
class Format:
    """A row of the manifest. ``version`` grows when the same bytes would be read differently.

    ``key`` and ``time`` say in words what tells two readings apart and what their instant is. ``repeats``: identical
    bytes are a new observation (a weighbridge has neither id nor time), so the inbox must not take the second for a
    copy; ``repeats_on`` says so of single topics by their last level. ``is_best_effort``: the source may lose messages
    by its nature and is shown so. ``heartbeat_s`` is how often such a device gives a sign of life unless its row in
    the register says otherwise, None when it promises none. ``compare`` reads a message beside what the same device
    said before, for formats that send states or deltas; it is asked in the order of arrival and never on a replay.
    """

    name: str
    version: int
    parse: Parser
    title: str
    makers: str
    transports: tuple[str, ...]
    key: str
    time: str
    qos: str
    topics: tuple[str, ...] = ()
    repeats: bool = False
    repeats_on: tuple[str, ...] = ()
    is_best_effort: bool = False
    heartbeat_s: int | None = None
    compare: Compare | None = None
    quality: Mapping[str, str] = field(default_factory=dict)

    def table_row(self) -> str:
        """Its line in docs/devices.md."""
        remarks = self.qos + ("; best effort" if self.is_best_effort and "best effort" not in self.qos else "")
        if self.heartbeat_s:
            remarks += f"; sign of life each {self.heartbeat_s} s"
        transports = ", ".join(self.transports)
        return f"| `{self.name}` | {self.title} | {transports} | {self.key} | {self.time} | {remarks} |"

    def is_new_each_time(self, topic: str) -> bool:
        """Whether identical bytes on ``topic`` are a new observation and no copy."""
        return self.repeats or topic.rsplit("/", 1)[-1] in self.repeats_on


def quality(**exempt: str) -> Mapping[str, str]:
    """A quality list with every rule done but those named, each with its reason."""
    unknown = exempt.keys() - RULES.keys()
    if unknown:
        raise ValueError(f"no such rule: {', '.join(sorted(unknown))}")
    return {rule: EXEMPT + exempt[rule] if rule in exempt else DONE for rule in RULES}
