from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.build import make_company
from tests.wms.freight.builders import READY, form, make_consignments
from wms.db import Database, Scope
from wms.freight import queries
from wms.freight.rules import ConsignmentExists, ConsignmentNotOpen, Piece, UnknownConsignment
from wms.freight.service import amend, announce, cancel, write_milestone


def test_an_announced_consignment_is_open_and_keeps_its_pieces(session: Session) -> None:
    owner = make_company(session, "owner_of_goods")
    one = form(owner.id, pieces=(Piece(4, 800, 600, 500, 50_000), Piece(1, 500, 400, 300, 20_000)))
    key = announce(session, one)
    row = queries.consignment(session, one.consignment_no)
    assert row is not None
    assert (row.id, row.state, row.version, row.owner_code) == (key, "open", 1, owner.code)
    assert queries.pieces(session, [key])[key] == one.pieces
    assert queries.count_open(session) == 1


def test_refuses_a_second_consignment_of_the_same_number(session: Session) -> None:
    owner = make_company(session, "owner_of_goods")
    one = form(owner.id)
    announce(session, one)
    with pytest.raises(ConsignmentExists):
        announce(session, one)


def test_amending_replaces_pieces_and_raises_the_version(session: Session) -> None:
    owner = make_company(session, "owner_of_goods")
    one = form(owner.id, pieces=(Piece(1, 500, 400, 300, 20_000),))
    key = announce(session, one)
    assert amend(session, replace(one, weight_g=900_000, pieces=())) == 2
    row = queries.consignment(session, one.consignment_no)
    assert row is not None
    assert (row.weight_g, row.version) == (900_000, 2)
    assert queries.pieces(session, [key]) == {}


def test_a_cancelled_consignment_is_neither_amended_nor_open(session: Session) -> None:
    owner = make_company(session, "owner_of_goods")
    one = form(owner.id)
    announce(session, one)
    cancel(session, one.consignment_no)
    with pytest.raises(ConsignmentNotOpen):
        amend(session, one)
    assert queries.count_open(session) == 0
    with pytest.raises(UnknownConsignment):
        cancel(session, "NONE")


def test_milestones_are_appended_and_never_edited(session: Session) -> None:
    (name,) = make_consignments(session, 1)
    write_milestone(session, name, event="collected", kind="EST", place="CNYYA", event_at=READY)
    write_milestone(session, name, event="collected", kind="ACT", place="CNYYA", event_at=READY + timedelta(hours=1))
    assert [(row.event, row.kind) for row in queries.milestones(session, name)] == [
        ("collected", "EST"),
        ("collected", "ACT"),
    ]
    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(text("UPDATE milestone SET event_at = now()"))


def test_a_firm_sees_and_names_its_own_consignments_only(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        firm, rival = make_company(session, "logistics_firm"), make_company(session, "logistics_firm")
        mine = make_consignments(session, 2, forwarder_id=firm.id)
        theirs = make_consignments(session, 1, forwarder_id=rival.id)
    own = Scope(scope.tenant_id, role="planner", company_id=firm.id, sees_all=False)
    with database.unit_of_work(own) as session:
        assert [row.consignment_no for row in queries.consignments(session)] == mine
        assert queries.consignment(session, theirs[0]) is None
        with pytest.raises(UnknownConsignment):
            write_milestone(session, theirs[0], event="collected", kind="ACT", place="CNYYA", event_at=READY)
