"""What the readings of one vehicle say together: plate, containers, tag and weight."""


import pytest

from iot.lanes.plateau import weigh
from iot.lanes.readings import LaneReading
from iot.lanes.votes import strongest_tag, vote_containers, vote_plate
from tests.iot.test_lanes import BOX, BOX2, OTHER, PLATE, TRAILER, box, loop, plate, reading, weight
from wms.gate.rules import SeenContainer


def test_plate_is_chosen_by_votes_and_not_by_the_last_read() -> None:
    vote = vote_plate([plate(1, 0), plate(2, 0.1), plate(3, 0.2, OTHER, 60)])
    assert vote.plate == PLATE
    assert vote.confidence_permille == 980 * 1960 // 2560
    assert vote.why == {1: (True, "voted"), 2: (True, "voted"), 3: (False, "outvoted")}


def test_two_equal_contradicting_reads_give_no_plate() -> None:
    vote = vote_plate([plate(1, 0), plate(2, 0.1, OTHER)])
    assert vote.plate is None
    assert vote.why[1] == (False, "tied")


def test_look_alikes_support_each_other_where_they_agree_and_none_is_put_together() -> None:
    """8/B and 0/D are confused: the plate whose weakest character has the most votes wins, if somebody read it."""
    whole = "湘F8B020"
    reads = [plate(1, 0, whole, 90), plate(2, 0.1, "湘FBB020", 90), plate(3, 0.2, "湘F8BD20", 90)]
    vote = vote_plate(reads)
    assert vote.plate == whole
    assert vote.confidence_permille == 900 * 1800 // 2700
    assert vote.why[1] == (True, "voted")
    assert vote.why[2] == vote.why[3] == (False, "agrees_where_sure")
    assert vote_plate(reads[1:]).plate is None  # each wrong in another place: nobody read the right one


def test_trailer_by_its_place_on_the_vehicle() -> None:
    vote = vote_plate([plate(1, 0), plate(2, 0.1, OTHER, position="trailer")])
    assert (vote.plate, vote.confidence_permille, vote.trailer_plate) == (PLATE, 980, OTHER)


