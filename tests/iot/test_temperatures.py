"""A temperature message on its whole way: inbox → reading → the cold chain's store, once, also late and replayed."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from iot.parsing import replay
from tests.iot.test_inbox import keep
from tests.iot.test_parsing import come, understand
from tests.iot.world import Sender, read_register, rows, site_with
from wms.db import Database, Scope
from wms.watch.service.temperatures import NewPlace, NewSensor, add_place, add_sensor
from wms.watch.tables.temperatures import TemperaturePlace, TemperatureReading


def warm(sender: Sender, seq: int, at: datetime, mdegc: int) -> bytes:
    data = {"temperature_mdegc": mdegc, "battery_pct": 90}
    return sender.message("temperature", seq, ts=at.isoformat(), data=data)


def test_a_message_becomes_a_reading_of_its_place(database: Database, scope: Scope) -> None:
    (sender,) = site_with(database, scope, "temp")
    at = datetime.now(UTC).replace(microsecond=0)
    with database.unit_of_work(scope) as session:
        add_place(session, NewPlace(sender.site_code, "F1", "冷库", "Freezer", "frozen"))
        add_sensor(session, "F1", NewSensor(sender.code, at - timedelta(days=1)))
    first = come(database, scope, sender, warm(sender, 1, at, -18_500))
    late = come(database, scope, sender, warm(sender, 2, at - timedelta(hours=2), -19_000))
    keep(database, scope, first, late)
    understand(database, scope)
    with database.unit_of_work(scope) as session:
        kept = session.scalars(select(TemperatureReading).order_by(TemperatureReading.event_at)).all()
        assert [(one.sensor, one.event_at, one.temperature_mdegc) for one in kept] == [
            (sender.code, at - timedelta(hours=2), -19_000), (sender.code, at, -18_500),
        ]  # fmt: skip
        place = session.scalars(select(TemperaturePlace)).one()
        assert place.dirty_from_at is not None
        assert place.dirty_from_at <= at - timedelta(hours=2)
    (inbox,) = rows(database, scope, "SELECT id FROM inbox WHERE message_key = :key", key=first.message_key)
    with database.unit_of_work(scope) as session:
        replay(session, read_register(database, scope), [inbox.id])
    assert len(rows(database, scope, "SELECT 1 FROM temperature_reading")) == 2
