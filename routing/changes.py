"""What has happened since a plan was made: departures that run otherwise, and what can no longer be decided.

A problem with changes is planned and checked like any other: the timetable shifts, and what is frozen keeps its place.
"""

from __future__ import annotations

from pydantic import Field

from routing.network import Canal, Frozen, Instant, NotNegative


class Detour(Frozen):
    """A closed canal makes it go so much farther and arrive so much later, besides all else."""

    canal: Canal
    km: NotNegative
    seconds: NotNegative


class DepartureChange(Frozen):
    """How one departure runs now: seconds later than its timetable, cancelled, or with less room for us.

    `capacity`: what we have on it in all, in its own unit; empty: as before.
    """

    cancelled: bool = False
    depart_late_s: NotNegative = 0
    arrive_late_s: NotNegative = 0
    cutoff_late_s: NotNegative = 0
    capacity: NotNegative | None = None
    detour: Detour | None = Field(default=None, exclude_if=lambda held: held is None)


class Sealed(Frozen):
    """A box that is closed: its contents stay together, in this equipment, on this segment."""

    box: str
    equipment: str
    segment: str
    consignments: tuple[str, ...]


class Changes(Frozen):
    """`from_at`: nothing can be done before it. `pinned`: consignment -> the segment it is bound to; an empty name:
    it is in a box for which no departure is left."""

    from_at: Instant | None = None
    departures: dict[str, DepartureChange] = Field(default_factory=dict)
    pinned: dict[str, str] = Field(default_factory=dict)
    sealed: tuple[Sealed, ...] = ()


NONE = Changes()
