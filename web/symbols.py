"""Barcodes to print, as SVG: always with their quiet zones, without which a reader on a busy label finds nothing."""

import re
from dataclasses import dataclass
from enum import StrEnum

import zint

from wms.errors import N_, Kind, WmsError

MOST_CHARACTERS = 200


class SymbolKind(StrEnum):
    """The kinds of barcode that our labels use."""

    GS1_128 = "gs1-128"
    GS1_DATAMATRIX = "gs1-datamatrix"
    EAN = "ean"
    CODE128 = "code128"
    QR = "qr"


class Unprintable(WmsError):
    """The text cannot be this kind of barcode."""

    code = "unprintable"
    kind = Kind.INVALID
    text = N_("%(data)s cannot be printed as %(symbol)s: %(reason)s")


@dataclass(frozen=True)
class _Way:
    symbology: zint.Symbology
    mode: zint.InputMode
    height: float = 0.0
    text_below: bool = False


_WAYS = {
    SymbolKind.GS1_128: _Way(zint.Symbology.GS1_128, zint.InputMode.GS1, 50.0),
    SymbolKind.GS1_DATAMATRIX: _Way(zint.Symbology.DATAMATRIX, zint.InputMode.GS1),
    SymbolKind.EAN: _Way(zint.Symbology.EANX, zint.InputMode.UNICODE, 50.0, text_below=True),
    SymbolKind.CODE128: _Way(zint.Symbology.CODE128, zint.InputMode.UNICODE, 40.0),
    SymbolKind.QR: _Way(zint.Symbology.QRCODE, zint.InputMode.UNICODE),
}


def svg(kind: SymbolKind, data: str, *, scale: float = 1.0) -> bytes:
    """Return a barcode as an SVG document. GS1 kinds take elements as ``[01]…[17]…[10]…``.

    Raises Unprintable when the data does not fit the kind (length, check digit, characters).
    """
    return _written(kind, data, scale, "svg")


def png(kind: SymbolKind, data: str, *, scale: float = 2.0) -> bytes:
    """Return a barcode as a PNG picture; ``scale`` 1 is two pixels for the narrowest bar. Raises Unprintable."""
    return _written(kind, data, scale, "png")


@dataclass(frozen=True)
class Modules:
    """A symbol as its dark parts (x, y, width, height) in modules, without quiet zones; y runs downwards."""

    width: int
    height: int
    rectangles: tuple[tuple[int, int, int, int], ...]


_SIZE = re.compile(r'<svg width="(\d+)" height="(\d+)"')
_DARK = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+Z")
_PER_MODULE = 2  # zint draws a module two units wide at scale 1


def modules(kind: SymbolKind, data: str) -> Modules:
    """Return a barcode as shapes, to be drawn at any resolution. Raises Unprintable."""
    drawn = _written(kind, data, 1.0, "svg", quiet_zones=False).decode()
    size = _SIZE.search(drawn)
    assert size is not None
    found = tuple(tuple(int(part) // _PER_MODULE for part in one) for one in _DARK.findall(drawn))
    return Modules(int(size[1]) // _PER_MODULE, int(size[2]) // _PER_MODULE, found)  # type: ignore[arg-type]


def _written(kind: SymbolKind, data: str, scale: float, suffix: str, *, quiet_zones: bool = True) -> bytes:
    if not 0 < len(data) <= MOST_CHARACTERS:
        raise Unprintable(data=data[:60], symbol=kind.value, reason=f"1 to {MOST_CHARACTERS} characters")
    way = _WAYS[kind]
    symbol = zint.Symbol()
    symbol.symbology, symbol.input_mode, symbol.scale = way.symbology, way.mode, scale
    symbol.show_text = way.text_below  # others get their caption from the label
    if way.height:
        symbol.height = way.height
    if kind is SymbolKind.GS1_DATAMATRIX:
        symbol.option_3 = zint.DataMatrixOptions.SQUARE
    quiet = zint.OutputOptions.BARCODE_QUIET_ZONES if quiet_zones else zint.OutputOptions.BARCODE_NO_QUIET_ZONES
    symbol.output_options = quiet | zint.OutputOptions.BARCODE_MEMORY_FILE
    symbol.outfile = f"symbol.{suffix}"
    try:
        symbol.encode(data)
        symbol.print()
    except Exception as error:  # zint raises bare exceptions with its own text
        raise Unprintable(data=data[:60], symbol=kind.value, reason=str(error)) from error
    return bytes(symbol.memfile or b"")
