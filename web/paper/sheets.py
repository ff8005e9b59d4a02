"""Lists to carry: A4 pages with a head, a barcode of the document, and a table that goes on over pages."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reportlab.lib import pagesizes, units
from reportlab.pdfgen.canvas import Canvas

from web import symbols
from web.paper import fonts
from web.paper.gs1 import bracketed
from web.paper.pdf import write
from web.symbols import SymbolKind

MM = units.mm
WIDTH, HEIGHT = pagesizes.A4
MARGIN = 14 * MM
SIZE, SMALL, LEADING = 9.0, 7.0, 11.5
MODULE = 0.3 * MM


@dataclass(frozen=True)
class Column:
    """A column: its title, its share of the page's width, and whether its cells stand to the right."""

    title: str
    share: int
    is_number: bool = False


@dataclass(frozen=True)
class Barcode:
    """A cell or head with a barcode: Code 128 of ``data``, or GS1-128 of ``elements``, and the text under it."""

    text: str
    data: str = ""
    elements: tuple[tuple[str, str], ...] = ()


Cell = str | Barcode


@dataclass(frozen=True)
class Sheet:
    """One document. ``facts`` are (title, text) pairs of its head; an empty cell of a row is a box to write in."""

    title: str
    number: Barcode
    facts: Sequence[tuple[str, str]]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = field(default=())


def pdf(sheet: Sheet, *, page_word: str, printed_at: datetime) -> bytes:
    """Return the document. ``page_word`` has places for page and pages, in the reader's language."""
    fonts.fonts()
    pages = _pages(sheet)
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=pagesizes.A4, invariant=1)
    canvas.setTitle(f"{sheet.title} {sheet.number.text}")
    for number, rows in enumerate(pages, 1):
        y = _head(canvas, sheet, is_first=number == 1)
        y = _table(canvas, sheet, rows, y)
        if number == len(pages):
            for note in sheet.notes:
                write(canvas, note, MARGIN, y - LEADING, SIZE, WIDTH - 2 * MARGIN)
                y -= LEADING * 1.4
        words = page_word % {"page": number, "pages": len(pages)}
        write(canvas, words, MARGIN, 8 * MM, SMALL, 60 * MM)
        write(canvas, f"{printed_at:%Y-%m-%d %H:%M}", WIDTH - MARGIN - 30 * MM, 8 * MM, SMALL, 30 * MM)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _widths(sheet: Sheet) -> list[float]:
    whole = sum(column.share for column in sheet.columns)
    return [(WIDTH - 2 * MARGIN) * column.share / whole for column in sheet.columns]


def _row_height(row: Sequence[Cell]) -> float:
    return 15 * MM if any(isinstance(cell, Barcode) for cell in row) else 7 * MM


def _head_height(sheet: Sheet, *, is_first: bool) -> float:
    lines = (len(sheet.facts) + 1) // 2 if is_first else 0
    return (30 * MM if is_first else 14 * MM) + lines * LEADING


def _pages(sheet: Sheet) -> list[list[Sequence[Cell]]]:
    pages: list[list[Sequence[Cell]]] = [[]]
    room = HEIGHT - MARGIN - _head_height(sheet, is_first=True) - 22 * MM - 10 * MM * len(sheet.notes)
    for row in sheet.rows:
        height = _row_height(row)
        if height > room:
            pages.append([])
            room = HEIGHT - MARGIN - _head_height(sheet, is_first=False) - 22 * MM
        pages[-1].append(row)
        room -= height
    return pages


def _head(canvas: Canvas, sheet: Sheet, *, is_first: bool) -> float:
    """Draw the head and return the height at which the table begins."""
    top = HEIGHT - MARGIN
    write(canvas, sheet.title, MARGIN, top - 14, 16 if is_first else 11, 90 * MM, is_bold=True)
    if not is_first:
        write(canvas, sheet.number.text, WIDTH - MARGIN - 70 * MM, top - 14, 11, 70 * MM)
        return top - 9 * MM
    _barcode(canvas, sheet.number, WIDTH - MARGIN - 88 * MM, top - 18 * MM, 14 * MM, 88 * MM)
    y = top - 27 * MM
    half = (WIDTH - 2 * MARGIN) / 2
    for place, (title, text) in enumerate(sheet.facts):
        x = MARGIN + (place % 2) * half
        write(canvas, f"{title}: {text}", x, y, SIZE, half - 3 * MM)
        if place % 2:
            y -= LEADING
    return y - (LEADING if len(sheet.facts) % 2 else 0) - 2


def _table(canvas: Canvas, sheet: Sheet, rows: Sequence[Sequence[Cell]], y: float) -> float:
    widths = _widths(sheet)
    titles = [column.title for column in sheet.columns]
    y = _row(canvas, sheet, titles, widths, y, is_head=True)
    for row in rows:
        y = _row(canvas, sheet, row, widths, y, is_head=False)
    return y


def _row(canvas: Canvas, sheet: Sheet, row: Sequence[Cell], widths: list[float], y: float, *, is_head: bool) -> float:
    height, x = _row_height(row), MARGIN
    canvas.setLineWidth(0.4)
    for cell, width, column in zip(row, widths, sheet.columns, strict=True):
        if is_head:
            canvas.setFillGray(0.9)
            canvas.rect(x, y - height, width, height, stroke=1, fill=1)
            canvas.setFillGray(0)
        else:
            canvas.rect(x, y - height, width, height, stroke=1, fill=0)
        if isinstance(cell, Barcode):
            _barcode(canvas, cell, x, y - 10 * MM, 8.5 * MM, width)
        elif cell:
            _text(canvas, cell, x, y - height / 2 - SIZE / 3, width, column, is_head=is_head)
        x += width
    return y - height


def _text(canvas: Canvas, text: str, x: float, y: float, width: float, column: Column, *, is_head: bool) -> None:
    room = width - 2 * MM
    size = SIZE if fonts.width_pt(text, SIZE, is_bold=is_head) <= room else SMALL
    shown = fonts.fitted(text, size, room, is_bold=is_head)
    used = fonts.width_pt(shown, size, is_bold=is_head)
    start = x + width - 1 * MM - used if column.is_number and not is_head else x + 1 * MM
    write(canvas, shown, start, y, size, room + 1, is_bold=is_head)


def _barcode(canvas: Canvas, code: Barcode, x: float, y: float, height: float, room: float) -> None:
    """Draw bars with their quiet zones inside ``room`` and the text under them; a module is 0.3 mm where it fits."""
    kind = SymbolKind.GS1_128 if code.elements else SymbolKind.CODE128
    found = symbols.modules(kind, bracketed(code.elements) if code.elements else code.data)
    module = min(MODULE, room / (found.width + 20))
    start = x + (room - found.width * module) / 2
    for left, _top, width, _height in found.rectangles:
        canvas.rect(start + left * module, y, width * module, height, stroke=0, fill=1)
    used = fonts.width_pt(code.text, SMALL)
    write(canvas, code.text, x + max(1.0, (room - used) / 2), y - SMALL - 1, SMALL, room - 2)
