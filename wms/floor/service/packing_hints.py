"""What the packer is told of the proposed cartons: which to take, what goes into it next, and where it lies."""

from dataclasses import replace

from sqlalchemy.orm import Session

from wms.errors import N_
from wms.floor.rules.answers import Answer, Outcome
from wms.floor.service import pack_plans
from wms.floor.tables.packing import CartonType, Parcel


def carton(session: Session, answer: Answer, order_id: int) -> Answer:
    """Say which carton is proposed next for an order, where one is."""
    step = pack_plans.next_step(session, order_id)
    if step is None:
        return answer
    values = {**answer.values, "planned": step.carton, "number": step.number, "count": step.count}
    return replace(answer, values=values, way_out=N_("Take carton %(planned)s (%(number)s of %(count)s) and scan it."))


def opened(session: Session, answer: Answer, parcel: Parcel, taken: str) -> Answer:
    """Say what goes first into a carton that was opened; another one than proposed is taken note of, not refused."""
    if parcel.planned_carton not in (None, taken):
        text = N_("Parcel %(sscc)s opened in carton %(carton)s; %(planned)s was proposed. It is noted.")
        values = {**answer.values, "planned": parcel.planned_carton}
        way_out = N_("Stick its label on and scan what goes into it.")
        return replace(answer, outcome=Outcome.WARN, code="other_carton", text=text, values=values, way_out=way_out)
    return spot(session, answer, parcel)


def spot(session: Session, answer: Answer, parcel: Parcel) -> Answer:
    """Say what is laid next and where, as long as the packer follows the proposal."""
    taken = session.get_one(CartonType, parcel.carton_type_id).code
    if parcel.planned_carton != taken or answer.outcome is not Outcome.OK:
        return answer
    found = pack_plans.next_spot(session, parcel)
    if found is None:
        return answer
    values = {
        **answer.values, "next": found.item, "x": found.x_mm, "y": found.y_mm, "z": found.z_mm, "size": found.size,
    }  # fmt: skip
    way_out = N_("Next %(next)s, lying %(size)s mm: %(x)s from the left, %(y)s from the back, %(z)s up.")
    return replace(answer, values=values, way_out=way_out)
