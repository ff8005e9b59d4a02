"""How customs' side of the goods is written in the ledger, in one place, so that every posting names it alike.

The book side has no place and no lot: a book line (项号) counts goods, wherever in the zone they lie. Lines that bring
goods in come in pairs with the shelf side, so that shelf and book cannot part (ledger reference, I4).
"""

from wms.stock.rules import AccountKey, Line


def book_side(kind: str, owner_id: int, trade_item_id: int, book_line_id: int) -> AccountKey:
    """Return the account ``kind`` (book, not_yet_booked, deduction_pending, customs_source) of one book line.

    It carries no customs status of its own: a book counts bonded goods only.
    """
    return AccountKey(kind, owner_id, trade_item_id, book_line_id=book_line_id)


def missing_goods(owner_id: int, trade_item_id: int, book_line_id: int, site_id: int) -> AccountKey:
    """Return the discrepancy account of one book line at one site: declared, but not found on the shelf."""
    return AccountKey(
        "discrepancy", owner_id, trade_item_id, site_id, customs_status="bonded", book_line_id=book_line_id
    )


def enter_books(owner_id: int, trade_item_id: int, book_line_id: int, qty: int) -> tuple[Line, Line]:
    """Return the book lines for ``qty`` base units that arrive before their list is booked."""
    return (
        Line(book_side("customs_source", owner_id, trade_item_id, book_line_id), -qty),
        Line(book_side("not_yet_booked", owner_id, trade_item_id, book_line_id), qty),
    )


def book(owner_id: int, trade_item_id: int, book_line_id: int, qty: int) -> tuple[Line, Line]:
    """Return the lines that raise the book by ``qty`` base units when customs books the list (INV211)."""
    return (
        Line(book_side("not_yet_booked", owner_id, trade_item_id, book_line_id), -qty),
        Line(book_side("book", owner_id, trade_item_id, book_line_id), qty),
    )


def deduct_provisionally(owner_id: int, trade_item_id: int, book_line_id: int, qty: int) -> tuple[Line, Line]:
    """Return the lines that lower the book by ``qty`` base units when goods pass the gate outwards."""
    return (
        Line(book_side("book", owner_id, trade_item_id, book_line_id), -qty),
        Line(book_side("deduction_pending", owner_id, trade_item_id, book_line_id), qty),
    )


def deduct_formally(owner_id: int, trade_item_id: int, book_line_id: int, qty: int) -> tuple[Line, Line]:
    """Return the lines that settle a provisional deduction of ``qty`` base units when its list is booked."""
    return (
        Line(book_side("deduction_pending", owner_id, trade_item_id, book_line_id), -qty),
        Line(book_side("customs_source", owner_id, trade_item_id, book_line_id), qty),
    )
