"""The bonded stock-in (1210) that waits for the clerk: three trade items, their labels, list and truck.

1. A pallet with a logistic label: the SSCC says what the notice announces for it.
2. Infant formula with a GS1 DataMatrix on each carton: GTIN, expiry, lot.
3. Brushes with a plain EAN-13, counted with a quantity.

``/scan/labels`` prints them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from web.demo.documents import BOOKS, Goods, approve_list, next_book_line, pass_lines
from web.demo.goods import Item
from web.demo.passes import VALID, truck_of
from web.demo.stock import Ids
from wms.codes.gs1_keys import make_sscc
from wms.customs.gate_pass_rules import NewPass, PassDocument
from wms.customs.gate_passes import apply_for_pass, approve_pass
from wms.floor.rules.notices import LineIn
from wms.floor.service.notices import Announce, announce
from wms.gate.service import register_vehicle

NOTICE_NO, PASS_NO, SITE, SERIAL = "ASN-1210-0001", "DEMO-N-0001", "CLJ-B1", 900_001
SSCC = make_sscc(3, "9524306", 8_800_001)
DOCK = "DOCK-01"


@dataclass(frozen=True)
class Expected:
    """A line of the notice with what is printed on its label."""

    item: Item
    qty: int
    lot_no: str | None = None
    expires_on: date | None = None
    sscc: str | None = None


def expected(items: Sequence[Item], today: date) -> tuple[Expected, ...]:
    """The three lines of the notice; dates follow the day."""
    serum = next(item for item in items if item.category == "cosmetics" and item.is_expiry_controlled)
    formula = next(item for item in items if item.category == "infant" and item.is_expiry_controlled)
    brushes = next(item for item in items if item.category == "cosmetics" and not item.is_lot_controlled)
    made_on = today - timedelta(days=45)
    return (
        Expected(serum, serum.per_carton * 10, "N2601A", made_on + timedelta(days=serum.life_days), SSCC),
        Expected(formula, formula.per_carton * 8, "N2601F", made_on + timedelta(days=formula.life_days)),
        Expected(brushes, brushes.per_carton * 2),
    )


def enter_notice(session: Session, items: Sequence[Item], ids: Ids, now: datetime, today: date, seed: int) -> None:
    """Announce the goods under an approved list, with an approved pass for the truck that brings them."""
    lines = expected(items, today)
    book_no, owner = BOOKS[SITE]
    goods = [
        Goods(
            one.item,
            next_book_line(session, book_no, ids.items[one.item.code], one.item.customs_unit),
            one.qty,
        )
        for one in lines
    ]
    approved = approve_list(
        session, serial=SERIAL, site=SITE, direction="I", trade_mode="1210", goods=goods, companies=dict(ids.companies),
        at=now - timedelta(hours=20),
    )  # fmt: skip
    command = Announce(
        NOTICE_NO, ids.sites[SITE], ids.companies[owner], "1210",
        tuple(LineIn(one.item.code, one.qty, one.lot_no, one.expires_on, one.sscc) for one in lines),
        approved.list_no, now + timedelta(hours=1),
    )  # fmt: skip
    announce(session, command)
    truck = truck_of(seed, PASS_NO)
    register_vehicle(session, truck.plate, tare_g=truck.tare_g)
    made = apply_for_pass(
        session,
        NewPass(
            internal_no=PASS_NO, owner_id=ids.companies[owner], site_id=ids.sites["CLJ"], direction="I", pass_type="2",  # noqa: S106
            vehicle_plate=truck.plate, vehicle_weight_g=truck.tare_g, valid_from_at=now - timedelta(hours=1),
            valid_until_at=now + VALID, lines=pass_lines(approved, goods, ids),
            documents=(PassDocument("1", approved.list_no, approved.list_id),),
        ),
    )  # fmt: skip
    approve_pass(session, made.id, at=now - timedelta(minutes=40))
