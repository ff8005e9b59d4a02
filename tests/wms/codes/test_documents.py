"""Numbers of companies, customs documents, places and postal items; and the dated lists."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as oracle

from wms.codes import customs_numbers, lists, postal, unlocode, uscc
from wms.codes.lists import ListName

TODAY = date(2026, 6, 1)


def test_checks_both_check_characters_of_a_company() -> None:
    assert uscc.is_uscc("91350100M000100Y43")
    assert uscc.is_uscc("9135 0100 m000100y43")
    assert not uscc.is_uscc("91350100M000100Y44")
    assert not uscc.is_uscc("91350100M000100Z43")


@given(st.from_regex(r"91[0-9]{6}[0-9A-HJ-NP-RTUWXY]{8}", fullmatch=True))
def test_agrees_with_another_implementation(first_sixteen: str) -> None:
    body = first_sixteen + uscc.organisation_check(first_sixteen[8:])
    code = body + uscc.check_character(body)
    assert oracle.calc_check_digit(body) == code[-1]
    assert uscc.is_uscc(code)


def test_takes_document_numbers_apart() -> None:
    found = customs_numbers.parse_verification_list("QD490226I000000123")
    assert found == customs_numbers.VerificationListNo("4902", 26, "I", 123)
    gate_pass = customs_numbers.parse_gate_pass("Z4902E260601000000000042")
    assert gate_pass == customs_numbers.GatePassNo("4902", "E", TODAY, 42)


@pytest.mark.parametrize(
    "text", ["", "QD490226X000000123", "QD490226I00000012", "qd490226I000000123", "QD490226I000000123 "]
)
def test_refuses_other_verification_list_numbers(text: str) -> None:
    assert customs_numbers.parse_verification_list(text) is None


def test_refuses_a_gate_pass_of_an_impossible_day() -> None:
    assert customs_numbers.parse_gate_pass("Z4902E260631000000000042") is None
    assert customs_numbers.parse_gate_pass("Z4902E26060100000000004") is None


def test_knows_the_shapes_of_books_goods_and_offices() -> None:
    assert customs_numbers.is_account_book("T3111W000001")
    assert customs_numbers.is_account_book("S1501I000164")
    assert not customs_numbers.is_account_book("T3111W00000")
    assert customs_numbers.is_hs("0202300010")
    assert not customs_numbers.is_hs("02023000")
    assert customs_numbers.is_simplified_hs("020230")
    assert customs_numbers.is_customs_office("4900")
    assert customs_numbers.is_customs_code("49026600AB")
    assert customs_numbers.is_trade_mode("1210")
    assert customs_numbers.is_pre_entry("0" * 18)


@pytest.mark.parametrize(
    ("written", "code"), [("CNSHA", "CNSGH"), ("城陵矶", "CNCLJ"), ("duisburg", "DEDUI"), ("cn yya", "CNYYA")]
)
def test_resolves_names_and_outdated_place_codes(written: str, code: str) -> None:
    assert unlocode.resolve(written) == code


def test_an_airport_code_stays_itself_for_air_traffic() -> None:
    assert unlocode.resolve("CNSHA", by_air=True) == "CNSHA"


def test_says_when_a_place_is_unknown() -> None:
    assert unlocode.resolve("somewhere") is None


def test_reads_the_codes_that_are_often_confused() -> None:
    def name(of: ListName, code: str) -> str:
        found = lists.find(of, code, TODAY)
        assert found is not None
        return found.name_zh

    assert name(ListName.COUNTRY, "303") == "英国"
    assert name(ListName.CURRENCY, "330") == "瑞典克朗"
    assert name(ListName.UNIT, "142") == "瓶"
    assert lists.by_iso(ListName.CURRENCY, "CNY", TODAY) == lists.find(ListName.CURRENCY, "142", TODAY)


def test_a_code_means_nothing_before_its_first_day() -> None:
    assert lists.find(ListName.COUNTRY, "142", date(2017, 12, 31)) is None


def test_an_old_mode_is_known_but_not_enabled() -> None:
    found = lists.find(ListName.TRADE_MODE, "1239", TODAY)
    assert found is not None
    assert not found.is_enabled


def test_converts_units_through_chains_exactly() -> None:
    assert lists.unit_factor("070", "036", TODAY) == 1_000_000
    assert lists.unit_factor("095", "096", TODAY) == 1000
    assert lists.unit_factor("011", "036", TODAY) is None


@pytest.mark.parametrize("name", list(ListName))
def test_no_list_means_one_code_two_things_on_a_day(name: ListName) -> None:
    valid = [row.code for row in lists.rows(name) if row.is_valid(TODAY)]
    assert len(valid) == len(set(valid))


def test_postal_items_need_country_and_check_digit() -> None:
    assert postal.is_postal_item("RB 123 456 785 CN")
    assert not postal.is_postal_item("RB123456786CN")
    assert not postal.is_postal_item("RB123456785XX")


@pytest.mark.parametrize(
    ("of", "code", "iso", "name_zh"),
    [
        (ListName.COUNTRY, "303", "GB", "英国"), (ListName.COUNTRY, "305", "FR", "法国"),
        (ListName.COUNTRY, "132", "SG", "新加坡"), (ListName.COUNTRY, "244", "ZA", "南非"),
        (ListName.COUNTRY, "429", "MX", "墨西哥"), (ListName.COUNTRY, "331", "CH", "瑞士"),
        (ListName.CURRENCY, "330", "SEK", "瑞典克朗"), (ListName.CURRENCY, "331", "CHF", "瑞士法郎"),
        (ListName.UNIT, "014", None, "根"), (ListName.UNIT, "123", None, "桶"), (ListName.UNIT, "070", None, "吨"),
    ],
)  # fmt: skip
def test_lists_of_customs_mean_what_their_sources_say(of: ListName, code: str, iso: str | None, name_zh: str) -> None:
    found = lists.find(of, code, TODAY)
    assert found is not None
    assert (found.iso, found.name_zh) == (iso, name_zh)
    assert found.source


def test_corrupted_tables_are_not_followed() -> None:
    """013 is no rod, 023 no case, 070 no litre, 142 no case: codes that circulate wrongly (reference, section 4)."""
    wrong = {"013": "根", "023": "箱", "070": "升", "303": "法国"}
    assert not {
        code for code, name in wrong.items() if (row := lists.find(ListName.UNIT, code, TODAY)) and row.name_zh == name
    }


def test_countries_and_units_are_whole_lists_with_a_source_on_each_row() -> None:
    for of, least in ((ListName.COUNTRY, 230), (ListName.UNIT, 115), (ListName.CURRENCY, 20)):
        assert len(lists.codes_on(of, TODAY)) >= least
        assert all(row.source and row.name_en for row in lists.rows(of))


def test_converts_counted_units_of_the_whole_list() -> None:
    assert lists.unit_factor("146", "139", TODAY) == 1_000
    assert lists.unit_factor("047", "036", TODAY) == 100_000
    assert lists.unit_factor("148", "067", TODAY) == 1_000
