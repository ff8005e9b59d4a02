"""Transit to and from another customs district (转关): one list, sealed, on one vehicle, until a time.

While a list has a living transit, its pass names the transit's vehicle and seal, and the list is booked only when the
other office confirmed the arrival: until then the goods are customs' in both districts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from wms.codes import plates
from wms.customs import list_queries
from wms.customs.modes import beijing_day
from wms.customs.tables import CustomsTransit, GatePass, GatePassDocument, VerificationLine, VerificationList
from wms.errors import N_, Kind, NotFound, WmsError
from wms.parties import dated
from wms.record.service import append_leaf

LIVING_LISTS = ("declared", "pre_deducted")


class UnknownTransit(NotFound):
    code = "unknown_transit"
    text = N_("There is no transit declaration %(number)s.")


class BadTransit(WmsError):
    code = "bad_transit"
    kind = Kind.INVALID
    text = N_("The transit declaration is not complete: %(rule)s")


class TransitExists(WmsError):
    code = "transit_exists"
    kind = Kind.CONFLICT
    text = N_("List %(list_no)s travels under transit %(number)s already.")


class TransitNumberTaken(WmsError):
    """A number names one transit."""

    code = "transit_number_taken"
    kind = Kind.CONFLICT
    text = N_("Another transit has the number %(number)s already.")


class TransitInState(WmsError):
    code = "transit_in_state"
    kind = Kind.CONFLICT
    text = N_("Transit %(number)s is %(state)s; this needs one that is %(wanted)s.")


class TransitNotApproved(WmsError):
    """The list travels to another district: without the approved declaration its pass is not approved."""

    code = "transit_not_approved"
    text = N_("List %(list_no)s travels to customs office %(office)s: its transit declaration is not approved yet.")


class TransitDiffers(WmsError):
    """Vehicle and seal are those of the transit declaration."""

    code = "transit_differs"
    text = N_("Transit %(number)s is for vehicle %(plate)s with seal %(seal)s: the gate pass names another.")


class TransitNotArrived(WmsError):
    """A list under transit is booked when the other office confirmed the arrival."""

    code = "transit_not_arrived"
    text = N_(
        "List %(list_no)s cannot be booked: customs office %(office)s has not confirmed that transit %(number)s"
        " arrived."
    )


class TransitUnderWay(WmsError):
    code = "transit_under_way"
    kind = Kind.CONFLICT
    text = N_("Transit %(number)s is under way: goods of its list have passed the gate.")


STATE_WORDS: dict[str, str] = {
    "applied": N_("applied for"),
    "approved": N_("approved"),
    "arrived": N_("arrived"),
    "void": N_("void"),
}


@dataclass(frozen=True)
class NewTransit:
    """A transit declaration as it is sent to customs. ``due_at`` None: the dated number of days from now."""

    internal_no: str
    list_no: str
    office_from: str
    office_to: str
    vehicle_plate: str
    seal_no: str
    due_at: datetime | None = None


def apply_for(session: Session, new: NewTransit, at: datetime) -> CustomsTransit:
    """Send a transit declaration to customs. Raises UnknownList, BadTransit, TransitExists, TransitNumberTaken."""
    listed = session.get_one(VerificationList, list_queries.list_id_of(session, new.list_no), with_for_update=True)
    days = int(dated.value(session, "customs.transit_days", beijing_day(at)))
    due_at = new.due_at or at + timedelta(days=days)
    rules = [
        (new.office_from == new.office_to, "office_to", N_("it names one customs office twice")),
        (not plates.is_plate(new.vehicle_plate), "plate", N_("the vehicle's plate is not a plate")),
        (not new.seal_no.strip(), "seal_no", N_("it names no seal")),
        (due_at <= at, "due_at", N_("it must arrive after it leaves")),
        (listed.state not in LIVING_LISTS, "list_no", N_("its list is not under way with customs")),
    ]
    for is_broken, field, rule in rules:
        if is_broken:
            raise BadTransit(field=field, rule=rule)
    standing = of_list(session, listed.id)
    if standing is not None:
        raise TransitExists(field="list_no", list_no=new.list_no, number=_name(standing))
    _check_free(session, CustomsTransit.internal_no == new.internal_no, "internal_no", new.internal_no)
    made = CustomsTransit(
        internal_no=new.internal_no, owner_id=listed.owner_id, verification_list_id=listed.id,
        office_from=new.office_from, office_to=new.office_to, vehicle_plate=plates.normalise(new.vehicle_plate),
        seal_no=new.seal_no.strip(), due_at=due_at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def approve(session: Session, number: str, transit_no: str, at: datetime) -> CustomsTransit:
    """Take customs' approval with its number; said twice, it stands.

    Raises UnknownTransit, TransitInState, TransitNumberTaken.
    """
    found = locked(session, number)
    if found.state == "approved" and found.transit_no == transit_no:
        return found
    _check_state(found, "applied")
    _check_free(session, CustomsTransit.transit_no == transit_no, "transit_no", transit_no)
    found.state, found.transit_no, found.approved_at = "approved", transit_no, at
    return _noted(session, found)


def arrive(session: Session, number: str, document: str, at: datetime) -> CustomsTransit:
    """Take the other office's confirmation. Raises UnknownTransit, TransitInState, BadTransit."""
    found = locked(session, number)
    _check_state(found, "approved")
    if not document.strip():
        raise BadTransit(field="document", rule=N_("an arrival names the document of the other office"))
    found.state, found.arrived_at, found.arrival_document = "arrived", at, document.strip()
    return _noted(session, found)


