"""The checker finds a planted fault of each kind, and nothing in sound plans."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from routing.generate import problem as generated
from routing.problem import Problem
from routing.solve import make_plan
from routing.verify import verify

Document = dict[str, Any]


@pytest.fixture(scope="module")
def sound() -> tuple[Problem, Document]:
    one = generated(90, seed=11, mean_dm3=5000)
    return one, make_plan(one, seconds=6).model_dump(mode="json")


def boxed(plan: Document) -> Document:
    found: Document = next(box for box in plan["boxes"] if box["kind"] == "box" and len(box["consignments"]) > 1)
    return found


def of_box(plan: Document, box: Document) -> list[Document]:
    return [one for one in plan["assignments"] if one["box"] == box["id"]]


def leave_out_silently(plan: Document) -> None:
    plan["assignments"].pop()


def send_twice(plan: Document) -> None:
    plan["assignments"].append(plan["assignments"][0])


def invent_a_consignment(plan: Document) -> None:
    plan["unserved"].append({"consignment": "GHOST", "owner": "X", "reason": "no_size", "values": {}})


def forget_the_reason(plan: Document) -> None:
    plan["unserved"].append(
        {"consignment": plan["assignments"].pop()["consignment"], "owner": "X", "reason": "", "values": {}}
    )


def move_between_boxes(plan: Document) -> None:
    one, other = plan["boxes"][0], plan["boxes"][-1]
    other["consignments"].append(one["consignments"].pop())


def other_segment(plan: Document) -> None:
    other = next(segment["id"] for segment in plan["segments"] if segment["id"] != plan["assignments"][0]["segment"])
    plan["assignments"][0]["segment"] = other


def steal(plan: Document) -> None:
    plan["assignments"][0]["owner"] = "SOMEONE"


def leave_on_another_day(plan: Document) -> None:
    plan["legs"][0]["depart_at"] = "2026-03-05T03:33:00Z"


def sail_faster(plan: Document) -> None:
    plan["legs"][0]["arrive_at"] = plan["legs"][0]["depart_at"]


def move_the_cutoff(plan: Document) -> None:
    plan["legs"][0]["cutoff_at"] = plan["legs"][0]["depart_at"]


def invent_allotment(plan: Document) -> None:
    plan["legs"][0]["capacity"] += 100


def overbook(plan: Document) -> None:
    box = boxed(plan)
    box["teu"] += 500


def miss_the_connection(plan: Document) -> None:
    segment = next(one for one in plan["segments"] if len(one["departures"]) > 1)
    later = [leg for leg in plan["legs"] if leg["service"] == segment["departures"][0].split("@")[0]]
    segment["departures"][0] = max(later, key=lambda leg: leg["depart_at"])["departure"]


def strip_sooner(plan: Document) -> None:
    plan["segments"][0]["free_at"] = plan["segments"][0]["arrive_at"]


def close_later(plan: Document) -> None:
    plan["segments"][0]["close_at"] = plan["segments"][0]["depart_at"]


def deliver_sooner(plan: Document) -> None:
    plan["assignments"][0]["deliver_at"] = "2026-03-03T00:00:00Z"


def hide_lateness(plan: Document) -> None:
    plan["assignments"][0]["late_s"] += 3600


def mix_classes(plan: Document) -> None:
    boxed(plan)["load_class"] = "parcel_export/frozen/none"


def overfill(plan: Document) -> None:
    box = boxed(plan)
    box["equipment"] = "AKE"


def understate_the_load(plan: Document) -> None:
    boxed(plan)["volume_cm3"] -= 1


def cheapen_a_box(plan: Document) -> None:
    box = boxed(plan)
    box["price_minor"] -= 100
    of_box(plan, box)[0]["costs"]["share_minor"] -= 100


def cheapen_loose_space(plan: Document) -> None:
    next(box for box in plan["boxes"] if box["kind"] == "loose")["price_minor"] -= 1


def lose_a_fen(plan: Document) -> None:
    of_box(plan, boxed(plan))[0]["costs"]["share_minor"] -= 1


def flatter_the_fill(plan: Document) -> None:
    boxed(plan)["volume_permille"] += 30


def forget_holding(plan: Document) -> None:
    plan["assignments"][0]["costs"]["holding_minor"] += 1


def forget_the_truck(plan: Document) -> None:
    one = next(a for a in plan["assignments"] if a["costs"]["feeder_minor"])
    one["costs"]["feeder_minor"] = 0


def wrong_total(plan: Document) -> None:
    plan["cost_minor"] += 1


def wrong_consignment_total(plan: Document) -> None:
    plan["assignments"][0]["total_minor"] += 1


def bound_above_the_plan(plan: Document) -> None:
    plan["bound_minor"] = plan["objective_minor"] + 1


def flatter_the_gap(plan: Document) -> None:
    plan["gap_ppm"] += 1


def flatter_the_saving(plan: Document) -> None:
    plan["saving_minor"] += 1


def understate_carbon(plan: Document) -> None:
    plan["assignments"][0]["co2_g"] = 0


def other_problem(plan: Document) -> None:
    plan["snapshot_sha256"] = "0" * 64


PLANTED: list[tuple[Callable[[Document], None], str]] = [
    (leave_out_silently, "once"), (send_twice, "once"), (invent_a_consignment, "once"), (forget_the_reason, "reason"),
    (move_between_boxes, "contents"), (other_segment, "segment"), (steal, "owner"), (leave_on_another_day, "timetable"),
    (sail_faster, "transit"), (move_the_cutoff, "cutoff"), (invent_allotment, "allotment"), (overbook, "allotment"),
    (miss_the_connection, "transfer"), (strip_sooner, "stripping"), (close_later, "cutoff"), (deliver_sooner,
    "delivery"),
    (hide_lateness, "lateness"), (mix_classes, "mixing"), (overfill, "volume"), (understate_the_load, "load"),
    (cheapen_a_box, "price"), (cheapen_loose_space, "price"), (lose_a_fen, "share"), (flatter_the_fill, "fill"),
    (forget_holding, "holding_cost"), (forget_the_truck, "feeder_cost"), (wrong_total, "total"),
    (wrong_consignment_total, "consignment_total"), (bound_above_the_plan, "bound"), (flatter_the_gap, "gap"),
    (flatter_the_saving, "saving"), (understate_carbon, "carbon"), (other_problem, "snapshot"),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "rule"), PLANTED, ids=[plant.__name__ for plant, _ in PLANTED])
def test_finds_a_planted_fault(sound: tuple[Problem, Document], plant: Callable[[Document], None], rule: str) -> None:
    one, plan = sound
    damaged = copy.deepcopy(plan)
    plant(damaged)
    assert rule in {finding.rule for finding in verify(one, damaged)}


def test_finds_nothing_in_a_sound_plan(sound: tuple[Problem, Document]) -> None:
    assert verify(*sound) == []


def test_finds_a_plan_too_heavy_too_late_or_with_a_piece_too_large(sound: tuple[Problem, Document]) -> None:
    one, plan = sound
    box = boxed(plan)
    victim = next(item for item in one.consignments if item.id == box["consignments"][0])
    piece = {"count": 1, "length_mm": 20_000, "width_mm": 10, "height_mm": 10, "weight_g": 1}
    for change, rule in (
        ({"weight_g": 90_000_000}, "weight"), ({"latest_at": victim.ready_at, "due_at": victim.ready_at}, "latest"),
        ({"pieces": [piece]}, "piece"),
        ({"ready_at": victim.due_at}, "ready"), ({"dangerous": "class7"}, "class"), ({"destination": "AUMEL"}, "reach"),
    ):  # fmt: skip
        changed = type(victim).model_validate({**victim.model_dump(), **change})
        others = tuple(changed if item.id == victim.id else item for item in one.consignments)
        rules = {finding.rule for finding in verify(one.model_copy(update={"consignments": others}), plan)}
        assert rule in rules
