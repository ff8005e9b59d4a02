"""The ordered decision: each hold by the fact that causes it, the order, the weight at its limits, the replay."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wms.gate.cases import (
    BOX,
    CASE,
    LANE,
    NOW,
    PASS,
    PLATE,
    SEEN,
    with_lane,
    with_pass,
    with_seen,
    with_vehicle,
)
from wms.codes import plates
from wms.customs.tables import PASS_STATES
from wms.gate.rules import (
    HOLDS,
    ORDER,
    Case,
    ControlOrder,
    Document,
    SeenContainer,
    Tolerance,
    UnknownRules,
    allowed_difference_g,
    case_from_payload,
    case_hash,
    case_payload,
    compare_weight,
    decide,
)

STORED = Path(__file__).parent / "stored"
BOX2 = "HLXU4074106"
STOP = ControlOrder(2, "stop", "plate", PLATE)
PASSENGER = replace(with_vehicle(kind="passenger"), lane=replace(LANE, kind="passenger"), passes=())
OTHER = replace(PASS, pass_id=8, plate="湘F99999", containers=(BOX,))

HELD: list[tuple[str, Case]] = [
    ("readings_stale", with_seen(is_fresh=False)),
    ("lane_closed", with_lane(is_open=False)),
    ("plate_unread", with_seen(plate=None)),
    ("plate_unread", with_seen(plate_confidence_permille=699)),
    ("vehicle_unknown", replace(CASE, vehicle=None)),
    ("vehicle_unknown", with_vehicle(is_registered=False)),
    ("vehicle_lapsed", with_vehicle(registered_until_at=NOW)),
    ("blacklisted", with_vehicle(blacklisted_for="smuggling case")),
    ("wrong_way", with_seen(moved="backward")),
    ("wrong_lane", with_lane(kind="passenger")),
    ("wrong_lane", with_lane(kind="temporary")),
    ("tag_missing", with_lane(needs_tag=True)),
    ("tag_differs", with_seen(tag="E2801", tag_plate="湘F99999")),
    ("plate_differs", replace(CASE, passes=(OTHER,))),
    ("no_pass", replace(CASE, passes=())),
    ("no_pass", with_pass(direction="I")),
    ("empty_needs_pass", replace(with_seen(weight_g=14_000_000, containers=()), passes=())),
    ("several_passes", replace(CASE, passes=(PASS, replace(PASS, pass_id=9)))),
    ("pass_in_use", with_pass(is_claimed=True)),
    ("trailer_differs", replace(with_pass(trailer_plate="湘F1234挂"), seen=replace(SEEN, trailer_plate="湘F9999挂"))),
    ("container_missing", with_seen(containers=())),
    ("container_missing", replace(with_pass(containers=()), seen=replace(SEEN, containers=(), missing=("container",)))),
    ("container_invalid", with_seen(containers=(SeenContainer(BOX, False),))),
    ("container_invalid", with_seen(containers=(SeenContainer(BOX, True, recognised=False),))),
    ("container_differs", with_seen(containers=(SeenContainer("HLXU4074106", True),))),
    ("container_differs", with_seen(containers=(SeenContainer(BOX, True), SeenContainer("HLXU4074106", True)))),
    ("seal_differs", replace(with_pass(seal="S1"), seen=replace(SEEN, seals=("S2",)))),
    ("container_sizes", with_seen(containers=(SeenContainer(BOX, True, length_ft=40), SeenContainer(BOX2, True)))),
    ("seal_missing", replace(with_pass(seal="S1"), lane=replace(LANE, needs_seal=True))),
    ("seal_broken", with_seen(seals=("S1",), broken_seals=("S1",))),
    ("control_stop", with_pass(control_order="stop")),
    ("control_stop", replace(CASE, orders=(ControlOrder(1, "inspect", "plate", PLATE), STOP))),
    ("control_stop", replace(PASSENGER, orders=(STOP,))),
    ("control_detain", with_pass(control_order="detain")),
    ("control_inspect", with_pass(control_order="inspect")),
    ("control_detain", with_pass(control_order="inspect", documents=(Document("QD1", True, "detain"),))),
    ("not_released", with_pass(documents=())),
    ("not_released", with_pass(documents=(Document("QD1", True), Document("QD2", False)))),
    ("goods_not_declared", with_pass(goods_missing=True)),
    ("not_weighed", with_seen(weight_g=None)),
    ("not_weighed", with_seen(weight_g=0)),
    ("weight_high", with_seen(weight_g=21_800_000)),
    ("weight_low", with_seen(weight_g=18_200_000)),
    ("too_early", with_pass(valid_from_at=NOW + timedelta(microseconds=1))),
    ("too_late", with_pass(valid_until_at=NOW - timedelta(microseconds=1))),
    ("customs_says_hold", with_lane(needs_customs_answer=True)),
    ("customs_says_hold", replace(with_lane(needs_customs_answer=True), seen=replace(SEEN, customs_answer="hold"))),
]


def test_lifts_for_the_approved_truck() -> None:
    verdict = decide(CASE)
    assert verdict.lift
    assert verdict.pass_id == 7
    assert [check.check for check in verdict.checks] == [name for name, _ in ORDER]


@pytest.mark.parametrize(("code", "case"), HELD)
def test_holds_with_the_code_of_the_first_failing_check(code: str, case: Case) -> None:
    verdict = decide(case)
    assert not verdict.lift
    assert verdict.hold is not None
    assert verdict.hold.code == code


def test_every_hold_code_has_a_case_and_words_in_two_languages() -> None:
    assert {code for code, _ in HELD} == set(HOLDS)
    for hold in HOLDS.values():
        assert all(words.zh and words.en for words in (hold.led, hold.driver, hold.officer))


def test_earlier_check_wins_when_two_fail() -> None:
    case = replace(with_seen(weight_g=1), vehicle=replace(CASE.vehicle, blacklisted_for="x"))  # type: ignore[type-var]
    verdict = decide(case)
    assert verdict.hold is not None
    assert verdict.hold.code == "blacklisted"
    reached = [check.outcome for check in verdict.checks]
    assert reached == sorted(reached, key=["ok", "hold", "not_reached"].index)
    assert verdict.codes == ("blacklisted", "weight_low")


def test_the_order_is_that_of_the_reference() -> None:
    """Customs reference, 5.2: lane and type, vehicle, pass, plate and containers and seal, papers, weight, time."""
    broken = replace(
        with_pass(valid_until_at=NOW - timedelta(hours=1), documents=(), seal="S1"),
        lane=replace(LANE, kind="passenger"),
        seen=replace(SEEN, weight_g=1, containers=(SeenContainer(BOX2, True),), seals=("S2",)),
        vehicle=replace(CASE.vehicle, blacklisted_for="x"),  # type: ignore[type-var]
        orders=(STOP,),
    )
    assert decide(broken).codes == (
        "wrong_lane", "blacklisted", "container_differs", "seal_differs", "control_stop", "not_released", "weight_low",
        "too_late",
    )  # fmt: skip


def test_weight_of_registered_goods_holds_nobody_on_entry_where_it_is_relaxed() -> None:
    for weight_g in (None, 0, 1, 40_000_000):
        relaxed = replace(with_seen(weight_g=weight_g), tolerance=Tolerance(is_relaxed=True))
        assert decide(relaxed).lift
        assert not decide(replace(relaxed, tolerance=Tolerance())).lift


@pytest.mark.parametrize(
    ("state", "direction", "stage", "double"), list(product(PASS_STATES, "IE", (0, 1, 2), (False, True)))
)
def test_only_an_open_pass_of_this_direction_and_stage_lifts(
    state: str, direction: str, stage: int, double: bool
) -> None:
    case = replace(with_pass(state=state, direction=direction, is_double_gate=double), lane=replace(LANE, stage=stage))
    wanted = ("approved", "approved", "passed_first")[stage] if double == (stage > 0) else None
    assert decide(case).lift == (state == wanted and direction == "E")


def test_an_empty_vehicle_with_its_own_pass_is_let_out_without_documents() -> None:
    case = replace(
        with_pass(pass_type="6", containers=(), documents=(), total_weight_g=14_000_000),
        seen=replace(SEEN, containers=(), weight_g=14_050_000),
    )
    assert decide(case).lift


def test_a_passenger_car_needs_no_gate_pass_in_a_passenger_lane() -> None:
    assert decide(PASSENGER).lift


def test_unweighed_passes_only_where_the_tolerance_says_so() -> None:
    assert decide(replace(with_seen(weight_g=0), tolerance=Tolerance(unweighed_may_pass=True))).lift
    assert decide(replace(with_seen(weight_g=0), lane=replace(LANE, needs_weight=False))).lift


@pytest.mark.parametrize(
    ("total_g", "limit_g"),
    [(20_000_000, 1_000_000), (1_000_000, 100_000), (2_000_000, 100_000), (2_000_020, 100_001), (14_292_800, 714_640)],
)
def test_weight_is_within_exactly_at_the_limit_and_out_one_gram_beyond(total_g: int, limit_g: int) -> None:
    tolerance = Tolerance()
    assert allowed_difference_g(total_g, tolerance) == limit_g
    outcomes = [
        compare_weight(total_g + off, total_g, tolerance).outcome
        for off in (-limit_g - 1, -limit_g, 0, limit_g, limit_g + 1)
    ]
    assert outcomes == ["low", "within", "within", "within", "high"]


@given(st.integers(1, 10**9), st.integers(-(10**9), 10**9), st.integers(0, 10_000), st.integers(0, 10**7))
def test_integer_comparison_equals_the_exact_fraction(total_g: int, off_g: int, share_bp: int, absolute_g: int) -> None:
    tolerance = Tolerance(share_bp, absolute_g)
    measured_g = total_g + off_g
    within = measured_g > 0 and abs(off_g) * 10_000 <= max(total_g * share_bp, absolute_g * 10_000)
    assert (compare_weight(measured_g, total_g, tolerance).outcome == "within") == within


@pytest.mark.parametrize("case", [case for _, case in HELD] + [CASE])
def test_stored_inputs_give_the_same_answer_and_hash_again(case: Case) -> None:
    stored = json.loads(json.dumps(case_payload(case)))
    again = case_from_payload(stored)
    assert again == case
    assert decide(again) == decide(case)
    assert case_hash(stored) == case_hash(case_payload(again))


def test_decisions_stored_under_older_rules_replay_by_those_rules() -> None:
    """As gate-1 wrote them: their inputs know nothing of what later rules look at."""
    rows = [json.loads(line) for line in (STORED / "gate-1.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) > 40
    for row in rows:
        assert case_hash(row["inputs"]).hex() == row["inputs_sha256"]
        verdict = decide(case_from_payload(row["inputs"]), row["rule_version"])
        assert (verdict.hold.code if verdict.hold else None) == row["hold_code"]
        assert verdict.pass_id == row["gate_pass_id"]


def test_a_case_on_which_the_versions_differ_is_answered_by_each_in_its_own_way() -> None:
    case = replace(with_vehicle(blacklisted_for="x"), lane=replace(LANE, kind="passenger"))
    assert [decide(case, version).codes[0] for version in ("gate-1", "gate-2")] == ["blacklisted", "wrong_lane"]
    with pytest.raises(UnknownRules, match="gate-9"):
        decide(case, "gate-9")


def test_plates_of_the_cases_follow_the_grammar() -> None:
    assert plates.is_plate(CASE.seen.plate or "")
