"""The bonded set by our own description: written, read back the same, and checked."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wms.customs.messages import made
from web.demo.counter import forms, lists
from wms.customs.messages import NotSchemaValid, bonded, check
from wms.customs.messages.bonded import BondedMessage
from wms.customs.outline import outline

ENVELOPE = {
    "version": "1.0", "message_id": "M-1", "message_type": "SAS121", "sender_id": "4306600001", "receiver_id": "4902",
    "send_time": "20261120080000",
}  # fmt: skip
HEAD = {
    "etpsPreentNo": "GP-1", "passportTypecd": "3", "dclTypecd": "1", "ioTypecd": "E", "bindTypecd": "1",
    "masterCuscd": "4902", "areainEtpsno": "4306600001", "areainEtpsNm": "区内", "dclEtpsno": "4306600001",
    "dclEtpsNm": "区内", "vehicleNo": "湘F12345", "vehicleWt": "13000", "vehicleFrameWt": "1000",
    "totalGrossWt": "292.8", "totalNetWt": "280", "totalWt": "14292.8",
}  # fmt: skip
LINE = {
    "passportSeqNo": "1", "gdsMtno": "M1", "gdecd": "1901101090", "gdsNm": "奶粉", "dclUnitcd": "122", "dclQty": "10",
    "grossWt": "292.8", "netWt": "280",
}  # fmt: skip


def gate_pass(line: dict[str, str] | None = None, **head: str) -> BondedMessage:
    parts = {"PassportHead": (HEAD | head,), "PassportList": (LINE | (line or {}),)}
    return BondedMessage("SAS121", ENVELOPE, parts, bonded.DECLARE)


KINDS = sorted(bonded.kinds().values(), key=lambda one: one.type)


def made_up(kind: bonded.Kind, chance: random.Random) -> BondedMessage:
    """A message of a kind that our description allows."""
    parts = {}
    for part in kind.parts:
        count = chance.randint(part.least, min(part.most, 3))
        if count:
            parts[part.node.name] = tuple(made.fields(part.node, chance) for _ in range(count))
    if kind.type == bonded.STATUS_FORM:
        return BondedMessage(kind.type, {}, parts)
    flag = chance.choice([bonded.SAVE, bonded.DECLARE]) if kind.is_sent else None
    pocket = chance.choice([None, {}, {"pocket_id": "P-1", "total_pocket_qty": "1"}])
    fields = made.fields(kind.fields, chance)
    return BondedMessage(kind.type, ENVELOPE | {"message_type": kind.type}, parts, flag, fields, pocket)


@given(st.sampled_from(KINDS), st.integers(0, 2**32))
def test_parse_write_parse_is_the_identity(kind: bonded.Kind, seed: int) -> None:
    message = made_up(kind, random.Random(seed))
    data = bonded.write(message)
    assert bonded.read(data) == message
    assert bonded.write(bonded.read(data)) == data


def test_knows_the_messages_of_the_set_and_keeps_customs_spellings() -> None:
    of_zone = {"INV101", "INV201", "INV202", "INV211", "SAS121", "SAS221", "SAS223", "SAS224"}
    assert set(bonded.kinds()) == of_zone | {"CommonResponeMessage"}
    data = bonded.write(gate_pass())
    assert b"<DelcareFlag>1</DelcareFlag>" in data
    assert b"<DataInfo><BussinessData>" in data


@pytest.mark.parametrize(
    ("line", "head", "rule"),
    [
        ({}, {}, None),
        ({}, {"totalWt": "14292.7"}, "PASS-WEIGHT"),
        ({}, {"totalGrossWt": "2245.335", "totalWt": "16245.335"}, None),
        ({}, {"totalGrossWt": "2674.08", "totalWt": "16674.08"}, None),
        ({"dclQty": "0"}, {}, "POSITIVE"),
        ({"gdsMtno": ""}, {}, "PASS-GOODS"),
        ({"gdsMtno": ""}, {"passportTypecd": "5"}, None),
    ],
)
def test_rules_of_a_gate_pass(line: dict[str, str], head: dict[str, str], rule: str | None) -> None:
    report = check(bonded.compose(gate_pass(line, **head)))
    assert report.schema_valid
    assert [one.rule for one in report.findings] == ([rule] if rule else [])


def test_each_mistake_in_the_build_is_named() -> None:
    data = bonded.write(gate_pass())
    for old, new, rule in (
        (b"<DelcareFlag>1<", b"<DelcareFlag>2<", "SCH-FIXED"),
        (b"BussinessData", b"BusinessData", "SCH-MISSING"),
        (b"<vehicleNo>", b"<vehicleNr>", "SCH-UNEXPECTED"),
        (b">SAS121<", b">SAS999<", "SCH-ROOT"),
        (b"<totalWt>14292.8<", b"<totalWt>14292.123456<", "SCH-DECIMALS"),
    ):
        changed = data.replace(old, new).replace(b"</vehicleNo>", b"</vehicleNr>" if b"Nr" in new else b"</vehicleNo>")
        assert rule in [one.rule for one in check(changed).findings]
        with pytest.raises(NotSchemaValid):
            bonded.read(changed)


FROM_CUSTOMS = {
    "INV201": ("HdeApprResult", {"manageResult": "4"}, "BondInvtBsc", {"etpsInnerInvtNo": "VL-1", "bondInvtNo": "QD1"}),
    "INV211": ("BondInvtBsc", {"etpsInnerInvtNo": "VL-1"}, "BwsDt", {"gdsSeqno": "1", "actlIncQty": "10"}),
    "SAS221": ("HdeApprResult", {"manageResult": "1"}, "SasPassportBsc", {"passportNo": "Z1", "stucd": "1"}),
    "SAS224": ("HdeApprResult", {"manageResult": "3"}, "CheckInfo", {"note": "请到查验区"}),
}


def from_customs(kind: str) -> bytes:
    one, fields, other, more = FROM_CUSTOMS[kind]
    parts = {one: (fields,), other: (more,)}
    return bonded.write(BondedMessage(kind, ENVELOPE | {"message_type": kind}, parts))


@pytest.mark.parametrize("kind", FROM_CUSTOMS)
def test_what_comes_from_customs_stands_in_no_signature_and_under_its_own_name(kind: str) -> None:
    data = from_customs(kind)
    assert data.startswith(b"<Package><EnvelopInfo>")
    assert f"<BussinessData><{kind}>".encode() in data
    assert outline(data).kind == kind
    assert bonded.take(data).type == kind


def test_what_customs_says_beside_our_description_is_passed_over_and_what_is_missing_is_not() -> None:
    data = from_customs("INV201")
    more = data.replace(b"<manageResult>", b"<newField>1</newField><manageResult>").replace(
        b"</INV201>", b"<NewPart><x>1</x></NewPart></INV201>"
    )
    assert bonded.take(more).first("HdeApprResult")["manageResult"] == "4"
    with pytest.raises(NotSchemaValid):
        bonded.read(more)
    for old, new, field in (
        (b"<manageResult>4</manageResult>", b"", "manageResult"),
        (b"<etpsInnerInvtNo>VL-1</etpsInnerInvtNo>", b"<etpsInnerInvtNo></etpsInnerInvtNo>", "etpsInnerInvtNo"),
        (b"QD1", b"QD" + b"1" * 30, "bondInvtNo"),
    ):
        with pytest.raises(NotSchemaValid, match=field):
            bonded.take(data.replace(old, new))


def test_the_forms_of_the_counter_fit_our_description() -> None:
    """The counter has its own side of the messages: what it writes is what our description reads, order and all."""
    at = datetime(2026, 11, 20, 8, tzinfo=UTC)
    approved = lists.appr("1" * 18, "QD490226I000000001", 0, "4", "2026-11-20 08:00:00")
    basic = (("bondInvtNo", "QD490226I000000001"), ("etpsInnerInvtNo", "VL-1"), ("invtStucd", "0"), ("rmk", "x"))
    parts = [("HdeApprResult", approved), ("BondInvtBsc", basic), ("CheckInfo", (("note", "x"),))]
    said = bonded.read(forms.bonded("INV201", "QD490226I000000001", at, parts).encode())
    assert said.said("HdeApprResult", "BondInvtBsc")["manageResult"] == "4"
    form = forms.status_file("1" * 18, "VL-1", "ok", good=True).encode()
    assert bonded.read(form).said(bonded.STATUS_FORM)["DealFlag"] == "0"