def test_front_and_rear_camera_that_contradict_each_other_leave_little_confidence() -> None:
    vote = vote_plate([plate(1, 0, position="front", pct=98), plate(2, 0.1, OTHER, position="rear", pct=97)])
    assert (vote.plate, vote.confidence_permille) == (PLATE, 980 * 980 // 1950)


def test_trailer_plate_belongs_to_the_same_vehicle() -> None:
    vote = vote_plate([plate(1, 0), plate(2, 0.1, TRAILER)])
    assert (vote.plate, vote.confidence_permille, vote.trailer_plate) == (PLATE, 980, TRAILER)


def test_badges_and_unread_plates_are_kept_and_not_counted() -> None:
    vote = vote_plate([plate(1, 0, None), plate(2, 0.1, "SCANIA"), plate(3, 0.2)])
    assert vote.plate == PLATE
    assert vote.why[1] == (False, "unread")
    assert vote.why[2] == (False, "not_a_plate")


def test_valid_container_number_beats_a_more_confident_wrong_one_of_the_same_end() -> None:
    found, why = vote_containers([box(1, 0, "CSQU3054384", ok=False, pct=99), box(2, 0, BOX, pct=70)])
    assert found == (SeenContainer(BOX, True),)
    assert why[1] == (False, "check_digit")


def test_two_containers_and_two_ends_that_disagree_are_both_kept() -> None:
    found, _ = vote_containers([box(1, 0, BOX), box(2, 0, BOX2, position="back")])
    assert [each.number for each in found] == [BOX, BOX2]


def test_wrong_check_digit_alone_is_reported_as_wrong() -> None:
    assert vote_containers([box(1, 0, "CSQU3054384", ok=False)])[0] == (SeenContainer("CSQU3054384", False),)


def test_two_valid_numbers_of_one_end_are_both_kept_unless_one_has_few_votes() -> None:
    found, why = vote_containers([box(1, 0, BOX, pct=95), box(2, 0, BOX2, pct=60)])
    assert [each.number for each in found] == [BOX, BOX2]
    assert why == {1: (True, "contested"), 2: (True, "contested")}
    found, why = vote_containers([box(1, 0, BOX, pct=95), box(2, 0.1, BOX, pct=95), box(3, 0.2, BOX2, pct=60)])
    assert [each.number for each in found] == [BOX]
    assert why[3] == (False, "outvoted")


@pytest.mark.parametrize(("iso_type", "feet"), [("22G1", 20), ("45G1", 40), ("L5G1", 45), ("??", None), (None, None)])
def test_length_of_a_container_comes_from_its_type(iso_type: str | None, feet: int | None) -> None:
    read = reading(1, "ContainerRead", 0, number=BOX, check_digit_ok=True, position="front", iso_type=iso_type)
    assert vote_containers([read])[0] == (SeenContainer(BOX, True, length_ft=feet),)


def test_an_antenna_of_another_lane_does_not_count() -> None:
    reads = [tag(1, "A", -4000), reading(2, "TagRead", 0, tid="B", rssi_cdbm=-3000, antenna=7)]
    assert strongest_tag(reads)[0] == "B"
    winner, why = strongest_tag(reads, antennas=(1, 2))
    assert (winner, why[2]) == ("A", (False, "other_antenna"))


def test_a_net_weight_is_not_that_of_the_vehicle() -> None:
    net = [reading(n, "WeightRead", n, weight_g=9, is_stable=True, is_gross=False, state="weight") for n in (1, 3)]
    found = weigh(net, division_g=20_000, was_zero=True)
    assert (found.weight_g, found.why[3]) == (None, (False, "net"))


def tag(n: int, tid: str, cdbm: int) -> LaneReading:
    return reading(n, "TagRead", 0, tid=tid, rssi_cdbm=cdbm)


def test_tag_of_the_next_lane_needs_a_margin_of_6_db() -> None:
    assert strongest_tag([tag(1, "A", -4000), tag(2, "B", -4600)])[0] == "A"
    winner, why = strongest_tag([tag(1, "A", -4000), tag(2, "B", -4599)])
    assert winner is None
    assert why[1] == (False, "ambiguous")


@pytest.mark.parametrize(("last_at", "expected"), [(1.999, None), (2.0, 20_000_000)])
def test_weight_must_stand_for_one_second(last_at: float, expected: int | None) -> None:
    readings = [weight(1, 1, 20_000_000), weight(2, last_at, 20_000_000)]
    assert weigh(readings, division_g=20_000, was_zero=True).weight_g == expected


@pytest.mark.parametrize(("second_g", "expected"), [(20_020_000, 20_020_000), (20_020_001, None)])
def test_weight_must_stay_within_one_division(second_g: int, expected: int | None) -> None:
    readings = [weight(1, 1, 20_000_000), weight(2, 2.5, second_g)]
    assert weigh(readings, division_g=20_000, was_zero=True).weight_g == expected


def test_weight_counts_only_wholly_on_the_scale() -> None:
    half_on = [loop(1, 0, "scale_front"), loop(2, 0, "scale_rear", on=False), weight(3, 1, 9), weight(4, 3, 9)]
    found = weigh(half_on, division_g=20_000, was_zero=True)
    assert found.weight_g is None
    assert found.why[4] == (False, "not_wholly_on")


def test_weight_without_zero_since_the_vehicle_before_does_not_count() -> None:
    readings = [weight(1, 1, 20_000_000), weight(2, 3, 20_000_000)]
    assert weigh(readings, division_g=20_000, was_zero=False).weight_g is None
    zero = weight(0, 0.5, 0, state="zero")
    assert weigh([zero, *readings], division_g=20_000, was_zero=False).weight_g == 20_000_000


def test_unstable_minus_and_overload_are_never_weights() -> None:
    readings = [
        weight(1, 1, 20_000_000, stable=False),
        weight(2, 3, 20_000_000, stable=False),
        reading(3, "WeightRead", 4, weight_g=None, is_stable=True, state="overload"),
        weight(4, 5, -20_000, state="minus"),
    ]
    found = weigh(readings, division_g=20_000, was_zero=True)
    assert found.weight_g is None
    assert {reason for _, reason in found.why.values()} == {"unstable", "overload", "minus"}
