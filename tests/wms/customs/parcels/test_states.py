"""Receipts move a declaration forward only; 120 is not a release (customs reference, 2.6)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.customs.parcels.rules import states
from wms.customs.parcels.rules.states import ORDER, take_receipt

CODES = (*ORDER, "4", "18", "23", "100", "501", "599", "700", "-621005")


def run(*codes: str, state: str = "declared") -> tuple[str, str | None]:
    status: str | None = None
    for code in codes:
        step = take_receipt(state, status, code)
        state, status = step.state, step.status
    return state, status


def test_120_says_that_customs_has_it_not_that_it_may_go() -> None:
    assert run("1", "2", "3", "120") == ("declared", "120")


@pytest.mark.parametrize("pair", list(itertools.combinations(ORDER[:7], 2)))
def test_a_lower_code_that_arrives_late_changes_nothing(pair: tuple[str, str]) -> None:
    lower, higher = pair
    assert run(higher, lower) == ("declared", higher)


def test_800_lets_it_go_and_899_clears_it() -> None:
    assert run("120", "800") == ("released", "800")
    assert run("800", "120", "100", "4") == ("released", "800")
    assert run("800", "899", "800") == ("cleared", "899")


def test_100_returns_it_and_the_late_answers_of_that_attempt_change_nothing() -> None:
    assert run("120", "100", "300", "800") == ("returned", "100")


def test_4_reopens_but_what_turns_out_to_have_arrived_counts() -> None:
    assert run("4") == ("returned", "4")
    assert run("4", "120", "800") == ("released", "800")


@pytest.mark.parametrize("code", states.DETAINS)
def test_what_is_detained_stays_until_it_is_let_go_or_sent_back(code: str) -> None:
    assert run("120", code, "500") == ("detained", code)
    assert run("800", code) == ("detained", code)
    assert run(code, "800") == ("released", "800")
    assert run(code, "700") == ("shipped_back", "700")


def test_codes_nobody_listed_are_kept_and_move_nothing() -> None:
    assert run("120", "18", "23") == ("declared", "120")


def test_an_exception_rejects_only_what_customs_does_not_have_yet() -> None:
    assert run("2", "-621005") == ("rejected", "-621005")
    assert run("120", "-621004") == ("declared", "120")


@pytest.mark.parametrize("code", CODES)
def test_a_cancelled_or_drawn_up_declaration_takes_no_receipt(code: str) -> None:
    assert run(code, state="cancelled") == ("cancelled", None)
    assert run(code, state="draft") == ("draft", None)


@given(st.lists(st.sampled_from(CODES), max_size=12))
def test_no_series_of_receipts_lets_go_without_800_or_899(codes: list[str]) -> None:
    state, _status = run(*codes)
    assert state not in ("released", "cleared") or {"800", "899"} & set(codes)
    assert state in states.WORDS


@given(st.permutations(["1", "2", "3", "120", "300", "500", "800", "120", "2", "800"]))
def test_released_whatever_the_order_of_the_receipts(codes: list[str]) -> None:
    assert run(*codes) == ("released", "800")


@given(st.lists(st.sampled_from(CODES), max_size=8), st.sampled_from(CODES))
def test_the_same_receipt_again_changes_nothing(codes: list[str], code: str) -> None:
    once = run(*codes, code)
    assert take_receipt(once[0], once[1], code).state == once[0] or code in ORDER
