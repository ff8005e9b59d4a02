"""GTIN, SSCC and GLN."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.codes import gs1_keys

DIGITS = st.text(alphabet="0123456789", min_size=7, max_size=17)


def test_accepts_the_anchor_number() -> None:
    assert gs1_keys.is_gtin("6901234567892")
    assert gs1_keys.gtin14("6901234567892") == "06901234567892"
    assert gs1_keys.gtin_spellings("6901234567892") == ("06901234567892", "6901234567892")
    assert gs1_keys.gtin_spellings("02345673")[-1] == "02345673"


@given(DIGITS)
def test_exactly_one_last_digit_is_right(payload: str) -> None:
    assert sum(gs1_keys.has_check_digit(f"{payload}{digit}") for digit in range(10)) == 1


@given(DIGITS, st.data())
def test_every_single_wrong_digit_is_noticed(payload: str, data: st.DataObject) -> None:
    number = f"{payload}{gs1_keys.check_digit(payload)}"
    place = data.draw(st.integers(0, len(number) - 1))
    other = (int(number[place]) + data.draw(st.integers(1, 9))) % 10
    assert not gs1_keys.has_check_digit(f"{number[:place]}{other}{number[place + 1 :]}")


@pytest.mark.parametrize("text", ["", "1", "６９０１２３４５６７８９２", "69012345678 2", "690123456789²"])
def test_refuses_what_is_not_made_of_plain_digits(text: str) -> None:
    assert not gs1_keys.is_gtin(text)


@given(st.integers(0, 9), st.integers(0, 999_999_999))
def test_makes_sscc_that_hold(extension: int, serial: int) -> None:
    assert gs1_keys.is_sscc(gs1_keys.make_sscc(extension, "6901234", serial))


def test_refuses_a_serial_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        gs1_keys.make_sscc(3, "6901234", 10**9)


def test_gtin14_refuses_other_numbers() -> None:
    with pytest.raises(ValueError, match="no GTIN"):
        gs1_keys.gtin14("123")
