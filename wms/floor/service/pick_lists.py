"""Pick lists: the order in which their places are walked, and their end."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from wms.floor.service.tasks import finish
from wms.floor.tables.picking import PickList

REORDER = text("""
    UPDATE pick_line k SET seq = n.seq
      FROM (SELECT l.id, row_number() OVER (ORDER BY coalesce(u.place, 1000000), l.seq, l.id)::int AS seq
              FROM pick_line l
              LEFT JOIN unnest(cast(:places AS bigint[])) WITH ORDINALITY AS u(id, place) ON u.id = l.location_id
             WHERE l.pick_list_id = :list) n
     WHERE k.id = n.id AND k.pick_list_id = :list
""")
LEFT = text("SELECT EXISTS (SELECT 1 FROM pick_line WHERE pick_list_id = :list AND state = 'open')")
LOCK_LIST = text("SELECT 1 FROM pick_list WHERE id = :list FOR NO KEY UPDATE")
LOCK_WAVE = text("SELECT 1 FROM wave WHERE id = (SELECT wave_id FROM pick_list WHERE id = :list) FOR NO KEY UPDATE")
# Only the first pick of a wave changes it: later ones do not even lock its row.
WAVE_STARTED = text(
    "UPDATE wave SET state = 'picking' WHERE id = (SELECT wave_id FROM pick_list WHERE id = :list)"
    " AND state IN ('released', 'picked')"
)
WAVE_STATE = text("""
    UPDATE wave w SET state = CASE WHEN n.working = 0 THEN 'picked' ELSE 'picking' END,
           ended_at = CASE WHEN n.working = 0 THEN cast(:now AS timestamptz) END
      FROM (SELECT count(*) FILTER (WHERE state IN ('open', 'picking')) AS working FROM pick_list
             WHERE wave_id = (SELECT wave_id FROM pick_list WHERE id = :list)) n
     WHERE w.id = (SELECT wave_id FROM pick_list WHERE id = :list) AND w.state IN ('released', 'picking', 'picked')
""")


def walk_in_order(
    session: Session, list_id: int, location_ids: Sequence[int], *, route_mm: int, item_order_mm: int, s_shape_mm: int
) -> None:
    """Put a list's lines in the order in which its places are to be walked; lengths as the solver counted them."""
    session.execute(REORDER, {"list": list_id, "places": list(location_ids)})
    session.execute(
        update(PickList)
        .where(PickList.id == list_id)
        .values(route_mm=route_mm, item_order_mm=item_order_mm, s_shape_mm=s_shape_mm)
        .execution_options(synchronize_session="fetch")
    )


def settle(session: Session, list_ids: Sequence[int], now: datetime) -> list[int]:
    """End the lists on which nothing is left to pick, their tasks, and waves whose lists have all ended.

    Returns the lists that ended.
    """
    ended = []
    for list_id in sorted(set(list_ids)):
        # Two who pick the last lines of a list each see the other's as open: the second waits here, then sees.
        session.execute(LOCK_LIST, {"list": list_id})
        if session.execute(LEFT, {"list": list_id}).scalar_one():
            session.execute(
                text(
                    "UPDATE pick_list SET state = 'picking', started_at = coalesce(started_at, :now),"
                    " person_id = coalesce(app_person(), person_id) WHERE id = :list AND state = 'open'"
                ),
                {"list": list_id, "now": now},
            )
        else:
            done = session.execute(
                text(
                    "UPDATE pick_list SET state = 'done', ended_at = :now, started_at = coalesce(started_at, :now),"
                    " person_id = coalesce(app_person(), person_id)"
                    " WHERE id = :list AND state IN ('open', 'picking') RETURNING id"
                ),
                {"list": list_id, "now": now},
            ).scalar_one_or_none()
            if done is not None:
                ended.append(list_id)
                finish(session, "pick", list_id)
        session.execute(LOCK_WAVE if list_id in ended else WAVE_STARTED, {"list": list_id})
        if list_id in ended:
            session.execute(WAVE_STATE, {"list": list_id, "now": now})
    return ended
