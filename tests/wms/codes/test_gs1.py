"""Labels as scanners send them: element strings, bare keys, text, and everything that is broken."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.codes import gs1, gs1_keys
from wms.codes.gs1 import LabelFault, LabelKind

GS = "\x1d"
GTIN = "06901234567892"
FULL = f"01{GTIN}1727123110A-1{GS}3712"
LOT = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/.", min_size=1, max_size=20)


@pytest.mark.parametrize(
    "raw",
    [
        f"]C1{FULL}",
        f"]d2{FULL}",
        f"]Q3{FULL}",
        FULL,
        f"{GS}{FULL}",
        FULL.replace(GS, "~"),
        FULL.replace(GS, "{GS}"),
        FULL.replace(GS, "<GS>"),
        f" {FULL}\r\n",
        f"(01){GTIN}(17)271231(10)A-1(37)12",
    ],
)
def test_reads_the_same_label_whatever_the_scanner_makes_of_it(raw: str) -> None:
    label = gs1.read(raw)
    assert label.fault is None
    assert (label.kind, label.gtin, label.lot_no, label.count) == (LabelKind.GS1, GTIN, "A-1", 12)
    assert label.last_use_on == date(2027, 12, 31)


def test_takes_the_symbology_a_camera_gives_apart() -> None:
    label = gs1.read(FULL, "]d2")
    assert (label.symbology, label.gtin) == ("]d2", GTIN)


def test_reads_a_pallet_label_with_contents_and_count() -> None:
    sscc = gs1_keys.make_sscc(3, "6901234", 42)
    label = gs1.read(f"]C100{sscc}02{GTIN}37480")
    assert (label.sscc, label.content_gtin, label.item_gtin, label.count) == (sscc, GTIN, GTIN, 480)


def test_reads_net_weight_in_grams() -> None:
    assert gs1.read(f"]C101{GTIN}3103012345").net_weight_g == Decimal(12345)


def test_reads_day_nought_as_the_last_of_the_month() -> None:
    assert gs1.read(f"]C101{GTIN}17280200").expires_on == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("raw", "kind", "value"),
    [
        ("6901234567892", LabelKind.GTIN, GTIN),
        ("]E06901234567892", LabelKind.GTIN, GTIN),
        ("]E402345673", LabelKind.GTIN, "00000002345673"),
        (GTIN, LabelKind.GTIN, GTIN),
    ],
)
def test_reads_retail_codes_as_fourteen_digits(raw: str, kind: LabelKind, value: str) -> None:
    label = gs1.read(raw)
    assert (label.kind, label.gtin, label.fault) == (kind, value, None)


@pytest.mark.parametrize("raw", ["A-01-02-03", "DOCK-1", "0112", "CONFIRM", "湘F8K231", "ASN-2026-0001"])
def test_leaves_other_text_alone(raw: str) -> None:
    label = gs1.read(raw)
    assert (label.kind, label.text, label.fault) == (LabelKind.TEXT, raw, None)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ("", LabelFault.EMPTY),
        (" \r\n", LabelFault.EMPTY),
        (GS, LabelFault.EMPTY),
        ("]C1", LabelFault.EMPTY),
        ("6901234567893", LabelFault.CHECK_DIGIT),
        ("]E06901234567893", LabelFault.CHECK_DIGIT),
        ("]E0690123456789", LabelFault.BROKEN),
        ("]C10106901234567893", LabelFault.CHECK_DIGIT),
        ("]C1010690123456789", LabelFault.BROKEN),
        (f"]C101{GTIN}17271331", LabelFault.DATE),
        (f"]C101{GTIN}10{'A' * 21}", LabelFault.BROKEN),
        ("]C1891234", LabelFault.BROKEN),
        ("]C100369012340000000421", LabelFault.CHECK_DIGIT),
    ],
)
def test_names_what_is_broken(raw: str, fault: LabelFault) -> None:
    assert gs1.read(raw).fault is fault


def test_a_broken_label_gives_no_item_number() -> None:
    assert gs1.read("]C10106901234567893").item_gtin is None


def test_reads_a_digital_link() -> None:
    label = gs1.read(f"https://id.gs1.org/01/{GTIN}/10/A-1?17=271231", "]Q1")
    assert (label.gtin, label.lot_no, label.expires_on) == (GTIN, "A-1", date(2027, 12, 31))


@given(st.text(max_size=60), st.sampled_from([None, "]C1", "]d2", "]Q3", "]E0", "]E4", "]C0", "]Q1"]))
def test_never_raises(raw: str, symbology: str | None) -> None:
    gs1.read(raw, symbology)


@given(st.text(alphabet="0123456789()" + GS + "~AZ", max_size=60))
def test_never_raises_on_what_looks_like_elements(raw: str) -> None:
    gs1.read(raw, "]C1")
    gs1.read(raw)


@given(st.integers(0, 10**13 - 1), LOT, st.dates(date(2000, 1, 1), date(2049, 12, 31)))
def test_reads_back_what_a_printer_writes(number: int, lot_no: str, expires_on: date) -> None:
    payload = f"{number:013d}"
    gtin = f"{payload}{gs1_keys.check_digit(payload)}"
    elements = (("01", gtin), ("17", f"{expires_on:%y%m%d}"), ("10", lot_no))
    label = gs1.read(gs1.bracketed(elements))
    assert label.elements == elements
    assert (label.gtin, label.lot_no, label.expires_on) == (gtin, lot_no, expires_on)
