"""The demo's cold chain: the cold store and the chilled room with the thermometers of the yard in them."""

from datetime import datetime

from sqlalchemy.orm import Session

from wms.watch.service.temperatures import NewMember, NewPlace, NewSensor, add_member, add_place, add_sensor

SITE, READS_EVERY_S = "CLJ-F1", 20
ROOMS = (
    ("F1-F", "F", "冷冻库", "Cold store, frozen", "frozen", ("temp-f01", "temp-f05")),
    ("F1-C", "C", "冷藏间", "Chilled room", "chilled", ("temp-c01",)),
)


def enter_cold_chain(session: Session, now: datetime) -> None:
    """Set up the rooms from ``now`` on: their sensors begin to speak when the yard wakes."""
    for code, zone, name_zh, name_en, temperature_class, sensors in ROOMS:
        add_place(session, NewPlace(SITE, code, name_zh, name_en, temperature_class))
        add_member(session, code, NewMember(now, zone=zone))
        for sensor in sensors:
            add_sensor(session, code, NewSensor(sensor, now, interval_s=READS_EVERY_S))
