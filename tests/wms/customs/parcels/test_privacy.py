"""Personal data of parcels: masked, shown for a recorded reason, found by index, sealed anew, erased when due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import AT, VAULT, sale
from wms.customs.messages import post_office
from wms.customs.parcels import buyers, privacy
from wms.customs.parcels.jobs import erase_due
from wms.customs.tables.buyers import Buyer
from wms.customs.tables.parcels import RetailDocument, RetailOrder, RetailPayment, RetailWaybill
from wms.db import Database, Scope
from wms.parties.private import key_id_of
from wms.record.tables import Leaf

NOW = AT + timedelta(days=1)


def test_people_are_masked(session: Session) -> None:
    one = sale()
    world.take_all(session, one)
    people = privacy.masked(session, VAULT, world.order_row(session, one))
    assert vars(people) == {
        "buyer_id_number": "110****2X",
        "buyer_name": "张****",
        "buyer_phone": "138****11",
        "consignee": "李****",
        "consignee_phone": "139****22",
        "consignee_address": "湖南省****",
    }


def test_people_are_shown_for_a_reason_that_is_recorded(session: Session) -> None:
    one = sale()
    world.take_all(session, one)
    row = world.order_row(session, one)
    with pytest.raises(privacy.ReasonNeeded):
        privacy.reveal(session, VAULT, row, "why ", NOW)
    assert privacy.reveal(session, VAULT, row, "customs asks for the buyer", NOW).buyer_id_number == one.buyer_id
    kept = session.scalars(select(Leaf.body).where(Leaf.kind == "personal_data_shown", Leaf.subject_id == row.id)).all()
    assert len(kept) == 1
    assert b"customs asks for the buyer" in kept[0]
    assert one.buyer_id.encode() not in kept[0]


def test_orders_are_found_by_number_phone_and_name(session: Session) -> None:
    one, other = sale(), sale(buyer_id="440524188001010014")
    world.take_all(session, one, other)
    found = [row.order_no for row in privacy.orders_of(session, VAULT, id_number="11010519491231002x")]
    assert found == [one.order_no]
    assert len(privacy.orders_of(session, VAULT, phone="+86 139 0000 2222")) == 2
    assert len(privacy.orders_of(session, VAULT, name="李四光")) == 2
    assert privacy.orders_of(session, VAULT) == []


def test_a_new_key_seals_everything_anew(session: Session) -> None:
    one = sale()
    world.take_all(session, one)
    post_office.send(session, "CEB621", one.order_no, b"<names>people</names>")
    newer = replace(VAULT, keys={**VAULT.keys, 2: b"n" * 32})
    while privacy.reseal(session, newer, at_once=3):
        pass
    for mapped, columns in privacy.SEALED:
        for column in columns:
            sealed = session.scalars(select(getattr(mapped, column)).execution_options(populate_existing=True)).all()
            assert {key_id_of(each) for each in sealed if each} == {2}
    only_new = replace(newer, keys={2: newer.keys[2]})
    assert privacy.masked(session, only_new, world.order_row(session, one)).consignee_phone == "139****22"


def test_after_retention_nobody_can_tell_who_it_was_and_totals_stay(session: Session) -> None:
    one, young = sale(), sale(buyer_id="440524188001010014")
    made = world.released(session, one)
    world.take_all(session, young)
    old = NOW - timedelta(days=1096)
    buyer_id = world.row(session, made).buyer_id or 0
    session.execute(update(Buyer).where(Buyer.id == buyer_id).values(last_used_on=old.date()))
    for table in (RetailOrder, RetailPayment, RetailWaybill):
        session.execute(update(table).where(table.order_no == one.order_no).values(recorded_at=old))
    done = privacy.erase(session, NOW)
    kept = {"retail_document": 0, "customs_message": 0}
    assert done == kept | {"buyer": 1, "retail_order": 1, "retail_payment": 1, "retail_waybill": 1}
    row = world.order_row(session, one)
    assert (row.phone_sealed, row.phone_index, row.buyer_sealed) == (None, None, None)
    assert row.paid == one.value + row.tax_total
    with pytest.raises(privacy.Erased):
        privacy.reveal(session, VAULT, row, "customs asks for the buyer", NOW)
    assert buyers.used_minor(session, buyer_id, 2026) == 27_900
    assert privacy.orders_of(session, VAULT, id_number=one.buyer_id) == []
    assert len(privacy.orders_of(session, VAULT, id_number=young.buyer_id)) == 1
    assert privacy.erase(session, NOW)["buyer"] == 0


def test_documents_as_they_came_are_erased_too(session: Session) -> None:
    world.take_all(session, sale())
    done = privacy.erase(session, datetime.now(UTC) + timedelta(days=1096))
    assert done["retail_document"] == 3
    assert session.scalars(select(RetailDocument.body_sealed)).all() == [None, None, None]


def test_the_nightly_job_erases_what_is_due(fresh_database: Database) -> None:
    scope = Scope.system(1)
    one = sale()
    with fresh_database.unit_of_work(scope) as session:
        world.take_all(session, one)
    due = datetime.now(UTC) + timedelta(days=1096)
    # The buyer, three documents, and the same three as they came.
    assert erase_due(fresh_database, timestamp=int(due.timestamp())) == 7
    with fresh_database.unit_of_work(scope) as session:
        assert world.order_row(session, one).phone_sealed is None
