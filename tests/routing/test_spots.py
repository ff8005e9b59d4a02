"""Spots of a load: few bytes inside, lists of six whole numbers in JSON."""

from __future__ import annotations

import pickle

import pytest
from pydantic import ValidationError

from routing.plan import PlanLoad
from routing.spots import Spots

ROWS = ((0, 0, 0, 0, 600, 400), (1, 600, 0, 0, 400, 600))


def test_spots_read_and_write_as_lists_of_numbers() -> None:
    load = PlanLoad(box="B0001", container="20GP", spots=Spots(ROWS))
    assert load.model_dump(mode="json")["spots"] == [list(row) for row in ROWS]
    assert PlanLoad.model_validate_json(load.model_dump_json()) == load
    assert PlanLoad.model_validate(load.model_dump(mode="json")) == load
    assert PlanLoad.model_validate(load.model_dump()) == load
    assert pickle.loads(pickle.dumps(load)) == load
    assert load.model_dump(mode="json") == {
        **load.model_dump(mode="json"),
        "spots": load.model_dump()["spots"].listed(),
    }


def test_spots_are_a_sequence_of_tuples() -> None:
    spots = Spots(ROWS)
    assert list(spots) == list(ROWS)
    assert (spots[-1], spots[:1], len(spots), bool(Spots())) == (ROWS[1], [ROWS[0]], 2, False)
    assert spots == ROWS
    assert spots != ROWS[:1]
    assert hash(spots) == hash(Spots(ROWS))


@pytest.mark.parametrize("wrong", [[[1, 2, 3]], [[1, 2, 3, 4, 5, "x"]], [[1, 2, 3, 4, 5, 2**40]], "spots"])
def test_what_is_no_spot_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        PlanLoad.model_validate({"box": "B0001", "container": "20GP", "spots": wrong})
