"""Formats of devices: one module each, payload in, canonical readings and faults out.

No module knows another and none raises. A new format is one module in this folder with its ``FORMAT`` row and its
samples: the loader takes in every module that stands here, but for the two that formats are built on.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from iot.devices.base import Malformed, Message, Parsed
from iot.devices.manifest import Compared, Format
from iot.events import Fault

NOT_FORMATS = frozenset({"base", "manifest"})


def discover() -> dict[str, Format]:
    """The formats of all modules of this package, by name. Raises when two modules claim one name."""
    found: dict[str, Format] = {}
    for module in sorted(one.name for one in pkgutil.iter_modules(__path__) if one.name not in NOT_FORMATS):
        row: Format = importlib.import_module(f"{__name__}.{module}").FORMAT
        if row.name in found:
            raise ValueError(f"two modules read the format {row.name}")
        found[row.name] = row
    return found


FORMATS: Mapping[str, Format] = discover()


def parse(format_name: str, message: Message) -> Parsed:
    """Readings and faults of ``message``; an unknown format is a fault, like everything else that cannot be read."""
    known = FORMATS.get(format_name)
    return known.parse(message) if known else (Fault(fault="unknown_format", detail=format_name[:80]),)


def compare(format_name: str, message: Message, results: Parsed, memory: Mapping[str, Any]) -> Compared:
    """Read ``results`` beside what the device said before. Never raises: what surprises leaves all as it was."""
    known = FORMATS.get(format_name)
    if known is None or known.compare is None:
        return Compared(results=results, memory=memory)
    try:
        return known.compare(message, results, memory)
    except Malformed:  # the results say so already
        return Compared(results=results, memory=memory)
    except Exception as why:  # noqa: BLE001 - a format's surprise must not stop the inbox
        fault = Fault(fault="unreadable", detail=f"{type(why).__name__}: {why}"[:200])
        return Compared(results=(*results, fault), memory=memory)
