"""A large ledger for measuring: filled by COPY past the posting routine, but consistent as if it had been posted.

20,000 items of 20 owners lie in 50,000 bins of three sites; a few items make most of the work (Zipf). Every instant of
every account was at or above zero, every balance is the sum of its entries, every posting has its key, its answer and
its leaf: ``dongting verify`` finds nothing. One posting in a hundred was backdated by up to three days.
"""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from wms.db import Scope
from wms.floor.rules.putaway import Goods
from wms.postgres import Urls, libpq
from wms.stock.ledger import AccountKey

TENANT = 1
SCOPE = Scope.system(TENANT)
OWNERS, SITES, ITEMS, BINS = 20, 3, 20_000, 50_000
DAYS = 365
BACKDATED_EVERY = 100
MOST_PLACES = 400  # bins of the most used item
Ints = NDArray[np.int64]
Superuser = psycopg.Connection[Any]


@dataclass(frozen=True)
class BigLedger:
    """What a measurement needs of the filled ledger. Ids are ascending; ``popular`` are items, most used first."""

    entries: int
    fill_s: float
    owner_ids: tuple[int, ...]
    site_ids: tuple[int, ...]
    item_ids: tuple[int, ...]
    bin_ids: tuple[int, ...]
    popular: tuple[int, ...]
    first_at: datetime
    last_at: datetime

    def owner_of(self, item_id: int) -> int:
        """The owner of an item: items are dealt out in turn."""
        return self.owner_ids[(item_id - self.item_ids[0]) % OWNERS]

    def site_of(self, bin_id: int) -> int:
        """The site of a bin."""
        return self.site_ids[(bin_id - self.bin_ids[0]) % SITES]

    def shelf(self, item_id: int, bin_id: int) -> AccountKey:
        return AccountKey("location", self.owner_of(item_id), item_id, self.site_of(bin_id), bin_id)

    def supplier(self, item_id: int) -> AccountKey:
        return AccountKey("supplier", self.owner_of(item_id), item_id)

    def goods(self, item_id: int) -> Goods:
        """A pallet of an item that wants a place."""
        return Goods("bench", item_id, None, 10, 5_000, 10_000_000, "ambient", False, owner_id=self.owner_of(item_id))

    def customer(self, item_id: int) -> AccountKey:
        return AccountKey("customer", self.owner_of(item_id), item_id)


