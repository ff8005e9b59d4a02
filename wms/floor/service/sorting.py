"""Sorting: which chute a parcel goes to, and the scan that says it lies there. Rules are data with their days."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes.gs1 import Label
from wms.errors import N_, Kind, WmsError
from wms.floor import leaving_queries as units
from wms.floor import packing_queries, queries
from wms.floor.rules import mistakes
from wms.floor.rules import packing as rules
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.commands import Command, Verb
from wms.floor.service import goods as labels
from wms.floor.service import order_progress, tasks
from wms.floor.service.acting import By, Portion, by_scan, carry
from wms.floor.service.closing_parcels import after_close
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.desk import Desk
from wms.floor.service.jobs import Job
from wms.floor.service.packing import locked
from wms.floor.service.putting_away import choose_site
from wms.floor.service.scanning import TakeScan
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import Parcel, SortRule
from wms.floor.tables.scans import Scan
from wms.parties.tables import Location
from wms.stock import ledger
from wms.stock.rules import AlreadyReversed, ShortInPast, ShortStock
from wms.stock.tables import Account, Entry, Posting


class SortRuleExists(WmsError):
    """Two rules would say two things of the same parcels from the same day."""

    code = "sort_rule_exists"
    kind = Kind.CONFLICT
    text = N_("There is already a rule for these parcels from %(on)s.")


@dataclass(frozen=True)
class NewSortRule:
    """Parcels of a carrier, route and region (None does not limit) go into a chute from a day on."""

    site_id: int
    chute_id: int
    valid_from_on: date
    carrier: str | None = None
    route: str | None = None
    region: str | None = None


def add_rule(session: Session, new: NewSortRule) -> int:
    """Enter a sorting rule. Raises NotAChute, SortRuleExists."""
    chute = session.get_one(Location, new.chute_id)
    if chute.kind != "chute" or chute.site_id != new.site_id:
        raise rules.NotAChute(field="chute", place=chute.code, place_kind=chute.kind)
    made: int | None = session.scalar(
        insert(SortRule).values(**vars(new)).on_conflict_do_nothing().returning(SortRule.id)
    )
    if made is None:
        raise SortRuleExists(field="valid_from_on", on=new.valid_from_on.isoformat())
    return made


def end_rule(session: Session, rule_id: int, until_on: date) -> bool:
    """Let a rule end with a day; False where there is none."""
    done = session.execute(
        update(SortRule).where(SortRule.id == rule_id, SortRule.valid_from_on <= until_on).values(
            valid_until_on=until_on
        ).returning(SortRule.id)
    )  # fmt: skip
    return done.one_or_none() is not None


def chute_for(session: Session, parcel: Parcel, on: date) -> Location:
    """Return the chute of a parcel: the one its order names, else the most exact rule's. Raises NoChuteFor."""
    order = session.get(OutboundOrder, parcel.order_id) if parcel.order_id else None
    if order is not None and order.chute:
        named = units.location_of(session, parcel.site_id, order.chute)
        if named is not None and named.kind == "chute":
            return named
    known = packing_queries.chute_rules(session, parcel.site_id, on)
    chute_id = rules.chute_of(known, parcel.carrier, parcel.route, parcel.region)
    if chute_id is None:
        sscc = packing_queries.sscc_of(session, parcel)
        raise rules.NoChuteFor(sscc=sscc, carrier=parcel.carrier or "-", region=parcel.region or "-")
    return session.get_one(Location, chute_id)


