"""Retail parcels: three documents → match → declaration with tax and quota → signed XML, with many in the database.

Each parcel takes the way of the product: a message of a hundred documents is a transaction of the post office, and a
hundred parcels are drawn up in one transaction, and declared, signed and queued in the next.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import psutil
import psycopg
from lxml import etree
from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.crews import Hand, crew
from benchmarks.parcel_messages import AT_ONCE, EBC, EBP, Batch, order_no, templates
from benchmarks.parcel_standing import fill
from benchmarks.rows import Row, row
from benchmarks.server import durable_server
from benchmarks.writers import SCOPE
from wms.customs import parcel_mail
from wms.customs.messages import post_office
from wms.customs.messages.signing import make_test_key
from wms.customs.outgoing import SENDER, Desk
from wms.customs.parcels import declaring, exchange, queries
from wms.customs.parcels.rules.declaring import Filing, Terms
from wms.customs.parcels.rules.documents import BEIJING
from wms.db import Database
from wms.parties import dated
from wms.parties.private import Vault, give_keys
from wms.postgres import libpq

TARGET, WRITERS = 150.0, 2
STANDING, STANDING_FULL = 200_000, 1_000_000
SECONDS, SECONDS_FULL = 15.0, 60.0
SINCE = date(2026, 1, 1)
VAULT = Vault({1: b"k" * 32}, b"i" * 32)
WHO_SENDS = {"code": EBC, "name": "电商", "dxp_id": "DXPENT0000000001"}
TERMS = Terms(
    "I", "1210", "4902", "4902", "4306960005", "代理公司", "4", "142", assure_code=EBC, ems_no="T4902W000001",
    area_code="4306600001", area_name="岳阳城陵矶综合保税区",
)  # fmt: skip
FILINGS = {"MILK": Filing("1901101090", "R1", "035", Decimal("0.9"), net_weight=Decimal("0.9"))}


def run(full: bool) -> Iterator[Row]:
    """Parcels a second by one and by two processes, and the processor time that one parcel takes."""
    standing, seconds = (STANDING_FULL, SECONDS_FULL) if full else (STANDING, SECONDS)
    with durable_server() as urls:
        started = time.perf_counter()
        with psycopg.connect(libpq(urls.superuser), autocommit=True) as bare:
            fill(bare, standing)
        _name_sender(urls.app)
        yield row("parcels_standing", standing, f"parcels, filled in {time.perf_counter() - started:.0f} s")
        yield from _measured(urls.app, 1, SECONDS)
        yield from _measured(urls.app, WRITERS, seconds)


def _name_sender(url: str) -> None:
    database = Database(url, pool_size=1)
    with database.unit_of_work(SCOPE) as session:
        dated.set_value(session, SENDER, WHO_SENDS, valid_from_on=SINCE, source="benchmark")
    database.close()


def _measured(url: str, writers: int, seconds: float) -> Iterator[Row]:
    name = f"parcels_chain_{writers}"
    with crew(Clerk, Load(url), writers) as team:
        rate = team.rate("chain", seconds)
        python, postgres = (1_000 * team.rate(part, 0) / rate for part in ("python", "postgres"))
    alone = _lxml_alone()
    is_asked = writers == WRITERS  # the reach is that of two cores
    yield row(
        name, rate, "parcels/s", target=TARGET if is_asked else None,
        ratio_to="lxml parsing their three messages alone", ratio=rate / alone, ok=rate >= TARGET if is_asked else None,
    )  # fmt: skip
    yield row(f"{name}_python", python, "ms of processor")
    yield row(f"{name}_postgres", postgres, "ms of processor")


def _lxml_alone() -> float:
    """Parcels a second when all that is done for them is to parse their three messages."""
    given, started, rounds = Batch.of(templates(datetime.now(UTC))), time.perf_counter(), 20
    for _ in range(rounds):
        for data in given.messages:
            etree.fromstring(data)
    return rounds * AT_ONCE / (time.perf_counter() - started)


@dataclass(frozen=True)
class Load:
    """Where the clerks work."""

    url: str


class Clerk(Hand):
    """One process. After a measurement it can say how much processor time it and its connection took for it."""

    ways = ("chain",)

    def __init__(self, load: Load, seed: int) -> None:
        del seed
        exchange.register(lambda _session: VAULT)
        self._database = Database(load.url, pool_size=1, max_overflow=0)
        give_keys(self._database, lambda: VAULT)
        key = make_test_key("CN=benchmark")
        self._desk = Desk(lambda: key)
        self._templates = templates(datetime.now(UTC))
        with self._database.unit_of_work(SCOPE) as session:
            self._server = psutil.Process(session.execute(text("SELECT pg_backend_pid()")).scalar_one())
        self._spent = {"python": 0.0, "postgres": 0.0, "wall": 1.0}

    def measure(self, way: str, seconds: float) -> tuple[int, float]:
        """For ``python`` and ``postgres``: how much of a processor the last measurement took, in millionths."""
        if way in self._spent:
            return round(self._spent[way] * 1_000_000), self._spent["wall"] * 1_000_000
        before = self._clocks()
        stood, took = super().measure(way, seconds)
        after = self._clocks()
        self._spent = {name: after[name] - before[name] for name in after} | {"wall": took}
        return stood, took

    def _clocks(self) -> dict[str, float]:
        server = self._server.cpu_times()
        return {"python": time.process_time(), "postgres": server.user + server.system}

    def chain(self) -> int:
        """A hundred parcels from their first document to their signed message; every step is committed."""
        given = Batch.of(self._templates)
        for n, data in enumerate(given.messages):
            taken = self._database.run(
                SCOPE, lambda session, data=data, n=n: post_office.take(session, data, f"{given.token}-{n}")
            )
            if taken.state != "taken":
                raise RuntimeError(f"message {n} was {taken.state}: {taken.reason}")
        ids = self._database.run(SCOPE, lambda session: _drawn(session, given.token))
        self._database.run(SCOPE, lambda session: self._declared(session, ids))
        return len(ids)

    def _declared(self, session: Session, ids: list[int]) -> None:
        at = datetime.now(UTC)
        refused = parcel_mail.declare(session, VAULT, ids, at, self._desk)
        if any(refused):
            raise RuntimeError(f"a parcel was refused: {next(filter(None, refused))}")


def _drawn(session: Session, token: str) -> list[int]:
    orders = queries.orders_by_no(session, EBP, [order_no(token, n) for n in range(AT_ONCE)])
    made = declaring.draw_up(session, orders, TERMS, datetime.now(BEIJING).date(), filings=FILINGS)
    ids = [one.declaration_id for one in made if one.declaration_id]
    if len(ids) != AT_ONCE:
        raise RuntimeError(f"a parcel was refused: {next(one.refusal for one in made if one.refusal)}")
    return ids