def void(session: Session, number: str, reason: str) -> CustomsTransit:
    """Withdraw a transit of which nothing left. Raises UnknownTransit, TransitInState, TransitUnderWay."""
    found = locked(session, number)
    if found.state not in ("applied", "approved"):
        raise TransitInState(number=_name(found), state=STATE_WORDS[found.state], wanted=STATE_WORDS["approved"])
    gone = select(VerificationLine.id).where(
        VerificationLine.verification_list_id == found.verification_list_id, VerificationLine.passed_qty > 0
    )
    if session.scalar(gone.limit(1)) is not None:
        raise TransitUnderWay(number=_name(found))
    found.state, found.reason = "void", reason
    return _noted(session, found)


def check_pass(session: Session, gate_pass: GatePass) -> None:
    """Refuse a pass whose list travels under a transit that is not approved, or with another vehicle or seal.

    Raises TransitNotApproved, TransitDiffers.
    """
    rows = session.execute(
        select(CustomsTransit, VerificationList)
        .join(VerificationList, VerificationList.id == CustomsTransit.verification_list_id)
        .join(GatePassDocument, GatePassDocument.verification_list_id == VerificationList.id)
        .where(GatePassDocument.gate_pass_id == gate_pass.id, CustomsTransit.state != "void")
        .order_by(CustomsTransit.id)
    )
    for transit, listed in rows:
        if transit.state == "applied":
            raise TransitNotApproved(list_no=listed.list_no or listed.internal_no, office=transit.office_to)
        if (transit.vehicle_plate, transit.seal_no) != (gate_pass.vehicle_plate, gate_pass.seal_no):
            raise TransitDiffers(number=_name(transit), plate=transit.vehicle_plate, seal=transit.seal_no)


def check_booking(session: Session, list_id: int, list_no: str) -> None:
    """Refuse to book a list whose transit has not arrived. Raises TransitNotArrived."""
    found = of_list(session, list_id)
    if found is not None and found.state != "arrived":
        raise TransitNotArrived(list_no=list_no, office=found.office_to, number=_name(found))


def of_list(session: Session, list_id: int) -> CustomsTransit | None:
    """Return the living transit of a list."""
    wanted = select(CustomsTransit).where(
        CustomsTransit.verification_list_id == list_id, CustomsTransit.state != "void"
    )
    return session.scalars(wanted).one_or_none()


def overdue(session: Session, now: datetime) -> list[CustomsTransit]:
    """Return the transits that should have arrived by now, the longest overdue first."""
    late = select(CustomsTransit).where(CustomsTransit.state == "approved", CustomsTransit.due_at < now)
    return list(session.scalars(late.order_by(CustomsTransit.due_at, CustomsTransit.id)))


def by_no(session: Session, number: str) -> CustomsTransit:
    """Return a transit by customs' number or our own. Raises UnknownTransit."""
    named = (CustomsTransit.transit_no == number) | (CustomsTransit.internal_no == number)
    found = session.scalars(select(CustomsTransit).where(named).order_by(CustomsTransit.id)).first()
    if found is None:
        raise UnknownTransit(number=number)
    return found


def locked(session: Session, number: str) -> CustomsTransit:
    """Return a transit with its row locked and fresh. Raises UnknownTransit."""
    return session.get_one(
        CustomsTransit, by_no(session, number).id, with_for_update={"key_share": True}, populate_existing=True
    )


def _noted(session: Session, found: CustomsTransit) -> CustomsTransit:
    session.flush()
    append_leaf(session, "customs_transit", {"no": _name(found), "state": found.state}, found.id)
    return found


def _check_free(session: Session, named: ColumnElement[bool], field: str, number: str) -> None:
    if session.scalar(select(CustomsTransit.id).where(named).limit(1)) is not None:
        raise TransitNumberTaken(field=field, number=number)


def _check_state(found: CustomsTransit, wanted: str) -> None:
    if found.state != wanted:
        raise TransitInState(number=_name(found), state=STATE_WORDS[found.state], wanted=STATE_WORDS[wanted])


def _name(found: CustomsTransit) -> str:
    return found.transit_no or found.internal_no
