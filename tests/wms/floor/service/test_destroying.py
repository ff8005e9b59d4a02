"""Quarantine and destruction from the request to the ledger and the record."""

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from tests import build
from tests.wms.floor.inside import Hall, Handheld, build_hall, is_clean, lying, sum_of
from wms.db import Database, Scope
from wms.floor.rules import counting, destroying, moving
from wms.floor.rules.mistakes import WrongTemperature
from wms.floor.service.destroying import Ask, approve, ask, carry_out, reject, witness
from wms.floor.service.quarantining import SetAside, Which, decide, set_aside
from wms.floor.tables import Task
from wms.floor.tables.destruction import Destruction
from wms.parties.tables import Person
from wms.record import queries as record
from wms.record.rules import digest
from wms.stock.ledger import Reserve, reserve
from wms.stock.tables import Balance


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        made.fill(session, "A-1", 100)
        made.fill(session, "Q-1", 12, quality_status="damaged")
        return made


@pytest.fixture
def officer(database: Database, scope: Scope) -> Person:
    with database.unit_of_work(scope) as session:
        return build.make_person(session, build.make_company(session, "customs"), "customs_officer")


class Acting:
    """Deeds in the names of persons, each a transaction of its own."""

    def __init__(self, database: Database, scope: Scope, hall: Hall) -> None:
        self.database, self.tenant_id, self.hall = database, scope.tenant_id, hall

    def by(self, person: Person, deed: Any, *args: Any, **given: Any) -> Any:
        with self.database.unit_of_work(Scope(self.tenant_id, person.id, "supervisor")) as session:
            return deed(session, *args, **given)

    def asked(self, qty: int = 12, **given: Any) -> Destruction:
        which = Which(self.hall.places["Q-1"].id, self.hall.milk.id, qty)
        values: dict[str, Any] = {"reason": "spoilt", "method": "burnt", "at": build.now(), "lines": (which,)} | given
        made: Destruction = self.by(self.hall.clerk, ask, Ask(f"k{build.number()}", self.hall.site.id, **values))
        return made


@pytest.fixture
def acting(database: Database, scope: Scope, hall: Hall) -> Acting:
    return Acting(database, scope, hall)


def test_goods_are_destroyed_under_the_eyes_of_two_witnesses(
    database: Database, scope: Scope, hall: Hall, acting: Acting, officer: Person
) -> None:
    number = acting.asked().destruction_no
    mover = Handheld(database, scope.tenant_id, hall, hall.clerk, "move")
    stays = mover.scans("Q-1", hall.label())
    assert stays[-1] == "reserved_for"
    acting.by(hall.boss, approve, number, build.now())
    with pytest.raises(destroying.WitnessesMissing):
        acting.by(hall.boss, carry_out, number, build.now())
    acting.by(officer, witness, number)
    with pytest.raises(destroying.WitnessTwice):
        acting.by(officer, witness, number)
    acting.by(hall.other_clerk, witness, number)
    with pytest.raises(destroying.EnoughWitnesses):
        acting.by(hall.other_boss, witness, number)
    done = acting.by(hall.clerk, carry_out, number, build.now())
    assert digest(done.certificate) == done.certificate_hash
    assert [one["id"] for one in done.certificate["witnesses"]] == [officer.id, hall.other_clerk.id]
    with database.unit_of_work(scope) as session:
        assert lying(session, hall, "Q-1") == 0
        assert sum(session.scalars(select(Balance.qty_reserved))) == 0
        leaf = record.newest(session, "destruction_certificate")
        assert leaf is not None
        assert leaf.says["sha256"] == done.certificate_hash.hex()
        assert [task.state for task in session.scalars(select(Task))] == ["done"]
    with pytest.raises(destroying.DestructionState):
        acting.by(hall.clerk, carry_out, number, build.now())
    assert is_clean(database, scope)


def test_the_requester_neither_approves_nor_witnesses(hall: Hall, acting: Acting) -> None:
    made = acting.by(hall.boss, ask, Ask("k", hall.site.id, (Which(hall.places["Q-1"].id, hall.milk.id, 1),), "r", "m",
                                         build.now()))  # fmt: skip
    with pytest.raises(destroying.RequesterMayNotDo):
        acting.by(hall.boss, approve, made.destruction_no, build.now())
    with pytest.raises(counting.SupervisorOnly):
        acting.by(hall.clerk, approve, made.destruction_no, build.now())
    acting.by(hall.other_boss, approve, made.destruction_no, build.now())
    with pytest.raises(destroying.RequesterMayNotDo):
        acting.by(hall.boss, witness, made.destruction_no)


