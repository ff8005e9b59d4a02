"""Temperatures that came in go to the cold chain, in the transaction in which they were understood.

History counts as much as what is live: a replayed, late or retained reading is a reading of its time.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from iot.events import Reading, TemperatureRead
from wms.watch.service.temperatures import NewReading, store


def keep(session: Session, seen: Iterable[tuple[str, datetime, Reading]]) -> int:
    """Store the temperatures among (device, time of arrival, reading); returns how many were new.

    One without a time of its own counts at its arrival.
    """
    readings = [
        NewReading(
            sensor=device,
            event_at=reading.event_at or received_at,
            temperature_mdegc=reading.temperature_mdegc,
            probe=reading.place or "",
            humidity_mpct=reading.humidity_mpct,
            battery_pct=reading.battery_pct,
        )
        for device, received_at, reading in seen
        if isinstance(reading, TemperatureRead)
    ]
    return store(session, readings).new if readings else 0
