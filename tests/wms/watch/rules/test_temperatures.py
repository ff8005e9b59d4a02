"""Excursions, silence and mean kinetic temperature, small enough to check by hand."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wms.watch.rules.temperatures import (
    HIGH,
    LOW,
    Excursion,
    Hole,
    Limit,
    Read,
    excursions,
    gaps,
    is_plausible,
    joined,
    kinetic_mean,
    stuck,
    subjects_of,
)

T0 = datetime(2026, 11, 1, tzinfo=UTC)
FROZEN = Limit(None, -15_000, 1_800, "test")


def at(minutes: int) -> datetime:
    return T0 + timedelta(minutes=minutes)


def reads(*values: tuple[int, int]) -> list[Read]:
    return [Read(at(minute), mdegc) for minute, mdegc in values]


def found(*values: tuple[int, int], limit: Limit = FROZEN, now: int = 1_000) -> list[Excursion]:
    return excursions(reads(*values), limit, gap_s=900, now=at(now))


def test_half_an_hour_is_still_allowed() -> None:
    assert found((0, -20_000), (10, -14_000), (40, -20_000)) == []


def test_one_minute_more_is_a_breach_from_the_first_warm_reading_to_the_first_cold_one() -> None:
    (one,) = found((0, -20_000), (10, -14_000), (25, -12_000), (41, -20_000))
    assert (one.side, one.start_at, one.end_at) == (HIGH, at(10), at(41))
    assert (one.min_mdegc, one.max_mdegc, one.n_readings) == (-14_000, -12_000, 2)


def test_exactly_at_the_limit_is_within() -> None:
    assert found((0, -15_000), (60, -15_000), (120, -15_000)) == []


def test_what_still_runs_has_no_end() -> None:
    (one,) = found((0, -10_000), now=31)
    assert one.end_at is None


def test_silence_inside_a_breach_does_not_end_it_and_is_told() -> None:
    (one,) = found((0, -10_000), (300, -10_000), (310, -20_000))
    assert (one.start_at, one.end_at, one.has_gap) == (at(0), at(310), True)


def test_too_cold_is_a_breach_of_its_own() -> None:
    chilled = Limit(0, 10_000, 600, "test")
    sides = [one.side for one in found((0, -500), (20, 500), (30, 11_000), (60, 5_000), limit=chilled)]
    assert sides == [LOW, HIGH]


def test_overlapping_excursions_of_two_sensors_are_one() -> None:
    one = excursions(reads((0, -10_000), (60, -20_000)), FROZEN, gap_s=900, now=at(100))
    other = excursions(reads((50, -5_000), (90, -20_000)), FROZEN, gap_s=900, now=at(100))
    (both,) = joined([*other, *one])
    assert (both.start_at, both.end_at, both.max_mdegc, both.n_readings) == (at(0), at(90), -5_000, 2)
    apart = excursions(reads((200, -5_000), (290, -20_000)), FROZEN, gap_s=900, now=at(300))
    assert len(joined([*one, *apart])) == 2


def test_silence_has_a_beginning_and_an_end() -> None:
    made = gaps(reads((0, 1), (5, 1), (60, 1)), gap_s=900, since=at(0), until=at(61), is_open=True)
    assert made == [Hole(at(5), at(60))]


def test_silence_that_lasts_has_no_end_and_a_sensor_that_never_spoke_is_silent_from_the_start() -> None:
    assert gaps([], gap_s=900, since=at(0), until=at(60), is_open=True) == [Hole(at(0), None)]
    assert gaps(reads((1, 1)), gap_s=900, since=at(0), until=at(60), is_open=False) == [Hole(at(1), at(60))]


def test_a_probe_that_never_changes_is_stuck() -> None:
    still = [(minute, -18_000) for minute in range(0, 400, 10)]
    assert stuck(reads(*still, (400, -18_100)), after_s=21_600) == [Hole(at(0), at(400))]
    assert stuck(reads((0, 1), (200, 1), (400, 2)), after_s=21_600) == []


def test_a_broken_probe_is_not_believed() -> None:
    assert not is_plausible(85_000)
    assert not is_plausible(-127_000)
    assert is_plausible(-80_000)


def test_kinetic_mean_of_a_steady_room_is_its_temperature() -> None:
    assert kinetic_mean(reads((0, 5_000), (60, 5_000)), at(120)) == 5_000


def test_kinetic_mean_is_above_the_arithmetic_mean() -> None:
    """Half the time at 5 °C, half at 25 °C: 15 °C on average, 19.698 °C kinetic."""
    assert kinetic_mean(reads((0, 5_000), (60, 25_000)), at(120)) == 19_698


@given(st.lists(st.integers(-60_000, 60_000), min_size=1, max_size=40))
def test_kinetic_mean_lies_between_coldest_and_warmest(values: list[int]) -> None:
    mean = kinetic_mean(reads(*((i * 5, value) for i, value in enumerate(values))), at(len(values) * 5))
    assert min(values) <= mean <= max(values)


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(-30_000, 10_000)), max_size=60))
def test_every_excursion_is_longer_than_allowed_and_beyond_the_limit(values: list[tuple[int, int]]) -> None:
    series = reads(*sorted(dict(values).items()))
    for one in excursions(series, FROZEN, gap_s=900, now=at(2_100)):
        assert (one.end_at or at(2_100)) - one.start_at > timedelta(seconds=FROZEN.for_s)
        inside = [r for r in series if one.start_at <= r.at < (one.end_at or at(2_100))]
        assert all(r.mdegc > -15_000 for r in inside)
        assert len(inside) == one.n_readings


def test_the_narrowest_limit_comes_first() -> None:
    assert subjects_of("HNYL", "BEEF", "frozen") == ("item:HNYL/BEEF", "owner:HNYL/frozen", "class:frozen")
