"""The temperature history of a lot or a pallet, wherever it was: its stays from the ledger, their readings beside them.

(mSupply mobile#3535, open-msupply#5353: users ask for the history of a batch; places alone are what others keep.)
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.watch.rules.temperatures import Read, kinetic_mean

MOST_POINTS = 240  # of one stay in one answer; the coldest and the warmest of each stretch are always among them
FAR = datetime(9999, 1, 1, tzinfo=UTC)

ENTRIES = text(
    """
    SELECT e.account_id, e.event_at, sum(e.qty)::bigint AS qty FROM entry e WHERE e.account_id = ANY (:accounts)
     GROUP BY e.account_id, e.event_at ORDER BY e.account_id, e.event_at
    """
)
OF_LOT = text(
    "SELECT a.id FROM account a JOIN account_kind k ON k.kind = a.kind AND k.side = 'physical' AND NOT k.is_virtual"
    " WHERE a.lot_id = :lot_id ORDER BY a.id"
)
OF_UNIT = text(
    """
    WITH RECURSIVE inside AS (
      SELECT id FROM handling_unit WHERE id = :unit_id
      UNION SELECT h.id FROM inside i JOIN handling_unit h ON h.parent_id = i.id)
    SELECT a.id FROM inside i JOIN account a ON a.handling_unit_id = i.id
      JOIN account_kind k ON k.kind = a.kind AND k.side = 'physical' AND NOT k.is_virtual ORDER BY a.id
    """
)
# Where the goods of these accounts came from: of the same item, in the same posting.
BEFORE = text(
    """
    SELECT into_.account_id AS into_id, from_.account_id AS from_id, max(into_.event_at) AS at
      FROM entry into_ JOIN account ai ON ai.id = into_.account_id
      JOIN entry from_ ON from_.posting_id = into_.posting_id AND from_.qty < 0
      JOIN account af ON af.id = from_.account_id AND af.trade_item_id = ai.trade_item_id
       AND af.lot_id IS NOT DISTINCT FROM ai.lot_id
      JOIN account_kind k ON k.kind = af.kind AND k.side = 'physical' AND NOT k.is_virtual
     WHERE into_.account_id = ANY (:accounts) AND into_.qty > 0
     GROUP BY into_.account_id, from_.account_id
    """
)
WHERE = text(
    """
    SELECT a.id, a.kind, a.location_id, a.handling_unit_id, s.code AS site_code, l.code AS location, h.sscc, lot.lot_no
      FROM account a LEFT JOIN site s ON s.id = a.site_id LEFT JOIN location l ON l.id = a.location_id
      LEFT JOIN handling_unit h ON h.id = a.handling_unit_id LEFT JOIN lot ON lot.id = a.lot_id
     WHERE a.id = ANY (:accounts)
    """
)
# The places to which locations and pallets belonged, with those above them: what stood in what at the time.
PLACES = text(
    """
    WITH RECURSIVE above AS (
      SELECT l.id AS location_id, l.id AS at_id, l.parent_id FROM location l WHERE l.id = ANY (:locations)
      UNION SELECT b.location_id, p.id, p.parent_id FROM above b JOIN location p ON p.id = b.parent_id
    ), outer_unit AS (
      SELECT h.id AS unit_id, h.id AS at_id, cast('-infinity' AS timestamptz) AS from_at,
             cast(NULL AS timestamptz) AS until_at
        FROM handling_unit h WHERE h.id = ANY (:units)
      UNION SELECT o.unit_id, s.parent_id, greatest(o.from_at, s.from_at), least(o.until_at, s.until_at)
        FROM outer_unit o JOIN unit_stay s ON s.handling_unit_id = o.at_id
         AND greatest(o.from_at, s.from_at) < coalesce(least(o.until_at, s.until_at), 'infinity')
    )
    SELECT b.location_id, NULL::bigint AS unit_id, m.place_id, m.from_at, m.until_at
      FROM above b JOIN temperature_member m ON m.location_id = b.at_id
    UNION
    SELECT l.id, NULL, m.place_id, m.from_at, m.until_at FROM location l
      JOIN temperature_member m ON m.zone = l.zone
      JOIN temperature_place p ON p.id = m.place_id AND p.site_id = l.site_id
     WHERE l.id = ANY (:locations)
    UNION
    SELECT NULL, o.unit_id, m.place_id, greatest(m.from_at, o.from_at), least(m.until_at, o.until_at)
      FROM outer_unit o JOIN temperature_member m ON m.handling_unit_id = o.at_id
       AND greatest(m.from_at, o.from_at) < coalesce(least(m.until_at, o.until_at), 'infinity')
    """
)
READINGS = text(
    """
    SELECT r.sensor, r.probe, r.event_at, r.temperature_mdegc FROM temperature_sensor s
      JOIN temperature_reading r ON r.tenant_id = app_tenant() AND r.sensor = s.sensor
       AND (s.probe = '' OR r.probe = s.probe) AND r.is_plausible
       AND r.event_at >= greatest(s.from_at, :since) AND r.event_at < least(coalesce(s.until_at, :until), :until)
     WHERE s.place_id = :place_id ORDER BY r.event_at, r.sensor, r.probe
    """
)
PLACE = text("SELECT id, code, name_zh, name_en, temperature_class FROM temperature_place WHERE id = ANY (:ids)")
BREACHES = text(
    """
    SELECT b.id, b.start_at, b.end_at, b.side, b.state, b.subject, b.min_mdegc, b.max_mdegc, b.limit_mdegc
      FROM temperature_breach b WHERE b.place_id = :place_id AND b.state <> 'withdrawn'
       AND b.start_at < :until AND coalesce(b.end_at, :until) > :since ORDER BY b.start_at
    """
)
SILENCES = text(
    """
    SELECT f.sensor, f.kind, f.start_at, f.end_at FROM temperature_finding f WHERE f.place_id = :place_id
       AND f.kind IN ('gap', 'stuck') AND f.start_at < :until AND coalesce(f.end_at, :until) > :since
       AND (f.closed_at IS NULL OR f.closed_by IS NOT NULL) ORDER BY f.start_at
    """
)


@dataclass(frozen=True)
class Stay:
    """Goods lay in one account from when until when (None: still), at most ``most_qty`` base units."""

    account_id: int
    from_at: datetime
    until_at: datetime | None
    most_qty: int


@dataclass(frozen=True)
class Point:
    """One reading of a sensor."""

    sensor: str
    at: datetime
    mdegc: int


@dataclass(frozen=True)
class Breached:
    """A breach that fell into a stay."""

    id: int
    start_at: datetime
    end_at: datetime | None
    side: str
    state: str
    subject: str
    min_mdegc: int
    max_mdegc: int
    limit_mdegc: int


@dataclass(frozen=True)
class Silence:
    """A hole of a stay's history."""

    sensor: str
    kind: str
    start_at: datetime
    end_at: datetime | None


