"""The labels of the house: logistic unit (GS1 Logistic Label Guideline), place, item, parcel."""

from dataclasses import dataclass
from datetime import date

from web.paper.code128 import field_data, modules
from web.paper.gs1 import Elements, message, readable
from web.paper.layout import Bars, Label, Matrix, Rule, Text, mm
from web.symbols import SymbolKind, Unprintable
from wms.codes import gs1_keys

WIDTH = mm(100)
MARGIN = mm(3)
# GS1 General Specifications, symbol specification table 5: bars of a logistic unit are at least 31.75 mm high and their
# narrowest one at least 0.495 mm wide.
BAR_HEIGHT, MODULE = mm(32), 4
LENGTHS = (mm(150), mm(200))  # stock of label rolls: 100 × 150, and 100 × 200 for three symbols
QUIET = 10  # modules on each side
LONGEST_COUNT = 8  # digits of AI 37


@dataclass(frozen=True)
class Content:
    """What a pallet of one item and one lot holds: ``count`` trade items of ``gtin``."""

    name: str
    gtin: str
    count: int
    lot_no: str | None = None
    expires_on: date | None = None


@dataclass(frozen=True)
class Unit:
    """A logistic unit. ``lines`` are texts of the top block: from whom, for whom; ``content`` is None when mixed."""

    sscc: str
    lines: tuple[tuple[str, str], ...]
    content: Content | None
    note: str = ""


@dataclass(frozen=True)
class Parcel:
    """A parcel: sender and receiver with their address lines, number of the order, weight in grams, place in a set."""

    sscc: str
    sender: tuple[str, ...]
    receiver: tuple[str, ...]
    order_no: str
    gross_weight_g: int | None = None
    number: int = 1
    of: int = 1


