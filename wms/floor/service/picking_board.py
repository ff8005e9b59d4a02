"""What a picker is in the middle of: the list, its open lines, and what to do next in one sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, text

from wms.errors import N_
from wms.floor import pick_queries
from wms.floor.pick_queries import ListLineRow, ListRow
from wms.floor.rules import mistakes
from wms.floor.rules import picking as rules
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.tasks import TaskTaken
from wms.floor.service import tasks
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.desk import Desk
from wms.floor.tables import PickList, Task
from wms.parties import dated
from wms.parties.tables import Site

MOST_LINES_SHOWN = 30
WORKING = ("open", "picking")

TOTES = text("""
    SELECT t.slot, t.handling_unit_id, h.sscc, o.order_no FROM pick_tote t
      LEFT JOIN handling_unit h ON h.id = t.handling_unit_id LEFT JOIN outbound_order o ON o.id = t.order_id
     WHERE t.pick_list_id = :list ORDER BY t.slot
""")


def chosen(desk: Desk) -> ListRow:
    """Return the list that the picker works on. Raises NoSite, NoList, ListEnded."""
    if desk.context.site_id is None:
        raise mistakes.NoSite
    if desk.context.document_no is None:
        raise rules.NoList
    row = pick_queries.list_by_no(desk.session, desk.context.document_no)
    if row is None:
        raise rules.NoList
    if row.state not in WORKING:
        raise rules.ListEnded(list=row.list_no, state=row.state)
    return row


def open_list(desk: Desk, list_no: str) -> ListRow:
    """Take a list for the person who scans. Raises UnknownList, ListElsewhere, ListEnded, ListTaken."""
    row = pick_queries.list_by_no(desk.session, list_no)
    if row is None:
        raise rules.UnknownList(list=list_no)
    if desk.context.site_id not in (None, row.site_id):
        raise rules.ListElsewhere(list=row.list_no)
    if row.state not in WORKING:
        raise rules.ListEnded(list=row.list_no, state=row.state)
    task_id = standing_task(desk, row)
    if task_id is not None and desk.session.scalar(select(APP_PERSON)) is not None:
        try:
            tasks.take(desk.session, task_id)
        except TaskTaken as taken:
            person, since = taken.values["person"], taken.values["since"]
            raise rules.ListTaken(list=row.list_no, person=person, since=since) from taken
        desk.session.execute(text("UPDATE pick_list SET person_id = app_person() WHERE id = :list"), {"list": row.id})
    desk.context.site_id, desk.context.document_no = row.site_id, row.list_no
    desk.context.location_id = desk.context.pending = None
    return row


def next_list(desk: Desk) -> ListRow:
    """Take the most urgent list that is nearest to where the picker stands. Raises NoSite, NoWork."""
    if desk.context.site_id is None:
        raise mistakes.NoSite
    task = tasks.take_next(desk.session, desk.context.site_id, ("pick",), desk.context.location_id)
    if task is None:
        raise rules.NoWork
    list_no = desk.session.scalar(select(PickList.list_no).where(PickList.id == task.subject_id))
    assert list_no is not None
    return open_list(desk, list_no)


def standing_task(desk: Desk, row: ListRow) -> int | None:
    """Return the task by which a list is offered or taken."""
    return desk.session.scalar(
        select(Task.id).where(Task.kind == "pick", Task.subject_id == row.id, Task.state.in_(("open", "taken")))
    )


def leave(desk: Desk) -> None:
    """Forget the list and everything about it."""
    desk.context.document_no = desk.context.location_id = desk.context.pending = None
    desk.clear_next()


def open_lines(desk: Desk, row: ListRow) -> list[ListLineRow]:
    """Return the lines of a list on which goods are still to be picked, in walking order."""
    return [line for line in pick_queries.list_lines(desk.session, row.id) if line.state == "open"]


def totes_of(desk: Desk, row: ListRow) -> dict[int, Any]:
    """Return the totes on the cart by their slot (``handling_unit_id`` and ``sscc`` are None where none stands)."""
    return {one.slot: one for one in desk.session.execute(TOTES, {"list": row.id})}


def today(desk: Desk) -> Any:
    """Return the day at the site."""
    zone = desk.session.scalar(select(Site.time_zone).where(Site.id == desk.context.site_id))
    return desk.today(zone or dated.house_zone(desk.session, desk.event_at.date()))


def go_on(desk: Desk, row: ListRow, *, code: str = "go_to", said: Mapping[str, Any] | None = None) -> Answer:
    """Return what to do next on a list; ``said`` tells what was just done (``qty`` of ``item``)."""
    lines = open_lines(desk, row)
    line = rules.current(lines, desk.context.location_id)
    if line is None:
        return _ended(desk, row, code, said)
    stop = rules.same_stop(lines, line)
    tote = totes_of(desk, row)[line.slot]
    values = {
        "next_qty": sum(one.left_qty for one in stop),
        "next_item": line.names,
        "place": line.place,
        "lot": line.lot_no or "-",
        "tote": line.from_sscc if line.is_whole_unit else tote.sscc or "-",
        "slot": line.slot,
    }
    is_here = desk.context.location_id == line.location_id
    if said is not None:
        text_ = N_("%(qty)s × %(item)s picked. Next: %(next_qty)s × %(next_item)s, lot %(lot)s, at %(place)s.")
    elif is_here:
        text_ = N_("Take %(next_qty)s × %(next_item)s, lot %(lot)s, into slot %(slot)s.")
    else:
        text_ = N_("Go to %(place)s: take %(next_qty)s × %(next_item)s, lot %(lot)s.")
    return Answer(
        Outcome.OK,
        code,
        text_,
        {**values, **(said or {})},
        None,
        expects(desk),
        {"kind": "pick", "place": line.place, "item": line.names, "lot_no": line.lot_no, "qty": values["next_qty"]},
        progress=progress(desk, row),
        is_undoable=said is not None,
    )


def _ended(desk: Desk, row: ListRow, code: str, said: Mapping[str, Any] | None) -> Answer:
    values = {"list": row.list_no, "place": row.to_place, **(said or {})}
    done = N_("Nothing is left on list %(list)s: bring everything to %(place)s.")
    picked = N_("%(qty)s × %(item)s picked. List %(list)s is done: bring everything to %(place)s.")
    shown = progress(desk, row)
    leave(desk)
    return Answer(
        Outcome.OK,
        "list_done" if code == "go_to" else code,
        picked if said is not None else done,
        values,
        N_("Scan NEXT to be given another list."),
        (Expect.TASK,),
        progress=shown,
        is_undoable=said is not None,
    )


def expects(desk: Desk) -> tuple[Expect, ...]:
    """Return what may be scanned next at the picking desk."""
    needs = (desk.context.pending or {}).get("needs")
    if needs == "place":
        return (Expect.PLACE,)
    if needs == "tote":
        return (Expect.TOTE,)
    if desk.context.document_no is None:
        return (Expect.TASK,)
    if desk.context.location_id is None:
        return (Expect.PLACE, Expect.GOODS)
    return (Expect.GOODS, Expect.PLACE, Expect.QTY)


def progress(desk: Desk, row: ListRow) -> dict[str, Any]:
    """Return how far the list is, its open lines first, for the screen."""
    lines = pick_queries.list_lines(desk.session, row.id)
    shown: Sequence[ListLineRow] = sorted(lines, key=lambda line: (line.state != "open", line.seq))
    return {
        "list": row.list_no,
        "expected_qty": sum(line.qty for line in lines),
        "received_qty": sum(line.picked_qty + line.short_qty for line in lines),
        "lines": [
            {
                "line_no": number,
                "place": line.place,
                "item": line.names,
                "lot_no": line.lot_no,
                "expected_qty": line.qty,
                "received_qty": line.picked_qty,
            }
            for number, line in enumerate(shown[:MOST_LINES_SHOWN], 1)
        ],
    }
