"""Places with their sensors, and readings as they come: stored once, however often and in whichever order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.errors import NotFound
from wms.parties.tables import Location, Site
from wms.record.service import append_leaf
from wms.stock.tables import HandlingUnit
from wms.watch.rules.temperatures import (
    BadReading,
    OneMemberOnly,
    PlaceExists,
    ReadingInFuture,
    SensorElsewhere,
    UnknownPlace,
    UntilBeforeFrom,
    is_plausible,
)
from wms.watch.tables.temperatures import (
    TemperatureFinding,
    TemperatureMember,
    TemperaturePlace,
    TemperatureReading,
    TemperatureSensor,
)

FUTURE_LIMIT = timedelta(minutes=5)
# The earliest of the new readings dirties the places in which their sensors stood at that time.
DIRTY = text(
    """
    UPDATE temperature_place p SET dirty_from_at = least(p.dirty_from_at, d.at)
      FROM (SELECT s.place_id, min(r.at) AS at
              FROM unnest(cast(:sensor AS text[]), cast(:probe AS text[]), cast(:at AS timestamptz[]))
                   AS r(sensor, probe, at)
              JOIN temperature_sensor s ON s.sensor = r.sensor AND (s.probe = '' OR s.probe = r.probe)
               AND r.at >= s.from_at AND (s.until_at IS NULL OR r.at < s.until_at)
             GROUP BY s.place_id) d
     WHERE p.id = d.place_id
    """
)

STANDING = text(
    """
    SELECT g.sensor, g.probe, g.at, g.mdegc, r.temperature_mdegc AS stands
      FROM unnest(cast(:sensor AS text[]), cast(:probe AS text[]), cast(:at AS timestamptz[]), cast(:mdegc AS int[]))
           AS g(sensor, probe, at, mdegc)
      JOIN temperature_reading r ON r.tenant_id = app_tenant() AND r.sensor = g.sensor AND r.probe = g.probe
       AND r.event_at = g.at
     WHERE r.temperature_mdegc <> g.mdegc
    """
)


@dataclass(frozen=True)
class NewPlace:
    """A temperature place of a site."""

    site_code: str
    code: str
    name_zh: str
    name_en: str
    temperature_class: str


@dataclass(frozen=True)
class NewMember:
    """What belongs to a place: one of a location (with all inside it), a zone of the site, a pallet."""

    from_at: datetime
    until_at: datetime | None = None
    location: str | None = None
    zone: str | None = None
    sscc: str | None = None


@dataclass(frozen=True)
class NewSensor:
    """A sensor in a place; ``interval_s`` is how often it reads."""

    sensor: str
    from_at: datetime
    until_at: datetime | None = None
    probe: str = ""
    interval_s: int = 300


@dataclass(frozen=True)
class NewReading:
    """One reading; ``temperature_mdegc`` None where the probe answered without a temperature."""

    sensor: str
    event_at: datetime
    temperature_mdegc: int | None
    probe: str = ""
    humidity_mpct: int | None = None
    battery_pct: int | None = None


@dataclass(frozen=True)
class Stored:
    """How many readings were new, how many stood already, and the places that have to be evaluated."""

    new: int
    known: int
    place_ids: tuple[int, ...]


def place(session: Session, code: str, *, lock: bool = False) -> TemperaturePlace:
    """Return a place by its code. Raises UnknownPlace."""
    wanted = select(TemperaturePlace).where(TemperaturePlace.code == code)
    if lock:
        wanted = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = session.scalar(wanted)
    if found is None:
        raise UnknownPlace(field="place", place=code)
    return found


def add_place(session: Session, new: NewPlace) -> TemperaturePlace:
    """File a place. Raises PlaceExists, NotFound."""
    site_id = session.scalar(select(Site.id).where(Site.code == new.site_code))
    if site_id is None:
        raise NotFound(field="site", what=new.site_code)
    made: TemperaturePlace | None = session.scalar(
        insert(TemperaturePlace)
        .values(
            site_id=site_id, code=new.code, name_zh=new.name_zh, name_en=new.name_en,
            temperature_class=new.temperature_class,
        )
        .on_conflict_do_nothing()
        .returning(TemperaturePlace)
    )  # fmt: skip
    if made is None:
        raise PlaceExists(field="code", place=new.code)
    append_leaf(session, "temperature_place", {"code": new.code, "class": new.temperature_class}, made.id)
    return made


def add_member(session: Session, code: str, new: NewMember) -> TemperatureMember:
    """Say what belongs to a place from when on; what was there since then is looked at again.

    Raises UnknownPlace, OneMemberOnly, UntilBeforeFrom, NotFound.
    """
    found = place(session, code, lock=True)
    if sum(one is not None for one in (new.location, new.zone, new.sscc)) != 1:
        raise OneMemberOnly(field="location")
    _check_span(new.from_at, new.until_at)
    made = TemperatureMember(
        place_id=found.id,
        location_id=_location(session, found.site_id, new.location) if new.location is not None else None,
        zone=_zone(session, found.site_id, new.zone) if new.zone is not None else None,
        handling_unit_id=_unit(session, new.sscc) if new.sscc is not None else None,
        from_at=new.from_at,
        until_at=new.until_at,
    )
    session.add(made)
    _dirty(found, new.from_at)
    session.flush()
    return made


def add_sensor(session: Session, code: str, new: NewSensor) -> TemperatureSensor:
    """Put a sensor into a place; it stands in one place at a time. Raises UnknownPlace, SensorElsewhere, …"""
    found = place(session, code, lock=True)
    _check_span(new.from_at, new.until_at)
    standing = [
        TemperatureSensor.sensor == new.sensor,
        or_(TemperatureSensor.until_at.is_(None), TemperatureSensor.until_at > new.from_at),
    ]
    if new.probe:
        standing.append(TemperatureSensor.probe.in_(("", new.probe)))
    if new.until_at is not None:
        standing.append(TemperatureSensor.from_at < new.until_at)
    elsewhere = session.scalar(
        select(TemperaturePlace.code)
        .join(TemperatureSensor, TemperatureSensor.place_id == TemperaturePlace.id)
        .where(*standing)
        .limit(1)
    )
    if elsewhere is not None:
        raise SensorElsewhere(field="sensor", sensor=new.sensor, place=elsewhere)
    made = TemperatureSensor(place_id=found.id, **vars(new))
    session.add(made)
    _dirty(found, new.from_at)
    session.flush()
    return made


def end_sensor(session: Session, code: str, sensor: str, at: datetime) -> TemperatureSensor:
    """Take a sensor out of its place. Raises UnknownPlace, NotFound, UntilBeforeFrom."""
    found = place(session, code, lock=True)
    standing = session.scalar(
        select(TemperatureSensor).where(
            TemperatureSensor.place_id == found.id,
            TemperatureSensor.sensor == sensor,
            TemperatureSensor.until_at.is_(None),
        )
    )
    if standing is None:
        raise NotFound(field="sensor", what=sensor)
    _check_span(standing.from_at, at)
    standing.until_at = at
    _dirty(found, at)
    session.flush()
    return standing


def end_member(session: Session, code: str, member_id: int, at: datetime) -> TemperatureMember:
    """Say until when something belonged to a place. Raises UnknownPlace, NotFound, UntilBeforeFrom."""
    found = place(session, code, lock=True)
    member = session.get(TemperatureMember, member_id)
    if member is None or member.place_id != found.id:
        raise NotFound(field="member_id", what=member_id)
    _check_span(member.from_at, at)
    member.until_at = at
    _dirty(found, at)
    session.flush()
    return member


def _dirty(found: TemperaturePlace, at: datetime) -> None:
    found.dirty_from_at = at if found.dirty_from_at is None else min(found.dirty_from_at, at)


def _check_span(from_at: datetime, until_at: datetime | None) -> None:
    if until_at is not None and until_at <= from_at:
        raise UntilBeforeFrom(field="until_at", until=until_at.isoformat(), since=from_at.isoformat())


def _location(session: Session, site_id: int, code: str) -> int:
    found = session.scalar(select(Location.id).where(Location.site_id == site_id, Location.code == code))
    if found is None:
        raise NotFound(field="location", what=code)
    return found


def _zone(session: Session, site_id: int, zone: str) -> str:
    if session.scalar(select(Location.id).where(Location.site_id == site_id, Location.zone == zone).limit(1)) is None:
        raise NotFound(field="zone", what=zone)
    return zone


def _unit(session: Session, sscc: str) -> int:
    found = session.scalar(select(HandlingUnit.id).where(HandlingUnit.sscc == sscc))
    if found is None:
        raise NotFound(field="sscc", what=sscc)
    return found


def store(session: Session, readings: Sequence[NewReading], *, source: str = "device") -> Stored:
    """Store readings; one that stands already changes nothing. Their places are marked to be evaluated.

    The same sensor and instant with another temperature is a contradiction: the first stays, a finding is opened. A
    probe that answers without a temperature, or with one that no room has, is a finding too.
    """
    rows = [_row(one, source) for one in readings if one.temperature_mdegc is not None]
    new: set[tuple[str, str, datetime]] = set()
    if rows:
        written = session.execute(
            insert(TemperatureReading)
            .on_conflict_do_nothing()
            .returning(TemperatureReading.sensor, TemperatureReading.probe, TemperatureReading.event_at),
            sorted(rows, key=lambda row: (str(row["sensor"]), str(row["probe"]), row["event_at"])),
        )
        new = {(row.sensor, row.probe, row.event_at) for row in written}
        _note_contradictions(session, [one for one in readings if one.temperature_mdegc is not None])
    _note_faults(session, readings)
    return Stored(len(new), len(rows) - len(new), _mark(session, sorted(new, key=str)))


def _row(one: NewReading, source: str) -> dict[str, object]:
    assert one.temperature_mdegc is not None
    return {
        "sensor": one.sensor,
        "probe": one.probe,
        "event_at": one.event_at,
        "temperature_mdegc": one.temperature_mdegc,
        "humidity_mpct": one.humidity_mpct,
        "battery_pct": one.battery_pct,
        "is_plausible": is_plausible(one.temperature_mdegc),
        "source": source,
    }


def _mark(session: Session, new: Sequence[tuple[str, str, datetime]]) -> tuple[int, ...]:
    if not new:
        return ()
    columns = {"sensor": [one[0] for one in new], "probe": [one[1] for one in new], "at": [one[2] for one in new]}
    session.execute(DIRTY, columns)
    return tuple(
        session.scalars(
            select(TemperaturePlace.id).where(TemperaturePlace.dirty_from_at.is_not(None)).order_by(TemperaturePlace.id)
        )
    )


def _note_contradictions(session: Session, readings: Sequence[NewReading]) -> None:
    stand = session.execute(
        STANDING,
        {
            "sensor": [one.sensor for one in readings],
            "probe": [one.probe for one in readings],
            "at": [one.event_at for one in readings],
            "mdegc": [one.temperature_mdegc for one in readings],
        },
    )
    for row in stand:
        find(session, row.sensor, row.probe, "conflict", row.at, row.at, f"{row.stands} / {row.mdegc} m°C")


def _note_faults(session: Session, readings: Sequence[NewReading]) -> None:
    for one in readings:
        if one.temperature_mdegc is None or not is_plausible(one.temperature_mdegc):
            said = "-" if one.temperature_mdegc is None else f"{one.temperature_mdegc} m°C"
            find(session, one.sensor, one.probe, "implausible", one.event_at, one.event_at, said)


def find(
    session: Session, sensor: str, probe: str, kind: str, start_at: datetime, end_at: datetime | None, detail: str
) -> None:
    """Open a finding about a sensor in the place where it stood; one that stands gets its end."""
    place_id = session.scalar(
        select(TemperatureSensor.place_id)
        .where(
            TemperatureSensor.sensor == sensor,
            or_(TemperatureSensor.probe == "", TemperatureSensor.probe == probe),
            TemperatureSensor.from_at <= start_at,
            or_(TemperatureSensor.until_at.is_(None), TemperatureSensor.until_at > start_at),
        )
        .order_by(TemperatureSensor.id)
        .limit(1)
    )
    if place_id is None:
        return  # it stands nowhere: nobody's goods depend on it
    statement = insert(TemperatureFinding).values(
        place_id=place_id, sensor=sensor, probe=probe, kind=kind, start_at=start_at, end_at=end_at, detail=detail
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "sensor", "probe", "kind", "start_at"],
            set_={"end_at": statement.excluded.end_at, "detail": statement.excluded.detail},
            where=TemperatureFinding.closed_at.is_(None),
        )
    )


def check_import(readings: Sequence[NewReading], now: datetime) -> None:
    """Raise the first refusal of a logger's list, with its row: BadReading, ReadingInFuture."""
    for row, one in enumerate(readings, 1):
        if one.event_at > now + FUTURE_LIMIT:
            raise ReadingInFuture(field="readings", row=row, at=one.event_at.isoformat())
        if not one.sensor.strip():
            raise BadReading(field="readings", row=row, why="no sensor")


def close_finding_by_data(session: Session, finding_ids: Sequence[int], at: datetime, cause: str) -> None:
    """Close findings that late readings have answered."""
    if finding_ids:
        session.execute(
            update(TemperatureFinding)
            .where(TemperatureFinding.id.in_(finding_ids), TemperatureFinding.closed_at.is_(None))
            .values(closed_at=at, cause=cause)
            .execution_options(synchronize_session=False)
        )