def put_into_chute(session: Session, parcel_id: int, chute_id: int, by: By) -> int:
    """Post a closed parcel into its chute and return the posting's id.

    Raises ParcelNotClosed, AlreadySorted (by whom, when), WrongChute, NotAChute, NoChuteFor, OrderIsCancelled.
    """
    parcel = locked(session, parcel_id)
    sscc = packing_queries.sscc_of(session, parcel)
    _check(session, parcel, sscc)
    chute = session.get_one(Location, chute_id)
    if chute.kind != "chute":
        raise rules.NotAChute(place=chute.code, place_kind=chute.kind)
    right = chute_for(session, parcel, by.at.date())
    if right.id != chute.id:
        raise rules.WrongChute(sscc=sscc, right=right.code, chute=chute.code)
    inside = units.contents(session, [unit.id for unit in units.tree(session, parcel.handling_unit_id)])
    portions = [Portion(content, content.qty) for content in inside]
    posting_id = carry(session, portions, chute, by, "sort", source_doc=f"parcel:{sscc}")
    parcel.location_id, parcel.sorted_at = chute.id, by.at
    parcel.sorted_by = session.scalar(select(APP_PERSON))
    session.flush()
    tasks.finish(session, "sort", parcel.id)
    return posting_id


def take_out(session: Session, parcel_id: int, by: By) -> int:
    """Take a sorted parcel back to where it came from, by the mirror image of its posting; returns that posting's id.

    Raises ParcelNotClosed (it is on a vehicle), NothingToUndo, MovedSince.
    """
    parcel = locked(session, parcel_id)
    sscc = packing_queries.sscc_of(session, parcel)
    if parcel.state != "closed":
        raise rules.ParcelNotClosed(sscc=sscc, state=parcel.state)
    posting = session.scalars(
        select(Posting)
        .where(Posting.kind == "sort", Posting.source_doc == f"parcel:{sscc}")
        .order_by(Posting.id.desc())
        .limit(1)
    ).one_or_none()
    if posting is None or parcel.sorted_at is None:
        raise mistakes.NothingToUndo
    back_to: int | None = session.scalars(
        select(func.min(Account.location_id))
        .join(Entry, Entry.account_id == Account.id)
        .where(Entry.posting_id == posting.id, Entry.qty < 0)
    ).one()
    inside = units.contents(session, [unit.id for unit in units.tree(session, parcel.handling_unit_id)])
    at = max([by.at, *(content.last_event_at for content in inside)])
    try:
        undone = ledger.reverse(session, by.key, posting.id, reason="taken out of the chute", event_at=at)
    except (ShortStock, ShortInPast, AlreadyReversed) as refusal:
        raise mistakes.MovedSince from refusal
    assert back_to is not None
    parcel.location_id, parcel.sorted_at, parcel.sorted_by = back_to, None, None
    session.execute(update(Scan).where(Scan.posting_id == posting.id).values(undone_at=by.at))
    session.flush()
    after_close(session, parcel)
    return undone.posting_id


def _check(session: Session, parcel: Parcel, sscc: str) -> None:
    if parcel.sorted_at is not None:
        chute = session.get_one(Location, parcel.location_id).code
        person = units.person_names(session, parcel.sorted_by)
        at = parcel.sorted_at.isoformat(timespec="minutes")
        raise rules.AlreadySorted(sscc=sscc, chute=chute, person=person, at=at)
    if parcel.state != "closed":
        raise rules.ParcelNotClosed(sscc=sscc, state=parcel.state)
    if parcel.order_id is not None:
        order_progress.refuse_cancelled(session, [parcel.order_id])


# The sorting desk


def follow_screen(desk: Desk, scan: TakeScan, _label: Label) -> None:
    """Make the site that the screen shows the chosen one. Raises NoSite."""
    if scan.site_code:
        choose_site(desk, scan.site_code)


def step(desk: Desk, label: Label) -> Answer:
    """Answer a parcel or a chute, whichever is scanned first."""
    if desk.context.site_id is None:
        raise mistakes.NoSite
    if label.fault is None and label.sscc:
        return _parcel(desk, label.sscc)
    place = queries.location_by_code(desk.session, desk.context.site_id, label.text) if label.text else None
    if place is not None:
        return _chute(desk, place)
    labels.refuse_unreadable(label)
    raise mistakes.UnknownLabel(label=labels.shown(label))


