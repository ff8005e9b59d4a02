"""Goods followed through postings, on ledgers of a few lines."""

from datetime import UTC, datetime, timedelta

from wms.watch.rules.tracing import Moved, Step, Traced, Window, trace

T0 = datetime(2026, 11, 1, tzinfo=UTC)
ROOM, BIN, OTHER, CUSTOMER, TRANSFORMATION, KIT = 1, 2, 3, 9, 8, 5
BEEF, BOX = (100, 7), (200, None)
VIRTUAL = {CUSTOMER: "customer", TRANSFORMATION: "transformation"}


def at(minutes: int) -> datetime:
    return T0 + timedelta(minutes=minutes)


def step(minute: int, *entries: tuple[int, int], kind: str = "move", goods: tuple[int, int | None] = BEEF) -> Step:
    return Step(minute, kind, at(minute), tuple(moved(account, qty, goods) for account, qty in entries))


def moved(account: int, qty: int, goods: tuple[int, int | None] = BEEF) -> Moved:
    return Moved(account, qty, goods, VIRTUAL.get(account, "location"), account in VIRTUAL)


def follow(opening: dict[int, int], *steps: Step, window: tuple[int, int] = (10, 60)) -> Traced:
    return trace(opening, [Window(ROOM, at(window[0]), at(window[1]))], steps)


def suspects(traced: Traced) -> dict[int, int]:
    return {account: qty for account, qty in traced.suspect.items() if qty}


def test_what_lay_there_was_there() -> None:
    assert suspects(follow({ROOM: 10})) == {ROOM: 10}


def test_what_left_before_and_came_after_was_not_there() -> None:
    traced = follow({ROOM: 10}, step(5, (ROOM, -4), (BIN, 4)), step(70, (OTHER, -3), (ROOM, 3)))
    assert suspects(traced) == {ROOM: 6}


def test_what_came_in_meanwhile_was_there() -> None:
    assert suspects(follow({OTHER: 5}, step(30, (OTHER, -5), (ROOM, 5)))) == {ROOM: 5}


def test_a_part_that_left_is_followed_exactly() -> None:
    traced = follow({ROOM: 10}, step(70, (ROOM, -4), (BIN, 4)), step(80, (BIN, -1), (OTHER, 1)))
    assert suspects(traced) == {ROOM: 6, BIN: 3, OTHER: 1}
    assert traced.mixed == set()


def test_put_together_with_others_only_as_many_as_there_were() -> None:
    traced = follow({ROOM: 10, BIN: 50}, step(70, (ROOM, -4), (BIN, 4)))
    assert suspects(traced) == {ROOM: 6, BIN: 4}


def test_parted_again_either_half_may_have_been_there() -> None:
    traced = follow({ROOM: 10, BIN: 50}, step(70, (ROOM, -10), (BIN, 10)), step(80, (BIN, -20), (OTHER, 20)))
    assert suspects(traced) == {BIN: 10, OTHER: 10}
    assert traced.mixed == {BIN, OTHER}


def test_a_hold_takes_just_these() -> None:
    traced = follow(
        {ROOM: 10, BIN: 50}, step(70, (ROOM, -10), (BIN, 10)), step(80, (BIN, -10), (OTHER, 10), kind="cold_hold")
    )
    assert suspects(traced) == {OTHER: 10}


def test_what_was_delivered_is_gone_and_comes_back_by_reversal() -> None:
    gone = step(70, (ROOM, -4), (CUSTOMER, 4), kind="ship")
    assert follow({ROOM: 10}, gone).gone[CUSTOMER] == 4
    back = step(80, (CUSTOMER, -4), (ROOM, 4), kind="reversal")
    assert suspects(follow({ROOM: 10}, gone, back)) == {ROOM: 10}


def test_what_was_made_of_them_was_there() -> None:
    made = Step(
        70, "process", at(70),
        (moved(ROOM, -4), moved(TRANSFORMATION, 4), moved(TRANSFORMATION, -1, BOX), moved(KIT, 1, BOX)),
    )  # fmt: skip
    assert suspects(follow({ROOM: 10}, made)) == {ROOM: 6, KIT: 1}


def test_another_lot_in_the_same_posting_stays_clean() -> None:
    both = Step(
        70, "move", at(70), (moved(ROOM, -4), moved(BIN, 4), moved(OTHER, -2, (100, 8)), moved(KIT, 2, (100, 8)))
    )
    assert suspects(follow({ROOM: 10, OTHER: 2}, both)) == {ROOM: 6, BIN: 4}
