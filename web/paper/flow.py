"""Text and tables that run down A4 pages: what does not fit begins a new page, with the table's head again."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from reportlab.lib import pagesizes, units
from reportlab.pdfgen.canvas import Canvas

from web.paper import fonts
from web.paper.pdf import write

MM = units.mm
WIDTH, HEIGHT = pagesizes.A4
MARGIN, FOOT = 14 * MM, 14 * MM
ROOM = WIDTH - 2 * MARGIN
SIZE, SMALL = 8.5, 6.8
FACT = 5.2 * MM


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, share of the width, and whether its cells stand to the right."""

    title: str
    share: int
    is_number: bool = False


class Counted(Canvas):
    """A canvas that knows how many pages it has before it writes the foot of each."""

    def __init__(self, buffer: io.BytesIO, foot: Callable[[Canvas, int, int], None]) -> None:
        super().__init__(buffer, pagesize=pagesizes.A4, invariant=1)
        self._kept: list[dict[str, object]] = []
        self._foot = foot

    def showPage(self) -> None:  # noqa: N802 - the library's name
        self._kept.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        kept, foot = self._kept, self._foot
        for number, page in enumerate(kept, 1):
            self.__dict__.update(page)
            foot(self, number, len(kept))
            Canvas.showPage(self)
        Canvas.save(self)


class Flow:
    """Writes downwards and begins a new page where the next part has no room."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas, self.y = canvas, HEIGHT - MARGIN

    def need(self, height: float) -> None:
        """Begin a new page unless so much room is left."""
        if self.y - height < FOOT + 4 * MM:
            self.canvas.showPage()
            self.y = HEIGHT - MARGIN

    def heading(self, text: str, below: float = 20 * MM) -> None:
        """A heading that does not stand alone at the end of a page."""
        self.need(11 * MM + below)
        self.y -= 9 * MM
        write(self.canvas, text, MARGIN, self.y, 12, ROOM, is_bold=True)
        self.y -= 3 * MM

    def line(self, text: str, *, size: float = SIZE, is_bold: bool = False) -> None:
        """Text over as many lines as it takes."""
        for part in wrapped(text, size, ROOM, is_bold=is_bold):
            self.need(size * 1.4)
            self.y -= size * 1.35
            write(self.canvas, part, MARGIN, self.y, size, ROOM, is_bold=is_bold)

    def facts(self, rows: Sequence[tuple[str, str]], room: float) -> None:
        """Labels with their values beside them, ``room`` for the labels."""
        for label, text in rows:
            self.need(FACT)
            self.y -= 4.4 * MM
            write(self.canvas, label, MARGIN, self.y, SIZE, room - 2 * MM, is_bold=True)
            write(self.canvas, text, MARGIN + room, self.y, SIZE, ROOM - room)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, last_bold: bool = False) -> None:
        """A table whose head is repeated on each page; long cells go on over lines."""
        whole = sum(column.share for column in columns)
        widths = [ROOM * column.share / whole for column in columns]
        self._row(columns, widths, [column.title for column in columns], is_head=True, is_bold=True)
        for number, row in enumerate(rows, 1):
            height = self._height(widths, row)
            if self.y - height < FOOT + 4 * MM:
                self.need(HEIGHT)
                self._row(columns, widths, [column.title for column in columns], is_head=True, is_bold=True)
            self._row(columns, widths, row, is_head=False, is_bold=last_bold and number == len(rows))

    def _height(self, widths: Sequence[float], row: Sequence[str]) -> float:
        lines = max(len(wrapped(cell, SMALL + 0.4, width - 2 * MM)) for cell, width in zip(row, widths, strict=True))
        return max(1, lines) * (SMALL + 0.4) * 1.3 + 1.6 * MM

    def _row(
        self, columns: Sequence[Column], widths: Sequence[float], row: Sequence[str], *, is_head: bool, is_bold: bool
    ) -> None:
        size, canvas = SMALL + 0.4, self.canvas
        height, x = self._height(widths, row), MARGIN
        canvas.setLineWidth(0.3)
        canvas.setStrokeGray(0.7)
        if is_head:
            canvas.setFillGray(0.92)
            canvas.rect(MARGIN, self.y - height, ROOM, height, stroke=0, fill=1)
        canvas.setFillGray(0)
        for cell, width, column in zip(row, widths, columns, strict=True):
            y = self.y - size - 0.6 * MM
            for part in wrapped(cell, size, width - 2 * MM, is_bold=is_bold):
                used = fonts.width_pt(part, size, is_bold=is_bold)
                start = x + width - 1 * MM - used if column.is_number else x + 1 * MM
                write(canvas, part, start, y, size, width, is_bold=is_bold)
                y -= size * 1.3
            x += width
        canvas.line(MARGIN, self.y - height, MARGIN + ROOM, self.y - height)
        self.y -= height


@contextmanager
def report(buffer: io.BytesIO, title: str, name: str, printed_at: datetime) -> Iterator[Flow]:
    """A report of several pages, written into ``buffer`` when the block ends; ``name`` stands at their feet."""
    fonts.fonts()

    def foot(canvas: Canvas, number: int, count: int) -> None:
        canvas.setFillGray(0.3)
        page = _("Page %(page)s of %(pages)s", page=number, pages=count)
        write(canvas, f"{name} · {page}", MARGIN, 8 * MM, SMALL, 120 * MM)
        write(canvas, f"{printed_at:%Y-%m-%d %H:%M}", WIDTH - MARGIN - 26 * MM, 8 * MM, SMALL, 30 * MM)
        canvas.setFillGray(0)

    canvas = Counted(buffer, foot)
    canvas.setTitle(title)
    flow = Flow(canvas)
    flow.line(title, size=17, is_bold=True)
    flow.y -= 2 * MM
    yield flow
    canvas.showPage()
    canvas.save()


def wrapped(text: str, size: float, room: float, *, is_bold: bool = False) -> list[str]:
    """``text`` as lines no wider than ``room``: broken at blanks, Chinese anywhere, a long word where it must be."""
    found, line = [], ""
    for token in re.findall(r"[^\s\u2e80-\uffef]+\s*|[\u2e80-\uffef]\s*|\s+", text):
        if fonts.width_pt((line + token).rstrip(), size, is_bold=is_bold) <= room or not line:
            line += token
        else:
            found.append(line.rstrip())
            line = token
        while fonts.width_pt(line.rstrip(), size, is_bold=is_bold) > room and len(line) > 1:
            cut = next(
                at for at in range(len(line) - 1, 0, -1)
                if at == 1 or fonts.width_pt(line[:at], size, is_bold=is_bold) <= room
            )  # fmt: skip
            found.append(line[:cut])
            line = line[cut:]
    return [*found, line.rstrip()] if line.rstrip() or not found else found