@dataclass(frozen=True)
class Segment:
    """A stay with what was measured there. ``place`` None: no sensor knew this place."""

    kind: str
    site_code: str | None
    location: str | None
    sscc: str | None
    lot_no: str | None
    from_at: datetime
    until_at: datetime | None
    most_qty: int
    place: str | None
    place_zh: str | None
    place_en: str | None
    n_readings: int
    min_mdegc: int | None
    max_mdegc: int | None
    kinetic_mdegc: int | None
    points: tuple[Point, ...]
    breaches: tuple[Breached, ...]
    silences: tuple[Silence, ...]


def of_lot(session: Session, lot_id: int, now: datetime) -> list[Segment]:
    """The history of a lot: every stay of every part of it, in order of time."""
    accounts = list(session.scalars(OF_LOT, {"lot_id": lot_id}))
    return _segments(session, _stays(session, accounts, {}), now)


def of_unit(session: Session, unit_id: int, now: datetime) -> list[Segment]:
    """The history of what is in a pallet: its own stays, and those of its goods before they came onto it."""
    accounts = list(session.scalars(OF_UNIT, {"unit_id": unit_id}))
    until: dict[int, datetime] = dict.fromkeys(accounts, FAR)
    new = set(accounts)
    while new:
        found: set[int] = set()
        for row in session.execute(BEFORE, {"accounts": sorted(new)}):
            ends = min(row.at, until[row.into_id])
            if row.from_id not in until or (until[row.from_id] < ends and until[row.from_id] != FAR):
                until[row.from_id] = ends
                found.add(row.from_id)
        new = found
    return _segments(session, _stays(session, sorted(until), until), now)


