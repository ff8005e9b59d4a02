"""Labels as PDF, one a page, drawn as shapes: sharp at any resolution."""

import io
from functools import singledispatch

from reportlab.lib import units
from reportlab.pdfgen.canvas import Canvas

from web import symbols
from web.paper import fonts
from web.paper.gs1 import bracketed
from web.paper.layout import DOTS_PER_MM, Bars, Label, Matrix, Rule, Text
from web.symbols import SymbolKind

DOT = units.mm / DOTS_PER_MM  # points


def pdf(labels: list[Label], *, title: str = "") -> bytes:
    """Return labels as a PDF document whose pages have the size of the labels."""
    fonts.fonts()
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=1)
    canvas.setTitle(title)
    for label in labels:
        for _copy in range(label.copies):
            canvas.setPageSize((label.width * DOT, label.height * DOT))
            for part in label.parts:
                _draw(part, canvas, label.height)
            canvas.showPage()
    canvas.save()
    return buffer.getvalue()


@singledispatch
def _draw(part: object, canvas: Canvas, height: int) -> None:
    raise TypeError(f"{part!r} cannot be drawn on {canvas!r} of {height}")


@_draw.register
def _(part: Text, canvas: Canvas, height: int) -> None:
    write(canvas, part.text, part.x * DOT, (height - part.y - part.height) * DOT, part.height * DOT,
          part.room * DOT, is_bold=part.is_bold)  # fmt: skip


def write(
    canvas: Canvas, text: str, x: float, y: float, size_pt: float, room_pt: float, *, is_bold: bool = False
) -> None:
    """Write a line with its base line at ``y`` points from the bottom, cut to ``room_pt``."""
    for name, piece in fonts.runs(fonts.fitted(text, size_pt, room_pt, is_bold=is_bold), is_bold=is_bold):
        canvas.setFont(name, size_pt)
        canvas.drawString(x, y, piece)
        x += canvas.stringWidth(piece, name, size_pt)


@_draw.register
def _(part: Bars, canvas: Canvas, height: int) -> None:
    kind = SymbolKind.GS1_128 if part.elements else SymbolKind.CODE128
    data = bracketed(part.elements) if part.elements else part.data
    for x, _y, width, _height in symbols.modules(kind, data).rectangles:
        canvas.rect(
            (part.x + x * part.module) * DOT, (height - part.y - part.height) * DOT, width * part.module * DOT,
            part.height * DOT, stroke=0, fill=1,
        )  # fmt: skip


@_draw.register
def _(part: Matrix, canvas: Canvas, height: int) -> None:
    found = symbols.modules(SymbolKind.GS1_DATAMATRIX, bracketed(part.elements))
    for x, y, width, tall in found.rectangles:
        canvas.rect(
            (part.x + x * part.module) * DOT, (height - part.y - (y + tall) * part.module) * DOT,
            width * part.module * DOT, tall * part.module * DOT, stroke=0, fill=1,
        )  # fmt: skip


@_draw.register
def _(part: Rule, canvas: Canvas, height: int) -> None:
    canvas.rect(part.x * DOT, (height - part.y - part.thickness) * DOT, part.width * DOT, part.thickness * DOT,
                stroke=0, fill=1)  # fmt: skip
