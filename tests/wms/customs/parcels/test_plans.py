"""No use case of parcels, quota and mail reads a whole table: PostgreSQL's own plans beside many parcels."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import psycopg
import pytest
from sqlalchemy.orm import Session

from benchmarks.parcel_standing import fill
from tests.conftest import Server
from tests.plans import whole_tables
from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import AT, VAULT
from wms.customs.messages import post_office
from wms.customs.messages import queries as messages
from wms.customs.parcels import bills, buyers, declaring, guard, papers, privacy, queries, receiving, requests
from wms.customs.parcels.bills import Bill
from wms.customs.parcels.buyers import Use
from wms.customs.parcels.guard import Leaving
from wms.customs.parcels.receiving import Receipt
from wms.customs.parcels.rules.limits import Limits
from wms.db import Database, Scope
from wms.errors import NotFound
from wms.parties.private import give_keys
from wms.postgres import libpq

LARGE = {
    "buyer", "buyer_year", "retail_order", "retail_payment", "retail_waybill", "retail_document", "parcel_declaration",
    "parcel_line", "parcel_receipt", "customs_message",
}  # fmt: skip
STANDING = 20_000
LIMITS = Limits(Decimal(5000), Decimal(26000))


@pytest.fixture(scope="module")
def filled(server: Server) -> Iterator[Database]:
    name = server.clone()
    urls = server.postgres.urls_of(name)
    with psycopg.connect(libpq(urls.superuser), autocommit=True) as superuser:
        fill(superuser, STANDING)
    database = Database(urls.app, pool_size=2)
    give_keys(database, lambda: VAULT)
    yield database
    database.close()
    server.postgres.drop_database(name)


def chain(session: Session) -> None:
    """Two parcels from their documents to the receipt that lets them go."""
    one, other = world.sale(), world.sale(buyer_id="440524188001010014")
    world.take_all(session, one, other)
    made = [drawn.declaration_id or 0 for drawn in world.draw_up(session, one, other)]
    assert declaring.declare(session, VAULT, made, AT) == [None, None]
    assert len(papers.inventories(session, VAULT, made, AT)) == 2
    for code in ("120", "800"):
        assert world.receipt(session, made[0], code)
    row = world.row(session, made[0])
    bills.take_bill(session, Bill("T-1", row.invt_no or "", "1", AT, ()))


def unknown(act: Callable[[], object]) -> None:
    """What nothing is found for is looked for in every way there is."""
    with pytest.raises(NotFound):
        act()


ANSWER = Receipt("CEB622", "800", AT, cop_no="none", pre_no="none", invt_no="none")
LEAVING = Leaving("sscc", 1, "old-77", "old-77", "1210", is_retail=True)
BYTES = (
    b'<ceb:CEB622Message xmlns:ceb="http://www.chinaport.gov.cn/ceb" guid="00000000-0000-4000-8000-000000000001"'
    b' version="1.0"><ceb:InventoryReturn><ceb:guid>00000000-0000-4000-8000-000000000001</ceb:guid>'
    b"<ceb:copNo>OLD9</ceb:copNo><ceb:preNo>B00000000000000001</ceb:preNo><ceb:returnStatus>800</ceb:returnStatus>"
    b"<ceb:returnTime>20260601140000123</ceb:returnTime><ceb:returnInfo>ok</ceb:returnInfo></ceb:InventoryReturn>"
    b"</ceb:CEB622Message>"
)
ACTS: dict[str, Callable[[Session], object]] = {
    "a parcel from its documents to release": chain,
    "a receipt for nobody": lambda s: unknown(lambda: receiving.take_receipt(s, ANSWER)),
    "a declaration that is not there": lambda s: unknown(lambda: queries.declaration(s, "none")),
    "quota taken": lambda s: buyers.take_many(s, VAULT, [Use(n, 100) for n in range(1, 101)], 2026, LIMITS),
    "quota given back": lambda s: buyers.give_back(s, Use(7, 100), 2026),
    "may a parcel leave": lambda s: guard.refuse_unreleased(s, [LEAVING]),
    "a declaration with all there is": lambda s: queries.whole(s, queries.declaration(s, "OLD4711")),
    "orders, first page": queries.orders,
    "orders that differ": lambda s: queries.orders(s, match="differs"),
    "orders of a number": lambda s: queries.orders(s, order_no="old-5"),
    "declarations, a later page": lambda s: queries.declarations(s, after=15_000),
    "declarations of a state": lambda s: queries.declarations(s, state="declared"),
    "orders by phone": lambda s: privacy.orders_of(s, VAULT, phone="13800001111"),
    "orders by name": lambda s: privacy.orders_of(s, VAULT, name="张三丰"),
    "orders by identity number": lambda s: privacy.orders_of(s, VAULT, id_number="11010519491231002X"),
    "a cancellation": lambda s: requests.ask_to_cancel(s, 4_711, "test", AT),
    "a message comes": lambda s: post_office.take(s, BYTES, "test"),
    "messages to be sent": post_office.queued,
    "messages that wait": post_office.take_up_again,
    "messages, first page": messages.messages,
    "messages of a number": lambda s: messages.messages(s, kind="CEB622", number="OLD9"),
}


@pytest.mark.parametrize("name", ACTS)
def test_no_hot_use_case_reads_a_whole_table(filled: Database, name: str) -> None:
    assert whole_tables(filled, Scope.system(1), ACTS[name], LARGE) == {}


@pytest.mark.parametrize("name", ["orders, first page", "orders of a number", "declarations of a state"])
def test_no_read_of_a_firm_reads_a_whole_table(filled: Database, name: str) -> None:
    scope = Scope(1, role="clerk", company_id=1, sees_all=False)
    assert whole_tables(filled, scope, ACTS[name], LARGE) == {}
