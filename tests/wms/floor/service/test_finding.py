"""Goods that nobody can name, from the find to stock by a receipt, to whom they belong, or to their destruction."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from tests import build
from tests.wms.floor.inside import Hall, build_hall, is_clean, lying
from wms.db import Database, Scope
from wms.floor import found_queries as queries
from wms.floor.rules import counting, destroying
from wms.floor.rules import found as rules
from wms.floor.rules.list_receipt import ListLine
from wms.floor.rules.mistakes import LotMissing, UnknownLabel
from wms.floor.service import finding
from wms.floor.tables.found import FoundGoods
from wms.parties.tables import Person
from wms.record.rules import digest
from wms.stock.tables import Entry

JPEG = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        return build_hall(session)


class Acting:
    """Deeds in the names of persons, each a transaction of its own."""

    def __init__(self, database: Database, scope: Scope, hall: Hall) -> None:
        self.database, self.tenant_id, self.hall = database, scope.tenant_id, hall

    def by(self, person: Person, deed: Any, *args: Any) -> Any:
        with self.database.unit_of_work(Scope(self.tenant_id, person.id, "supervisor")) as session:
            return deed(session, *args)

    def found(self, **given: Any) -> str:
        values = {"pieces": 2, "found_at": build.now(), "note": "smells of milk"} | given
        place = self.hall.places["Q-1"]
        note = finding.Note(self.hall.site.id, place.id, "two white cartons, no label", **values)
        made: FoundGoods = self.by(self.hall.clerk, finding.note, note)
        return made.found_no

    def receipt(self, item: str, qty: int = 2, lot_no: str | None = None, **given: Any) -> finding.Receipt:
        line = ListLine(item, qty, lot_no)
        values = {"owner_id": self.hall.owner.id, "dock": "STAGE"} | given
        return finding.Receipt(f"k{build.number()}", values.pop("dock"), line, build.now(), **values)


@pytest.fixture
def acting(database: Database, scope: Scope, hall: Hall) -> Acting:
    return Acting(database, scope, hall)


def row_of(database: Database, scope: Scope, number: str) -> queries.FoundRow:
    with database.unit_of_work(scope) as session:
        return queries.found_goods(session, number=number)[0]


def n_entries(database: Database, scope: Scope) -> int:
    with database.unit_of_work(scope) as session:
        return session.scalar(select(func.count()).select_from(Entry)) or 0


def test_what_is_found_is_no_stock_until_a_receipt_names_it(
    database: Database, scope: Scope, hall: Hall, acting: Acting
) -> None:
    number = acting.found(responsible_id=hall.boss.id)
    acting.by(hall.clerk, finding.add_photo, number, JPEG)
    acting.by(hall.clerk, finding.add_photo, number, JPEG)  # sent twice
    row = row_of(database, scope, number)
    assert (row.state, row.place, row.responsible_en, len(row.photos)) == ("open", "Q-1", hall.boss.name_en, 1)
    assert n_entries(database, scope) == 0
    with pytest.raises(counting.SupervisorOnly):
        acting.by(hall.clerk, finding.receive, number, acting.receipt(hall.cream.code), "it is cream")
    acting.by(hall.boss, finding.receive, number, acting.receipt(hall.cream.code), "the shop sent its paper")
    row = row_of(database, scope, number)
    assert (row.state, row.notice_no is not None, row.posting_id is not None) == ("received", True, True)
    with database.unit_of_work(scope) as session:
        assert lying(session, hall, "STAGE", hall.cream) == 2
    with pytest.raises(rules.FoundDecided):
        acting.by(hall.boss, finding.receive, number, acting.receipt(hall.cream.code), "once more")
    assert is_clean(database, scope)


def test_a_receipt_of_found_goods_keeps_every_rule_of_receiving(
    database: Database, scope: Scope, hall: Hall, acting: Acting
) -> None:
    number = acting.found()
    for receipt, mistake in (
        (acting.receipt("NOTHING"), UnknownLabel),
        (acting.receipt(hall.milk.code), LotMissing),
        (acting.receipt(hall.cream.code, dock="NOWHERE"), UnknownLabel),
    ):
        with pytest.raises(mistake):
            acting.by(hall.boss, finding.receive, number, receipt, "a guess")
    assert (row_of(database, scope, number).state, n_entries(database, scope)) == ("open", 0)


def test_found_goods_are_given_back_against_a_paper(
    database: Database, scope: Scope, hall: Hall, acting: Acting
) -> None:
    number = acting.found()
    acting.by(hall.boss, finding.give_back, number, "carrier Li", "CMR-7", "it fell off his lorry", build.now())
    row = row_of(database, scope, number)
    assert (row.state, row.handed_to, row.document_no) == ("returned", "carrier Li", "CMR-7")
    assert (row.decided_en, n_entries(database, scope)) == (hall.boss.name_en, 0)


def test_found_goods_are_destroyed_under_two_who_did_not_decide_it(
    database: Database, scope: Scope, hall: Hall, acting: Acting
) -> None:
    number = acting.found()
    acting.by(hall.clerk, finding.add_photo, number, JPEG)
    with pytest.raises(rules.FoundNotToDestroy):
        acting.by(hall.clerk, finding.witness, number, build.now())
    acting.by(hall.boss, finding.order_destruction, number, "burnt", "XH-1", "spoilt", build.now())
    with pytest.raises(destroying.RequesterMayNotDo):
        acting.by(hall.boss, finding.witness, number, build.now())
    acting.by(hall.clerk, finding.witness, number, build.now())
    with pytest.raises(destroying.WitnessTwice):
        acting.by(hall.clerk, finding.witness, number, build.now())
    done = acting.by(hall.other_clerk, finding.witness, number, build.now())
    assert (done.state, digest(done.certificate)) == ("destroyed", done.certificate_hash)
    assert [one["id"] for one in done.certificate["witnesses"]] == [hall.clerk.id, hall.other_clerk.id]
    assert len(done.certificate["photos"]) == 1
    with pytest.raises(rules.FoundNotToDestroy):
        acting.by(hall.other_boss, finding.witness, number, build.now())
    with pytest.raises(IntegrityError, match="three_people"), database.unit_of_work(scope) as session:
        session.get_one(FoundGoods, done.id).witness_two = hall.clerk.id


def test_what_is_found_in_a_bonded_site_is_destroyed_only_under_a_customs_document(
    database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        zone = build_hall(session, bonded=True)
    acting = Acting(database, scope, zone)
    number = acting.found()
    with pytest.raises(rules.DestroyInZone):
        acting.by(zone.boss, finding.order_destruction, number, "burnt", None, "spoilt", build.now())
    acting.by(zone.boss, finding.order_destruction, number, "burnt", "XH-1", "spoilt", build.now())
    assert row_of(database, scope, number).state == "to_destroy"


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>", JPEG + bytes(rules.MOST_PHOTO_BYTES)])
def test_a_picture_is_a_picture(acting: Acting, hall: Hall, content: bytes) -> None:
    number = acting.found()
    with pytest.raises(rules.NoPhoto):
        acting.by(hall.clerk, finding.add_photo, number, content)


def test_an_unknown_number_is_told(acting: Acting, hall: Hall) -> None:
    with pytest.raises(rules.UnknownFound):
        acting.by(hall.boss, finding.give_back, "FG00000000", "nobody", None, "nothing", build.now())
