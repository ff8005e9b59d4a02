"""Readings of one vehicle become one passage (通行), though they come late, doubled, contradictory or not at all.

``assemble`` is a pure step: the lane's parameters, the passage that stands in it, the readings not yet settled and the
present instant in; what to do out. Readings of a passage that is not decided yet stay unsettled, so a restart at any
point puts the same passage together again under the same sequence number.

Rules (devices reference, section 9): the arrive loop opens a passage, the exit loop closes it; without loops a
confident plate opens and a gap closes it. It is decided when plate and everything the lane requires are there, or at
the time-out with what is there. Late readings are attached and flagged and change nothing; replayed, retained and badly
timed ones are kept and never count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from iot.lanes.gone import Gone, gone_of
from iot.lanes.plateau import Weighed, weigh
from iot.lanes.readings import LaneMemory, LaneReading, LaneRules, Standing
from iot.lanes.votes import Why, confidence_permille, read_seals, strongest_tag, vote_containers, vote_plate
from wms.codes import plates
from wms.gate.rules import Seen

OF_A_VEHICLE = ("PlateRead", "ContainerRead", "WeightRead", "TagRead", "SealRead", "LoopRead")


@dataclass(frozen=True)
class Attach:
    """Keep readings with a passage, unused, each with its reason."""

    passage_id: int
    readings: tuple[tuple[LaneReading, str], ...]


@dataclass(frozen=True)
class Open:
    """A vehicle has arrived: ``first`` names the passage."""

    first: LaneReading


@dataclass(frozen=True)
class Decide:
    """Decide the passage opened by reading ``first_reading_id``; ``uses`` says of each reading why."""

    first_reading_id: int
    opened_at: datetime
    seen: Seen
    uses: tuple[tuple[LaneReading, bool, str], ...]
    saw_zero: bool


@dataclass(frozen=True)
class Close:
    """The vehicle has left the lane, through the exit or backwards; ``readings`` are kept with it, unused."""

    passage_id: int
    at: datetime
    went_through: bool
    readings: tuple[tuple[LaneReading, str], ...] = ()


@dataclass(frozen=True)
class Ignore:
    """Readings that belong to no vehicle."""

    readings: tuple[LaneReading, ...]


@dataclass(frozen=True)
class Warn:
    """Another plate was read where a decided vehicle should stand: opening now might let that one through."""

    passage_id: int
    reading: LaneReading


@dataclass(frozen=True)
class NoteZero:
    """The scale stands at zero."""


@dataclass(frozen=True)
class WrongWay:
    """Something drove onto the exit loop of an empty lane: what comes out at the other end came the wrong way."""

    reading: LaneReading


Step = Attach | Open | Decide | Close | Ignore | NoteZero | Warn | WrongWay


@dataclass
class _Sorted:
    """Readings by whom they belong to; ``following`` stay unsettled until this vehicle has gone."""

    own: list[LaneReading] = field(default_factory=list)
    unusable: list[tuple[LaneReading, str]] = field(default_factory=list)
    following: list[LaneReading] = field(default_factory=list)
    strangers: list[LaneReading] = field(default_factory=list)  # another plate without an arrival between


def assemble(
    rules: LaneRules, standing: Standing | None, readings: Sequence[LaneReading], now: datetime, memory: LaneMemory
) -> tuple[Step, ...]:
    """The next steps of the lane. At most one passage is opened, decided or closed in one call."""
    if standing is None:
        return _without_passage(rules, readings, now, memory)
    gone = gone_of(rules, standing, readings, now)
    # What came after it had gone is of others, also when a whole backlog is read at once.
    parts = _sort(rules, standing, [reading for reading in readings if gone is None or reading.at <= gone.at])
    if standing.is_decided:
        return _after_decision(rules, standing, parts, now, gone)
    return _before_decision(rules, standing, parts, now, memory, gone)


def _without_passage(
    rules: LaneRules, readings: Sequence[LaneReading], now: datetime, memory: LaneMemory
) -> tuple[Step, ...]:
    steps: list[Step] = []
    idle: list[LaneReading] = []
    trailing: list[tuple[LaneReading, str]] = []
    for reading in readings:
        if reading.is_live and _opens(rules, reading, now, memory):
            steps += _settle_idle(rules, idle, trailing, memory)
            return (*steps, Open(reading))
        if reading.is_live and reading.plate is not None and _may_still_open(rules, reading, now, memory):
            continue  # its loop may come yet
        if _trails(rules, reading, memory):
            trailing.append((reading, "same_object" if _is_followed(reading, memory) else "after_passage"))
        else:
            idle.append(reading)
    return tuple(_settle_idle(rules, idle, trailing, memory))


def _settle_idle(
    rules: LaneRules, idle: list[LaneReading], trailing: list[tuple[LaneReading, str]], memory: LaneMemory
) -> list[Step]:
    steps: list[Step] = []
    if any(_is_zero(reading) for reading in idle):
        steps.append(NoteZero())
    steps += [WrongWay(reading) for reading in idle if _enters_by_exit(rules, reading, memory)][:1]
    if idle:
        steps.append(Ignore(tuple(idle)))
    if trailing and memory.last_passage_id is not None:
        steps.append(Attach(memory.last_passage_id, tuple(trailing)))
    return steps


def _is_zero(reading: LaneReading) -> bool:
    return reading.is_live and reading.kind == "WeightRead" and reading.body.get("state") in ("zero", "minus")


def _opens(rules: LaneRules, reading: LaneReading, now: datetime, memory: LaneMemory) -> bool:
    if reading.is_arrival:
        return True
    if reading.plate is None or not plates.is_plate(reading.plate) or _trails(rules, reading, memory):
        return False
    return not rules.has_loops or now - reading.at >= rules.settle


def _enters_by_exit(rules: LaneRules, reading: LaneReading, memory: LaneMemory) -> bool:
    """The exit loop of an empty lane became occupied, and not by the axles of the vehicle that has just left."""
    if not rules.has_loops or not reading.is_live or reading.kind != "LoopRead":
        return False
    if reading.body["loop"] != "exit" or not reading.body["is_occupied"]:
        return False
    return memory.last_closed_at is None or reading.at - memory.last_closed_at >= rules.settle


def _trails(rules: LaneRules, reading: LaneReading, memory: LaneMemory) -> bool:
    """A read of the vehicle that has just left, or is parked in view. The same plate again later is a new passage.

    Parked: the camera follows it as the same object, or its plate is read again and again without a gap. Where no loop
    says when a vehicle has gone, only the reads of its plate do.
    """
    if reading.plate is None or reading.plate != memory.last_plate or memory.last_closed_at is None:
        return False
    if _is_followed(reading, memory):
        return True
    seen_at = memory.last_seen_at or memory.last_closed_at
    last_at = max(seen_at, memory.last_closed_at) if rules.has_loops else seen_at
    return reading.at - last_at < rules.gap


def _is_followed(reading: LaneReading, memory: LaneMemory) -> bool:
    return reading.object_id is not None and reading.object_id in memory.last_object_ids


def _may_still_open(rules: LaneRules, reading: LaneReading, now: datetime, memory: LaneMemory) -> bool:
    return rules.has_loops and now - reading.at < rules.settle and not _trails(rules, reading, memory)


def _sort(rules: LaneRules, standing: Standing, readings: Sequence[LaneReading]) -> _Sorted:
    parts = _Sorted()
    arrive_is_free = _arrive_is_free(standing)
    next_has_come = False
    for reading in readings:
        if not reading.is_live:
            parts.unusable.append((reading, next(iter(reading.flags), "not_live")))
            continue
        if reading.kind == "LoopRead" and reading.body["loop"] == "arrive":
            if reading.is_arrival and reading.id != standing.first_reading_id and arrive_is_free:
                next_has_come = True
            arrive_is_free = not reading.body["is_occupied"]
        elif standing.is_decided and _is_another(rules, standing, reading):
            if rules.has_loops and not next_has_come:
                parts.strangers.append(reading)
                continue
            next_has_come = True
        if next_has_come and _of_the_next(standing, reading):
            parts.following.append(reading)
        else:
            parts.own.append(reading)
    return parts


def _arrive_is_free(standing: Standing) -> bool:
    """Whether the arrive loop was last seen free by readings that are settled already."""
    edges = [edge for edge in standing.loops if edge.loop == "arrive"]
    return bool(edges) and not edges[-1].is_occupied


def _is_another(rules: LaneRules, standing: Standing, reading: LaneReading) -> bool:
    """Another vehicle's plate, read with confidence: neither its trailer's nor a look-alike of its own."""
    plate = reading.plate
    if plate is None or plate == standing.plate or confidence_permille(reading) < rules.sure_permille:
        return False
    if plates.kind_of(plate) in (None, plates.PlateKind.TRAILER):
        return False
    return standing.plate is None or not plates.looks_like(plate, standing.plate)


def _of_the_next(standing: Standing, reading: LaneReading) -> bool:
    """Behind a second arrival: its arrive loop, another plate, containers and tags; the scale still has the first."""
    if reading.kind == "LoopRead":
        return bool(reading.body["loop"] == "arrive")
    if reading.kind == "PlateRead":
        return standing.plate is not None and reading.plate != standing.plate
    return reading.kind in ("ContainerRead", "TagRead", "SealRead")


def _before_decision(
    rules: LaneRules, standing: Standing, parts: _Sorted, now: datetime, memory: LaneMemory, gone: Gone | None
) -> tuple[Step, ...]:
    steps: list[Step] = [Attach(standing.passage_id, tuple(parts.unusable))] if parts.unusable else []
    if gone is not None:
        if any(_is_zero(reading) for reading in parts.own):
            steps.append(NoteZero())  # the next vehicle is weighed from it
        kept = tuple((reading, "undecided") for reading in parts.own)
        return (*steps, _close(rules, standing, parts, now, gone.through, kept))
    seen, uses, saw_zero = look(rules, parts.own, now, memory)
    seen = replace(seen, moved=_moved(rules, standing, parts.own, memory))
    if seen.missing and now - standing.opened_at < rules.decide_within:
        return tuple(steps)
    return (*steps, Decide(standing.first_reading_id, standing.opened_at, seen, uses, saw_zero))


def look(
    rules: LaneRules, own: Sequence[LaneReading], now: datetime, memory: LaneMemory
) -> tuple[Seen, tuple[tuple[LaneReading, bool, str], ...], bool]:
    """What the readings say together, why each was used or not, and whether the scale had shown zero."""
    by_kind = {kind: [reading for reading in own if reading.kind == kind] for kind in OF_A_VEHICLE}
    vote = vote_plate(by_kind["PlateRead"])
    containers, of_containers = vote_containers(by_kind["ContainerRead"])
    tag, of_tags = strongest_tag(by_kind["TagRead"], antennas=rules.antennas, margin_cdb=rules.tag_margin_cdb)
    seals, broken, of_seals = read_seals(by_kind["SealRead"])
    weighed = weigh(own, division_g=rules.division_g, was_zero=memory.scale_was_zero, stable_for=rules.stable_for)
    why: Why = {reading.id: (True, str(reading.body["loop"])) for reading in by_kind["LoopRead"]}
    why |= vote.why | of_containers | of_tags | of_seals | weighed.why
    used_at = [reading.at for reading in own if why.get(reading.id, (False, ""))[0]]
    missing = _missing(rules, vote.plate, bool(by_kind["ContainerRead"]), weighed, tag, seals)
    seen = Seen(
        plate=vote.plate,
        plate_confidence_permille=vote.confidence_permille,
        trailer_plate=vote.trailer_plate,
        containers=containers,
        weight_g=weighed.weight_g,
        tag=tag,
        seals=seals,
        broken_seals=broken,
        missing=missing,
        is_fresh=not used_at or now - max(used_at) <= rules.stale_after,
    )
    uses = tuple((reading, *why.get(reading.id, (False, "not_used"))) for reading in own)
    return seen, uses, weighed.saw_zero


def _missing(
    rules: LaneRules,
    plate: str | None,
    reader_answered: bool,
    weighed: Weighed,
    tag: str | None,
    seals: tuple[str, ...],
) -> tuple[str, ...]:
    wanted = (
        ("plate", plate is None),
        ("container", rules.needs_container and not reader_answered),
        ("weight", rules.needs_weight and weighed.weight_g is None),
        ("tag", rules.needs_tag and tag is None),
        ("seal", rules.needs_seal and not seals),
    )
    return tuple(name for name, lacks in wanted if lacks)


def _moved(rules: LaneRules, standing: Standing, own: Sequence[LaneReading], memory: LaneMemory) -> str | None:
    """Which way the vehicle came, by the loops: past the exit of the empty lane is backward."""
    came = memory.came_from_exit_at
    if came is not None and came <= standing.opened_at and standing.opened_at - came < rules.gap:
        return "backward"
    taken = [reading.body["loop"] for reading in own if reading.kind == "LoopRead" and reading.body["is_occupied"]]
    return "forward" if taken[:1] == ["arrive"] and len(set(taken)) > 1 else None


def _after_decision(
    rules: LaneRules, standing: Standing, parts: _Sorted, now: datetime, gone: Gone | None
) -> tuple[Step, ...]:
    steps: list[Step] = []
    if any(_is_zero(reading) for reading in parts.own):
        steps.append(NoteZero())
    late = (*parts.unusable, *((reading, _why_late(reading)) for reading in parts.own))
    if late:
        steps.append(Attach(standing.passage_id, late))
    if not standing.has_passed:
        steps += [Warn(standing.passage_id, one) for one in parts.strangers if one.id not in standing.warned_of]
    if gone is None and parts.following and (standing.has_passed or not rules.has_loops):
        gone = Gone(now, standing.has_passed)  # its exit was not seen, but the next one stands where it stood
    if gone is not None:
        steps.append(_close(rules, standing, parts, now, gone.through))
    return tuple(steps)


def _close(
    rules: LaneRules,
    standing: Standing,
    parts: _Sorted,
    now: datetime,
    went_through: bool,
    kept: tuple[tuple[LaneReading, str], ...] = (),
) -> Close:
    """One that backed out crossed the arrive loop again: what looked like the next vehicle was itself."""
    if not went_through and not any(_is_another(rules, standing, reading) for reading in parts.following):
        kept = (*kept, *((reading, "backed_out") for reading in parts.following))
    return Close(standing.passage_id, now, went_through, kept)


def _why_late(reading: LaneReading) -> str:
    return str(reading.body["loop"]) if reading.kind == "LoopRead" else "after_decision"
