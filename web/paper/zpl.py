"""Labels as ZPL II. ASCII is printed with the printer's own scalable font, everything else as dots we draw."""

from collections.abc import Iterator
from functools import singledispatch

from PIL import Image

from web.paper import fonts
from web.paper.code128 import field_data
from web.paper.gs1 import GS, message
from web.paper.layout import DOTS_PER_MM, Bars, Label, Matrix, Rule, Text

# In a field, ^ and ~ begin commands; ^FH lets any byte be written as _ and two hexadecimal digits.
UNSAFE = {sign: f"_{ord(sign):02X}" for sign in "^~_"}
RATIO = 0.52  # width of a letter of font 0 to its height, roughly: only to cut what cannot fit


def zpl(labels: list[Label], *, dots_per_mm: int = DOTS_PER_MM) -> bytes:
    """Return labels as ZPL for a printer of ``dots_per_mm`` (8: 203 dpi, 12: 300 dpi)."""
    return "".join(_label(label, dots_per_mm) for label in labels).encode("ascii")


def _label(label: Label, dots_per_mm: int) -> str:
    scale = Scale(dots_per_mm)
    head = f"^XA\n^PW{scale(label.width)}^LL{scale(label.height)}^LH0,0^CI28\n"
    body = "".join(line + "\n" for part in label.parts for line in _part(part, scale))
    copies = f"^PQ{label.copies}\n" if label.copies > 1 else ""
    return f"{head}{body}{copies}^XZ\n"


class Scale:
    """From our dots to the printer's; a module stays a whole number of dots."""

    def __init__(self, dots_per_mm: int) -> None:
        self._dots_per_mm = dots_per_mm

    def __call__(self, dots: int) -> int:
        return dots * self._dots_per_mm // DOTS_PER_MM


@singledispatch
def _part(part: object, scale: Scale) -> Iterator[str]:
    raise TypeError(f"{part!r} cannot be printed with {scale!r}")


@_part.register
def _(part: Text, scale: Scale) -> Iterator[str]:
    if not part.text:
        return
    x, y, height = scale(part.x), scale(part.y), scale(part.height)
    if part.text.isascii():
        text = part.text[: max(1, int(part.room / (part.height * RATIO)))]
        safe = "".join(UNSAFE.get(sign, sign) for sign in text)
        yield f"^FO{x},{y}^A0N,{height},{height}^FH^FD{safe}^FS"
        return
    size_pt = part.height
    text = fonts.fitted(part.text, size_pt, part.room, is_bold=part.is_bold)
    yield f"^FO{x},{y}{graphic(fonts.picture(text, height, is_bold=part.is_bold))}^FS"


@_part.register
def _(part: Bars, scale: Scale) -> Iterator[str]:
    data = message(part.elements) if part.elements else part.data
    field = field_data(data, is_gs1=bool(part.elements))
    x, y, height, module = scale(part.x), scale(part.y), scale(part.height), scale(part.module)
    yield f"^FO{x},{y}^BY{module},3.0,{height}^BCN,{height},N,N,N,N^FD{field}^FS"


@_part.register
def _(part: Matrix, scale: Scale) -> Iterator[str]:
    data = message(part.elements)
    field = "_1" + data.replace("_", "__").replace(GS, "_1")  # _1 is FNC1 where _ is the escape of ^BX
    yield f"^FO{scale(part.x)},{scale(part.y)}^BXN,{scale(part.module)},200,0,0,6,_^FD{field}^FS"


@_part.register
def _(part: Rule, scale: Scale) -> Iterator[str]:
    thickness = max(1, scale(part.thickness))
    yield f"^FO{scale(part.x)},{scale(part.y)}^GB{scale(part.width)},{thickness},{thickness}^FS"


def graphic(picture: Image.Image) -> str:
    """Return a black and white picture as a ^GF field: hexadecimal, a set bit is a black dot."""
    width = (picture.width + 7) // 8
    padded = Image.new("1", (width * 8, picture.height), 1)
    padded.paste(picture, (0, 0))
    dots = bytes(byte ^ 0xFF for byte in padded.tobytes())
    return f"^GFA,{len(dots)},{len(dots)},{width},{dots.hex().upper()}"
