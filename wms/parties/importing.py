"""Places of sites entered a thousand at a time, each bad one told by its row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from wms.errors import N_, Kind, WmsError
from wms.parties import rules
from wms.parties.tables import Location

KNOWN = text(
    "SELECT l.site_id, l.code FROM unnest(cast(:sites AS bigint[]), cast(:codes AS text[])) AS w(site_id, code)"
    " JOIN location l ON l.site_id = w.site_id AND l.code = w.code"
)
BONDED_KINDS = frozenset({"bonded", "inspection"})  # sites that customs has approved


class HalfCoordinates(WmsError):
    """Where a place stands needs both figures."""

    code = "half_coordinates"
    kind = Kind.INVALID
    text = N_("x_mm and y_mm belong together: give both or none.")


@dataclass(frozen=True)
class PlaceRow:
    """A place to enter and the row it came from; ``columns`` are the columns of ``location`` beyond site and code."""

    row: int
    site_id: int
    site_code: str
    site_kind: str
    code: str
    columns: dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """A row that was not taken, and why."""

    row: int
    refusal: WmsError


def add_locations(
    session: Session, rows: Sequence[PlaceRow], *, keep_existing: bool = False
) -> tuple[int, list[Refused]]:
    """Enter every place that no rule forbids; return how many, and the rows that were refused."""
    wanted = {"sites": [row.site_id for row in rows], "codes": [row.code.upper() for row in rows]}
    taken = {(site_id, code) for site_id, code in session.execute(KNOWN, wanted)}
    good, refused = [], []
    for row in rows:
        if keep_existing and (row.site_id, row.code.upper()) in taken:
            continue
        try:
            good.append({"site_id": row.site_id, "code": _checked(row, taken), **row.columns})
        except WmsError as refusal:
            refused.append(Refused(row.row, refusal))
    if good:
        session.execute(insert(Location), good)
    return len(good), refused


def _checked(row: PlaceRow, taken: set[tuple[int, str]]) -> str:
    code = rules.checked_code(row.code)
    if (row.site_id, code) in taken:
        raise rules.CodeTaken(field="code", given=code)
    if row.columns.get("is_bonded") and row.site_kind not in BONDED_KINDS:
        raise rules.NotBonded(field="is_bonded", site=row.site_code)
    if (row.columns.get("x_mm") is None) != (row.columns.get("y_mm") is None):
        raise HalfCoordinates(field="x_mm")
    taken.add((row.site_id, code))
    return code
