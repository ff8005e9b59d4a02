"""Where points lie in a picture of two amounts."""

import random

from routing.scatter import BOTTOM, HEIGHT, LEFT, MOST_MARKS, RIGHT, TOP, WIDTH, scatter


def test_less_lies_left_and_low_and_the_line_joins_those_nobody_beats() -> None:
    found = scatter([(100, 900), (200, 500), (300, 600)], [False, False, True])
    assert found is not None
    first, second, third = found.spots
    assert first.x < second.x < third.x
    assert first.y < third.y < second.y  # a picture counts downwards
    assert (third.beaten, third.numbers) == (True, (2,))
    assert found.line == ((first.x, first.y), (second.x, second.y))


def test_points_in_one_place_share_a_sign_that_is_beaten_only_where_all_are() -> None:
    found = scatter([(100, 9), (100, 9), (50_000, 8)], [False, True, True])
    assert found is not None
    assert [(one.numbers, one.beaten) for one in found.spots] == [((0, 1), False), ((2,), True)]


def test_one_point_and_no_point_make_a_picture_or_none() -> None:
    assert scatter([], []) is None
    found = scatter([(0, 0)], [False])
    assert found is not None
    assert len(found.line) == 1


def test_every_picture_keeps_its_points_and_few_marks_inside() -> None:
    draw = random.Random(5)
    for _ in range(300):
        most = 10 ** draw.randint(0, 12)
        points = [(draw.randint(0, most), draw.randint(0, most)) for _ in range(draw.randint(1, 9))]
        found = scatter(points, [False] * len(points))
        assert found is not None
        for spot in found.spots:
            assert LEFT <= spot.x <= WIDTH - RIGHT
            assert TOP <= spot.y <= HEIGHT - BOTTOM
        for axis in (found.across, found.up):
            assert 2 <= len(axis.marks) <= MOST_MARKS + 1
        assert sorted(number for spot in found.spots for number in spot.numbers) == list(range(len(points)))
