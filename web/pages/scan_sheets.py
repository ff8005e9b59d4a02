"""What stands on the printed sheets: labels of announced goods, places, commands, and test codes for a scanner."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from web.symbols import SymbolKind
from wms.catalog.tables import TradeItem
from wms.codes import gs1_keys
from wms.errors import N_, NotFound
from wms.floor import queries
from wms.floor.queries import NoticeLineRow, NoticeRow
from wms.parties.tables import Location

MOST_BINS = 8
MOST_LINES = 12


@dataclass(frozen=True)
class Printed:
    """One barcode to print: its kind, its data, and the line under it."""

    kind: SymbolKind
    data: str
    caption: str


@dataclass(frozen=True)
class Goods:
    """The labels of one notice line."""

    line: NoticeLineRow
    symbols: tuple[Printed, ...]


@dataclass(frozen=True)
class Sheet:
    """Everything to receive and put away one notice."""

    notice: NoticeRow | None
    notices: tuple[NoticeRow, ...]
    goods: tuple[Goods, ...] = ()
    docks: tuple[Printed, ...] = ()
    bins: tuple[Printed, ...] = ()


COMMANDS: tuple[tuple[str, str], ...] = (
    ("CONFIRM", N_("Confirm")),
    ("UNDO", N_("Undo")),
    ("BACK", N_("Back")),
    ("DAMAGED", N_("Next goods are damaged")),
    ("QTY 5", N_("Quantity 5")),
    ("QTY 12", N_("Quantity 12")),
    ("REASON FULL", N_("Reason: place is full")),
    ("REASON NEARER", N_("Reason: nearer")),
)

DEVICE_TESTS: tuple[tuple[SymbolKind, str, str, str], ...] = (
    (SymbolKind.CODE128, "ABCxyz123", "ABCxyz123", N_("Capitals: letters must arrive as printed")),
    (SymbolKind.CODE128, "-/.:+*@", "-/.:+*@", N_("Keyboard layout: signs must arrive as printed")),
    (
        SymbolKind.GS1_DATAMATRIX,
        "[01]06901234567892[10]LOT7[21]S9",
        "010690123456789210LOT7{GS}21S9",
        N_("Separator: the lot must end before the serial number"),
    ),
    (SymbolKind.EAN, "6901234567892", "6901234567892", N_("Ending: each scan must end by itself")),
)


def sheet(session: Session, notice_no: str | None) -> Sheet:
    """Return the labels of a notice, of the oldest one to receive when none is named. Raises NotFound."""
    listed = tuple(
        row for state in ("receiving", "open") for row in queries.notices(session, state=state, limit=30)
    )
    chosen = queries.notice_by_no(session, notice_no) if notice_no else next(iter(listed), None)
    if chosen is None:
        if notice_no:
            raise NotFound(what=notice_no)
        return Sheet(None, listed)
    lines = queries.notice_lines(session, chosen.id)[:MOST_LINES]
    return Sheet(
        chosen,
        listed,
        tuple(Goods(line, tuple(_labels(session, line))) for line in lines),
        _places(session, chosen.site_id, ("dock", "staging"), 2),
        _places(session, chosen.site_id, ("bin", "quarantine"), MOST_BINS),
    )


def _labels(session: Session, line: NoticeLineRow) -> list[Printed]:
    gtin = session.scalar(select(TradeItem.gtin).where(TradeItem.id == line.trade_item_id))
    printed = []
    if line.sscc:
        printed.append(Printed(SymbolKind.GS1_128, f"[00]{line.sscc}", f"(00) {line.sscc}"))
    if gtin is None or not gs1_keys.is_gtin(gtin):
        return printed
    full = gs1_keys.gtin14(gtin)
    data, caption = f"[01]{full}", f"(01) {full}"
    if line.expires_on:
        data, caption = f"{data}[17]{line.expires_on:%y%m%d}", f"{caption} (17) {line.expires_on:%y%m%d}"
    if line.lot_no:
        data, caption = f"{data}[10]{line.lot_no}", f"{caption} (10) {line.lot_no}"
    printed.append(Printed(SymbolKind.GS1_DATAMATRIX, data, caption))
    if not full.startswith("00000") and full.startswith("0"):
        printed.append(Printed(SymbolKind.EAN, full[1:], full[1:]))
    return printed


def _places(session: Session, site_id: int, kinds: tuple[str, ...], most: int) -> tuple[Printed, ...]:
    codes = session.scalars(
        select(Location.code)
        .where(Location.site_id == site_id, Location.kind.in_(kinds))
        .order_by(Location.kind, Location.code)
        .limit(most)
    )
    return tuple(Printed(SymbolKind.CODE128, code, code) for code in codes)
