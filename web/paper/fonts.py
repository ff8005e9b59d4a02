"""Two fonts for all paper: Vera for Latin letters, Droid Sans Fallback for Chinese; both embedded, so every reader and
printer shows the same."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import as_file, files
from itertools import groupby
from pathlib import Path

import reportlab
from PIL import Image, ImageDraw, ImageFont
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

LATIN, BOLD, CHINESE = "Vera", "VeraBd", "Droid"
REPLACEMENT = "?"


@cache
def paths() -> dict[str, str]:
    """Return where each font's file lies."""
    own = Path(reportlab.__file__).parent / "fonts"
    with as_file(files("web.paper") / "data" / "DroidSansFallbackFull.ttf") as droid:
        return {LATIN: str(own / "Vera.ttf"), BOLD: str(own / "VeraBd.ttf"), CHINESE: str(droid)}


@cache
def fonts() -> dict[str, TTFont]:
    """Return the fonts by name, known to the PDF library."""
    found = {name: TTFont(name, path) for name, path in paths().items()}
    for font in found.values():
        pdfmetrics.registerFont(font)
    return found


@cache
def _font_of(character: str, is_bold: bool) -> str | None:
    for name in (BOLD if is_bold else LATIN, CHINESE):
        if ord(character) in fonts()[name].face.charToGlyph:
            return name
    return None


def runs(text: str, *, is_bold: bool = False) -> Iterator[tuple[str, str]]:
    """Yield ``text`` as (font, piece) in order; a character that no font has becomes a question mark."""
    known = (
        (name, character) if (name := _font_of(character, is_bold)) else (BOLD if is_bold else LATIN, REPLACEMENT)
        for character in text
    )
    for name, pieces in groupby(known, key=lambda pair: pair[0]):
        yield name, "".join(piece for _, piece in pieces)


def width_pt(text: str, size_pt: float, *, is_bold: bool = False) -> float:
    """Return how wide ``text`` is at ``size_pt``, in points."""
    return sum(pdfmetrics.stringWidth(piece, name, size_pt) for name, piece in runs(text, is_bold=is_bold))


def fitted(text: str, size_pt: float, room_pt: float, *, is_bold: bool = False) -> str:
    """Return ``text``, cut with an ellipsis where it is wider than ``room_pt``."""
    if width_pt(text, size_pt, is_bold=is_bold) <= room_pt:
        return text
    while text and width_pt(text + "…", size_pt, is_bold=is_bold) > room_pt:
        text = text[:-1]
    return text + "…"


@cache
def _drawn(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(paths()[name], size_px)


def picture(text: str, height_px: int, *, is_bold: bool = False) -> Image.Image:
    """Return ``text`` as black dots on white, ``height_px`` high: for printers that have no Chinese letters."""
    pieces = [(_drawn(name, height_px), piece) for name, piece in runs(text, is_bold=is_bold)]
    width = sum(round(font.getlength(piece)) for font, piece in pieces) or 1
    image = Image.new("L", (width, round(height_px * 1.3)), 255)
    pen, x = ImageDraw.Draw(image), 0
    for font, piece in pieces:
        pen.text((x, height_px), piece, font=font, fill=0, anchor="ls")
        x += round(font.getlength(piece))
    return image.point(lambda level: 0 if level < 140 else 255).convert("1")
