"""The bonded set by our own description: written, read back the same, and checked."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wms.customs.messages import made
from wms.customs.messages import NotSchemaValid, bonded, check
from wms.customs.messages.bonded import BondedMessage

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


@st.composite
def messages(draw: st.DrawFn) -> BondedMessage:
    kind = draw(st.sampled_from(sorted(bonded.kinds().values(), key=lambda one: one.type)))
    chance = random.Random(draw(st.integers(0, 2**32)))
    parts = {}
    for part in kind.parts:
        count = draw(st.integers(part.least, min(part.most, 3)))
        if count:
            parts[part.node.name] = tuple(made.fields(part.node, chance) for _ in range(count))
    flag = draw(st.sampled_from([bonded.SAVE, bonded.DECLARE])) if kind.declares else None
    return BondedMessage(kind.type, ENVELOPE | {"message_type": kind.type}, parts, flag)


@given(messages())
def test_parse_write_parse_is_the_identity(message: BondedMessage) -> None:
    data = bonded.write(message)
    assert bonded.read(data) == message
    assert bonded.write(bonded.read(data)) == data


def test_knows_the_messages_of_the_set_and_keeps_customs_spellings() -> None:
    assert set(bonded.kinds()) == {"INV101", "INV201", "INV202", "INV211", "SAS121", "SAS221", "SAS223", "SAS224"}
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
