"""Every printed barcode is decoded again, from the PDF's page and from the dots that a ZPL printer would burn."""

from datetime import date

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from tests.web.paper.zpl_printer import print_zpl
from web.paper import fonts
from web.paper.code128 import field_data, modules
from web.paper.gs1 import message, readable
from web.paper.labels import (
    Content,
    Parcel,
    Unit,
    item_label,
    location_label,
    parcel_label,
    sscc_label,
)
from web.paper.layout import Bars, Label, Text
from web.paper.pdf import pdf
from web.paper.zpl import graphic, zpl
from web.symbols import Unprintable

SSCC = "369012340000000420"
WORDS = {"sscc": "托盘", "content": "内装", "count": "数量", "use_by": "失效", "batch": "批号"}
PARCEL_WORDS = {"from": "寄件", "to": "收件", "order": "订单", "parcel": "件数", "weight": "重量"}
LINES = (("发货 From", "岳阳综合保税区一号仓"), ("货主 Owner", "Dongting Lake Foods"))
GTIN = "06901234567892"

Found = set[tuple[str, str]]


def unit(content: Content | None) -> Label:
    return sscc_label(Unit(SSCC, LINES, content, "mixed: 3 items"), WORDS)


CASES: dict[str, tuple[Label, Found]] = {
    "one item and lot": (
        unit(Content("冷冻牛肉", GTIN, 480, "L2026A1", date(2027, 12, 31))),
        {(f"02{GTIN}37480", "]C1"), ("1727123110L2026A1", "]C1"), (f"00{SSCC}", "]C1")},
    ),
    "a lot of twenty letters": (
        unit(Content("Beef", GTIN, 12, "ABCDEFGHIJ-123456789", date(2027, 1, 31))),
        {(f"02{GTIN}3712", "]C1"), ("1727013110ABCDEFGHIJ-123456789", "]C1"), (f"00{SSCC}", "]C1")},
    ),
    "no lot": (unit(Content("Soap", GTIN, 99999999)), {(f"02{GTIN}3799999999", "]C1"), (f"00{SSCC}", "]C1")}),
    "mixed": (unit(None), {(f"00{SSCC}", "]C1")}),
    "place": (location_label("A-01-02-03", "YY-1 一号仓", "冷冻"), {("A-01-02-03", "]C0")}),
    "place with a long code": (
        location_label("COLD-STORE-NORTH-A-01-02-03-04", "YY-1"), {("COLD-STORE-NORTH-A-01-02-03-04", "]C0")}
    ),
    "item": (
        item_label("冷冻牛肉 500 g", "SKU-1", (("01", GTIN), ("17", "271231"), ("10", "L_1"), ("21", "S9"))),
        {(f"01{GTIN}1727123110L_1\x1d21S9", "]d2")},
    ),
    "parcel": (
        parcel_label(
            Parcel(SSCC, ("岳阳一号仓",), ("张三 13800000000", "长沙市岳麓区"), "SO00000012", 1234, 1, 2), PARCEL_WORDS
        ),
        {("SO00000012", "]C0"), (f"00{SSCC}", "]C1")},
    ),
}  # fmt: skip


def read(picture: Image.Image) -> Found:
    found = zxingcpp.read_barcodes(picture, text_mode=zxingcpp.TextMode.Plain)
    return {(one.text, one.symbology_identifier) for one in found}


def pages(content: bytes, dots_per_mm: int) -> list[Image.Image]:
    """The pages as a printer of that grain burns them: 8 dots are 203 dpi, 12 are 300 dpi."""
    document = pypdfium2.PdfDocument(content)
    return [document[n].render(scale=dots_per_mm * 25.4 / 72).to_pil().convert("L") for n in range(len(document))]


@pytest.mark.parametrize("dots_per_mm", [8, 12])
@pytest.mark.parametrize("case", CASES)
def test_a_label_in_pdf_reads_as_it_was_meant(case: str, dots_per_mm: int) -> None:
    label, wanted = CASES[case]
    assert [read(page) for page in pages(pdf([label]), dots_per_mm)] == [wanted]


