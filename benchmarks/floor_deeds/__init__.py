"""What people do in a warehouse all day, as deeds that can be drawn: each a use case of the floor, often done wrong.

A deed goes through the same services as the API and the handhelds, in a unit of work of its own. A refusal is an answer
like any other. What came into the house, left it or was corrected is noted in a :class:`Tally`, which knows nothing of
the ledger: in the end both must say the same.
"""

from collections.abc import Callable

from benchmarks.floor_deeds.between import Between
from benchmarks.floor_deeds.houses import House, build_houses
from benchmarks.floor_deeds.inbound import Inbound
from benchmarks.floor_deeds.inside import Inside
from benchmarks.floor_deeds.outbound import Outbound
from benchmarks.floor_deeds.tally import Tally, unaccounted
from wms.errors import WmsError

__all__ = ["DEEDS", "House", "Tally", "Worker", "build_houses", "unaccounted", "weighted"]


class Worker(Inbound, Inside, Outbound, Between):
    """A person who can do everything; :meth:`do` does one deed and tells its outcome."""

    def do(self, name: str) -> str:
        """Do the deed ``name`` (one of :data:`DEEDS`); a refusal's code is its outcome."""
        try:
            outcome = DEEDS[name](self)
        except WmsError as refusal:
            outcome = refusal.code
        self.outcomes[f"{name}: {outcome}"] += 1
        return outcome


DEEDS: dict[str, Callable[[Worker], str]] = {
    name: getattr(Worker, name)
    for name in (
        "receive_by_scan", "receive_list", "put_away", "move", "count", "decide_count", "plan_count", "adjust",
        "approve_adjustment", "undo", "build_unit", "change_unit", "order", "wave", "pick", "unpick", "pack", "ship",
        "cancel", "transfer", "arrive", "come_back", "breach",
    )
}  # fmt: skip
OFTEN = {"receive_by_scan": 4, "put_away": 5, "move": 3, "order": 4, "wave": 3, "pick": 6, "pack": 4, "ship": 2}


def weighted() -> list[str]:
    """The names of all deeds, those that are done often more than once."""
    return [name for name in DEEDS for _ in range(OFTEN.get(name, 1))]
