"""What came into the houses, left them or was corrected, noted without asking the ledger: both must say the same."""

import json
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.floor_deeds.houses import House

STANDING = text(
    "SELECT p.idem_key, EXISTS (SELECT 1 FROM posting r WHERE r.reverses_id = p.id) AS is_undone FROM posting p"
    " WHERE p.tenant_id = app_tenant() AND p.idem_key = ANY (:keys)"
)
IN_HOUSE = text(
    "SELECT a.trade_item_id, sum(e.qty) FILTER (WHERE a.kind IN ('location', 'in_transit'))::bigint AS here,"
    " sum(e.qty) FILTER (WHERE a.kind = 'supplier')::bigint AS supplied,"
    " sum(e.qty) FILTER (WHERE a.kind = 'customer')::bigint AS gone,"
    " sum(e.qty) FILTER (WHERE a.kind IN ('adjustment', 'discrepancy'))::bigint AS corrected,"
    " sum(e.qty) FILTER (WHERE k.side = 'physical')::bigint AS off"
    " FROM entry e JOIN account a ON a.id = e.account_id JOIN account_kind k ON k.kind = a.kind"
    " GROUP BY a.trade_item_id"
)


class Tally:
    """What a clerk with a pencil would know: what was about to come in or leave, and what was told to stand.

    ``file`` keeps it line by line, so that it outlives the process; what was about to happen when the process or the
    database was killed is looked up in the end by its key.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.goods: dict[str, tuple[str, list[tuple[int, int]]]] = {}
        self.states: dict[str, str] = {}
        self._lock = threading.Lock()
        self._out = file.open("a", encoding="utf-8", buffering=1) if file else None

    def about(self, key: str, what: str, goods: list[tuple[int, int]]) -> None:
        """A posting under ``key`` is about to bring units in, out or back."""
        self._note("about", key, what, goods)

    def now(self, key: str, state: str) -> None:
        """It stands, fell (was refused), is about to be undone, or was undone."""
        self._note(state, key)

    def _note(self, state: str, key: str, what: str = "", goods: list[tuple[int, int]] | None = None) -> None:
        with self._lock:
            if self._out:
                self._out.write(json.dumps([state, key, what, goods]) + "\n")
            self.take(state, key, what, goods or [])

    def take(self, state: str, key: str, what: str, goods: list[tuple[int, int]]) -> None:
        """Take a line of a file in again."""
        if state == "about":
            self.goods[key] = (what, [(item, qty) for item, qty in goods])
        self.states[key] = state

    @classmethod
    def read(cls, files: Iterable[Path]) -> "Tally":
        """All that was kept by processes that are gone; a line that was cut off by a kill is none."""
        made = cls()
        for file in files:
            for line in file.read_text(encoding="utf-8").splitlines():
                with suppress(json.JSONDecodeError):
                    made.take(*json.loads(line))
        return made

    def reckon(self, session: Session) -> tuple[Counter[tuple[str, int]], list[str]]:
        """Units in, out and back by item, and what the ledger lost or kept against what was told."""
        rows = session.execute(STANDING, {"keys": list(self.goods)})
        found = {row.idem_key: row.is_undone for row in rows}
        sums: Counter[tuple[str, int]] = Counter()
        wrong = []
        for key, (what, goods) in self.goods.items():
            state, stands = self.states[key], key in found and not found[key]
            wanted = {"stands": True, "fell": False, "undone": False}.get(state, stands)
            if wanted != stands:
                wrong.append(f"{key} ({what} {goods}): told {state}, but the ledger says otherwise")
            if stands:
                for item, qty in goods:  # an item may stand there more than once
                    sums[what, item] += qty
        return sums, wrong


def unaccounted(session: Session, houses: tuple[House, ...], tally: Tally) -> list[str]:
    """Where ledger and tally differ, in words; empty when every unit is accounted for."""
    rows = {row.trade_item_id: row for row in session.execute(IN_HOUSE)}
    sums, wrong = tally.reckon(session)
    for item_id, code, _ in houses[0].items:
        row = rows.get(item_id)
        here, supplied, gone, corrected, off = (
            (row.here or 0, -(row.supplied or 0), row.gone or 0, -(row.corrected or 0), row.off) if row else (0,) * 5
        )
        came, left = sums["in", item_id], sums["out", item_id] - sums["back", item_id]
        if (supplied, gone, off) != (came, left, 0) or here != came - left + corrected:
            wrong.append(
                f"{code}: {came} came in and {left} left; the ledger has {supplied} in, {gone} out, {corrected}"
                f" corrected, {here} here, off by {off}"
            )
    return wrong
