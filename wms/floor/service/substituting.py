"""Other goods instead of those that are short: pre-approved ones at once, others when a supervisor says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.errors import N_, NotFound
from wms.floor.rules import substitutes as rules
from wms.floor.rules.orders import CHANGEABLE
from wms.floor.service import allocating, shortage
from wms.floor.service.allocating import Only
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.picking import settle_orders
from wms.floor.service.unpicking import reopen
from wms.floor.tables.orders import ItemSubstitute
from wms.floor.tables.picking import Substitution
from wms.record.service import append_leaf

LINE = text("""
    SELECT l.id, l.order_id, l.line_no, l.trade_item_id, l.short_qty, o.owner_id, o.order_no, o.state, i.code,
           l.min_life_days,
           l.short_qty - coalesce((SELECT sum(s.qty) FROM substitution s
                                    WHERE s.order_line_id = l.id AND s.state <> 'refused'), 0)::bigint AS open_qty
      FROM order_line l JOIN outbound_order o ON o.id = l.order_id JOIN trade_item i ON i.id = l.trade_item_id
     WHERE l.id = :line
""")
ACCEPTED = text("""
    SELECT s.substitute_item_id, s.per_qty, s.is_preapproved, i.code, i.name_zh, i.name_en
      FROM item_substitute s JOIN trade_item i ON i.id = s.substitute_item_id
     WHERE s.trade_item_id = :item AND s.valid_from_on <= :on AND (s.valid_until_on IS NULL OR s.valid_until_on >= :on)
     ORDER BY s.is_preapproved DESC, s.id
""")
NEW_LINE = text("""
    INSERT INTO order_line (order_id, line_no, trade_item_id, unit, unit_qty, ordered_qty, min_life_days)
    SELECT :order, (SELECT max(line_no) + 1 FROM order_line WHERE order_id = :order), i.id, i.base_unit, :qty, :qty,
           :life
      FROM trade_item i WHERE i.id = :item RETURNING id
""")
LAST_LIST = text("""
    SELECT k.pick_list_id, k.slot FROM pick_line k WHERE k.order_line_id = :line ORDER BY k.id DESC LIMIT 1
""")
ASKED = text("""
    SELECT s.id, s.order_line_id, s.substitute_item_id, s.qty, s.substitute_qty, s.pick_list_id, s.asked_at, o.order_no,
           l.line_no, i.code AS item_code, i.name_zh, i.name_en, t.code AS substitute_code,
           t.name_zh AS substitute_zh, t.name_en AS substitute_en, p.name_zh AS person_zh, p.name_en AS person_en
      FROM substitution s JOIN order_line l ON l.id = s.order_line_id JOIN outbound_order o ON o.id = l.order_id
      JOIN trade_item i ON i.id = l.trade_item_id JOIN trade_item t ON t.id = s.substitute_item_id
      LEFT JOIN person p ON p.id = s.asked_by
     WHERE s.state = 'asked' AND s.id > :after ORDER BY s.id LIMIT :limit
