"""What a transfer brings too few or too much of: an account, somebody who answers for it, and a second person."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests import build
from tests.wms.freight.sites import Ends, make_ends, sent, stock, sum_of
from tests.wms.freight.test_transfers import arrive, as_person, now, open_discrepancy
from web.commands.verify import find
from wms.db import Database, Scope
from wms.freight.rules.transfers import (
    BondedLossNeedsCustoms,
    SecondPersonNeeded,
)
from wms.freight.service.transfer_arrivals import Counted
from wms.freight.service.transfer_desk import day_at
from wms.freight.service.transfer_differences import Settle, settle


@pytest.fixture
def ends(session: Session) -> Ends:
    return make_ends(session)


@pytest.fixture
def clean(database: Database, scope: Scope) -> Iterator[None]:
    """After the test, verify finds nothing."""
    yield  # the session, asked for later, is committed before this goes on
    assert [str(finding) for finding in find(database, scope)] == []


def test_a_shortage_gets_an_account_an_owner_and_a_deadline(clean: None, session: Session, ends: Ends) -> None:
    carrier = build.make_company(session, "logistics_firm")
    stock(session, ends, 100)
    made = sent(session, ends, 100, carrier_id=carrier.id)
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=93), is_last=True)
    found = open_discrepancy(session)
    assert (found.kind, found.qty, found.answerable_id) == ("short", 7, carrier.id)
    assert found.due_on == day_at(ends.destination, now()) + timedelta(days=14)
    assert sum_of(session, ends, "discrepancy", site_id=ends.destination.id) == 7
    assert made.state == "received"


def test_surplus_stands_on_hold_until_a_second_person_accepts_it(
    clean: None, session: Session, ends: Ends, scope: Scope
) -> None:
    stock(session, ends, 50)
    made = sent(session, ends, 50)
    as_person(session, scope, ends.clerk.id)
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=50, over_qty=3))
    assert sum_of(session, ends, "location", quality_status="hold") == 3
    found = open_discrepancy(session)
    command = Settle(made.transfer_no, found.id, "accepted", "the sender forgot them", now())
    with pytest.raises(SecondPersonNeeded, match="Person"):
        settle(session, command)
    as_person(session, scope, ends.supervisor.id)
    assert settle(session, command).settlement == "accepted"
    assert sum_of(session, ends, "location", site_id=ends.destination.id, quality_status="good") == 53
    assert sum_of(session, ends, "discrepancy") == 0
    assert sum_of(session, ends, "adjustment") == -3


def test_what_is_found_in_part_leaves_the_rest_open(clean: None, session: Session, ends: Ends, scope: Scope) -> None:
    stock(session, ends, 20)
    made = sent(session, ends, 20)
    arrive(session, made.transfer_no, is_last=True)
    as_person(session, scope, ends.supervisor.id)
    found = open_discrepancy(session)
    settle(
        session,
        Settle(made.transfer_no, found.id, "found", "stood on the wrong dock", now(), 12, None, ends.dock.code),
    )
    rest = open_discrepancy(session)
    assert rest.qty == 8
    settle(session, Settle(made.transfer_no, rest.id, "lost", "the carrier pays", now()))
    assert (sum_of(session, ends, "discrepancy"), sum_of(session, ends, "adjustment")) == (0, 8)
    assert sum_of(session, ends, "location", site_id=ends.destination.id) == 12


def test_surplus_is_sent_back(clean: None, session: Session, ends: Ends, scope: Scope) -> None:
    stock(session, ends, 5)
    made = sent(session, ends, 5)
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=5, over_qty=2))
    as_person(session, scope, ends.supervisor.id)
    settle(session, Settle(made.transfer_no, open_discrepancy(session).id, "sent_back", "another owner's goods", now()))
    assert sum_of(session, ends, "location", site_id=ends.destination.id) == 5
    assert sum_of(session, ends, "discrepancy") == 0


def test_bonded_goods_missing_wait_for_customs(clean: None, session: Session, scope: Scope) -> None:
    ends = make_ends(session, kinds=("bonded", "bonded"), areas=("4902", "4902"))
    stock(session, ends, 4, status="bonded")
    made = sent(session, ends, 4)
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=3), is_last=True)
    as_person(session, scope, ends.supervisor.id)
    with pytest.raises(BondedLossNeedsCustoms):
        settle(session, Settle(made.transfer_no, open_discrepancy(session).id, "lost", "not found at all", now()))
    assert sum_of(session, ends, "discrepancy", customs_status="bonded") == 1