@pytest.mark.parametrize("dots_per_mm", [8, 12])
@pytest.mark.parametrize("case", CASES)
def test_a_label_in_zpl_reads_as_it_was_meant(case: str, dots_per_mm: int) -> None:
    label, wanted = CASES[case]
    (printed,) = print_zpl(zpl([label], dots_per_mm=dots_per_mm))
    assert read(printed.picture) == wanted
    assert printed.picture.size == (label.width * dots_per_mm // 8, label.height * dots_per_mm // 8)


def test_the_field_data_is_known_to_the_last_function_character() -> None:
    (printed,) = print_zpl(zpl([CASES["one item and lot"][0]]))
    assert printed.bar_fields == [f">;>802{GTIN}3748>60", ">;>81727123110>6L2026A1", f">;>800{SSCC}"]


@pytest.mark.parametrize(
    ("elements", "field"),
    [
        ((("00", SSCC),), f">;>800{SSCC}"),
        ((("01", GTIN), ("10", "LOT7"), ("21", "S9")), f">;>801{GTIN}10>6LOT7>821S9"),
        ((("10", "12"), ("21", "34")), ">;>81012>82134"),
        ((("10", "A"), ("01", GTIN)), f">;>810>6A>8>501{GTIN}"),
    ],
)
def test_fnc1_stands_at_the_start_and_behind_what_has_no_fixed_length(
    elements: tuple[tuple[str, str], ...], field: str
) -> None:
    assert field_data(message(elements), is_gs1=True) == field


@pytest.mark.parametrize("text", ["A-01", "0112", "12345", "a>b^c~d", "QTY 12", "1", "AB123456", "AB1234CD", "123456A"])
def test_any_code_of_ours_reads_back_from_its_bars(text: str) -> None:
    label = Label(1200, 200, (Bars(60, 20, 3, 120, text),))
    (printed,) = print_zpl(zpl([label]))
    assert read(printed.picture) == {(text, "]C0")}


def test_the_width_of_a_symbol_is_known_before_it_is_drawn() -> None:
    field = field_data("A-01-02", is_gs1=False)
    assert modules(field) == (1 + 7 + 1) * 11 + 13


def test_the_sscc_has_the_bars_that_the_standard_asks_for() -> None:
    bars = [part for part in CASES["one item and lot"][0].parts if isinstance(part, Bars)]
    sscc = bars[-1]
    assert sscc.elements == (("00", SSCC),)
    assert sscc.module / 8 >= 0.495
    assert sscc.height / 8 >= 31.75
    assert sscc.y == max(bar.y for bar in bars)
    width = modules(field_data(message(sscc.elements), is_gs1=True)) * sscc.module
    assert min(sscc.x, 800 - sscc.x - width) >= 10 * sscc.module


def test_what_stands_under_the_bars_is_what_they_say() -> None:
    texts = {part.text for part in CASES["one item and lot"][0].parts if isinstance(part, Text)}
    assert {readable((("00", SSCC),)), f"(02){GTIN}(37)480", "(17)271231(10)L2026A1"} <= texts


def test_a_code_that_no_label_can_hold_is_refused() -> None:
    with pytest.raises(Unprintable):
        location_label("X" * 60, "S")
    with pytest.raises(Unprintable):
        location_label("洞庭", "S")


def test_commands_in_a_name_do_not_reach_the_printer() -> None:
    (printed,) = print_zpl(zpl([location_label("A-1", "^XZ^XA~JR _7E", "")]))
    assert "^XZ^XA~JR _7E" in printed.texts


def test_copies_are_asked_of_the_printer_and_are_pages_of_the_pdf() -> None:
    label = location_label("A-1", "S", copies=3)
    assert print_zpl(zpl([label]))[0].copies == 3
    assert len(pages(pdf([label]), 3)) == 3


CHINESE = "洞庭湖岳阳综合保税区冷冻牛肉批号失效日期货主臺灣龍"


def test_chinese_is_drawn_and_not_left_out() -> None:
    label = Label(800, 100, (Text(10, 10, 30, CHINESE, 780),))
    content = pdf([label])
    (page,) = pages(content, 8)
    text = pypdfium2.PdfDocument(content)[0].get_textpage().get_text_bounded()
    assert text.strip() == CHINESE
    assert fonts.REPLACEMENT not in "".join(piece for _, piece in fonts.runs(CHINESE))
    columns = [page.crop((x, 0, x + 1, page.height)).getextrema()[0] for x in range(30, 700)]
    assert sum(dark < 128 for dark in columns) > 400  # ink all along the line, not boxes at its ends


def test_each_chinese_letter_has_a_shape_of_its_own_on_a_label_printer() -> None:
    shapes = {graphic(fonts.picture(letter, 32)) for letter in CHINESE}
    assert len(shapes) == len(set(CHINESE))
    blank, missing = graphic(fonts.picture(" ", 32)), graphic(fonts.picture("\U0001f409", 32))
    assert blank not in shapes
    assert missing not in shapes


def test_a_long_name_is_cut_and_stays_on_the_label() -> None:
    label = Label(400, 60, (Text(10, 10, 30, "牛肉" * 50, 380),))
    (printed,) = print_zpl(zpl([label]))
    assert printed.picture.crop((392, 0, 400, 60)).getextrema() == (255, 255)
