"""Retail parcels: three documents → match → declaration with tax and quota → XML, with many parcels in the database.

Each parcel is handled as messages bring it: a hundred documents to a message, each message a transaction of its own.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
from sqlalchemy.orm import Session

from benchmarks.rows import Row, row
from benchmarks.server import durable_server
from benchmarks.writers import SCOPE
from wms.customs.parcels import declaring, exchange, queries, taking
from wms.customs.parcels.exchange import Sender
from wms.customs.parcels.rules import documents
from wms.customs.parcels.rules.declaring import Filing, Terms
from wms.customs.parcels.rules.documents import BEIJING
from wms.db import Database
from wms.parties.private import Vault
from wms.postgres import libpq

TARGET, AT_ONCE, WRITERS = 150.0, 100, 2
STANDING, STANDING_FULL = 200_000, 1_000_000
MESSAGES, MESSAGES_FULL = 20, 100
VAULT = Vault({1: b"k" * 32}, b"i" * 32)
EBP, EBC, CARRIER = "4306960001", "4306960002", "4306960003"
SENDER = Sender(EBC, "电商", "DXPENT0000000001")
TERMS = Terms(
    "I", "1210", "4902", "4902", "4306960005", "代理公司", "4", "142", assure_code=EBC, ems_no="T4902W000001",
    area_code="4306600001", area_name="岳阳城陵矶综合保税区",
)  # fmt: skip
FILINGS = {"MILK": Filing("1901101090", "R1", "035", Decimal("0.9"), net_weight=Decimal("0.9"))}
FILL = (
    (
        "INSERT INTO buyer (id, tenant_id, id_index, id_sealed, last_used_on)"
        " OVERRIDING SYSTEM VALUE SELECT n, 1, sha256(n::text::bytea), sha256(n::text::bytea), '2026-01-01'"
        " FROM generate_series(1, {n}) n"
    ),
    (
        "INSERT INTO retail_order (tenant_id, direction, ebp_code, ebp_name, ebc_code, ebc_name, order_no, order_type,"
        " app_at, content_index, goods_value, freight, discount, tax_total, paid, currency, buyer_id, phone_index,"
        " address_index, lines, match) SELECT 1, 'I', 'P', 'p', 'C', 'c', 'old-' || n, 'I', now(),"
        " sha256(n::text::bytea), 100, 0, 0, 0, 100, '142', n, sha256(n::text::bytea), sha256(n::text::bytea),"
        " '[{{}}]', 'agrees' FROM generate_series(1, {n}) n"
    ),
    (
        "INSERT INTO retail_payment (tenant_id, pay_code, pay_name, transaction_no, ebp_code, order_no, app_at,"
        " content_index, amount, currency) SELECT 1, 'Y', 'y', 'old-' || n, 'P', 'old-' || n, now(),"
        " sha256(n::text::bytea), 100, '142' FROM generate_series(1, {n}) n"
    ),
    (
        "INSERT INTO retail_waybill (tenant_id, logistics_code, logistics_name, waybill_no, order_no, app_at,"
        " content_index, freight, insured_fee, currency, gross_weight, pack_count) SELECT 1, 'L', 'l', 'old-' || n,"
        " 'old-' || n, now(), sha256(n::text::bytea), 0, 0, '142', 1, 1 FROM generate_series(1, {n}) n"
    ),
    (
        "INSERT INTO parcel_declaration (tenant_id, direction, cop_no, order_id, buyer_id, trade_mode, ebp_code,"
        " order_no, logistics_code, waybill_no, state, released_at, head)"
        " SELECT 1, 'I', 'OLD' || id, id, buyer_id, '1210', 'P', order_no, 'L', order_no, 'released', now(), '{{}}'"
        " FROM retail_order"
    ),
)


def run(full: bool) -> Iterator[Row]:
    """Parcels a second by one and by two writers; each line says with how many parcels in the database."""
    standing, messages = (STANDING_FULL, MESSAGES_FULL) if full else (STANDING, MESSAGES)
    with durable_server() as urls:
        with psycopg.connect(libpq(urls.superuser), autocommit=True) as bare:
            for sql in FILL:
                bare.execute(sql.format(n=standing).encode())
            bare.execute("SELECT setval(pg_get_serial_sequence('buyer', 'id'), %s)", (standing + 1,))
            bare.execute("VACUUM ANALYZE")
        one = _rate(urls.app, 1, messages)
        yield row("parcels_chain_1_writer", one, "parcels/s", target=TARGET, ok=one >= TARGET)
        two = _rate(urls.app, WRITERS, messages)
        yield row("parcels_chain_2_writers", two, "parcels/s", target=TARGET, ok=two >= TARGET)
        yield row("parcels_standing", standing, "parcels")


def _rate(url: str, writers: int, messages: int) -> float:
    with ProcessPoolExecutor(writers) as crew:
        list(crew.map(work, [url] * writers, [1] * writers))  # connections, plans, imports
        start = time.perf_counter()
        done = sum(crew.map(work, [url] * writers, [messages // writers] * writers))
        return done / (time.perf_counter() - start)


def work(url: str, messages: int) -> int:
    """Take, match, declare and write ``messages`` hundreds of parcels; return how many parcels."""
    database = Database(url, pool_size=1, max_overflow=0)
    written = 0
    for _ in range(messages):
        written += chain(database, [uuid.uuid4().hex[:20] for _ in range(AT_ONCE)])
    database.close()
    return written


def chain(database: Database, numbers: list[str]) -> int:
    """One hundred parcels from their first document to the bytes of their message; every step is committed."""

    def commit(act: Callable[[Session], Any]) -> Any:
        return database.run(SCOPE, act)

    orders = [documents.read_order("I", *_order(number)) for number in numbers]
    commit(lambda session: taking.take_orders(session, VAULT, orders))
    payments = [documents.read_payment("I", _payment(number)) for number in numbers]
    commit(lambda session: taking.take_payments(session, VAULT, payments))
    waybills = [documents.read_waybill("I", _waybill(number)) for number in numbers]
    commit(lambda session: taking.take_waybills(session, VAULT, waybills))

    def declare(session: Session) -> bytes:
        rows = queries.orders_by_no(session, EBP, numbers)
        made = declaring.draw_up(session, rows, TERMS, datetime.now(BEIJING).date(), filings=FILINGS)
        ids = [one.declaration_id for one in made if one.declaration_id]
        refused = declaring.declare(session, VAULT, ids, datetime.now(UTC))
        if len(ids) != len(numbers) or any(refused):
            raise RuntimeError(f"a parcel was refused: {[one.refusal for one in made if one.refusal] or refused}")
        return exchange.unsigned(exchange.declaration(session, VAULT, ids, SENDER, datetime.now(UTC)))

    if not commit(declare):
        raise RuntimeError("nothing was written")
    return len(numbers)


def _stamp() -> dict[str, str]:
    at = datetime.now(BEIJING).strftime("%Y%m%d%H%M%S")
    return {"guid": str(uuid.uuid4()).upper(), "appType": "1", "appTime": at, "appStatus": "2"}


def _buyer(number: str) -> str:
    return f"43060019900101{int(number, 16) % 10_000:04d}"


def _order(number: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    head = _stamp() | {
        "orderType": "I", "orderNo": number, "ebpCode": EBP, "ebpName": "平台", "ebcCode": EBC, "ebcName": "电商",
        "goodsValue": "27.90", "freight": "0", "discount": "0", "taxTotal": "2.54", "acturalPaid": "30.44",
        "currency": "142", "buyerRegNo": "u", "buyerName": "测试人", "buyerTelephone": "13800001111",
        "buyerIdType": "1", "buyerIdNumber": _buyer(number), "consignee": "收货人",
        "consigneeTelephone": "13900002222", "consigneeAddress": "湖南省岳阳市岳阳楼区1号",
    }  # fmt: skip
    line = {"gnum": 1, "itemNo": "MILK", "itemName": "奶粉", "gmodel": "900g/罐", "unit": "122", "qty": "1",
            "price": "27.90", "totalPrice": "27.90", "currency": "142", "country": "609"}  # fmt: skip
    return head, [line]


def _payment(number: str) -> dict[str, Any]:
    return _stamp() | {
        "payCode": "4306960004", "payName": "支付", "payTransactionId": number, "orderNo": number, "ebpCode": EBP,
        "payerIdType": "1", "payerIdNumber": _buyer(number), "payerName": "测试人", "amountPaid": "30.44",
        "currency": "142",
    }  # fmt: skip


def _waybill(number: str) -> dict[str, Any]:
    return _stamp() | {
        "logisticsCode": CARRIER, "logisticsName": "物流", "logisticsNo": number, "orderNo": number, "freight": "0",
        "insuredFee": "0", "currency": "142", "weight": "1.2", "packNo": "1", "consignee": "收货人",
        "consigneeTelephone": "13900002222", "consigneeAddress": "湖南省岳阳市岳阳楼区1号",
    }  # fmt: skip