def _stays(session: Session, accounts: Sequence[int], until: dict[int, datetime]) -> list[Stay]:
    """The stays in these accounts; good, on hold or spoilt, goods that do not move stay where they are."""
    alike: dict[tuple[object, ...], int] = {}
    spot: dict[int, int] = {}
    for row in session.execute(WHERE, {"accounts": list(accounts)}):
        spot[row.id] = alike.setdefault((row.kind, row.location_id, row.site_code, row.sscc, row.lot_no), row.id)
    moves: dict[int, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    for row in session.execute(ENTRIES, {"accounts": list(accounts)}):
        moves[spot[row.account_id]][row.event_at] += row.qty
    ends: dict[int, datetime] = {}
    for account_id, spot_id in spot.items():
        ends[spot_id] = max(ends.get(spot_id, until.get(account_id, FAR)), until.get(account_id, FAR))
    stays = [stay for spot_id, one in moves.items() for stay in _stays_of(spot_id, sorted(one.items()), ends[spot_id])]
    return sorted(stays, key=lambda stay: (stay.from_at, stay.account_id))


def _stays_of(account_id: int, moves: Iterable[tuple[datetime, int]], until: datetime) -> list[Stay]:
    stays: list[Stay] = []
    balance, most, since = 0, 0, None
    for at, qty in moves:
        if at > until:
            break
        balance += qty
        most = max(most, balance)
        if since is None and balance > 0:
            since = at
        elif since is not None and balance <= 0:
            stays.append(Stay(account_id, since, at, most))
            since, most = None, 0
    if since is not None:
        stays.append(Stay(account_id, since, until if until != FAR else None, most))
    return [stay for stay in stays if stay.until_at is None or stay.until_at > stay.from_at]


def _segments(session: Session, stays: Sequence[Stay], now: datetime) -> list[Segment]:
    accounts = {row.id: row for row in session.execute(WHERE, {"accounts": sorted({s.account_id for s in stays})})}
    belongs = _belongs(session, accounts.values())
    names = {
        row.id: row
        for row in session.execute(PLACE, {"ids": sorted({place for spans in belongs.values() for place, *_ in spans})})
    }
    segments = []
    for stay in stays:
        row = accounts[stay.account_id]
        spans = _spans(belongs, row, stay, now)
        for place_id, since, until in spans:
            segments.append(_segment(session, row, stay, names.get(place_id) if place_id else None, since, until, now))
    return sorted(segments, key=lambda one: (one.from_at, one.location or ""))


Spans = dict[tuple[str, int], list[tuple[int, datetime, datetime | None]]]


def _belongs(session: Session, rows: Iterable[object]) -> Spans:
    """Which places a location or a pallet belonged to, and when."""
    listed = list(rows)
    bound = {
        "locations": sorted({row.location_id for row in listed if row.location_id}),  # type: ignore[attr-defined]
        "units": sorted({row.handling_unit_id for row in listed if row.handling_unit_id}),  # type: ignore[attr-defined]
    }
    found: Spans = defaultdict(list)
    for row in session.execute(PLACES, bound):
        key = ("location", row.location_id) if row.location_id else ("unit", row.unit_id)
        found[key].append((row.place_id, row.from_at, row.until_at))
    return found


def _spans(
    belongs: Spans, row: object, stay: Stay, now: datetime
) -> list[tuple[int | None, datetime, datetime | None]]:
    """The parts of a stay by the place that measured them; the whole stay where none did."""
    spans: list[tuple[int | None, datetime, datetime | None]] = []
    end = stay.until_at or now
    for key in (("location", row.location_id), ("unit", row.handling_unit_id)):  # type: ignore[attr-defined]
        for place_id, from_at, until_at in belongs.get(key, ()):
            since, until = max(from_at, stay.from_at), min(until_at or end, end)
            if since < until:
                open_end = until_at is None and stay.until_at is None
                spans.append((place_id, since, None if open_end else until))
    return spans or [(None, stay.from_at, stay.until_at)]


def _segment(
    session: Session, row: object, stay: Stay, place: object | None, since: datetime, until: datetime | None,
    now: datetime,
) -> Segment:  # fmt: skip
    values = {name: getattr(row, name) for name in ("kind", "site_code", "location", "sscc", "lot_no")}
    values |= {"from_at": since, "until_at": until, "most_qty": stay.most_qty}
    if place is None:
        return Segment(
            **values, place=None, place_zh=None, place_en=None, n_readings=0, min_mdegc=None, max_mdegc=None,
            kinetic_mdegc=None, points=(), breaches=(), silences=(),
        )  # fmt: skip
    bound = {"place_id": place.id, "since": since, "until": until or now}  # type: ignore[attr-defined]
    points = [
        Point(f"{one.sensor}/{one.probe}" if one.probe else one.sensor, one.event_at, one.temperature_mdegc)
        for one in session.execute(READINGS, bound)
    ]
    worst = max((point.mdegc for point in points), default=None)
    return Segment(
        **values, place=place.code, place_zh=place.name_zh, place_en=place.name_en,  # type: ignore[attr-defined]
        n_readings=len(points), min_mdegc=min((point.mdegc for point in points), default=None), max_mdegc=worst,
        kinetic_mdegc=_kinetic(points, until or now), points=tuple(_thinned(points)),
        breaches=tuple(Breached(**one) for one in session.execute(BREACHES, bound).mappings()),
        silences=tuple(Silence(**one) for one in session.execute(SILENCES, bound).mappings()),
    )  # fmt: skip


def _kinetic(points: Sequence[Point], until: datetime) -> int | None:
    """That of the sensor which had it worst."""
    by_sensor: dict[str, list[Read]] = defaultdict(list)
    for point in points:
        by_sensor[point.sensor].append(Read(point.at, point.mdegc))
    return max((kinetic_mean(reads, until) for reads in by_sensor.values()), default=None)


def _thinned(points: Sequence[Point]) -> list[Point]:
    """At most ``MOST_POINTS`` readings; of each stretch the coldest and the warmest stay."""
    if len(points) <= MOST_POINTS:
        return list(points)
    width = -(-len(points) * 2 // MOST_POINTS)
    kept: list[Point] = []
    for start in range(0, len(points), width):
        stretch = points[start : start + width]
        ends = {min(stretch, key=lambda one: one.mdegc), max(stretch, key=lambda one: one.mdegc)}
        kept += sorted(ends, key=lambda one: one.at)
    return kept