@pytest.mark.parametrize(
    ("column", "check"),
    [
        ("approved_by", "approver_not_requester"),
        ("witness_one", "first_witness_not_requester"),
        ("witness_two", "second_witness_not_requester"),
    ],
)
def test_the_database_itself_keeps_the_persons_apart(
    database: Database, scope: Scope, hall: Hall, acting: Acting, column: str, check: str
) -> None:
    made = acting.asked()
    with pytest.raises(IntegrityError, match=check), database.unit_of_work(scope) as session:
        session.execute(update(Destruction).where(Destruction.id == made.id).values({column: hall.clerk.id}))
    both = {"witness_one": hall.boss.id, "witness_two": hall.boss.id}
    with pytest.raises(IntegrityError, match="two_witnesses"), database.unit_of_work(scope) as session:
        session.execute(update(Destruction).where(Destruction.id == made.id).values(both))
    with pytest.raises(IntegrityError, match="destroyed_under_witness"), database.unit_of_work(scope) as session:
        session.execute(update(Destruction).where(Destruction.id == made.id).values(state="destroyed"))


def test_a_rejected_destruction_frees_its_goods(
    database: Database, scope: Scope, hall: Hall, acting: Acting
) -> None:
    number = acting.asked().destruction_no
    assert acting.by(hall.boss, reject, number, build.now()).state == "rejected"
    with database.unit_of_work(scope) as session:
        assert sum(session.scalars(select(Balance.qty_reserved))) == 0
        assert lying(session, hall, "Q-1") == 12


def test_what_is_not_there_cannot_be_destroyed(hall: Hall, acting: Acting) -> None:
    with pytest.raises(destroying.NothingToTake):
        acting.asked(13)
    acting.asked(12)
    with pytest.raises(moving.ReservedFor, match="DX"):
        acting.asked(1)
    with pytest.raises(destroying.UnknownDestruction):
        acting.by(hall.boss, approve, "DX1", build.now())


def test_bonded_goods_are_destroyed_only_under_a_customs_document(
    database: Database, scope: Scope, officer: Person
) -> None:
    with database.unit_of_work(scope) as session:
        hall = build_hall(session, bonded=True)
        hall.fill(session, "Q-1", 12, quality_status="damaged")
    acting = Acting(database, scope, hall)
    with pytest.raises(destroying.NeedsCustomsDocument):
        acting.asked()
    number = acting.asked(customs_doc_no="XH-2026-1").destruction_no
    acting.by(hall.boss, approve, number, build.now())
    acting.by(officer, witness, number)
    acting.by(hall.other_boss, witness, number)
    done = acting.by(hall.clerk, carry_out, number, build.now())
    assert done.certificate["customs_document"] == "XH-2026-1"
    with database.unit_of_work(scope) as session:
        assert (lying(session, hall, "Q-1"), sum_of(session, hall, "book")) == (0, 0)
    assert is_clean(database, scope)


def aside(hall: Hall, qty: int = 5, to: str | None = "Q-1", place: str = "A-1") -> SetAside:
    which = Which(hall.places[place].id, hall.milk.id, qty, quality_status="good")
    target = hall.places[to].id if to else None
    return SetAside(f"k{build.number()}", hall.site.id, which, "torn foil", build.now(), target)


def test_goods_go_into_quarantine_and_come_out_by_another(
    database: Database, scope: Scope, hall: Hall, acting: Acting
) -> None:
    made = acting.by(hall.boss, set_aside, aside(hall))
    with database.unit_of_work(scope) as session:
        assert (lying(session, hall, "A-1"), lying(session, hall, "Q-1")) == (95, 17)
    with pytest.raises(destroying.PutterMayNotRelease):
        acting.by(hall.boss, decide, "r1", made.quarantine_no, "good", build.now())
    with pytest.raises(counting.SupervisorOnly):
        acting.by(hall.clerk, decide, "r2", made.quarantine_no, "good", build.now())
    done = acting.by(hall.other_boss, decide, "r3", made.quarantine_no, "damaged", build.now())
    assert (done.state, done.decision) == ("decided", "damaged")
    with pytest.raises(destroying.QuarantineDecided):
        acting.by(hall.other_boss, decide, "r4", made.quarantine_no, "good", build.now())
    assert is_clean(database, scope)


def test_goods_may_wait_where_they_lie(database: Database, scope: Scope, hall: Hall, acting: Acting) -> None:
    made = acting.by(hall.clerk, set_aside, aside(hall, to=None))
    acting.by(hall.boss, decide, "r", made.quarantine_no, "good", build.now())
    with database.unit_of_work(scope) as session:
        reserve(session, Reserve("all", hall.account("A-1"), 100, build.now().replace(year=2099), "SO-1"))
    with pytest.raises(moving.ReservedFor, match="SO-1"):
        acting.by(hall.clerk, set_aside, aside(hall))
    assert is_clean(database, scope)


def test_a_quarantine_place_keeps_its_own_rules(database: Database, scope: Scope, hall: Hall, acting: Acting) -> None:
    with pytest.raises(destroying.NotAQuarantinePlace):
        acting.by(hall.clerk, set_aside, aside(hall, to="A-2"))
    with database.unit_of_work(scope) as session:
        hall.places["Q-1"].temperature_class = "frozen"
        session.merge(hall.places["Q-1"])
    with pytest.raises(WrongTemperature):
        acting.by(hall.clerk, set_aside, aside(hall))
    with pytest.raises(destroying.UnknownQuarantine):
        acting.by(hall.boss, decide, "r", "QA1", "good", build.now())