def fill(
    urls: Urls, entries: int, *, items: int = ITEMS, bins: int = BINS, seed: int = 1, leaves: bool = True
) -> BigLedger:
    """Fill an empty, migrated database with ``entries`` entries. Without ``leaves`` verify would miss them (I11)."""
    start, draw = time.perf_counter(), np.random.default_rng(seed)
    with psycopg.connect(libpq(urls.superuser), autocommit=False) as superuser:
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute("SET LOCAL synchronous_commit = off")
        superuser.execute("SET LOCAL maintenance_work_mem = '256MB'")
        superuser.execute("SELECT set_config('app.tenant', %s, true)", (str(TENANT),))
        world = _world(superuser, items, bins)
        popular = draw.permutation(items)
        places = _accounts(superuser, draw, popular, world, accounts=max(items, _accounts_of(entries)))
        first_at, last_at = _history(superuser, draw, popular, places, entries // 2)
        _entries(superuser)
        superuser.execute("ANALYZE posting, entry, account")  # or what follows is planned for empty tables
        if leaves:
            _leaves(superuser)
        _balances(superuser)
    with psycopg.connect(libpq(urls.superuser), autocommit=True) as superuser:
        superuser.execute("VACUUM (ANALYZE)")
        superuser.execute("CHECKPOINT")
    ranked = tuple(world.items[i] for i in popular.tolist())
    return BigLedger(
        entries, time.perf_counter() - start, world.owners, world.sites, world.items, world.bins, ranked, first_at,
        last_at,
    )  # fmt: skip


def _accounts_of(entries: int) -> int:
    """How many shelf accounts a ledger of this size has used: 28,000 at 10^5, 120,000 at 10^6, 400,000 at 10^7."""
    return int(28_000 * (entries / 100_000) ** 0.6)


@dataclass(frozen=True)
class _World:
    """Ids of companies, sites, trade items and locations, ascending."""

    owners: tuple[int, ...]
    sites: tuple[int, ...]
    items: tuple[int, ...]
    bins: tuple[int, ...]


def _world(superuser: Superuser, n_items: int, n_bins: int) -> _World:
    def ids(sql: str, *values: int) -> tuple[int, ...]:
        return tuple(sorted(row[0] for row in superuser.execute(sql.encode(), values)))

    owners = ids(
        "INSERT INTO company (code, name_zh, name_en) SELECT 'OWNER-' || n, '货主' || n, 'Owner ' || n"
        " FROM generate_series(1, %s) n RETURNING id",
        OWNERS,
    )
    superuser.execute(
        "INSERT INTO company_role (company_id, role) SELECT id, 'owner_of_goods' FROM company WHERE code LIKE 'OWNER-%'"
    )
    sites = ids(
        "INSERT INTO site (code, name_zh, name_en, kind, lat_deg, lon_deg)"
        " SELECT 'SITE-' || n, '仓库' || n, 'Warehouse ' || n, (ARRAY['bonded', 'ordinary', 'overseas'])[n], 29, 113"
        " FROM generate_series(1, %s) n RETURNING id",
        SITES,
    )
    items = ids(
        "INSERT INTO trade_item (owner_id, code, gtin, name_zh, name_en, gross_weight_g, volume_mm3)"
        " SELECT %s + (n - 1) %% %s, 'ITEM-' || n, stock_bench_gtin(n), '商品' || n, 'Item ' || n, 500, 1000000"
        " FROM generate_series(1, %s) n ORDER BY n RETURNING id".replace(
            "stock_bench_gtin(n)",
            # GTIN-13: 690, the number in nine digits, and the GS1 check digit (weights 1 and 3 from the left).
            "(SELECT d || (10 - s % 10) % 10 FROM (SELECT '690' || lpad(n::text, 9, '0') AS d) x, LATERAL ("
            "SELECT sum(substr(x.d, i, 1)::int * CASE WHEN i % 2 = 1 THEN 1 ELSE 3 END)::int AS s"
            " FROM generate_series(1, 12) i) y)".replace("%", "%%"),
        ),
        owners[0],
        OWNERS,
        n_items,
    )
    bins = ids(
        "INSERT INTO location (site_id, code, kind, is_bonded, pick_sequence)"
        " SELECT %s + (n - 1) %% %s, 'A-' || lpad(n::text, 5, '0'), 'bin', (n - 1) %% %s = 0, n"
        " FROM generate_series(1, %s) n ORDER BY n RETURNING id",
        sites[0],
        SITES,
        SITES,
        n_bins,
    )
    return _World(owners, sites, items, bins)


@dataclass(frozen=True)
class _Places:
    """Account ids by item number: shelves are ``shelf[first[i] : first[i + 1]]``."""

    supplier: Ints
    customer: Ints
    shelf: Ints
    first: Ints


def _accounts(
    superuser: Superuser, draw: np.random.Generator, popular: Ints, world: _World, *, accounts: int
) -> _Places:
    owners, sites, items, bins = world.owners, world.sites, world.items, world.bins
    share = 1 / np.arange(1, len(items) + 1) ** 0.6
    counts = np.empty(len(items), dtype=np.int64)
    counts[popular] = np.clip(np.round(share * accounts / share.sum()), 1, MOST_PLACES).astype(np.int64)
    first = np.concatenate(([0], np.cumsum(counts)))
    item_of = np.repeat(np.arange(len(items)), counts)
    bin_of = np.concatenate([draw.choice(len(bins), size=n, replace=False) for n in counts.tolist()])
    (last,) = superuser.execute("SELECT coalesce(max(id), 0) FROM account").fetchone() or (0,)
    supplier = last + 1 + np.arange(len(items))
    customer = supplier + len(items)
    shelf = last + 1 + 2 * len(items) + np.arange(len(item_of))
    columns = "id, kind, owner_id, trade_item_id, site_id, location_id"
    with superuser.cursor().copy(f"COPY account ({columns}) FROM STDIN") as copy:
        for kind, ids in (("supplier", supplier), ("customer", customer)):
            for number, account in enumerate(ids.tolist()):
                copy.write_row((account, kind, owners[number % OWNERS], items[number], None, None))
        for account, number, place in zip(shelf.tolist(), item_of.tolist(), bin_of.tolist(), strict=True):
            copy.write_row(
                (account, "location", owners[number % OWNERS], items[number], sites[place % SITES], bins[place])
            )
    superuser.execute("SELECT setval('account_id_seq', (SELECT max(id) FROM account))")
    return _Places(supplier, customer, shelf, first)


def _history(
    superuser: Superuser, draw: np.random.Generator, popular: Ints, places: _Places, postings: int
) -> tuple[datetime, datetime]:
    """Draw ``postings`` receipts, moves and picks in the order of their events, and keep them beside the ledger."""
    last_at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    first_at = last_at - timedelta(days=DAYS)
    share = 1 / np.arange(1, len(popular) + 1) ** 1.05
    items = popular[draw.choice(len(popular), size=postings, p=share / share.sum())]
    taken, placed, qty, kind = _work(random.Random(1), items.tolist(), places)
    event = np.linspace(0, DAYS * 86_400_000_000, postings).astype(np.int64)
    lag = draw.integers(200_000, 5_000_000, postings)
    late = np.arange(postings) % BACKDATED_EVERY == BACKDATED_EVERY - 1
    late &= np.array(kind) == "receipt"  # goods that came earlier than was known never make stock fall short
    lag[late] = draw.integers(60_000_000, 3 * 86_400_000_000, int(late.sum()))
    recorded = np.minimum(event + lag, DAYS * 86_400_000_000 + 300_000_000)
    superuser.execute(
        "CREATE TEMPORARY TABLE work (n bigint, kind text, event_us bigint, recorded_us bigint, taken bigint,"
        " placed bigint, qty bigint)"
    )
    order = np.argsort(recorded, kind="stable")
    with superuser.cursor().copy("COPY work FROM STDIN") as copy:
        for start in range(0, postings, 100_000):
            part = order[start : start + 100_000].tolist()
            rows = (
                f"{start + i}\t{kind[n]}\t{event[n]}\t{recorded[n]}\t{taken[n]}\t{placed[n]}\t{qty[n]}\n"
                for i, n in enumerate(part)
            )
            copy.write("".join(rows))
    superuser.execute("ANALYZE work")
    superuser.execute(
        "CREATE TEMPORARY TABLE made AS SELECT coalesce((SELECT max(id) FROM posting), 0) + 1 + n AS id, kind,"
        " %(from)s + event_us * interval '1 microsecond' AS event_at,"
        " %(from)s + recorded_us * interval '1 microsecond' AS recorded_at, taken, placed, qty FROM work ORDER BY n",
        {"from": first_at},
    )
    superuser.execute("DROP TABLE work")
    superuser.execute("ANALYZE made")
    return first_at, last_at


def _work(draw: random.Random, items: list[int], places: _Places) -> tuple[list[int], list[int], list[int], list[str]]:
    """(taken from, placed into, quantity, kind) of each posting: nothing is ever taken that is not there."""
    first, shelf = places.first.tolist(), places.shelf.tolist()
    supplier, customer = places.supplier.tolist(), places.customer.tolist()
    stock = [0] * len(shelf)
    taken, placed, qtys, kinds = [], [], [], []
    lot = draw.random
    for item in items:
        low, many = first[item], first[item + 1] - first[item]
        place, chance = low + int(lot() * many), lot()
        if chance < 0.4 or stock[place] == 0:
            qty, one, other, kind = 1 + int(lot() * 48), supplier[item], shelf[place], "receipt"
            stock[place] += qty
        else:
            qty, one = 1 + int(lot() * min(stock[place], 24)), shelf[place]
            stock[place] -= qty
            target = low + int(lot() * many)
            if chance < 0.7 and target != place:
                stock[target] += qty
                other, kind = shelf[target], "move"
            else:
                other, kind = customer[item], "pick"
        taken.append(one)
        placed.append(other)
        qtys.append(qty)
        kinds.append(kind)
    return taken, placed, qtys, kinds


def _entries(superuser: Superuser) -> None:
    superuser.execute(
        "INSERT INTO idem (key, request_hash, answer, recorded_at)"
        " SELECT 'history-' || id, sha256(('history-' || id)::bytea),"
        " jsonb_build_object('posting_id', id, 'recorded_at', recorded_at), recorded_at FROM made"
    )
    superuser.execute(
        "INSERT INTO posting (id, idem_key, kind, source_doc, event_at, recorded_at)"
        " SELECT id, 'history-' || id, kind, 'DOC-' || id / 20, event_at, recorded_at FROM made ORDER BY id"
    )
    superuser.execute(
        "INSERT INTO entry (posting_id, account_id, qty, owner_id, event_at, recorded_at)"
        " SELECT m.id, x.account_id, x.qty, a.owner_id, m.event_at, m.recorded_at FROM made m"
        " CROSS JOIN LATERAL (VALUES (m.taken, -m.qty), (m.placed, m.qty)) x(account_id, qty)"
        " JOIN account a ON a.id = x.account_id ORDER BY m.id, x.account_id"
    )
    superuser.execute("SELECT setval('posting_id_seq', (SELECT max(id) FROM posting))")


def _leaves(superuser: Superuser) -> None:
    (low, high) = superuser.execute("SELECT min(id), max(id) FROM made").fetchone() or (0, 0)
    for start in range(low, high + 1, 50_000):
        superuser.execute(
            "INSERT INTO leaf (kind, subject_id, body, hash, recorded_at)"
            " SELECT 'posting', b.posting_id, b.body, sha256('\\x00'::bytea || b.body), now()"
            " FROM stock_posting_bodies(ARRAY(SELECT generate_series(%s::bigint, %s::bigint))) b ORDER BY 2",
            (start, min(start + 49_999, high)),
        )


def _balances(superuser: Superuser) -> None:
    superuser.execute(
        "INSERT INTO balance (account_id, owner_id, qty, last_event_at, version)"
        " SELECT a.id, a.owner_id, coalesce(s.qty, 0), coalesce(s.last_at, 'epoch'), coalesce(s.n, 0)"
        " FROM account a JOIN account_kind k ON k.kind = a.kind AND NOT k.is_virtual"
        " LEFT JOIN (SELECT account_id, sum(qty) AS qty, max(event_at) AS last_at, count(*) AS n FROM entry"
        " GROUP BY account_id) s ON s.account_id = a.id ORDER BY a.id"
    )
