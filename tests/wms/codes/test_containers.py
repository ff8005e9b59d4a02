"""Container numbers: shape, check digit and the spellings found on paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.codes import containers
from wms.codes.containers import ContainerFault

FIRST_TEN = st.from_regex(r"[A-Z]{3}[UJZ][0-9]{6}", fullmatch=True)


@pytest.mark.parametrize("number", ["CSQU3054383", "HLXU4074106", "FCIU9176921", "csqu 305438-3", "CSQU 305438 3"])
def test_accepts_a_number_whose_check_digit_holds(number: str) -> None:
    assert containers.check(number)
    assert containers.fault(number) is None


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("MSKU0000000", ContainerFault.CHECK_DIGIT),
        ("CSQU3054384", ContainerFault.CHECK_DIGIT),
        ("CSQX3054383", ContainerFault.SHAPE),
        ("CSQU305438", ContainerFault.SHAPE),
        ("", ContainerFault.SHAPE),
        ("箱号", ContainerFault.SHAPE),
    ],
)
def test_says_what_is_wrong_with_a_number(number: str, fault: ContainerFault) -> None:
    assert containers.fault(number) is fault


@given(FIRST_TEN)
def test_exactly_one_last_digit_is_right(first_ten: str) -> None:
    assert sum(containers.check(first_ten + str(digit)) for digit in range(10)) == 1


@given(FIRST_TEN, st.integers(min_value=4, max_value=9), st.integers(min_value=1, max_value=9))
def test_a_misread_serial_digit_is_noticed_except_where_ten_counts_as_nought(
    first_ten: str, place: int, shift: int
) -> None:
    digit = containers.check_digit(first_ten)
    other = first_ten[:place] + str((int(first_ten[place]) + shift) % 10) + first_ten[place + 1 :]
    # ISO 6346 folds remainder 10 onto 0, so a digit of 0 is the one blind spot of the standard.
    assert containers.check_digit(other) != digit or digit == 0
