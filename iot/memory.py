"""What a device said before, for formats that send states or deltas: recalled, compared in order, kept, asked for.

Only formats with a ``compare`` have a memory (see ``iot.devices.manifest``). It is read and written in the transaction
of the readings, by the one worker that reads a tenant's messages in the order of arrival. A replay does not touch it:
what was said long ago is no news about now.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from iot import alarms, devices, outbox
from iot.devices.base import Message, Parsed
from iot.devices.manifest import Ask
from iot.register import KnownDevice

MAX_MEMORY = 262_144

RECALL = text("SELECT device_id, memory FROM device_state WHERE device_id = ANY(:ids) ORDER BY device_id FOR UPDATE")
KEEP = text(
    """
    INSERT INTO device_state (device_id, memory)
    SELECT * FROM unnest(CAST(:device_id AS bigint[]), CAST(:memory AS jsonb[]))
    ON CONFLICT (device_id) DO UPDATE SET memory = excluded.memory
    """
)


@dataclass
class Memory:
    """The memories of the devices of one batch, and what their formats ask for."""

    by_device: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    asks: list[tuple[KnownDevice, Ask]] = field(default_factory=list)

    def compare(self, device: KnownDevice, format_name: str, message: Message, results: Parsed) -> Parsed:
        """The results of ``message`` beside what ``device`` said before."""
        known = devices.FORMATS.get(format_name)
        if known is None or known.compare is None:
            return results
        before = self.by_device.get(device.id, {})
        compared = devices.compare(format_name, message, results, before)
        if compared.memory != before:
            self.by_device[device.id] = compared.memory
            self.changed.add(device.id)
        self.asks += [(device, ask) for ask in compared.asks]
        return compared.results


def recall(session: Session, known: Iterable[KnownDevice]) -> Memory:
    """The memories of those of ``known`` whose format has one."""
    formats = devices.FORMATS
    ids = sorted({one.id for one in known if one.format in formats and formats[one.format].compare})
    if not ids:
        return Memory()
    return Memory({row.device_id: row.memory for row in session.execute(RECALL, {"ids": ids})})


def keep(session: Session, memory: Memory) -> None:
    """Write down what changed, and send what was asked for. A memory that grew beyond all measure begins anew."""
    if memory.changed:
        ids = sorted(memory.changed)
        session.execute(KEEP, {"device_id": ids, "memory": [_written(memory.by_device[one]) for one in ids]})
    for device, ask in _once_each(memory.asks):
        outbox.publish(session, ask.topic, ask.payload, ask.qos, site_id=device.site_id)
        alarms.raise_alarm(session, ask.reason, device.code, ask.topic, device_id=device.id)


def _written(memory: Mapping[str, Any]) -> str:
    written = json.dumps(memory)
    return written if len(written) <= MAX_MEMORY else "{}"


def _once_each(asks: Sequence[tuple[KnownDevice, Ask]]) -> list[tuple[KnownDevice, Ask]]:
    return list({(device.id, ask.topic): (device, ask) for device, ask in asks}.values())
