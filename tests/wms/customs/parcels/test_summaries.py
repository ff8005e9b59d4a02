"""Export summaries by message: CEB701 out, CEB702 and CEB792 in, early, late and twice."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.wms.customs.parcels import mail, world
from tests.wms.customs.parcels.test_exports import TERMS, exported
from tests.wms.customs.parcels.world import AT, EBC
from wms.customs import mail as handlers_of
from wms.customs.messages import post_office
from wms.customs.parcels import exports, summaries
from wms.customs.parcels.rules import requests as request_rules
from wms.customs.parcels.rules.declaring import Terms
from wms.customs.tables.parcel_flows import ExportSummary

UNTIL = AT + timedelta(days=1)
SUM_NO, ENTRY_NO = "49022026S000000001", "490220260000000001"


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes messages in is there; what a test registers ends with it."""
    monkeypatch.setattr(post_office, "HANDLERS", dict(post_office.HANDLERS))
    handlers_of.register()


def left(session: Session, terms: Terms = TERMS) -> str:
    """An export that was let go, by its list number."""
    row = world.row(session, exported(session, terms))
    row.invt_no = f"49022026E{row.id:09d}"
    session.flush()
    return row.invt_no


def applied(session: Session) -> ExportSummary:
    return summaries.apply(session, EBC, AT, UNTIL, AT, mail.desk(session))


def fresh(session: Session, made: ExportSummary) -> ExportSummary:
    return session.get_one(ExportSummary, made.id, populate_existing=True)


def receipt(session: Session, made: ExportSummary, status: str, minute: int = 0, **fields: str) -> post_office.Taken:
    said = {"copNo": made.cop_no or "", "preNo": "B20260601000000001", "msgSeqNo": "1", "returnStatus": status}
    return mail.answer(session, "CEB702", AT + timedelta(minutes=minute), **(said | fields))


def result(session: Session, lists: list[str], minute: int = 9, sum_no: str = SUM_NO) -> post_office.Taken:
    lines = tuple(
        {"invtNo": one, "logisticsNo": f"W{n}", "gseqno": "1", "gnum": "1", "gcode": "6912001000"}
        for n, one in enumerate(lists)
    )
    head = {"sumNo": sum_no, "entryId": ENTRY_NO, "declSeqNo": ENTRY_NO, "decState": "1", "customsCode": "4902"}
    return mail.answer_with(session, "CEB792", AT + timedelta(minutes=minute), lines, head)


def test_released_exports_are_applied_for_and_become_a_declaration(session: Session, shared: Path) -> None:
    lists = [left(session), left(session)]
    made = applied(session)
    document = mail.sent(session, "CEB701")[0].documents[0]
    assert document["SummaryApplyHead"]["copNo"] == made.cop_no
    assert [line["invtNo"] for line in document["SummaryApplyList"]] == lists
    assert mail.is_publicly_valid(session, shared, "CEB701")
    assert receipt(session, made, "120", sumNo=SUM_NO).state == "taken"
    assert (fresh(session, made).state, made.sum_no) == ("accepted", SUM_NO)
    assert result(session, lists).state == "taken"
    assert (fresh(session, made).state, made.entry_no) == ("declared", ENTRY_NO)


def test_a_result_ahead_of_its_receipt_waits_for_it(session: Session) -> None:
    lists = [left(session)]
    made = applied(session)
    assert result(session, lists).state == "waiting"
    receipt(session, made, "120", sumNo=SUM_NO)
    assert post_office.take_up_again(session) == 1
    assert fresh(session, made).state == "declared"


def test_late_and_repeated_receipts_change_nothing(session: Session) -> None:
    lists = [left(session)]
    made = applied(session)
    for minute, status in enumerate(("2", "120", "2", "3")):
        receipt(session, made, status, minute, sumNo=SUM_NO)
    assert (fresh(session, made).state, made.status) == ("accepted", "120")
    result(session, lists)
    for minute, status in enumerate(("100", "-1", "120"), 20):
        receipt(session, made, status, minute)
    assert result(session, lists).state == "repeated"
    assert result(session, lists, minute=30).state == "taken"
    assert (fresh(session, made).state, made.entry_no, made.status) == ("declared", ENTRY_NO, "120")


@pytest.mark.parametrize("status", ["100", "-301008"])
def test_a_refused_summary_lets_go_of_its_parcels(session: Session, status: str) -> None:
    left(session)
    made = applied(session)
    receipt(session, made, status, returnInfo="清单不存在")
    assert (fresh(session, made).state, made.reason) == ("refused", "清单不存在")
    again = applied(session)
    assert again.id != made.id
    receipt(session, made, "120", 5, sumNo=SUM_NO)
    assert fresh(session, made).state == "refused"


def test_a_result_with_a_list_that_was_not_applied_for_is_refused(session: Session) -> None:
    left(session)
    receipt(session, applied(session), "120", sumNo=SUM_NO)
    taken = result(session, ["49022026E999999999"])
    assert (taken.state, "49022026E999999999" in (taken.reason or "")) == ("refused", True)


def test_one_summary_has_one_office_and_one_agent(session: Session) -> None:
    left(session)
    other = left(session, replace(TERMS, customs_code="4903"))
    found = "4902/4306960005, 4903/4306960005"
    with pytest.raises(summaries.MixedSummary, match=found), session.begin_nested():
        applied(session)
    summaries.apply(session, EBC, AT, UNTIL, AT, mail.desk(session), customs_code="4903")
    assert [line["invtNo"] for line in mail.sent(session, "CEB701")[0].documents[0]["SummaryApplyList"]] == [other]


def test_a_list_without_a_number_is_not_summed_up(session: Session) -> None:
    world.row(session, exported(session)).invt_no = None
    with pytest.raises(request_rules.NoListNumber):
        applied(session)


def test_a_summary_by_another_agent_says_so(session: Session) -> None:
    left(session)
    declares = summaries.Agent("4306960099", "报关行")
    summaries.apply(session, EBC, AT, UNTIL, AT, mail.desk(session), declares=declares, by_item_name=True)
    head = mail.last(session, "CEB701")
    assert (head["declAgentCode"], head["agentCode"], head["itemNameFlag"]) == ("4306960099", "4306960005", "1")
    with pytest.raises(exports.NothingToSum):
        applied(session)
