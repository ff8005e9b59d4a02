"""Several reads, one answer: plates by confidence, containers by end, tags by strength. Nothing is thrown away.

Each function returns its answer and, for each reading, whether it was used and why (codes of ``passage_reading.why``).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from iot.lanes.readings import LaneReading
from wms.codes import plates
from wms.gate.rules import SeenContainer

Why = dict[int, tuple[bool, str]]

UNKNOWN_CONFIDENCE_PERMILLE = 500
LENGTHS_FT = {"1": 10, "2": 20, "3": 30, "4": 40, "L": 45, "M": 48}  # ISO 6346, annex: first character of the code


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

    Reads that differ only where cameras confuse characters support each other in every other place: the plate whose
    weakest place is the strongest wins. It must have been read as it is by somebody, so that no plate is ever put
    together of pieces. The winner keeps its best confidence, lowered by the share of the votes against its weakest
    place.
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
            of_trailer = read.body.get("position") == "trailer" or plates.kind_of(plate) is plates.PlateKind.TRAILER
            (trailers if of_trailer else heads)[plate].append(read)
    head, confidence = _winner(heads, why)
    trailer, _ = _winner(trailers, why)
    return PlateVote(head, confidence, trailer, why)


def _winner(groups: dict[str, list[LaneReading]], why: Why) -> tuple[str | None, int]:
    sums = {plate: sum(map(confidence_permille, reads)) for plate, reads in groups.items()}
    support = {plate: _weakest_place(plate, sums) for plate in sums}
    best = max(support.values(), default=0)
    leaders = [plate for plate, votes in support.items() if votes == best]
    winner = leaders[0] if len(leaders) == 1 else None
    for plate, reads in groups.items():
        used = plate == winner
        against = "agrees_where_sure" if winner and plates.looks_like(plate, winner) else "outvoted"
        why |= {read.id: (used, "voted" if used else against if winner else "tied") for read in reads}
    if winner is None:
        return None, 0
    strongest = max(map(confidence_permille, groups[winner]))
    return winner, strongest * best // sum(sums.values()) if best else 0


def _weakest_place(plate: str, sums: Mapping[str, int]) -> int:
    """The votes for the least supported character of a plate, by itself and by its look-alikes."""
    alike = [(other, votes) for other, votes in sums.items() if other == plate or plates.looks_like(other, plate)]
    return min(sum(votes for other, votes in alike if other[place] == sign) for place, sign in enumerate(plate))


def vote_containers(reads: Sequence[LaneReading]) -> tuple[tuple[SeenContainer, ...], Why]:
    """For each end the number with the most votes whose check digit holds; a wrong one only where no
    right one was read.

    Another valid number of the same end with at least half the winner's votes is kept as well, so that the decision
    sees the contradiction; both ends are kept whether they agree or not.
    """
    why: Why = {}
    ends: dict[str, list[LaneReading]] = defaultdict(list)
    for read in reads:
        if read.body.get("number") is None:
            why[read.id] = (False, "unread")
        else:
            ends[read.body.get("position") or ""].append(read)
    chosen: dict[str, SeenContainer] = {}
    for group in ends.values():
        _choose_of_end(group, chosen, why)
    return tuple(sorted(chosen.values(), key=lambda container: container.number)), why


def _choose_of_end(group: Sequence[LaneReading], chosen: dict[str, SeenContainer], why: Why) -> None:
    right = [read for read in group if read.body.get("check_digit_ok")]
    votes: dict[str, int] = defaultdict(int)
    for read in right or group:
        votes[str(read.body["number"])] += confidence_permille(read)
    best = max(votes, key=lambda number: votes[number])
    kept = {number for number, sum_ in votes.items() if number == best or (right and 2 * sum_ >= votes[best])}
    for read in group:
        number, ok = str(read.body["number"]), bool(read.body.get("check_digit_ok"))
        if number in kept:
            why[read.id] = (True, "voted" if len(kept) == 1 else "contested")
            before = chosen.get(number)
            length = length_ft(read.body.get("iso_type")) or (before.length_ft if before else None)
            chosen[number] = SeenContainer(number, ok, length_ft=length)
        else:
            why[read.id] = (False, "outvoted" if ok else "check_digit")


def length_ft(iso_type: str | None) -> int | None:
    """The length in feet that the first character of a size and type code (ISO 6346) stands for."""
    return LENGTHS_FT.get(str(iso_type)[:1].upper()) if iso_type else None


def strongest_tag(
    reads: Sequence[LaneReading], *, antennas: Sequence[int] = (), margin_cdb: int = 600
) -> tuple[str | None, Why]:
    """The tag with the strongest signal, if no other comes within the margin (6 dB); the TID, else the EPC.

    Where the lane names its antennas, a read by another one belongs to another lane. Of two tags with the same signal
    the one that was read more often counts as the stronger only beyond the margin too: a doubt is no answer.
    """
    why: Why = {}
    best: dict[str, int] = {}
    for read in reads:
        if antennas and read.body.get("antenna") is not None and read.body["antenna"] not in antennas:
            why[read.id] = (False, "other_antenna")
            continue
        tag = _identity(read)
        best[tag] = max(best.get(tag, -(10**9)), int(read.body.get("rssi_cdbm") or -(10**6)))
    ranked = sorted(best.items(), key=lambda pair: -pair[1])
    sure = bool(ranked) and (len(ranked) == 1 or ranked[0][1] - ranked[1][1] >= margin_cdb)
    winner = ranked[0][0] if sure else None
    for read in reads:
        if read.id not in why:
            used = _identity(read) == winner
            why[read.id] = (used, "strongest" if used else "weaker" if sure else "ambiguous")
    return winner, why


def read_seals(reads: Sequence[LaneReading]) -> tuple[tuple[str, ...], tuple[str, ...], Why]:
    """Every seal that was read, those that any read says were opened, and why; a doubt is kept, never outvoted."""
    seen = {str(read.body["seal"]) for read in reads}
    broken = {str(read.body["seal"]) for read in reads if read.body.get("is_intact") is False}
    why: Why = {read.id: (True, "opened" if read.body.get("is_intact") is False else "intact") for read in reads}
    return tuple(sorted(seen)), tuple(sorted(broken)), why


def _identity(read: LaneReading) -> str:
    return str(read.body.get("tid") or read.body.get("epc") or "")