""")


@dataclass(frozen=True)
class Asked:
    """A substitution that was asked for: applied at once (``state`` approved), or waiting for a supervisor (asked).

    ``promised_qty`` base units of the substitute are promised and stand on the pick list ``pick_list_id``.
    """

    substitution_id: int
    state: str
    substitute: dict[str, str]
    qty: int
    promised_qty: int = 0
    pick_list_id: int | None = None


def accept(
    session: Session, owner_id: int, item_id: int, substitute_id: int, *, per_qty: int, is_preapproved: bool,
    valid_from_on: date, valid_until_on: date | None = None,
) -> int:  # fmt: skip
    """Enter that an owner accepts one item for another from a day on. Raises BadSubstitute."""
    own = session.execute(
        text("SELECT id, code FROM trade_item WHERE id = ANY (:ids) AND owner_id = :owner"),
        {"ids": [item_id, substitute_id], "owner": owner_id},
    )
    codes: dict[int, str] = {row.id: row.code for row in own}
    values = {"item": codes.get(item_id, str(item_id)), "substitute": codes.get(substitute_id, str(substitute_id))}
    if item_id == substitute_id:
        raise rules.BadSubstitute(**values, fault=N_("it is the same item"))
    if len(codes) < 2:
        raise rules.BadSubstitute(**values, fault=N_("they are not both this owner's items"))
    if valid_until_on is not None and valid_until_on < valid_from_on:
        raise rules.BadSubstitute(**values, fault=N_("it ends before it begins"))
    made: int | None = session.scalar(
        insert(ItemSubstitute)
        .values(
            owner_id=owner_id,
            trade_item_id=item_id,
            substitute_item_id=substitute_id,
            per_qty=per_qty,
            is_preapproved=is_preapproved,
            valid_from_on=valid_from_on,
            valid_until_on=valid_until_on,
        )
        .on_conflict_do_nothing()
        .returning(ItemSubstitute.id)
    )
    if made is None:
        raise rules.BadSubstitute(**values, fault=N_("the same was entered from that day on already"))
    return made


def ask(
    session: Session, key: str, order_line_id: int, qty: int, at: datetime, *, substitute: str | None = None
) -> Asked:
    """Ask for a substitute for ``qty`` base units by which a line is short; a pre-approved one is promised at once.

    ``substitute`` names the item; None takes the first that the owner accepts. Raises NothingToSubstitute,
    NotASubstitute, NotFound.
    """
    line = _line(session, order_line_id)
    if not 0 < qty <= line.open_qty:
        raise rules.NothingToSubstitute(line_no=line.line_no, short=line.open_qty, wanted=qty)
    accepted = session.execute(ACCEPTED, {"item": line.trade_item_id, "on": at.date()}).all()
    chosen = next((one for one in accepted if substitute in (None, one.code)), None)
    if chosen is None:
        raise rules.NotASubstitute(item=line.code, substitute=substitute or "-")
    where = session.execute(LAST_LIST, {"line": line.id}).one_or_none()
    made: int = session.execute(
        insert(Substitution)
        .values(
            order_line_id=line.id,
            substitute_item_id=chosen.substitute_item_id,
            qty=qty,
            substitute_qty=qty * chosen.per_qty,
            pick_list_id=where.pick_list_id if where else None,
            is_preapproved=chosen.is_preapproved,
            asked_by=APP_PERSON,
        )
        .returning(Substitution.id)
    ).scalar_one()
    names = {"zh": chosen.name_zh, "en": chosen.name_en}
    if not chosen.is_preapproved:
        return Asked(made, "asked", names, qty)
    promised, list_id = _apply(session, key, made, at)
    return Asked(made, "approved", names, qty, promised, list_id)


def ask_all(session: Session, key: str, given_up: dict[int, int], at: datetime) -> list[Asked]:
    """Ask for substitutes of everything that a short pick gave up, as far as the owners accept any."""
    asked = []
    for line_id in sorted(given_up):
        line = _line(session, line_id)
        if line.open_qty > 0 and session.execute(ACCEPTED, {"item": line.trade_item_id, "on": at.date()}).first():
            asked.append(ask(session, f"{key}:{line_id}", line_id, line.open_qty, at))
    return asked


def decide(session: Session, key: str, substitution_id: int, at: datetime, *, is_approved: bool) -> Asked:
    """Approve or refuse what was asked; approved goods are promised and stand on the pick list.

    Raises NotFound, SubstitutionDecided, OwnSubstitution.
    """
    found = session.scalars(
        select(Substitution)
        .where(Substitution.id == substitution_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound(what=f"substitution {substitution_id}")
    if found.state != "asked":
        raise rules.SubstitutionDecided(state=found.state)
    who = session.scalar(select(APP_PERSON))
    if is_approved and who is not None and who == found.asked_by:
        raise rules.OwnSubstitution
    names = session.execute(
        text("SELECT name_zh, name_en FROM trade_item WHERE id = :id"), {"id": found.substitute_item_id}
    ).one()
    told: dict[str, Any] = {"substitute": {"zh": names.name_zh, "en": names.name_en}, "qty": found.qty}
    if not is_approved:
        found.state, found.decided_at, found.decided_by = "refused", at, who
        session.flush()
        return Asked(found.id, "refused", **told)
    promised, list_id = _apply(session, key, found.id, at)
    return Asked(found.id, "approved", **told, promised_qty=promised, pick_list_id=list_id)


def waiting(session: Session, after: int = 0, limit: int = 50) -> Sequence[Any]:
    """Return what waits for a supervisor, oldest first."""
    return session.execute(ASKED, {"after": after, "limit": limit}).all()


def _line(session: Session, order_line_id: int) -> Any:
    line = session.execute(LINE, {"line": order_line_id}).one_or_none()
    if line is None:
        raise NotFound(what=f"order line {order_line_id}")
    return line


def _apply(session: Session, key: str, substitution_id: int, at: datetime) -> tuple[int, int | None]:
    """Add a line for the substitute to the order, promise it, and put it on the list; returns what was promised."""
    one = session.get_one(Substitution, substitution_id, populate_existing=True)
    line = _line(session, one.order_line_id)
    session.execute(text("SELECT 1 FROM outbound_order WHERE id = :id FOR NO KEY UPDATE"), {"id": line.order_id})
    values = {
        "order": line.order_id, "item": one.substitute_item_id, "qty": one.substitute_qty, "life": line.min_life_days,
    }  # fmt: skip
    new_id: int = session.execute(NEW_LINE, values).scalar_one()
    states = (*shortage.IN_WORK, "picked", "short", *CHANGEABLE)
    only = Only(frozenset({new_id}))
    found = allocating.allocate(session, f"substitute:{key}", [line.order_id], at, states=states, only=only)
    where = session.execute(LAST_LIST, {"line": line.id}).one_or_none()
    if where is not None and found.allocation_ids:
        shortage.put_on_list(session, where.pick_list_id, {new_id: where.slot}, found.allocation_ids)
        reopen(session, where.pick_list_id)
    session.execute(shortage.GIVE_UP, {"lines": [new_id]})
    one.new_order_line_id, one.state, one.decided_at = new_id, "approved", at
    one.decided_by = session.scalar(select(func.app_person())) if not one.is_preapproved else None
    session.flush()
    settle_orders(session, [line.order_id], at)
    told = {"order": line.order_no, "line": line.line_no, "qty": one.qty, "substitute": one.substitute_item_id}
    append_leaf(session, "substitution", told, one.id)
    return found.qty, where.pick_list_id if where else None
