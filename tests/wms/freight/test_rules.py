from dataclasses import replace
from datetime import timedelta

import pytest

from tests.wms.freight.builders import form
from wms.freight.rules import (
    ConsignmentNotOpen,
    InstantsOutOfOrder,
    NegativeAmount,
    Piece,
    PiecesExceedConsignment,
    check_form,
    check_open,
)


@pytest.mark.parametrize("field", ["volume_cm3", "weight_g", "value_minor"])
def test_refuses_a_negative_amount_by_the_name_of_its_field(field: str) -> None:
    with pytest.raises(NegativeAmount) as refused:
        check_form(form(1, **{field: -1}))
    assert refused.value.field == field


def test_accepts_zero_volume_because_the_plan_will_say_so() -> None:
    check_form(form(1, volume_cm3=0))


def test_refuses_instants_out_of_order() -> None:
    good = form(1)
    with pytest.raises(InstantsOutOfOrder):
        check_form(replace(good, due_at=good.ready_at))
    with pytest.raises(InstantsOutOfOrder):
        check_form(replace(good, latest_at=good.due_at - timedelta(seconds=1)))


def test_refuses_pieces_larger_than_the_whole_or_without_size() -> None:
    with pytest.raises(PiecesExceedConsignment):
        check_form(form(1, pieces=(Piece(3, 1000, 1000, 1000, 1000),)))
    with pytest.raises(NegativeAmount):
        check_form(form(1, pieces=(Piece(0, 1000, 1000, 1000, 1000),)))


def test_what_is_booked_is_no_longer_open() -> None:
    with pytest.raises(ConsignmentNotOpen, match="YY1 is no longer open"):
        check_open("YY1", "booked")
