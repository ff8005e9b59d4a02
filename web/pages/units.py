"""Units on the desk: a pallet by its number, what stands in it, what lies there, and where its goods came from."""

from flask import Blueprint, render_template, request

from web.api.units import whole
from web.auth.policy import PEOPLE, policy
from web.context import unit_of_work
from wms.floor import unit_queries

bp = Blueprint("units", __name__)
SHOWN = 50


@bp.get("/desk/units")
@policy(*PEOPLE, firms=True)
def show() -> str:
    """List units; with a number, the unit itself with its tree and its genealogy."""
    number = request.args.get("sscc", "").strip()
    digits = number if number.isascii() and number.isdecimal() and len(number) <= 18 else ""
    after = request.args.get("after", "")
    start = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
    with unit_of_work() as session:
        rows = unit_queries.units(session, after_id=start, limit=SHOWN + 1, sscc=digits or None)
        unit = rows[0] if number and len(rows) == 1 else None
        tree = whole(session, unit.sscc) if unit else None
        life = unit_queries.life_of(session, unit.id) if unit else ()
        up = unit_queries.came_from(session, unit.id) if unit else ()
        down = unit_queries.went_to(session, unit.id) if unit else ()
    more = rows[SHOWN - 1].id if len(rows) > SHOWN else None
    return render_template(
        "desk/units.html", rows=() if number and not digits else rows[:SHOWN], more=more, number=number, tree=tree,
        life=life, up=up, down=down,
    )  # fmt: skip
