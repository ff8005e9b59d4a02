"""The figures of a person's day: what waits for them, each with the way to it."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from web.auth.identity import Identity
from web.formats import quantity
from web.out import webhooks
from wms.errors import N_
from wms.floor import queries as floor
from wms.freight import queries as freight
from wms.gate.queries.lanes import passages
from wms.record import queries as record
from wms.watch import queries as watch

MOST = 100  # more than this is said as "100+": nobody reads further, and counting costs


@dataclass(frozen=True)
class Figure:
    """One number: how many, of what, where it leads, and whether it asks for attention."""

    n: int
    words: str
    path: str
    state: str = "none"
    is_capped: bool = False

    @property
    def shown(self) -> str:
        return f"{MOST}+" if self.is_capped and self.n > MOST else quantity(self.n)


def figures(session: Session, who: Identity) -> list[Figure]:
    """Return what waits for this person, as far as row-level security lets them see it."""
    found: list[Figure] = []
    if who.roles & {"clerk", "supervisor"} and who.sees_all:
        waiting = floor.notices(session, state="open", limit=MOST + 1)
        receiving = floor.notices(session, state="receiving", limit=MOST + 1)
        found.append(Figure(len(waiting), N_("advance notices expected"), "/scan", is_capped=True))
        found.append(Figure(len(receiving), N_("receipts under way"), "/scan", is_capped=True))
    if who.roles & {"planner"}:
        found.append(Figure(freight.count_open(session), N_("consignments wait for a plan"), "/plan"))
    if who.roles & {"customs_officer", "supervisor"} and who.sees_all:
        held = passages(session, state="held", limit=MOST + 1)
        alarms = watch.count_raised(session)
        state = "stop" if held else "ok"
        found.append(Figure(len(held), N_("vehicles held at the gate"), "/gate", state, is_capped=True))
        found.append(Figure(alarms, N_("alarms not acknowledged"), "/gate/alarms", "warn" if alarms else "ok"))
    if who.roles & {"administrator"} and who.sees_all:
        dead = webhooks.count_dead(session)
        found.append(Figure(dead, N_("webhooks that did not arrive"), "/admin/webhooks", "stop" if dead else "ok"))
    if who.roles & {"auditor"}:
        found.append(Figure(record.count(session), N_("facts in the record"), "/oversight"))
    return found
