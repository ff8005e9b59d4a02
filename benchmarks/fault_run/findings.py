"""What the database must hold after the run, compared with what devices and controllers wrote down."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from benchmarks.fault_run.sources import Source
from benchmarks.fault_run.vehicles import Gate, Opening
from wms.db import Database, Scope

SENT_ONCE = text(
    """
    SELECT count(*) AS rows, count(DISTINCT message_key) AS held, coalesce(sum(copies), 0) AS copies,
           count(*) FILTER (WHERE state = 'received') AS unread, count(*) FILTER (WHERE state = 'dead') AS dead
    FROM inbox WHERE source = :source AND message_key LIKE :boot || '-%'
    """
)
LACKING = text(
    """
    SELECT n FROM unnest(CAST(:numbers AS bigint[])) AS n
    WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE source = :source AND message_key = :boot || '-' || n) LIMIT 10
    """
)
READ_ONCE = text(
    """
    SELECT count(*) FROM reading JOIN inbox ON inbox.id = reading.inbox_id
    WHERE inbox.source = :source AND inbox.message_key LIKE :boot || '-%'
    """
)
CONFLICTS = text("SELECT count(*) FROM inbox_conflict JOIN inbox ON inbox.id = inbox_id WHERE source = ANY(:sources)")
# A driver whose readings came late, while a part was away, gives up and backs out before anything was decided. Such a
# passage has no release, and the yard knows of a vehicle that went back. Any other without one decision is wrong.
DECIDED = text(
    """
    SELECT passage.id, passage.state, count(decision.id) AS decisions,
           passage.state = 'turned_back' AND count(decision.id) = 0
           AND NOT EXISTS (SELECT FROM release WHERE release.passage_id = passage.id) AS is_undecided,
           ARRAY(SELECT DISTINCT seen.content ->> 'plate' FROM passage_reading AS seen
                 WHERE seen.passage_id = passage.id AND seen.kind = 'PlateRead'
                   AND seen.content ->> 'plate' IS NOT NULL) AS plates
    FROM passage LEFT JOIN decision ON decision.passage_id = passage.id
    WHERE passage.state <> 'open' GROUP BY passage.id HAVING count(decision.id) <> 1
    """
)
COMMANDS = text(
    """
    SELECT CAST(cmd_id AS text) AS cmd_id, barrier_command.release_id, nonce, sent_at, release.vehicle_plate,
           release.granted_at
    FROM barrier_command LEFT JOIN release ON release.id = barrier_command.release_id WHERE action = 'open'
    """
)
SENT_TWICE = text("SELECT topic FROM outbox WHERE topic LIKE '%/cmd' GROUP BY topic, payload HAVING count(*) > 1")
USES = text("SELECT vehicle_plate, count(*) AS n FROM gate_pass_use GROUP BY vehicle_plate")
LEFT = text(
    """
    SELECT coalesce(sum(entry.qty), 0) FROM entry JOIN account ON account.id = entry.account_id
    WHERE account.kind = 'customer' AND account.trade_item_id = :item_id
    """
)
PASSAGES = text("SELECT state, count(*) AS n FROM passage GROUP BY state ORDER BY state")


@dataclass
class Findings:
    """Counts for the reader, and whatever was wrong (nothing, when the run is clean)."""

    counts: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: object, told: str) -> None:
        """Note ``told`` unless ``holds``."""
        if not holds:
            self.wrong.append(told)


def look(
    database: Database, scope: Scope, item_id: int, qty: int, phases: Sequence[tuple[str, Sequence[Source], Gate]]
) -> Findings:
    """Compare everything. The sources have seen receipts for all they sent, the lanes are empty."""
    found = Findings()
    for name, sources, _ in phases:
        for source in sources:
            _one_source(database, scope, found, name, source)
    gates = [gate for _, _, gate in phases]
    _decisions(database, scope, found, [plate for gate in gates for plate in gate.gave_up])
    _gate(database, scope, found, [one for gate in gates for one in gate.openings()])
    _goods(database, scope, found, gates, item_id, qty)
    return found


def _rows(database: Database, scope: Scope, query: Any, **given: Any) -> list[Any]:
    with database.unit_of_work(scope) as session:
        return list(session.execute(query, given))


def _one_source(database: Database, scope: Scope, found: Findings, phase: str, source: Source) -> None:
    given = {"source": source.device.code, "boot": source.boot}
    [row] = _rows(database, scope, SENT_ONCE, **given)
    acked = sorted(source.acked)
    lost = [n for (n,) in _rows(database, scope, LACKING, numbers=acked, **given)]
    counted: Counter[str] = Counter(found.counts.get(phase, {}))
    counted.update(
        sent=source.sent, acknowledged=len(acked), stored=row.held, copies=int(row.copies), said_again=source.again
    )
    found.counts[phase] = dict(counted)
    who = f"{phase}: {source.device.code}"
    found.expect(not lost, f"{who}: acknowledged and not stored: numbers {lost}")
    found.expect(row.held == source.sent, f"{who}: {source.sent} sent, {row.held} stored")
    found.expect(row.rows == row.held, f"{who}: {row.rows} rows for {row.held} events")
    found.expect(not row.unread and not row.dead, f"{who}: {row.unread} not read, {row.dead} dead")
    [(read,)] = _rows(database, scope, READ_ONCE, **given)
    found.expect(read == source.sent, f"{who}: {read} readings of {source.sent} events")
    [(conflicts,)] = _rows(database, scope, CONFLICTS, sources=[source.device.code])
    found.expect(not conflicts, f"{who}: {conflicts} conflicts")


def _twice(values: Iterable[object]) -> list[object]:
    return [value for value, n in Counter(values).items() if n > 1]


def _decisions(database: Database, scope: Scope, found: Findings, gave_up: Sequence[str]) -> None:
    """Each passage has one, but those of vehicles that the yard saw going back before there was one."""
    left = _rows(database, scope, DECIDED)
    for row in left:
        went_back = row.is_undecided and (not row.plates or set(row.plates) & set(gave_up))
        found.expect(went_back, f"passage {row.id} ({row.state}, {row.plates}) has {row.decisions} decisions")
    found.expect(len(left) <= len(gave_up), f"{len(left)} passages without a decision, {len(gave_up)} vehicles gave up")
    found.counts["gave up"] = {"vehicles": len(gave_up), "before a decision": len(left)}


def _gate(database: Database, scope: Scope, found: Findings, openings: Sequence[Opening]) -> None:
    commands = {row.cmd_id: row for row in _rows(database, scope, COMMANDS)}
    for what, values in (
        ("command", [one.cmd_id for one in openings]),
        ("release", [one.release_id for one in openings]),
        ("nonce", [one.nonce for one in openings]),
    ):
        found.expect(not _twice(values), f"opened twice by the same {what}: {_twice(values)}")
    for one in openings:
        row = commands.get(one.cmd_id)
        is_known = row is not None and row.release_id is not None and row.granted_at is not None
        found.expect(is_known, f"{one.lane} opened without a release: {one}")
        if row is not None:
            found.expect((row.release_id, row.nonce) == (one.release_id, one.nonce), f"another release: {one}, {row}")
            found.expect(row.sent_at is not None, f"opened by a command that was never sent: {one}")
            found.expect(
                one.plate in (row.vehicle_plate, None), f"opened for {row.vehicle_plate}, {one.plate} stood there"
            )
    found.expect(not _rows(database, scope, SENT_TWICE), "a command was queued twice")
    found.counts["gate"] = {
        "passages": {row.state: row.n for row in _rows(database, scope, PASSAGES)},
        "commands": len(commands),
        "openings": len(openings),
    }


def _goods(database: Database, scope: Scope, found: Findings, gates: Sequence[Gate], item_id: int, qty: int) -> None:
    """Who drove out is in the books, once; who did not is not."""
    uses = {row.vehicle_plate: row.n for row in _rows(database, scope, USES)}
    out = [plate for gate in gates for plate in gate.went_through]
    found.expect(not [plate for gate in gates for plate in gate.wrongly], "a vehicle without a pass went through")
    found.expect(not _twice(out), f"vehicles that went out twice: {_twice(out)}")
    found.expect(set(uses) == set(out), f"books and yard differ: {sorted(set(uses) ^ set(out))}")
    [(left,)] = _rows(database, scope, LEFT, item_id=item_id)
    found.expect(left == qty * len(out), f"{left} units left the ledger, {qty * len(out)} the yard")
    found.counts["vehicles"] = {
        "went_out": len(out),
        "held": sum(len(gate.gave_up) for gate in gates),
        "units": int(left),
    }
