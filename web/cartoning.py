"""Which cartons for which pieces: the floor's goods and catalogue on one side, the solver on the other.

The floor may not know a solver (a room uses only the rooms below it), so the two meet here: at the API, and in the job
that plans the packing of an order once it is picked, so that the packer is told which carton to take.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from routing.cartons import MOST_PIECES, Piece, Rules, TooManyPieces, cartonise
from routing.cartons import CartonType as Carton
from routing.cartons_verify import check
from wms.db import Database, Scope
from wms.floor import leaving_queries as units
from wms.floor.leaving_queries import PieceRow
from wms.floor.service import cartons, pack_plans
from wms.floor.tables.packing import CartonType
from wms.parties import dated

TEMPERATURES = ("ambient", "chilled", "frozen")
SIZES = ("code", "length_mm", "width_mm", "height_mm", "max_weight_g", "tare_g", "cost_minor")


def types(session: Session, on: date) -> Sequence[CartonType | Mapping[str, Any]]:
    """Return the cartons that hold on a day; where none were ever entered, the list that comes with the product."""
    if session.scalar(select(func.count()).select_from(CartonType)) == 0:
        return cartons.shipped(session, on)
    return cartons.carton_types(session, on)


def propose(session: Session, rows: Sequence[PieceRow], on: date) -> dict[str, Any]:
    """Return cartons for goods: which, what lies where, in which order; checked by the independent checker.

    Raises TooManyPieces.
    """
    catalogue = [_carton(one) for one in types(session, on)]
    apart = [tuple(pair) for pair in dated.value(session, "packing.keep_apart", on)]
    apart += [(f"temperature:{a}", f"temperature:{b}") for a in TEMPERATURES for b in TEMPERATURES if a < b]
    support = int(dated.value(session, "packing.support_permille", on))
    pieces = pieces_of(rows)
    found = cartonise(pieces, catalogue, Rules(frozenset(frozenset(pair) for pair in apart), support))
    answer = asdict(found) | {"gap_permille": found.gap_permille}
    findings = check([asdict(piece) for piece in pieces], [asdict(one) for one in catalogue], answer, apart, support)
    if findings:
        raise AssertionError(f"the checker found {findings[0]}")
    return answer


def _carton(one: CartonType | Mapping[str, Any]) -> Carton:
    shown = {name: getattr(one, name) for name in SIZES} if isinstance(one, CartonType) else one
    return Carton(*(shown[name] for name in SIZES))


def pieces_of(rows: Sequence[PieceRow]) -> list[Piece]:
    """Return goods piece by piece, each named by its item and number. Raises TooManyPieces."""
    if (wanted := sum(row.qty for row in rows)) > MOST_PIECES:
        raise TooManyPieces(most=MOST_PIECES, wanted=wanted)
    return [
        Piece(
            f"{row.item_code}#{n}", row.length_mm or 0, row.width_mm or 0, row.height_mm or 0, row.weight_g,
            row.this_side_up, row.is_fragile,
            frozenset({f"temperature:{row.temperature_class}", *filter(None, [row.keep_apart_class])}),
        )
        for row in rows
        for n in range(1, row.qty + 1)
    ]  # fmt: skip


def plan_order(session: Session, order_id: int, now: datetime) -> dict[str, Any]:
    """Propose cartons for what an order sends and keep the answer for the packer. Raises TooManyPieces."""
    answer = propose(session, units.pieces_of_order(session, order_id), now.date())
    pack_plans.keep(session, order_id, answer, now)
    return answer


def plan_packing(database: Database, tenant_id: int, order_id: int) -> None:
    """The job: an order was picked, its packing is planned. Safe to repeat: the newest plan stands."""
    database.run(Scope.system(tenant_id), lambda session: plan_order(session, order_id, datetime.now(UTC)))


TASKS = {pack_plans.JOB: plan_packing}
