"""Goods set aside: into quarantine status and, if named, a quarantine place, in one posting; out by another person."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.floor import inside_queries as reads
from wms.floor.inside_queries import Pile
from wms.floor.rules import destroying, moving
from wms.floor.service import differences, holding
from wms.floor.service import moving_board as boards
from wms.floor.service.inside_people import current_person, require_supervisor
from wms.floor.tables.destruction import Quarantine
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.accounts import account_ids
from wms.stock.ledger import Posting


@dataclass(frozen=True)
class Which:
    """Goods in a place: an item, its lot and unit where there are several, and how many base units."""

    location_id: int
    trade_item_id: int
    qty: int
    lot_no: str | None = None
    sscc: str | None = None
    quality_status: str | None = None


@dataclass(frozen=True)
class SetAside:
    """Put goods into quarantine for ``reason``: in a quarantine place, or where they lie."""

    key: str
    site_id: int
    goods: Which
    reason: str
    at: datetime
    to_location_id: int | None = None


def pick(session: Session, which: Which, line_no: int = 1) -> Pile:
    """Return the pile that is meant. Raises NothingToTake, LotUnclear, ReservedFor."""
    here = [
        pile
        for pile in reads.piles_of_items_at(session, [(which.location_id, which.trade_item_id)])
        if (which.lot_no is None or pile.lot_no == which.lot_no)
        and pile.sscc == which.sscc
        and which.quality_status in {None, pile.account.quality_status}
    ]
    lots = {pile.lot_no for pile in here}
    if len(lots) > 1:
        shown = ", ".join(sorted(str(lot) for lot in lots))
        raise moving.LotUnclear(item=here[0].names, place=here[0].place, lots=shown)
    fitting = next((pile for pile in here if pile.free >= which.qty), None)
    if fitting is not None:
        return fitting
    if not here:
        raise destroying.NothingToTake(line_no=line_no, item="-", place="-", left=0, wanted=which.qty)
    most = max(here, key=lambda pile: pile.qty)
    if most.qty >= which.qty:
        document = reads.holder(session, most.account_id)
        raise moving.ReservedFor(item=most.names, place=most.place, reserved=most.reserved, document=document)
    raise destroying.NothingToTake(
        field=f"lines.{line_no}", line_no=line_no, item=most.names, place=most.place, left=most.free, wanted=which.qty
    )


def set_aside(session: Session, command: SetAside) -> Quarantine:
    """Put goods into quarantine.

    Raises NothingToTake, LotUnclear, ReservedFor, NotAQuarantinePlace, what the place forbids, what the ledger refuses.
    """
    pile = pick(session, command.goods)
    target = replace(pile.account, quality_status="quarantine")
    if command.to_location_id is not None:
        place = reads.places(session, [command.to_location_id])[command.to_location_id]
        if place.kind != "quarantine":
            raise destroying.NotAQuarantinePlace(field="to_place", place=place.code)
        goods = replace(boards.goods_of(pile, command.goods.qty), is_blocked=True)
        moving.check_move(goods, place)
        target = replace(target, location_id=place.id, handling_unit_id=None)
    number: int = session.execute(text("SELECT nextval('quarantine_id_seq')")).scalar_one()
    name = document_no("QA", number)
    lines = ledger.moved(pile.account, target, command.goods.qty)
    at = max(command.at, pile.last_event_at)
    posted = ledger.post(session, Posting(f"quarantine:{command.key}", "quarantine", at, lines, name, command.reason))
    made = Quarantine(
        id=number,
        quarantine_no=name,
        site_id=command.site_id,
        account_id=account_ids(session, {target})[target],
        qty=command.goods.qty,
        reason=command.reason,
        state="open",
        posting_id=posted.posting_id,
        put_by=current_person(session),
    )
    session.add(made)
    session.flush()
    return made


def decide(session: Session, key: str, number: str, decision: str, at: datetime) -> Quarantine:
    """Say what becomes of goods in quarantine: another status, or that they stay blocked as damaged or expired.

    Raises UnknownQuarantine, QuarantineDecided, SupervisorOnly, PutterMayNotRelease, NotSellable and what the ledger
    refuses.
    """
    made = session.scalars(
        select(Quarantine).where(Quarantine.quarantine_no == number.strip().upper()).with_for_update()
    ).one_or_none()
    if made is None:
        raise destroying.UnknownQuarantine(number=number)
    if made.state != "open":
        at_text = made.decided_at.isoformat(timespec="minutes") if made.decided_at else "-"
        person = reads.person_names(session, made.decided_by)
        raise destroying.QuarantineDecided(number=made.quarantine_no, person=person, at=at_text)
    person_id = require_supervisor(session, made.site_id)
    if person_id == made.put_by:
        raise destroying.PutterMayNotRelease(number=made.quarantine_no)
    account = differences.key_of(session, made.account_id)
    holding.refuse_unbooked(session, [(account, made.qty)], decision)
    if decision != account.quality_status:
        piles = reads.piles_in(session, [made.account_id])
        moment = max([at, *(pile.last_event_at for pile in piles)])
        lines = ledger.moved(account, replace(account, quality_status=decision), made.qty)
        posting = Posting(f"release:{key}", "quarantine_decided", moment, lines, made.quarantine_no, decision)
        ledger.post(session, posting)
    made.state, made.decision, made.decided_by, made.decided_at = "decided", decision, person_id, at
    session.flush()
    says = {"quarantine": made.quarantine_no, "decision": decision, "by": person_id, "qty": made.qty}
    append_leaf(session, "quarantine_decided", says, made.id)
    return made


