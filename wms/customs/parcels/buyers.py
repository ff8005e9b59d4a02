"""Buyers and their year: found by blind index, their quota taken and given back by conditional updates.

Two orders that race for the last yuan meet at one row: whoever comes second finds the condition false and is told what
is used. Buyers are locked in the order of their ids, so that two messages of many parcels cannot deadlock.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from wms.customs.parcels.rules.limits import AnnualLimit, Limits, in_yuan, limits_of
from wms.customs.tables.buyers import Buyer, BuyerYear
from wms.parties import dated
from wms.parties.private import Vault, mask

LIMITS = "parcel.limits"
TAKE = text(
    "INSERT INTO buyer_year (buyer_id, year, used_minor) SELECT :buyer_id, :year, :fen WHERE :fen <= :most"
    " ON CONFLICT (buyer_id, year) DO UPDATE SET used_minor = buyer_year.used_minor + excluded.used_minor"
    " WHERE buyer_year.used_minor + excluded.used_minor <= :most RETURNING used_minor"
)
# A year that cannot hold the sum is only entered, and locked: its row is met in the order of the buyers all the same.
TAKE_ALL = text(
    "INSERT INTO buyer_year (buyer_id, year, used_minor)"
    " SELECT buyer, :year, CASE WHEN fen <= :most THEN fen ELSE 0 END"
    " FROM unnest(cast(:buyers AS bigint[]), cast(:fen AS bigint[])) AS needed(buyer, fen) ORDER BY buyer"
    " ON CONFLICT (buyer_id, year) DO UPDATE SET used_minor = buyer_year.used_minor + excluded.used_minor"
    " WHERE buyer_year.used_minor + excluded.used_minor <= :most RETURNING buyer_id"
)


@dataclass(frozen=True)
class Identity:
    """Who buys: identity number and name as they stand in a document."""

    id_number: str
    name: str


@dataclass(frozen=True)
class Use:
    """What an order takes of its buyer's year, in fen."""

    buyer_id: int
    fen: int


def limits_on(session: Session, on: date) -> Limits:
    """Return the limits that hold on a day."""
    return limits_of(dated.value(session, LIMITS, on))


def buyers_of(session: Session, vault: Vault, people: Iterable[Identity], on: date) -> dict[str, int]:
    """Return the buyer's id for each identity number; those not known yet are entered. ``on``: the day they buy."""
    given = {vault.blind(one.id_number, "id"): one for one in people}
    known = _known(session, given)
    fresh = [
        {
            "id_index": index,
            "id_sealed": vault.seal(one.id_number, "buyer.id"),
            "name_sealed": vault.seal(one.name, "buyer.name"),
            "last_used_on": on,
        }
        for index, one in sorted(given.items())
        if index not in known
    ]
    if fresh:
        session.execute(upsert(Buyer).values(fresh).on_conflict_do_nothing())
        known = _known(session, given)
    stale = [buyer_id for buyer_id, last in known.values() if last < on]
    if stale:
        used = update(Buyer).where(Buyer.id.in_(sorted(stale)), Buyer.last_used_on < on).values(last_used_on=on)
        session.execute(used.execution_options(synchronize_session=False))
    return {one.id_number: known[index][0] for index, one in given.items()}


def _known(session: Session, indexes: Iterable[bytes]) -> dict[bytes, tuple[int, date]]:
    found = session.execute(select(Buyer.id_index, Buyer.id, Buyer.last_used_on).where(Buyer.id_index.in_(indexes)))
    return {bytes(index): (buyer_id, last) for index, buyer_id, last in found if index is not None}


def take(session: Session, vault: Vault, use: Use, year: int, limits: Limits) -> int:
    """Add to what a buyer has used in a year and return the new sum, in fen. Raises AnnualLimit."""
    at = {"buyer_id": use.buyer_id, "year": year, "fen": use.fen, "most": limits.annual_minor}
    taken = session.execute(TAKE, at).scalar_one_or_none()
    if taken is None:
        raise AnnualLimit(
            buyer=masked_name(session, vault, use.buyer_id), used=used_text(session, use.buyer_id, year),
            limit=f"{limits.annual:f}", year=year, value=f"{in_yuan(use.fen):f}",
        )  # fmt: skip
    return int(taken)


def take_many(
    session: Session, vault: Vault, uses: Sequence[Use], year: int, limits: Limits
) -> list[AnnualLimit | None]:
    """As :func:`take` for the parcels of one message; a refusal stands at its place and binds no other parcel.

    One statement takes what all parcels of a buyer need. Whoever has not enough left for all of theirs is asked parcel
    by parcel; their year is locked by then.
    """
    needed: dict[int, int] = defaultdict(int)
    for use in uses:
        needed[use.buyer_id] += use.fen
    at = {"buyers": list(needed), "fen": list(needed.values()), "year": year, "most": limits.annual_minor}
    taken = {buyer for (buyer,) in session.execute(TAKE_ALL, at) if needed[buyer] <= limits.annual_minor}
    refused: list[AnnualLimit | None] = [None] * len(uses)
    one_by_one = (n for n in range(len(uses)) if uses[n].buyer_id not in taken)
    for n in sorted(one_by_one, key=lambda n: uses[n].buyer_id):
        try:
            take(session, vault, uses[n], year, limits)
        except AnnualLimit as refusal:
            refused[n] = refusal
    return refused


def give_back(session: Session, use: Use, year: int) -> None:
    """Take an amount off a buyer's year again: the parcel was cancelled, or came back in time (GAC 2020-45)."""
    given = (
        update(BuyerYear)
        .where(BuyerYear.buyer_id == use.buyer_id, BuyerYear.year == year)
        .values(used_minor=BuyerYear.used_minor - use.fen)
    )
    session.execute(given.execution_options(synchronize_session=False))


def used_minor(session: Session, buyer_id: int, year: int) -> int:
    """Return what a buyer has used in a year, in fen."""
    query = select(BuyerYear.used_minor).where(BuyerYear.buyer_id == buyer_id, BuyerYear.year == year)
    return int(session.scalar(query) or 0)


def used_text(session: Session, buyer_id: int, year: int) -> str:
    """What a buyer has used, in yuan."""
    return f"{in_yuan(used_minor(session, buyer_id, year)):f}"


def masked_name(session: Session, vault: Vault, buyer_id: int) -> str:
    """The buyer's name as everybody may see it."""
    sealed = session.scalar(select(Buyer.name_sealed).where(Buyer.id == buyer_id))
    return mask(vault.open(sealed, "buyer.name"), "name") if sealed else "-"


@dataclass(frozen=True)
class YearOf:
    """What a buyer has used in a year and what is left of the limit, in yuan; the name masked."""

    name: str
    year: int
    used: Decimal
    limit: Decimal
    single: Decimal

    @property
    def left(self) -> Decimal:
        """What may still be bought; never below nothing."""
        return max(Decimal(0), self.limit - self.used)


def year_of(session: Session, vault: Vault, id_number: str, on: date) -> YearOf:
    """Return a buyer's year; somebody who never bought here has used nothing here."""
    limits = limits_on(session, on)
    buyer_id = session.scalar(select(Buyer.id).where(Buyer.id_index == vault.blind(id_number, "id")))
    used = used_minor(session, buyer_id, on.year) if buyer_id is not None else 0
    name = masked_name(session, vault, buyer_id) if buyer_id is not None else "-"
    return YearOf(name, on.year, in_yuan(used), limits.annual, limits.single)
