"""The fence without a database: refusals, a section's colour, facility figures, when patrol rounds are due."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wms.errors import N_, Kind, NotFound, WmsError

MIN_REASON_CHARS = 4
MOST_ROUNDS = 500  # that are caught up at once: a route that was set up with a wrong first day does not fill the disk


class UnknownSection(NotFound):
    code = "unknown_fence_section"
    text = N_("There is no fence section %(section)s.")


class UnknownZone(NotFound):
    code = "unknown_fence_zone"
    text = N_("There is no fence zone %(zone)s.")


class SectionExists(WmsError):
    code = "fence_section_exists"
    kind = Kind.CONFLICT
    text = N_("%(name)s is taken: by a section of this site or as a sensor of another section.")


class AlreadyArmed(WmsError):
    code = "fence_already_armed"
    kind = Kind.CONFLICT
    text = N_("Section %(section)s is armed already.")


class AlreadyDisarmed(WmsError):
    code = "fence_already_disarmed"
    kind = Kind.CONFLICT
    text = N_("Section %(section)s is disarmed already.")


class SwitchReason(WmsError):
    code = "fence_reason_missing"
    kind = Kind.INVALID
    text = N_("A section is armed or disarmed with a reason in words.")


class BadPath(WmsError):
    code = "fence_path_wrong"
    kind = Kind.INVALID
    text = N_("A section's place on the plan is a list of x and y in decimetres, two points at least.")


class UnknownRoute(NotFound):
    code = "unknown_patrol_route"
    text = N_("There is no patrol route %(route)s.")


class RouteExists(WmsError):
    code = "patrol_route_exists"
    kind = Kind.CONFLICT
    text = N_("There is a patrol route %(route)s already.")


class CheckpointTwice(WmsError):
    code = "patrol_checkpoint_twice"
    kind = Kind.INVALID
    text = N_("Route %(route)s names checkpoint %(checkpoint)s twice.")


class RouteTimes(WmsError):
    code = "patrol_times_wrong"
    kind = Kind.INVALID
    text = N_("A round takes a minute at least, and is finished before the next one begins.")


class NoRoundOpen(WmsError):
    code = "no_patrol_round_open"
    text = N_("No round of route %(route)s is due at this time.")


class UnknownCheckpoint(NotFound):
    code = "unknown_patrol_checkpoint"
    text = N_("Route %(route)s has no checkpoint %(checkpoint)s.")


class VisitedAlready(WmsError):
    code = "patrol_checkpoint_visited"
    kind = Kind.CONFLICT
    text = N_("Checkpoint %(checkpoint)s was visited in this round already.")


@dataclass(frozen=True)
class Figures:
    """A section's facility figures; None: nobody measured it."""

    height_mm: int | None
    mesh_mm2: int | None = None
    post_gap_mm: int | None = None
    barbed_rows: int | None = None
    strip_inside_mm: int | None = None
    strip_outside_mm: int | None = None


LEAST = ("height_mm", "barbed_rows", "strip_inside_mm", "strip_outside_mm")
MOST = ("mesh_mm2", "post_gap_mm")


@dataclass(frozen=True)
class Shortfall:
    """A figure that does not keep what is asked; ``measured`` None: it was never measured."""

    figure: str
    measured: int | None
    asked: int


def shortfalls(figures: Figures, asked: Mapping[str, int]) -> tuple[Shortfall, ...]:
    """Return the figures that fall short of what is asked (dated data); exactly the figure is enough."""
    found = []
    for name in (*LEAST, *MOST):
        wanted, measured = asked.get(name), getattr(figures, name)
        if wanted is None:
            continue
        if measured is None or (measured < wanted if name in LEAST else measured > wanted):
            found.append(Shortfall(name, measured, wanted))
    return tuple(found)


def section_state(*, is_armed: bool, raised: int, taken: int) -> str:
    """Return how a section stands: ``alarm`` (nobody has taken it), ``taken`` (somebody has), ``disarmed``, ``quiet``.

    An alarm shows also where the section has been disarmed since: disarming settles nothing.
    """
    if raised:
        return "alarm"
    if taken:
        return "taken"
    return "quiet" if is_armed else "disarmed"


def rounds_due(first_at: datetime, every_s: int, after: datetime | None, now: datetime) -> Iterator[datetime]:
    """Yield the begin of each round after ``after`` (all from ``first_at`` when None) that has begun by ``now``."""
    every = timedelta(seconds=every_s)
    start = first_at
    if after is not None and after >= first_at:
        start = first_at + ((after - first_at) // every + 1) * every
    for number in range(MOST_ROUNDS):
        at = start + number * every
        if at > now:
            return
        yield at


def path_points(path: list[int]) -> list[tuple[int, int]]:
    """Return the points of a path. Raises :class:`BadPath`."""
    if len(path) % 2 or len(path) == 2:
        raise BadPath(field="path")
    return list(zip(path[::2], path[1::2], strict=True))


def false_rate_permille(n_real: int, n_false: int) -> int | None:
    """Return false alarms among those judged, in thousandths; None where none was judged."""
    judged = n_real + n_false
    return None if judged == 0 else (n_false * 1000 + judged // 2) // judged
