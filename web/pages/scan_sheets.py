"""What stands on the printed sheets: labels of announced goods, places, commands, and test codes for a scanner."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from web.symbols import SymbolKind
from wms.catalog import queries as catalog
from wms.codes import gs1_keys
from wms.errors import N_, NotFound
from wms.floor import queries
from wms.floor.queries import NoticeLineRow, NoticeRow
from wms.floor.rules import putaway
from wms.floor.service import suggesting
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


REASONS: tuple[tuple[str, str], ...] = (
    ("REASON FULL", N_("Place is full")),
    ("REASON BLOCKED", N_("Way is blocked")),
    ("REASON NEARER", N_("This is nearer")),
    ("REASON TOGETHER", N_("Belongs together")),
    ("REASON OTHER", N_("Another reason")),
)

UNIT_WORDS: tuple[tuple[str, str], ...] = (
    ("NEST", N_("Into another unit")),
    ("TAKEOUT", N_("Out of its unit")),
    ("SPLIT", N_("Split off into a new unit")),
    ("MERGE", N_("All into another unit")),
)

COMMANDS: tuple[tuple[str, str], ...] = (
    ("CONFIRM", N_("Confirm")),
    ("UNDO", N_("Undo")),
    ("BACK", N_("Back")),
    ("DAMAGED", N_("Next goods are damaged")),
    ("NEXT", N_("Next task")),
    ("SHORT", N_("Fewer here than asked")),
    ("DONE", N_("Done")),
    *UNIT_WORDS,
    ("QTY 5", N_("Quantity 5")),
    ("QTY 12", N_("Quantity 12")),
    ("GRADE A", N_("Returned: grade A")),
    ("GRADE B", N_("Returned: grade B")),
    ("GRADE C", N_("Returned: grade C")),
    ("GRADE SCRAP", N_("Returned: scrap")),
    *REASONS,
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
    bins = _suggested(session, chosen, lines)
    others = (one for one in _codes(session, chosen.site_id, ("bin", "quarantine"), MOST_BINS) if one not in bins)
    return Sheet(
        chosen,
        listed,
        tuple(Goods(line, tuple(_labels(session, line))) for line in lines),
        tuple(_place(code) for code in _codes(session, chosen.site_id, ("dock", "staging"), 2)),
        tuple(_place(code) for code in (*bins, *others)),
    )


def _suggested(session: Session, notice: NoticeRow, lines: tuple[NoticeLineRow, ...]) -> tuple[str, ...]:
    """Return the places that the announced goods will be sent to, as things are now."""
    found = []
    for line in lines:
        item = catalog.item(session, line.trade_item_id)
        assert item is not None
        weight_g, volume_mm3 = item.gross_weight_g * line.expected_qty, item.volume_mm3 * line.expected_qty
        goods = putaway.Goods(
            item.code, item.id, None, line.expected_qty, weight_g, volume_mm3, item.temperature_class, notice.is_bonded,
            owner_id=notice.owner_id,
        )  # fmt: skip
        found.append(suggesting.suggest(session, notice.site_id, goods, datetime.now(UTC).date()))
    return tuple(dict.fromkeys(one.place.code for one in found if one))


def _labels(session: Session, line: NoticeLineRow) -> list[Printed]:
    item = catalog.item(session, line.trade_item_id)
    assert item is not None
    printed = []
    if line.sscc:
        printed.append(Printed(SymbolKind.GS1_128, f"[00]{line.sscc}", f"(00) {line.sscc}"))
    if item.gtin is None or not gs1_keys.is_gtin(item.gtin):
        return printed
    elements = [("01", gs1_keys.gtin14(item.gtin))]
    if item.is_expiry_controlled or line.expires_on:
        # The notice may leave it open; the label of real goods would not.
        elements.append(("17", f"{line.expires_on or _in_a_year():%y%m%d}"))
    if item.is_lot_controlled or line.lot_no:
        elements.append(("10", line.lot_no or "SAMPLE"))
    data = "".join(f"[{ai}]{value}" for ai, value in elements)
    printed.append(Printed(SymbolKind.GS1_DATAMATRIX, data, " ".join(f"({ai}) {value}" for ai, value in elements)))
    if elements[0][1].startswith("0") and not (item.is_lot_controlled or item.is_expiry_controlled):
        printed.append(Printed(SymbolKind.EAN, elements[0][1][1:], elements[0][1][1:]))
    return printed


def _in_a_year() -> date:
    return datetime.now(UTC).date() + timedelta(days=365)


def _codes(session: Session, site_id: int, kinds: tuple[str, ...], most: int) -> tuple[str, ...]:
    return tuple(
        session.scalars(
            select(Location.code)
            .where(Location.site_id == site_id, Location.kind.in_(kinds))
            .order_by(Location.pick_sequence, Location.code)
            .limit(most)
        )
    )


def _place(code: str) -> Printed:
    return Printed(SymbolKind.CODE128, code, code)
