"""Several reads, one answer: plates by confidence, containers by end, tags by strength. Nothing is thrown away.

Each function returns its answer and, for each reading, whether it was used and why (codes of ``passage_reading.why``).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from iot.lanes.readings import LaneReading
from wms.codes import plates
from wms.gate.rules import SeenContainer

Why = dict[int, tuple[bool, str]]

UNKNOWN_CONFIDENCE_PERMILLE = 500
TAG_MARGIN_CDB = 600  # 6 dB: a weaker lead may be a tag of the next lane (devices reference, section 9)


@dataclass(frozen=True)
class PlateVote:
    """The tractor's plate with the confidence left after contradiction, and the trailer's where one was read."""

    plate: str | None = None
    confidence_permille: int = 0
    trailer_plate: str | None = None
    why: Why = field(default_factory=dict)


def confidence_permille(reading: LaneReading) -> int:
    """The reader's own confidence in thousandths; one that gives none counts half."""
    given = reading.body.get("confidence_pct")
    return UNKNOWN_CONFIDENCE_PERMILLE if given is None else round(float(given) * 10)


def vote_plate(reads: Sequence[LaneReading]) -> PlateVote:
    """Vote by summed confidence, not by the last read. A tie gives no plate: it is for the officer to look.

    The winner keeps its best confidence, lowered by the share of the votes against it.
    """
    why: Why = {}
    heads: dict[str, list[LaneReading]] = defaultdict(list)
    trailers: dict[str, list[LaneReading]] = defaultdict(list)
    for read in reads:
        plate = read.plate
        if plate is None:
            why[read.id] = (False, "unread")
        elif not plates.is_plate(plate):
            why[read.id] = (False, "not_a_plate")
        else:
            group = trailers if plates.kind_of(plate) is plates.PlateKind.TRAILER else heads
            group[plate].append(read)
    head, confidence = _winner(heads, why)
    trailer, _ = _winner(trailers, why)
    return PlateVote(head, confidence, trailer, why)


def _winner(groups: dict[str, list[LaneReading]], why: Why) -> tuple[str | None, int]:
    sums = {plate: sum(map(confidence_permille, reads)) for plate, reads in groups.items()}
    best = max(sums.values(), default=0)
    leaders = [plate for plate, votes in sums.items() if votes == best]
    winner = leaders[0] if len(leaders) == 1 else None
    for plate, reads in groups.items():
        used = plate == winner
        why |= {read.id: (used, "voted" if used else "outvoted" if winner else "tied") for read in reads}
    if winner is None:
        return None, 0
    strongest = max(map(confidence_permille, groups[winner]))
    return winner, strongest * best // sum(sums.values()) if best else 0


def vote_containers(reads: Sequence[LaneReading]) -> tuple[tuple[SeenContainer, ...], Why]:
    """For each end the most confident number whose check digit holds; a wrong one only where no right one was read."""
    why: Why = {}
    ends: dict[str, list[LaneReading]] = defaultdict(list)
    for read in reads:
        if read.body.get("number") is None:
            why[read.id] = (False, "unread")
        else:
            ends[read.body.get("position") or ""].append(read)
    chosen: dict[str, SeenContainer] = {}
    for group in ends.values():
        right = [read for read in group if read.body.get("check_digit_ok")]
        best = max(right or group, key=lambda read: (confidence_permille(read), -read.id))
        for read in group:
            same = read.body["number"] == best.body["number"]
            ok = bool(read.body.get("check_digit_ok"))
            why[read.id] = (same, "voted" if same else "outvoted" if ok else "check_digit")
        number = str(best.body["number"])
        chosen[number] = SeenContainer(number, bool(right))
    return tuple(sorted(chosen.values(), key=lambda container: container.number)), why


def strongest_tag(reads: Sequence[LaneReading]) -> tuple[str | None, Why]:
    """The tag with the strongest signal, if no other comes within 6 dB; the TID where there is one, else the EPC."""
    best: dict[str, int] = {}
    for read in reads:
        tag = _identity(read)
        best[tag] = max(best.get(tag, -(10**9)), int(read.body.get("rssi_cdbm") or -(10**6)))
    ranked = sorted(best.items(), key=lambda pair: -pair[1])
    sure = bool(ranked) and (len(ranked) == 1 or ranked[0][1] - ranked[1][1] >= TAG_MARGIN_CDB)
    winner = ranked[0][0] if sure else None
    why: Why = {
        read.id: (
            _identity(read) == winner,
            "strongest" if _identity(read) == winner else "weaker" if sure else "ambiguous",
        )
        for read in reads
    }
    return winner, why


def _identity(read: LaneReading) -> str:
    return str(read.body.get("tid") or read.body.get("epc") or "")
