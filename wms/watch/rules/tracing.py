"""Where goods went: how much of an account may have been there, followed through the ledger's postings. Pure.

Most often all of an account was there, and what left it was there too: exact. Where goods that were there were put
together with the same lot that was not, the ledger cannot tell them apart: then as much of what left *may* have been
there as there was, and as much of what stayed. Such goods are marked as mixed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

# Postings that pick out just these goods: what they take was there, and nothing more than they take.
EXACT_KINDS = frozenset({"cold_hold", "cold_release"})


@dataclass(frozen=True)
class Moved:
    """One entry of a posting. ``goods`` is (item, lot); ``kind`` that of the account."""

    account_id: int
    qty: int
    goods: tuple[int, int | None]
    kind: str
    is_virtual: bool


@dataclass(frozen=True)
class Step:
    """One posting, its entries of the accounts that matter."""

    posting_id: int
    kind: str
    at: datetime
    entries: tuple[Moved, ...]


@dataclass(frozen=True)
class Window:
    """An account's goods were in the place from ``since`` (with what lay there) until ``until``."""

    account_id: int
    since: datetime
    until: datetime


@dataclass
class Traced:
    """What may have been there: by account, now; and what has gone to virtual accounts (customer, …)."""

    suspect: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    mixed: set[int] = field(default_factory=set)
    gone: dict[int, int] = field(default_factory=lambda: defaultdict(int))


def trace(opening: Mapping[int, int], windows: Sequence[Window], steps: Iterable[Step]) -> Traced:
    """Follow the goods of ``windows`` through ``steps`` (ascending in time) to where they are after the last one.

    ``opening``: stock of each account before the first step. What lay in a window's account at its beginning and what
    came in until its end was there.
    """
    balance = defaultdict(int, opening)
    found = Traced()
    waiting = sorted(windows, key=lambda one: one.since)
    standing: list[Window] = []
    for step in steps:
        _open(waiting, standing, balance, found, step.at)
        _follow(step, balance, found)
        for entry in step.entries:
            balance[entry.account_id] += entry.qty
        for entry in step.entries:
            if entry.qty > 0 and any(
                one.account_id == entry.account_id and one.since < step.at <= one.until for one in standing
            ):  # it came in while its place was out of limits: all that lies there was there
                found.suspect[entry.account_id] = balance[entry.account_id]
                found.mixed.discard(entry.account_id)
    _open(waiting, standing, balance, found, None)
    return found


def _open(
    waiting: list[Window], standing: list[Window], balance: Mapping[int, int], found: Traced, before: datetime | None
) -> None:
    """Windows begin before the first step later than their beginning: all that lies there was there."""
    while waiting and (before is None or waiting[0].since < before):
        window = waiting.pop(0)
        standing.append(window)
        if balance[window.account_id] > 0:
            found.suspect[window.account_id] = balance[window.account_id]
            found.mixed.discard(window.account_id)


def _follow(step: Step, balance: Mapping[int, int], found: Traced) -> None:
    taken: dict[tuple[int, int | None], int] = defaultdict(int)  # may have been there, by goods
    outs: dict[tuple[int, int | None], int] = defaultdict(int)
    blurred: set[tuple[int, int | None]] = set()
    for entry in step.entries:
        if entry.qty < 0 and (not entry.is_virtual or step.kind == "reversal"):
            outs[entry.goods] -= entry.qty
            took, is_blurred = _take_back(entry, found) if entry.is_virtual else _take(entry, step.kind, balance, found)
            taken[entry.goods] += took
            if is_blurred:
                blurred.add(entry.goods)
    if not any(taken.values()):
        return
    ins: dict[tuple[int, int | None], list[Moved]] = defaultdict(list)
    for entry in step.entries:
        if entry.qty > 0:
            ins[entry.goods].append(entry)
    for goods, qty in taken.items():
        if qty:
            _bring(goods, qty, outs[goods], ins, found, is_blurred=goods in blurred)
    if any(entry.kind == "transformation" and found.gone.get(entry.account_id) for entry in step.entries):
        _made_of(step, found)


def _take(entry: Moved, kind: str, balance: Mapping[int, int], found: Traced) -> tuple[int, bool]:
    """How much of what leaves an account may have been there; what stays may as well, unless it is told apart."""
    suspect, there, out = found.suspect[entry.account_id], balance[entry.account_id], -entry.qty
    if not suspect:
        return 0, False
    took = min(out, suspect)
    stays = suspect - took if kind in EXACT_KINDS else min(there - out, suspect)
    found.suspect[entry.account_id] = max(stays, 0)
    is_blurred = kind not in EXACT_KINDS and (took < out or stays + took > suspect)
    if is_blurred and stays:
        found.mixed.add(entry.account_id)
    return took, is_blurred


def _take_back(entry: Moved, found: Traced) -> tuple[int, bool]:
    """A reversal brings back what had gone."""
    took = min(-entry.qty, found.gone[entry.account_id])
    found.gone[entry.account_id] -= took
    return took, False


def _bring(
    goods: tuple[int, int | None],
    qty: int,
    out: int,
    ins: Mapping[tuple[int, int | None], list[Moved]],
    found: Traced,
    *,
    is_blurred: bool,
) -> None:
    """Put what may have been there where the posting put goods of the same lot, else of the same item."""
    targets = ins.get(goods) or [one for key, found_ins in ins.items() if key[0] == goods[0] for one in found_ins]
    for entry in targets:
        part = entry.qty if qty >= out else min(entry.qty, qty)
        if entry.is_virtual:
            found.gone[entry.account_id] += part
            continue
        found.suspect[entry.account_id] += part
        if is_blurred:
            found.mixed.add(entry.account_id)


def _made_of(step: Step, found: Traced) -> None:
    """What was made in one posting of goods that were there, was there with them."""
    for entry in step.entries:
        if entry.kind == "transformation" and entry.qty < 0:
            for made in step.entries:
                if made.goods[0] == entry.goods[0] and made.qty > 0 and not made.is_virtual:
                    found.suspect[made.account_id] += made.qty
