"""``shops.json`` in the data folder: what the simulated shops must know, since they import no room.

It names goods of the bonded warehouse with price and tax, the firms that sell, take money and carry, the terms under
which parcels are declared, and a declarant's token. The file is readable by its owner alone.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from web.auth.tables import ApiToken
from web.auth.tokens import create_token, hash_of
from web.demo.documents import BOOKS, OFFICE
from web.demo.goods import Item
from wms.catalog.tables import TradeItem
from wms.codes import lists
from wms.customs.parcels.tariff import RATES
from wms.parties import dated
from wms.parties.tables import Company
from wms.stock.tables import BookLine

LABEL, PAUSE_S, SITE = "simulated shops (demo)", 40, "CLJ-B1"
SINCE, SOURCE = date(2019, 1, 1), "demo data: rates as of the notice of 2018, to be confirmed with customs"
SENDER = "customs.sender"
PAYER = {"code": "4306660P99", "name": "洞庭支付（演示）"}
HIGH_END = Decimal(10)  # yuan for a gram: cosmetics that are taxed as a luxury
COSMETICS_RATE = {"vat": "0.13", "duty": "0.01", "consumption": "0.15", "threshold": "parcel.high_end_cosmetics"}
PLAIN_RATE = {"vat": "0.13", "duty": "", "consumption": "0", "threshold": ""}
LUXURIES = ("3303", "3304")
EACH = {"1901101000": 3, "1901109000": 1, "2007100000": 1, "3304990029": 3, "3401300000": 1}  # goods by tariff code


def enter_rates(session: Session) -> None:
    """Enter the tax rates of the demo's retail goods where nobody has entered any."""
    known = {row.subject for row in dated.values(session, RATES)}
    for code in EACH:
        if code not in known:
            value = COSMETICS_RATE if code.startswith(LUXURIES) else PLAIN_RATE
            dated.set_value(session, RATES, value, valid_from_on=SINCE, source=SOURCE, subject=code)


def enter_sender(session: Session, zone: Company) -> None:
    """Name the zone's operator as who sends to customs, where nobody is named."""
    if not any(row.name == SENDER and not row.is_shipped for row in dated.values(session, SENDER)):
        said = {"code": zone.customs_code or "", "name": zone.name_zh, "dxp_id": "DXPSIMULATED0002"}
        dated.set_value(session, SENDER, said, valid_from_on=SINCE, source="demo data")


def write_shops(session: Session, path: Path, items: Sequence[Item], seed: int) -> None:
    """Write the file; a token that is still good is kept."""
    enter_rates(session)
    book_no, owner = BOOKS[SITE]
    firms = {row.code: row for row in session.scalars(select(Company))}
    zone = firms["YYOP"]
    enter_sender(session, zone)
    terms = {
        "direction": "I", "trade_mode": "1210", "customs_code": OFFICE, "port_code": OFFICE,
        "agent_code": zone.customs_code, "agent_name": zone.name_zh, "traf_mode": "Y", "country": "142",
        "assure_code": firms[owner].customs_code, "ems_no": book_no, "area_code": zone.customs_code,
        "area_name": zone.name_zh, "wrap_type": "2",
    }  # fmt: skip
    content = {
        "format": "dongting.shops.v1", "seed": seed, "pause_s": PAUSE_S, "token": _token(session, path),
        "platform": _firm(firms[owner]), "payer": PAYER, "carrier": _firm(firms["DTLOG"]), "terms": terms,
        "area": zone.customs_code, "goods": list(_goods(session, items, book_no)),
    }  # fmt: skip
    draft = path.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
    draft.replace(path)


def _firm(company: Company) -> dict[str, str]:
    return {"code": company.customs_code or "", "name": company.name_zh}


def _token(session: Session, path: Path) -> str:
    if path.exists():
        kept = str(json.loads(path.read_text(encoding="utf-8"))["token"])
        row = session.scalar(select(ApiToken).where(ApiToken.token_hash == hash_of(kept)))
        week = datetime.now(UTC) + timedelta(days=7)
        if row is not None and row.revoked_at is None and row.expires_at > week:
            return kept
    return create_token(session, role="declarant", label=LABEL, days=366).secret


def _goods(session: Session, items: Sequence[Item], book_no: str) -> Iterator[Mapping[str, Any]]:
    """A few goods of each tariff code that the book holds, cheap ones and dear ones."""
    held = select(TradeItem.code).join(BookLine, BookLine.trade_item_id == TradeItem.id)
    codes = set(session.scalars(held.where(BookLine.book_no == book_no)))
    for hs_code, wanted in EACH.items():
        ours = sorted(
            (one for one in items if one.hs_code == hs_code and one.code in codes),
            key=lambda one: (one.unit_value_minor / one.net_weight_g, one.code),
        )
        step = max(1, (len(ours) - 1) // max(1, wanted - 1))
        for item in ours[::step][:wanted]:
            price, grams = Decimal(item.unit_value_minor).scaleb(-2), item.net_weight_g
            is_luxury = hs_code.startswith(LUXURIES) and price >= HIGH_END * grams
            country = lists.by_iso(lists.ListName.COUNTRY, item.country_of_origin, SINCE)
            yield {
                "item": item.code, "name": item.name_zh, "model": f"{grams}g", "unit": item.customs_unit,
                "country": country.code if country else "142", "price": f"{price:.2f}",
                "weight_g": item.gross_weight_g, "vat": "0.13", "consumption": "0.15" if is_luxury else "0",
            }  # fmt: skip
