"""Formats of devices: one module each, payload in, canonical readings and faults out.

No module knows another and none raises. A new format is one module with its ``FORMAT`` row, its samples, and a line
in :data:`FORMATS`.
"""

from collections.abc import Mapping

from iot.devices import (
    axis,
    chirpstack,
    dahua,
    dongting,
    frigate,
    hikvision,
    impinj,
    platerecognizer,
    scale,
    zhenshi,
)
from iot.devices.base import Format, Message, Parsed
from iot.events import Fault

FORMATS: Mapping[str, Format] = {
    module.FORMAT.name: module.FORMAT
    for module in (
        dongting,
        zhenshi,
        hikvision,
        dahua,
        axis,
        frigate,
        platerecognizer,
        impinj,
        chirpstack,
        scale,
    )
}


def parse(format_name: str, message: Message) -> Parsed:
    """Readings and faults of ``message``; an unknown format is a fault, like everything else that cannot be read."""
    known = FORMATS.get(format_name)
    return known.parse(message) if known else (Fault(fault="unknown_format", detail=format_name[:80]),)
