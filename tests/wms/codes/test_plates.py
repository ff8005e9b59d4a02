"""Plates: what is one, how it is spelled, what a camera mistakes it for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.codes import plates

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
ORDINARY = st.builds(
    "{}{}{}".format,
    st.sampled_from(plates.PROVINCES),
    st.sampled_from(LETTERS),
    st.text(alphabet=LETTERS + "0123456789", min_size=5, max_size=5),
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("浙B1D971", plates.PlateKind.ORDINARY),
        ("湘FD12345", plates.PlateKind.SMALL_NEW_ENERGY),
        ("湘F12345D", plates.PlateKind.LARGE_NEW_ENERGY),
        ("湘F1234挂", plates.PlateKind.TRAILER),
        ("粤Z1234港", plates.PlateKind.SPECIAL),
        ("湘F·8K231", plates.PlateKind.ORDINARY),
        (" 湘f 8k231 ", plates.PlateKind.ORDINARY),
        ("湘Ｆ８Ｋ２３１", plates.PlateKind.ORDINARY),
    ],
)
def test_names_the_layout_of_a_plate(text: str, kind: plates.PlateKind) -> None:
    assert plates.kind_of(text) is kind
    assert plates.is_plate(text)


@pytest.mark.parametrize(
    "text", ["", "湘F", "湘F1234", "湘F1234567", "HF12345", "湘112345", "湘F123456", "无牌车", "no plate", "湘F12挂45"]
)
def test_refuses_what_is_no_plate(text: str) -> None:
    assert plates.kind_of(text) is None


def test_reads_the_letters_that_are_never_issued_as_digits() -> None:
    assert plates.normalise("湘FO123I") == "湘F01231"


@given(ORDINARY)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = plates.normalise(text)
    assert plates.normalise(once) == once
    assert plates.is_plate(once)


@given(st.text(max_size=30))
def test_normalising_never_fails_and_is_stable(text: str) -> None:
    once = plates.normalise(text)
    assert plates.normalise(once) == once


@given(ORDINARY)
def test_every_look_alike_is_a_plate_and_looks_back(text: str) -> None:
    for other in plates.look_alikes(text):
        assert plates.is_plate(other)
        assert plates.looks_like(text, other)
        assert plates.looks_like(other, text)


def test_tells_confusable_plates_from_different_ones() -> None:
    assert plates.looks_like("湘F8K231", "湘FBK231")
    assert not plates.looks_like("湘F8K231", "湘F8K231")
    assert not plates.looks_like("湘F8K231", "湘F9K231")
    assert not plates.looks_like("湘F8B231", "湘F80DZ1")