def _parcel(desk: Desk, sscc: str) -> Answer:
    parcel = packing_queries.parcel_by_sscc(desk.session, sscc)
    if parcel is None or parcel.site_id != desk.context.site_id:
        raise rules.UnknownParcel(sscc=sscc)
    pending = desk.context.pending or {}
    if pending.get("parcel") not in (None, parcel.id):
        raise rules.ParcelFirst(sscc=pending["sscc"], chute=pending["chute"])
    if desk.context.location_id is not None and not pending:
        return _confirm(desk, parcel, sscc, desk.context.location_id)
    _check(desk.session, locked(desk.session, parcel.id), sscc)
    chute = chute_for(desk.session, parcel, desk.event_at.date())
    desk.context.pending = {"parcel": parcel.id, "sscc": sscc, "chute": chute.code}
    text = N_("Parcel %(sscc)s goes into chute %(chute)s.")
    understood = {"kind": "parcel", "sscc": sscc}
    return Answer(Outcome.OK, "chute_told", text, {"sscc": sscc, "chute": chute.code}, None, expects(desk), understood)


def _chute(desk: Desk, place: Location) -> Answer:
    if place.kind != "chute":
        raise rules.NotAChute(place=place.code, place_kind=place.kind)
    pending = desk.context.pending
    if pending:
        parcel = desk.session.get_one(Parcel, pending["parcel"])
        return _confirm(desk, parcel, pending["sscc"], place.id)
    desk.context.location_id = place.id
    text = N_("At chute %(chute)s. Scan the parcels that go into it.")
    understood = {"kind": "place", "place": place.code}
    return Answer(Outcome.OK, "chute_chosen", text, {"chute": place.code}, None, expects(desk), understood)


def _confirm(desk: Desk, parcel: Parcel, sscc: str, chute_id: int) -> Answer:
    desk.posting_id = put_into_chute(desk.session, parcel.id, chute_id, by_scan(desk))
    desk.context.pending = None
    values: dict[str, Any] = {"sscc": sscc, "chute": desk.session.get_one(Location, chute_id).code}
    text = N_("Parcel %(sscc)s is in chute %(chute)s.")
    understood = {"kind": "parcel", "sscc": sscc}
    return Answer(Outcome.OK, "sorted", text, values, None, expects(desk), understood, is_undoable=True)


def command(desk: Desk, given: Command) -> Answer:
    """Answer a command barcode: BACK puts down the parcel, then leaves the chute; UNDO takes the last one out again."""
    if given.verb is Verb.UNDO:
        return _undo(desk, given.text)
    if given.verb is not Verb.BACK:
        raise mistakes.NothingToConfirm
    if desk.context.pending:
        desk.context.pending = None
        return Answer(Outcome.OK, "put_down", N_("Put down. Nothing was booked."), expects=expects(desk))
    desk.context.location_id = None
    return Answer(Outcome.OK, "place_left", N_("The place is no longer chosen."), expects=expects(desk))


def _undo(desk: Desk, key: str | None) -> Answer:
    query = (
        select(Posting.source_doc)
        .join(Scan, Scan.posting_id == Posting.id)
        .where(Scan.device == desk.device, Scan.job == "sort", Scan.undone_at.is_(None), Posting.kind == "sort")
    )
    if key is not None:
        query = query.where(Scan.key == key)
    document = desk.session.scalars(query.order_by(Scan.id.desc()).limit(1)).one_or_none()
    parcel = packing_queries.parcel_by_sscc(desk.session, document.removeprefix("parcel:")) if document else None
    if parcel is None:
        raise mistakes.NothingToUndo
    desk.posting_id = take_out(desk.session, parcel.id, by_scan(desk))
    return Answer(Outcome.OK, "undone", N_("Undone: %(qty)s taken back."), {"qty": 1}, expects=expects(desk))


def expects(desk: Desk) -> tuple[Expect, ...]:
    """Return what may be scanned next at the sorting desk."""
    return (Expect.CHUTE,) if desk.context.pending else (Expect.GOODS, Expect.CHUTE)


JOB = Job("sort", follow_screen, command, step, expects)
