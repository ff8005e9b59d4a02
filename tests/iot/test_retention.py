"""Events by week: where they stand, what goes with its week, what is kept, and that nobody who stores is held up."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event, Thread

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from iot import retention
from iot.evidence import behind
from iot.inbox import Arrival, Outcome, store
from iot.parsing import parse_waiting
from iot.register import Register, arrival
from iot.tables import WEEK
from tests.conftest import Urls
from tests.iot.weeks import make_old_week, move_to_week, week_ago
from tests.iot.world import Sender, count, read_register, rows, site_with
from wms.db import Database, Scope
from wms.watch.service import NewAlarm, raise_alarm

SCOPE = Scope.system(1)
OLD_DAYS = 150


@pytest.fixture
def house(fresh_urls: Urls) -> Iterator[Database]:
    database = Database(fresh_urls.app, pool_size=4)
    yield database
    database.close()


@pytest.fixture
def gate(house: Database) -> Sender:
    return site_with(house, SCOPE, "gate")[0]


def come(register: Register, gate: Sender, payload: bytes) -> Arrival:
    known = register.by_code[gate.code]
    return arrival(register, known, gate.topic(), payload, qos=1, door="embedded", limit_bytes=1_000_000)


def keep(house: Database, *arrivals: Arrival) -> list[Outcome]:
    with house.unit_of_work(SCOPE) as session:
        return store(session, arrivals)


def read_all(house: Database, register: Register) -> None:
    with house.unit_of_work(SCOPE) as session:
        parse_waiting(session, register)


def pieces(house: Database) -> list[str]:
    return [row[0] for row in rows(house, SCOPE, "SELECT piece FROM event_weeks()")]


def test_an_event_stands_in_the_week_that_its_id_names(house: Database, gate: Sender) -> None:
    keep(house, come(read_register(house, SCOPE), gate, gate.message()))
    [(event_id, home, first)] = rows(
        house, SCOPE, "SELECT id, tableoid::regclass::text, event_week(recorded_at) FROM inbox"
    )
    assert event_id - event_id % WEEK == first
    day = datetime.fromtimestamp(first // WEEK * 604_800, UTC)
    assert home == f"weeks.inbox_{day:%Y%m%d}"


def test_weeks_are_made_ahead_once(house: Database) -> None:
    made = retention.make_ahead(house, SCOPE, retention.AHEAD + 2)
    assert made in (4, 6)  # two more of each table; a week more where one has just begun
    assert retention.make_ahead(house, SCOPE, retention.AHEAD + 2) == 0


def test_what_has_no_week_yet_is_kept_and_moves_when_its_week_is_made(house: Database, gate: Sender) -> None:
    arrived = come(read_register(house, SCOPE), gate, gate.message())
    keep(house, arrived)
    far = week_ago(house, SCOPE, -7 * (retention.AHEAD + 2))
    with house.unit_of_work(SCOPE) as session:
        columns = session.execute(text("SELECT columns_of('inbox')")).scalar_one()
        others = columns.removeprefix("id, ")
        sql = f"INSERT INTO inbox (id, {others}) SELECT {far} + 7, {others} FROM inbox"
        session.execute(text(sql))
    where = f"SELECT tableoid::regclass::text FROM inbox WHERE id = {far + 7}"
    assert rows(house, SCOPE, where) == [("weeks.inbox_default",)]
    retention.make_ahead(house, SCOPE, retention.AHEAD + 3)
    assert rows(house, SCOPE, where) != [("weeks.inbox_default",)]
    assert count(house, SCOPE, "inbox") == 2


class OldWeek:
    """A week of 150 days ago with one message that an alarm refers to, one that nobody refers to, and a conflict."""

    def __init__(self, house: Database, urls: Urls, gate: Sender) -> None:
        self.register = read_register(house, SCOPE)
        referred, lonely = gate.message(seq=1, id="referred"), gate.message(seq=2, id="lonely")
        self.referred, self.lonely = (come(self.register, gate, one) for one in (referred, lonely))
        other = come(self.register, gate, gate.message(seq=3, id="lonely"))
        keep(house, self.referred, self.lonely, other, come(self.register, gate, b"{"))
        read_all(house, self.register)
        [(reading_id, site_id), _] = rows(house, SCOPE, "SELECT id, site_id FROM reading ORDER BY id")
        with house.unit_of_work(SCOPE) as session:
            at = datetime.now(UTC)
            raise_alarm(session, NewAlarm(site_id, "fence", "fence_alarm", gate.code, at, reading_id=reading_id))
        base = week_ago(house, SCOPE, OLD_DAYS)
        make_old_week(urls, base)
        move_to_week(urls, base)
        self.reading_id = base + reading_id % WEEK


@pytest.fixture
def old(house: Database, fresh_urls: Urls, gate: Sender) -> OldWeek:
    return OldWeek(house, fresh_urls, gate)


def drop(house: Database) -> retention.Dropped:
    return retention.drop_old(house, [SCOPE], datetime.now(UTC))


def test_a_message_of_another_week_is_still_known(house: Database, old: OldWeek) -> None:
    assert keep(house, old.referred, old.lonely) == [Outcome.COPY, Outcome.COPY]
    assert rows(house, SCOPE, "SELECT DISTINCT tableoid::regclass::text FROM inbox") == [("weeks.inbox_old",)]


def test_a_week_goes_and_what_an_alarm_refers_to_stays(house: Database, old: OldWeek) -> None:
    done = drop(house)
    assert {"inbox_old", "reading_old"} <= set(done.pieces)
    assert (done.kept, done.busy) == (2, ())  # the reading and its message
    assert not {"inbox_old", "reading_old"} & set(pieces(house))
    assert [count(house, SCOPE, table) for table in ("inbox", "reading", "dead_letter", "inbox_conflict")] == [0] * 4
    with house.unit_of_work(SCOPE) as session:
        raw = behind(session, [old.reading_id])[old.reading_id]
    assert raw.payload == old.referred.payload
    assert drop(house) == retention.Dropped()


def test_a_message_that_went_with_its_week_is_new_when_it_comes_again(house: Database, old: OldWeek) -> None:
    drop(house)
    assert keep(house, old.lonely, old.lonely) == [Outcome.STORED, Outcome.COPY]


def test_the_period_is_a_dated_value(house: Database, old: OldWeek) -> None:
    from wms.parties import dated

    with house.unit_of_work(SCOPE) as session:
        dated.enter(
            session,
            retention.NAME,
            {"raw_days": 400, "referred_days": 2000},
            valid_from_on=datetime(2026, 1, 1, tzinfo=UTC).date(),
            source="the site's own",
        )
    assert drop(house) == retention.Dropped()
    assert count(house, SCOPE, "inbox") == 3


def test_the_product_cannot_drop_a_week_that_has_not_ended(house: Database) -> None:
    piece = next(one for one in pieces(house) if one.startswith("inbox_2"))
    refused = pytest.raises(DBAPIError, match="has not ended")
    with refused, house.unit_of_work(SCOPE) as session:
        session.execute(text("SELECT drop_week(:piece, 'infinity')"), {"piece": piece})


def test_the_product_cannot_touch_a_week_by_its_own_name(house: Database, old: OldWeek) -> None:
    for sql in ("SELECT 1 FROM weeks.inbox_old", "DELETE FROM weeks.inbox_old", "DROP TABLE weeks.inbox_old"):
        with pytest.raises(DBAPIError, match=r"permission denied|must be owner"), house.unit_of_work(SCOPE) as session:
            session.execute(text(sql))


def test_a_week_that_is_being_read_waits_and_nobody_who_stores_waits_with_it(
    house: Database, fresh_urls: Urls, gate: Sender, old: OldWeek, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TRIES", 3)
    reader = create_engine(fresh_urls.app, poolclass=NullPool)
    with reader.connect() as reading:
        reading.execute(text("SELECT count(*) FROM inbox"))  # a long report: its lock is held to its end
        done = drop(house)
        assert "inbox_old" in done.busy
        assert keep(house, come(old.register, gate, gate.message(seq=9))) == [Outcome.STORED]
    assert "inbox_old" in drop(house).pieces


def test_what_comes_while_weeks_are_dropped_is_stored_once(house: Database, gate: Sender, old: OldWeek) -> None:
    stop, outcomes = Event(), []

    def send() -> None:
        seq = 100
        while not stop.is_set() or seq < 150:
            seq += 1
            outcomes.extend(keep(house, come(old.register, gate, gate.message(seq=seq))))

    sender = Thread(target=send)
    sender.start()
    try:
        done = drop(house)
    finally:
        stop.set()
        sender.join(60)
    assert {"inbox_old", "reading_old"} <= set(done.pieces)
    assert set(outcomes) == {Outcome.STORED}
    assert count(house, SCOPE, "inbox") == len(outcomes)
