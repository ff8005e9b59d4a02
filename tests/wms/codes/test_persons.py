"""Identity card numbers and headings of the tariff."""

from datetime import date

import pytest

from wms.codes.hs import has_heading, is_hs_of
from wms.codes.persons import is_division, is_identity_card

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize("text", ["11010519491231002X", "440524188001010014"])
def test_anchors_of_identity_cards(text: str) -> None:
    assert is_identity_card(text)


@pytest.mark.parametrize(
    "text",
    [
        "130681136250023332",  # born in month 50 of 1362
        "110105194912310021",  # wrong check character
        "11010519491231002x",  # small letter
        "990105194912310020",  # no such region
        "11010519491231002",
        "",
    ],
)
def test_refuses_impossible_identity_cards(text: str) -> None:
    assert not is_identity_card(text)


def test_divisions_begin_with_a_province() -> None:
    assert is_division("430602")
    assert not is_division("072750")
    assert not is_division("43060")


def test_headings_end_with_their_chapter() -> None:
    assert has_heading("2404", TODAY)
    assert not has_heading("2412", TODAY)
    assert not has_heading("7701", TODAY)
    assert is_hs_of("1901101090", TODAY)
    assert not is_hs_of("190110", TODAY)
