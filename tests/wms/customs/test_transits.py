"""Transit to another customs district: sealed, on the declared vehicle, booked only when the other office confirmed."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests.build import now, number
from tests.wms.gate.test_model import drive
from tests.wms.gate.world import World, balance, crossing, make_pass, make_world, new_plate, seen_of
from wms.customs import list_queries, transits, verification_lists, verify
from wms.customs.gate_passes import approve_pass
from wms.customs.tables import CustomsTransit, GatePass
from wms.gate.service import decide_passage

SEAL = "SEAL-7"


def declared(session: Session, world: World, plate: str, **changes: object) -> CustomsTransit:
    given: dict[str, object] = {
        "internal_no": f"ZG{number()}", "list_no": world.listed.list_no, "office_from": "4902", "office_to": "3105",
        "vehicle_plate": plate, "seal_no": SEAL,
    }  # fmt: skip
    return transits.apply_for(session, transits.NewTransit(**(given | changes)), now())  # type: ignore[arg-type]


def sealed_pass(session: Session, world: World, plate: str, seal_no: str | None = SEAL) -> GatePass:
    return make_pass(session, world, plate=plate, qty=30, state="applied", seal_no=seal_no)


def test_goods_travel_sealed_and_their_list_is_booked_on_arrival(session: Session) -> None:
    world, plate = make_world(session, declared=30), new_plate()
    made = declared(session, world, plate)
    assert made.due_at > now() + timedelta(days=6)
    out = sealed_pass(session, world, plate)
    with pytest.raises(transits.TransitNotApproved, match="3105"):
        approve_pass(session, out.id, at=now())
    transits.approve(session, made.internal_no, f"ZGD{number()}", now())
    approve_pass(session, out.id, at=now())
    decided = decide_passage(session, crossing(world.lane, seen_of(out, seals=(SEAL,))))
    assert decided.hold_code is None
    drive(session, decided.passage_id)
    assert (balance(session, "book", world.shelf), balance(session, "deduction_pending", world.shelf)) == (0, 30)
    with pytest.raises(transits.TransitNotArrived, match="3105"):
        verification_lists.book(session, world.listed.id, f"k{number()}", now())
    with pytest.raises(transits.TransitUnderWay):
        transits.void(session, made.internal_no, "too late")
    transits.arrive(session, made.internal_no, "3105-2026-1", now())
    verification_lists.book(session, world.listed.id, f"k{number()}", now())
    assert balance(session, "deduction_pending", world.shelf) == 0
    assert list_queries.list_row(session, world.listed.id).state == "booked"
    assert list(verify.findings(session)) == []


@pytest.mark.parametrize("seal_no", [None, "SEAL-8"])
def test_a_pass_with_another_seal_is_not_approved(session: Session, seal_no: str | None) -> None:
    world, plate = make_world(session, declared=30), new_plate()
    transits.approve(session, declared(session, world, plate).internal_no, f"ZGD{number()}", now())
    with pytest.raises(transits.TransitDiffers, match=SEAL):
        approve_pass(session, sealed_pass(session, world, plate, seal_no).id, at=now())


def test_a_pass_for_another_vehicle_is_not_approved(session: Session) -> None:
    world, plate = make_world(session, declared=30), new_plate()
    transits.approve(session, declared(session, world, plate).internal_no, f"ZGD{number()}", now())
    with pytest.raises(transits.TransitDiffers, match=plate):
        approve_pass(session, sealed_pass(session, world, new_plate()).id, at=now())


def test_the_gate_holds_a_vehicle_whose_seal_is_not_the_declared_one(session: Session) -> None:
    world, plate = make_world(session, declared=30), new_plate()
    transits.approve(session, declared(session, world, plate).internal_no, f"ZGD{number()}", now())
    out = sealed_pass(session, world, plate)
    approve_pass(session, out.id, at=now())
    assert decide_passage(session, crossing(world.lane, seen_of(out, seals=("OTHER",)))).hold_code == "seal_differs"


def test_a_transit_that_is_withdrawn_leaves_the_list_as_any_other(session: Session) -> None:
    world, plate = make_world(session, declared=30), new_plate()
    made = declared(session, world, plate)
    with pytest.raises(transits.TransitExists):
        declared(session, world, plate)
    transits.void(session, made.internal_no, "goes by the gate of the zone")
    approve_pass(session, sealed_pass(session, world, plate, None).id, at=now())
    with pytest.raises(transits.TransitInState):
        transits.void(session, made.internal_no, "twice")


def test_each_mistake_has_its_own_words(session: Session) -> None:
    world, plate = make_world(session, declared=30), new_plate()
    wrong = [
        ({"office_to": "4902"}, "names one customs office twice"),
        ({"vehicle_plate": "?"}, "plate is not a plate"),
        ({"seal_no": " "}, "names no seal"),
        ({"due_at": now() - timedelta(hours=1)}, "arrive after it leaves"),
    ]
    for changes, words in wrong:
        with pytest.raises(transits.BadTransit, match=words):
            declared(session, world, plate, **changes)
    made = declared(session, world, plate)
    with pytest.raises(transits.TransitInState):
        transits.arrive(session, made.internal_no, "3105-1", now())
    number_of = f"ZGD{number()}"
    transits.approve(session, made.internal_no, number_of, now())
    assert transits.approve(session, made.internal_no, number_of, now()).state == "approved"
    with pytest.raises(transits.BadTransit, match="document of the other office"):
        transits.arrive(session, made.internal_no, " ", now())
    with pytest.raises(transits.UnknownTransit):
        transits.by_no(session, "nothing")
    world.listed.state = "booked"
    session.flush()
    transits.void(session, made.internal_no, "x")
    with pytest.raises(transits.BadTransit, match="not under way"):
        declared(session, world, plate)


def test_what_has_not_arrived_in_time_is_named(session: Session) -> None:
    world, plate = make_world(session, declared=30), new_plate()
    made = declared(session, world, plate)
    assert transits.overdue(session, made.due_at + timedelta(hours=1)) == []
    transits.approve(session, made.internal_no, f"ZGD{number()}", now())
    assert transits.overdue(session, made.due_at) == []
    assert [one.id for one in transits.overdue(session, made.due_at + timedelta(hours=1))] == [made.id]
