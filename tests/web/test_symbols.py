"""Every printed barcode is decoded again: on a striped background, at the two resolutions of label printers."""

import io

import pytest
import zxingcpp
from PIL import Image

from tests.web.conftest import Doorman
from web import symbols
from web.symbols import SymbolKind, Unprintable

CASES = [
    (SymbolKind.GS1_128, "[00]369012340000000420", "00369012340000000420", "]C1"),
    (SymbolKind.GS1_128, "[01]06901234567892[10]LOT7[21]S9", "010690123456789210LOT7\x1d21S9", "]C1"),
    (SymbolKind.GS1_DATAMATRIX, "[01]06901234567892[17]271231[10]A-1", "01069012345678921727123110A-1", "]d2"),
    (SymbolKind.GS1_DATAMATRIX, "[01]06901234567892[10]LOT7[21]S9", "010690123456789210LOT7\x1d21S9", "]d2"),
    (SymbolKind.EAN, "6901234567892", "6901234567892", "]E0"),
    (SymbolKind.CODE128, "A-01-02-03", "A-01-02-03", "]C0"),
    (SymbolKind.CODE128, "QTY 12", "QTY 12", "]C0"),
    (SymbolKind.QR, "ASN-2026-0001", "ASN-2026-0001", "]Q1"),
]


def printed(kind: SymbolKind, data: str, dots: int) -> Image.Image:
    """The symbol as ink on a striped carton, the narrowest bar ``dots`` dots wide."""
    label = Image.open(io.BytesIO(symbols.png(kind, data, scale=dots / 2))).convert("L")
    carton = Image.new("L", (label.width + 160, label.height + 160), 255)
    for x in range(0, carton.width, 12):
        carton.paste(40, (x, 0, x + 6, carton.height))
    carton.paste(label, (80, 80))
    return carton


@pytest.mark.parametrize("dots", [2, 3], ids=["203-dpi", "300-dpi"])
@pytest.mark.parametrize(("kind", "data", "text", "symbology"), CASES)
def test_a_printed_symbol_reads_as_it_was_meant(
    kind: SymbolKind, data: str, text: str, symbology: str, dots: int
) -> None:
    found = zxingcpp.read_barcodes(printed(kind, data, dots), text_mode=zxingcpp.TextMode.Plain)
    assert [(one.text, one.symbology_identifier) for one in found] == [(text, symbology)]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (SymbolKind.EAN, "6901234567893"),
        (SymbolKind.GS1_128, "[01]123"),
        (SymbolKind.GS1_128, "no brackets"),
        (SymbolKind.CODE128, ""),
        (SymbolKind.CODE128, "x" * 201),
        (SymbolKind.CODE128, "洞庭"),
    ],
)
def test_refuses_what_the_kind_cannot_say(kind: SymbolKind, data: str) -> None:
    with pytest.raises(Unprintable):
        symbols.svg(kind, data)


def test_answers_a_symbol_and_names_an_unknown_kind(doorman: Doorman) -> None:
    browser = doorman.browser("clerk")
    said = browser.get("/scan/symbol.svg?kind=code128&data=DOCK-1")
    assert (said.status_code, said.mimetype) == (200, "image/svg+xml")
    assert browser.get("/scan/symbol.svg?kind=rune&data=DOCK-1").status_code == 422
