"""Runs inside a virtual environment that has Tryton, never inside ours: receive, move and pick in lists, and a scan.

``python tryton_peer.py URI``: makes the database ``tryton_bench``, 1,000 products and 500 bins, and prints rates and
times as one JSON object. It is Tryton's own models that are called, in process, without
its server: Tryton at its fastest.
"""

# ruff: noqa: PLC0415 - Tryton reads its configuration when it is imported

import json
import random
import statistics
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal

PRODUCTS, BINS, LINES, ROUNDS = 1_000, 500, 2_000, 3
SCANS = 40
DATABASE = "tryton_bench"


def main(uri: str) -> None:
    from trytond import config

    config.set("database", "uri", uri)
    from trytond import __version__ as version
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    with Transaction().start(None, 0, autocommit=True) as transaction:
        transaction.database.create(transaction.connection, DATABASE)
    start = time.perf_counter()
    with Transaction().start(DATABASE, 0):
        transaction = Transaction()
        transaction.database.init()
        transaction.commit()
    Pool(DATABASE).init(update=["stock_lot"], lang=["en"], activatedeps=True)
    setup_s = time.perf_counter() - start
    pool = Pool(DATABASE)
    with Transaction().start(DATABASE, 0) as transaction:
        world = build(pool)
        transaction.commit()
    figures = {"version": version, "setup_s": setup_s, **measure(pool, world)}
    print(json.dumps(figures))


def build(pool):
    currency, party, company = (pool.get(name) for name in ("currency.currency", "party.party", "company.company"))
    cny = currency.create([{"name": "Yuan", "code": "CNY", "symbol": "¥"}])[0]
    us = company.create([{"party": party.create([{"name": "Bench"}])[0].id, "currency": cny.id}])[0]
    (unit,) = pool.get("product.uom").search([("name", "=", "Unit")])
    templates = pool.get("product.template").create(
        [
            {
                "name": f"Item {n}",
                "type": "goods",
                "default_uom": unit.id,
                "products": [("create", [{"code": f"I{n}"}])],
            }
            for n in range(PRODUCTS)
        ]
    )
    location = pool.get("stock.location")
    (storage,) = location.search([("code", "=", "STO")])
    bins = location.create([{"name": f"B{n}", "type": "storage", "parent": storage.id} for n in range(BINS)])
    return {
        "company": us.id,
        "currency": cny.id,
        "unit": unit.id,
        "products": [template.products[0].id for template in templates],
        "bins": [one.id for one in bins],
        "supplier": location.search([("type", "=", "supplier")])[0].id,
        "customer": location.search([("type", "=", "customer")])[0].id,
    }


def measure(pool, world):
    from trytond.transaction import Transaction

    draw, move = random.Random(1), pool.get("stock.move")
    stocked = []

    outside = {world["supplier"], world["customer"]}

    def row(product, start, end, quantity):
        made = {
            "product": product, "unit": world["unit"], "quantity": quantity, "from_location": start,
            "to_location": end, "company": world["company"], "effective_date": datetime.now(UTC).date(),
        }  # fmt: skip
        priced = {"currency": world["currency"], "unit_price": Decimal(1)}
        return made | priced if outside & {start, end} else made

    def receive(count):
        rows = [
            row(draw.choice(world["products"]), world["supplier"], draw.choice(world["bins"]), 12) for _ in range(count)
        ]
        stocked.extend((one["product"], one["to_location"]) for one in rows)
        move.do(move.create(rows))

    def carry(count):
        rows = [row(*draw.choice(stocked), draw.choice(world["bins"]), 1) for _ in range(count)]
        move.do(move.create([one for one in rows if one["from_location"] != one["to_location"]]))

    def pick(count):
        moves = move.create([row(*draw.choice(stocked), world["customer"], 1) for _ in range(count)])
        move.assign_try(moves)
        move.do([one for one in move.browse(moves) if one.state == "assigned"])

    def timed(act, count):
        start = time.perf_counter()
        with Transaction().start("tryton_bench", 0, context={"company": world["company"]}) as transaction:
            act(count)
            transaction.commit()
        return time.perf_counter() - start

    timed(receive, 50)
    rates = {
        "receive_lines_per_s": [LINES / timed(receive, LINES) for _ in range(ROUNDS)],
        "move_lines_per_s": [LINES / 4 / timed(carry, LINES // 4) for _ in range(ROUNDS)],
        "pick_lines_per_s": [LINES / 4 / timed(pick, LINES // 4) for _ in range(ROUNDS)],
    }
    scans = [1000 * timed(receive, 1) for _ in range(SCANS)]
    moves = [1000 * timed(carry, 1) for _ in range(SCANS)]
    return {
        **{name: statistics.median(values) for name, values in rates.items()},
        "scan_receive_ms_p95": sorted(scans)[int(SCANS * 0.95)],
        "scan_move_ms_p95": sorted(moves)[int(SCANS * 0.95)],
    }


if __name__ == "__main__":
    main(sys.argv[1])