def sscc_label(unit: Unit, words: dict[str, str], *, copies: int = 1) -> Label:
    """Return the logistic label: free text on top, the data as text in the middle, the symbols below, SSCC lowest.

    ``words`` are the titles in the reader's language (sscc, content, count, use_by, batch); GS1's English titles stand
    beside them. Bars narrower than the standard's are used only for a lot that would not fit otherwise.
    """
    sscc = (("00", unit.sscc),)
    symbols = [*_content_symbols(unit.content), sscc]
    room = WIDTH - 2 * MARGIN
    parts: list[Text | Bars | Matrix | Rule] = []
    y = mm(3)
    for title, text in unit.lines:
        parts.append(Text(MARGIN, y, mm(2.2), title, room))
        parts.append(Text(MARGIN, y + mm(3), mm(4), text, room, is_bold=True))
        y += mm(8.5)
    parts.append(Rule(MARGIN, y, room))
    y += mm(2)
    for row in _data_rows(unit, words):
        for place, (title, text) in enumerate(row):
            x = MARGIN + place * (room // 2)
            width = room if len(row) == 1 else room // 2 - mm(2)
            parts += [Text(x, y, mm(2.2), title, width), Text(x, y + mm(2.8), mm(4.2), text, width, is_bold=True)]
        y += mm(8.6)
    parts.append(Rule(MARGIN, y, room))
    y += mm(2)
    length = next((one for one in LENGTHS if y + len(symbols) * (BAR_HEIGHT + mm(5)) <= one), LENGTHS[-1])
    y = length - len(symbols) * (BAR_HEIGHT + mm(5)) - mm(1)
    for elements in symbols:
        parts += [*_gs1_bars(elements, y, BAR_HEIGHT), _under(elements, y + BAR_HEIGHT + mm(0.8))]
        y += BAR_HEIGHT + mm(5)
    return Label(WIDTH, length, tuple(parts), copies)


def _data_rows(unit: Unit, words: dict[str, str]) -> list[list[tuple[str, str]]]:
    rows = [[(f"{words['sscc']} SSCC", unit.sscc)]]
    if unit.content is None:
        return [*rows, [("", unit.note)]] if unit.note else rows
    content = unit.content
    rows.append([(f"{words['content']} CONTENT", content.gtin), (f"{words['count']} COUNT", str(content.count))])
    dated = []
    if content.expires_on:
        dated.append((f"{words['use_by']} USE BY (dd.mm.yyyy)", f"{content.expires_on:%d.%m.%Y}"))
    if content.lot_no:
        dated.append((f"{words['batch']} BATCH/LOT", content.lot_no))
    named = [[("", content.name)]]
    return [*rows, dated, *named] if dated else [*rows, *named]


def _content_symbols(content: Content | None) -> list[Elements]:
    if content is None or len(str(content.count)) > LONGEST_COUNT:
        return []
    found: list[Elements] = [(("02", gs1_keys.gtin14(content.gtin)), ("37", str(content.count)))]
    dated = []
    if content.expires_on:
        dated.append(("17", f"{content.expires_on:%y%m%d}"))
    if content.lot_no:
        dated.append(("10", content.lot_no))
    return [*found, tuple(dated)] if dated else found


def _gs1_bars(elements: Elements, y: int, height: int) -> list[Bars]:
    field = field_data(message(elements), is_gs1=True)
    module = widest_module(field, WIDTH, MODULE)
    x = (WIDTH - modules(field) * module) // 2
    return [Bars(x, y, module, height, elements=tuple(elements))]


def widest_module(field: str, room: int, most: int) -> int:
    """Return the widest module, at most ``most`` dots, with which symbol and quiet zones fit into ``room``."""
    width = modules(field) + 2 * QUIET
    for module in range(most, 1, -1):
        if width * module <= room:
            return module
    raise Unprintable(data=field[:60], symbol=SymbolKind.GS1_128.value, reason="too long for the label")


def _under(elements: Elements, y: int) -> Text:
    text = readable(elements)
    return Text((WIDTH - len(text) * mm(2.05)) // 2, y, mm(3), text, WIDTH - 2 * MARGIN)


def location_label(code: str, site: str, note: str = "", *, copies: int = 1) -> Label:
    """Return the label of a place, 100 × 50 mm: its code in letters to read from a truck, and as Code 128."""
    field = field_data(code, is_gs1=False)
    module = widest_module(field, WIDTH, 5)
    x = (WIDTH - modules(field) * module) // 2
    height = min(mm(14), (WIDTH - 2 * MARGIN) * 10 // (7 * max(len(code), 1)))
    parts = (
        Text(MARGIN, mm(3), height, code, WIDTH - 2 * MARGIN, is_bold=True),
        Bars(x, mm(20), module, mm(20), code),
        Text(MARGIN, mm(43), mm(3.5), f"{site}  {note}".strip(), WIDTH - 2 * MARGIN),
    )
    return Label(WIDTH, mm(50), parts, copies)


def item_label(name: str, code: str, elements: Elements, lines: tuple[str, ...] = (), *, copies: int = 1) -> Label:
    """Return the label of a piece or carton, 60 × 40 mm: GS1 DataMatrix of GTIN, expiry, lot, serial; and in words."""
    width, room = mm(60), mm(34)
    texts = [Text(mm(23), mm(10 + 4.2 * place), mm(2.8), line, room) for place, line in enumerate(lines[:5])]
    parts: tuple[Text | Bars | Matrix | Rule, ...] = (
        Text(mm(2.5), mm(2.5), mm(4), name, width - mm(5), is_bold=True),
        Matrix(mm(3), mm(10), 6, tuple(elements)),
        *texts,
        Text(mm(2.5), mm(32), mm(2.4), readable(elements), width - mm(5)),
        Text(mm(2.5), mm(35.6), mm(2.8), code, width - mm(5)),
    )
    return Label(width, mm(40), parts, copies)


def parcel_label(parcel: Parcel, words: dict[str, str], *, copies: int = 1) -> Label:
    """Return the label of a parcel, 100 × 150 mm: sender, receiver large, order, weight, SSCC as GS1-128."""
    room = WIDTH - 2 * MARGIN
    parts: list[Text | Bars | Matrix | Rule] = [Text(MARGIN, mm(3), mm(2.5), words["from"], room)]
    y = mm(6.5)
    for line in parcel.sender[:4]:
        parts.append(Text(MARGIN, y, mm(3), line, room))
        y += mm(4.5)
    parts += [Rule(MARGIN, mm(25), room), Text(MARGIN, mm(27), mm(2.5), words["to"], room)]
    y = mm(31)
    for line in parcel.receiver[:6]:
        parts.append(Text(MARGIN, y, mm(5), line, room, is_bold=True))
        y += mm(7.5)
    parts.append(Rule(MARGIN, mm(77), room))
    facts = [(words["order"], parcel.order_no), (words["parcel"], f"{parcel.number}/{parcel.of}")]
    if parcel.gross_weight_g is not None:
        facts.append((words["weight"], f"{parcel.gross_weight_g / 1000:.3f} kg"))
    for place, (title, text) in enumerate(facts):
        x = MARGIN + (0, mm(52), mm(70))[place]
        width = (mm(50), mm(16), mm(24))[place]
        parts += [Text(x, mm(79), mm(2.5), title, width), Text(x, mm(82.5), mm(4), text, width, is_bold=True)]
    sscc = (("00", parcel.sscc),)
    y = mm(108)
    parts += [*_gs1_bars(sscc, y, BAR_HEIGHT), _under(sscc, y + BAR_HEIGHT + mm(1))]
    field = field_data(parcel.order_no, is_gs1=False)
    module = widest_module(field, WIDTH, 3)
    parts.append(Bars((WIDTH - modules(field) * module) // 2, mm(91), module, mm(12), parcel.order_no))
    return Label(WIDTH, mm(150), tuple(parts), copies)
