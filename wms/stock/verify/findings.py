"""What a check of the living database found wrong, in words; and the checks that are one statement each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.errors import N_

# Of one kind of damage this many are named one by one; of more, only that there are more.
MOST = 100


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: the invariant it breaks (ledger reference, section 2), where, and an English msgid."""

    invariant: str
    where: str
    text: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.invariant} {self.where}: {self.text % self.values}"

    def as_json(self) -> dict[str, Any]:
        """For ``dongting verify --json``."""
        values = {name: _plain(value) for name, value in self.values.items()}
        return {"invariant": self.invariant, "where": self.where, "text": self.text % self.values, "values": values}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _whole(value: Any) -> Any:
    """Sums of bigint arrive as Decimal; they are whole."""
    return int(value) if isinstance(value, Decimal) else value


@dataclass(frozen=True)
class Check:
    """A statement whose every row is a finding: column ``place`` says where, the others fill the text."""

    invariant: str
    text: str
    sql: str


def found_by(session: Session, check: Check) -> Iterator[Finding]:
    """Run one check; at most :data:`MOST` findings, then one that says so."""
    rows = session.execute(text(f"{check.sql} LIMIT {MOST + 1}")).mappings().all()
    for row in rows[:MOST]:
        values = {name: _whole(value) for name, value in row.items() if name != "place"}
        yield Finding(check.invariant, row["place"], check.text, values)
    if len(rows) > MOST:
        yield and_more(check.invariant)


def and_more(invariant: str) -> Finding:
    """Says that findings of a kind were cut off."""
    return Finding(invariant, "…", N_("There are more than %(most)s findings of this kind."), {"most": MOST})
